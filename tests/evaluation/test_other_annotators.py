"""Labels from elsewhere: what a file may look like, what is refused in one line, and how runs are put side by side."""

import contextlib
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import ListError, RunError
from fer_helpers.evaluation import naming, other_annotators


def clips_of(**labels):
    rows = {"clip_id": list(labels), "path": list(labels), "label": list(labels.values())}
    return tables.check("clips", pd.DataFrame(rows).assign(start_s=0.0, status="ok"))


CLIPS = clips_of(a="sad", b="happy", c="fear")


def read(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "theirs.csv"
    path.write_bytes(text.encode(encoding))
    return other_annotators.read_predictions(path, CLIPS)


def test_labels_alone(tmp_path):
    found = read(tmp_path, "clip_id,annotator,label\na,A,Sadness\nb,A,\nc,A,fear\n")
    seven = found[found["taxonomy"] == "seven"].set_index("clip_id")
    assert seven["label"].fillna("-").to_dict() == {"a": "sad", "b": "-", "c": "fear"}
    assert seven["status"].to_dict() == {"a": "ok", "b": "no_label", "c": "ok"}
    assert (seven["strategy"] == "imported").all()
    assert (seven["model"] == "A").all()
    ternary = found[found["taxonomy"] == "ternary"]
    assert ternary["label"].fillna("-").tolist() == ["negative", "-", "negative"]
    assert (ternary["asked"] == "seven").all()


def test_three_classes_are_known_by_their_labels(tmp_path):
    found = read(tmp_path, "clip_id,annotator,label\na,A,negative\nb,A,neutral\na,B,neutral\nb,B,happy\n")
    assert found.groupby("model")["taxonomy"].agg(set).to_dict() == {"A": {"ternary"}, "B": {"seven", "ternary"}}


def test_probabilities_by_column(tmp_path):
    heads = ",".join(f"prob_{label}" for label in SEVEN)
    found = read(tmp_path, f"clip_id,annotator,label,{heads}\na,A,sad,0,0,.2,0,0,.8,0\nb,A,happy,,,,,,,\n")
    a, b, _ = found[found["taxonomy"] == "seven"].to_dict("records")
    assert (a["prob_fear"], a["confidence"]) == (0.2, 0.8)
    assert np.isnan(b["confidence"])


def test_a_list_of_probabilities_needs_the_order_of_its_labels(tmp_path):
    """DFEW's order, not ours: 1 Happy 2 Sad 3 Neutral 4 Angry 5 Surprise 6 Disgust 7 Fear."""
    order = "Happy Sad Neutral Angry Surprise Disgust Fear"
    text = f'clip_id,annotator,label,probabilities,label_order\na,A,sad,"[0.1, 0.6, 0.1, 0.2, 0, 0, 0]",{order}\n'
    row = read(tmp_path, text).iloc[0]
    assert row[["prob_happy", "prob_sad", "prob_neutral", "prob_angry"]].tolist() == [0.1, 0.6, 0.1, 0.2]
    with pytest.raises(ListError, match="name the labels they belong to"):
        read(tmp_path, text.replace(order, ""))


def test_windows_files_are_read(tmp_path):
    found = read(tmp_path, "\ufeffclip_id, annotator, label\r\na, Ä. Müller, sad\r\n")
    assert found["model"].tolist() == ["Ä. Müller"] * 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 has no column clip_id (found nothing)"),
        (
            "clip,annotator,label\na,A,sad\n",
            "line 1 has no column clip_id (found 'clip', 'annotator', 'label'); is",
        ),
        ("clip_id,annotator,label,label \na,A,sad,sad\n", "line 1 names label 2 times"),
        (
            "clip_id,annotator,label\nz,A,sad\n",
            "clip_id is not in the run in 1 row(s) (line 2 'z'); the run has names like 'a'",
        ),
        ("clip_id,annotator,label\na,A,sad\na,A,fear\n", "two labels by one annotator in 2 row(s)"),
        ("clip_id,annotator,label\na,,sad\n", "annotator is empty"),
        ("clip_id,annotator,label\na,A,sda\n", "unknown label by annotator 'A' in 1 row(s) (line 2 'sda'); is 'sad'"),
        ("clip_id,annotator,label\na,A,3\n", "unknown label by annotator 'A' in 1 row(s) (line 2 '3'); use angry"),
        ("clip_id,annotator,label,prob_sda\na,A,sad,1\n", "a column 'prob_sda'; is prob_sad meant?"),
        ("clip_id,annotator,label,happy\na,A,sad,1\n", "a column 'happy'; is prob_happy meant?"),
        ("clip_id,annotator,label,prob_sad,prob_sadness\na,A,sad,1,1\n", "'prob_sad' and 'prob_sadness' for sad"),
        ("clip_id,annotator,label,prob_sad,prob_fear\na,A,sad,80,20\n", "they look like per cent: divide them by 100"),
        ("clip_id,annotator,label,prob_sad,prob_fear\na,A,happy,.8,.2\n", "the label has no probability in 1 row(s)"),
        (
            "Clip,Annotator,Emotion\na,A,sad\n",
            "line 1 has no column clip_id (found 'clip', 'annotator', 'emotion'); is",
        ),
        (
            "clip_id,annotator,Emotion\na,A,sad\n",
            "has no column label (found 'clip_id', 'annotator', 'emotion'); is 'emotion' meant?",
        ),
        ("clip_id,annotator,label\na,A,negative\nb,A,happy\n", "unknown label by annotator 'A'"),
        ("clip_id,annotator,label,prob_sad\na,A,sad,0.5\n", "invalid probabilities in 1 row(s) (line 2 'a')"),
        ('clip_id,annotator,label,probabilities,label_order\na,A,sad,"1 0",sad sad\n', "name the labels"),
    ],
)
def test_wrong_files_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(ListError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text("clip_id,annotator,label\n" + text, encoding="utf-8", errors="replace")
    with contextlib.suppress(ListError):
        assert other_annotators.read_predictions(path, CLIPS)["clip_id"].isin(CLIPS["clip_id"]).all()


def test_votes(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("clip_id,rater,label\na,r1,Sad\na,r2,fear\n")
    assert other_annotators.read_votes(path, CLIPS).to_numpy().tolist() == [
        ["a", "r1", "sad", 1], ["a", "r2", "fear", 1],
    ]  # fmt: skip
    path.write_text("clip_id,rater,label\na,r1,\n")
    with pytest.raises(ListError, match="label is empty in 1 row"):
        other_annotators.read_votes(path, CLIPS)


def test_what_an_annotator_said_before_is_replaced(tmp_path):
    old = read(tmp_path, "clip_id,annotator,label\na,A,sad\na,B,sad\n")
    new = read(tmp_path, "clip_id,annotator,label\na,A,fear\n")
    both = other_annotators.beside(old, new)
    seven = both[(both["taxonomy"] == "seven") & (both["clip_id"] == "a")].set_index("model")["label"]
    assert seven.to_dict() == {"B": "sad", "A": "fear"}


def test_names():
    table = pd.DataFrame(
        [("multi_frame", "m"), ("imported", "A"), ("always", "none"), ("glad", "several")],
        columns=["strategy", "model"],
    )
    assert naming.annotator_names(table).tolist() == ["multi_frame", "A", "always", "glad"]
    more = pd.concat([table, pd.DataFrame([("multi_frame", "n")], columns=["strategy", "model"])], ignore_index=True)
    assert naming.annotator_names(more).tolist() == ["multi_frame (m)", "A", "always", "glad", "multi_frame (n)"]


def test_runs_side_by_side_share_their_clips(tmp_path):
    one = read(tmp_path, "clip_id,annotator,label\na,A,sad\nb,A,sad\nc,A,sad\n")
    predicted, clips = other_annotators.merged_runs([("x", one, CLIPS), ("y", one, CLIPS.iloc[:2])])
    assert clips["clip_id"].tolist() == ["a", "b"]
    assert set(predicted["model"]) == {"x: A", "y: A"}
    assert set(predicted["clip_id"]) == {"a", "b"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (("y", clips_of(z="sad")), "have no clip in common"),
        (("y", clips_of(a="fear")), "clip 'a' is labelled sad in x and fear in y"),
        (("x", CLIPS), "two runs are called 'x'"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(tmp_path, other, message):
    one = read(tmp_path, "clip_id,annotator,label\na,A,sad\n")
    with pytest.raises(RunError, match=message):
        other_annotators.merged_runs([("x", one, CLIPS), (other[0], one, other[1])])


# --- labels outside the seven, clips without a row, classes without a probability -------------------------


def of(found, annotator="A", taxonomy="seven"):
    rows = found[(found["model"] == annotator) & (found["taxonomy"] == taxonomy)].set_index("clip_id")
    return {clip: (label if isinstance(label, str) else None, status) for clip, label, status in
            rows[["label", "status"]].itertuples()}  # fmt: skip


def given_list(tmp_path, text, clips=CLIPS, other_labels="drop", reader=other_annotators.read_predictions):
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return reader(path, clips, other_labels)


def test_a_clip_without_a_row_is_missing_and_a_label_outside_is_wrong(tmp_path):
    text = "clip_id,annotator,label\na,A,Contempt\nb,A,happy\na,B,sad\nb,B,\nc,B,Pain\n"
    found = given_list(tmp_path, text)
    assert of(found) == {"a": (None, "outside"), "b": ("happy", "ok"), "c": (None, "no_label")}
    assert of(found, "B") == {"a": ("sad", "ok"), "b": (None, "no_label"), "c": (None, "outside")}
    assert of(found, taxonomy="ternary") == {"a": (None, "outside"), "b": ("positive", "ok"), "c": (None, "no_label")}


@pytest.mark.parametrize("other_labels", ["drop", "keep", {"Contempt": "disgust", "quizzical": "surprise"}])
def test_a_predicted_label_outside_is_mapped_or_wrong_never_missing(tmp_path, other_labels):
    found = given_list(tmp_path, "clip_id,annotator,label\na,A,contempt\nb,A,Other\nc,A,sad\n", CLIPS, other_labels)
    contempt = ("disgust", "ok") if isinstance(other_labels, dict) else (None, "outside")
    assert of(found) == {"a": contempt, "b": (None, "outside"), "c": ("sad", "ok")}


def test_three_classes_and_a_word_outside_them(tmp_path):
    found = given_list(tmp_path, "clip_id,annotator,label\na,A,negative\nb,A,mixed\nc,A,neutral\n")
    assert of(found, taxonomy="ternary") == {"a": ("negative", "ok"), "b": (None, "outside"), "c": ("neutral", "ok")}


def test_six_classes_are_a_common_set(tmp_path):
    """Without surprise, and as a list in an order of its own; the seventh is 0, which is said."""
    heads = "prob_anger,prob_disgust,prob_fear,prob_happiness,prob_neutral,prob_sadness"
    text = f"clip_id,annotator,label,{heads}\na,A,sad,0,0,.2,0,0,.8\nb,A,happy,.1,.1,.1,.5,.1,.1\n"
    with pytest.warns(UserWarning, match="'A' gives surprise no probability, which is taken for 0"):
        found = given_list(tmp_path, text)
    row = found[(found["clip_id"] == "a") & (found["taxonomy"] == "seven")].iloc[0]
    assert row[["prob_fear", "prob_sad", "prob_surprise", "confidence"]].tolist() == [0.2, 0.8, 0, 0.8]
    listed = 'clip_id,annotator,label,probabilities,label_order\na,A,sad,".2 .8",fear sad\n'
    with pytest.warns(UserWarning, match="gives angry, disgust, happy, neutral, surprise no"):
        again = given_list(tmp_path, listed)
    assert again.iloc[0][["prob_fear", "prob_sad", "prob_happy"]].tolist() == [0.2, 0.8, 0]


def test_probability_of_a_label_outside_goes_where_the_label_goes(tmp_path):
    text = "clip_id,annotator,label,prob_sad,prob_disgust,prob_contempt\na,A,sad,.5,.25,.25\nb,A,sad,.75,.25,0\n"
    with pytest.warns(UserWarning, match=r"1 row\(s\) of annotator 'A' are left without probabilities"):
        found = given_list(tmp_path, text)
    seven = found[found["taxonomy"] == "seven"].set_index("clip_id")
    assert np.isnan(seven.loc["a", "prob_sad"])
    assert seven.loc["b", "prob_sad"] == 0.75
    mapped = given_list(tmp_path, text, CLIPS, {"contempt": "disgust"})
    assert mapped.iloc[0][["prob_sad", "prob_disgust", "confidence"]].tolist() == [0.5, 0.5, 0.5]


# --- which clips a list is about ---------------------------------------------------------------------------


MANY = clips_of(**{f"DailyLife/Angry/{n:04d}": "angry" for n in range(20)})


def test_a_list_for_the_whole_corpus_is_kept_where_it_is_about_the_run(tmp_path):
    lines = [f"DailyLife/Angry/{n:04d},A,sad" for n in range(5, 500)]
    with pytest.warns(
        UserWarning, match=r"480 of 495 row\(s\) are on clips that are not in this run .* 15 of the run's 20"
    ):
        found = given_list(tmp_path, "\n".join(["clip_id,annotator,label", *lines]), MANY)
    assert list(of(found)) == MANY["clip_id"].tolist()
    assert [status for _, status in of(found).values()] == ["no_label"] * 5 + ["ok"] * 15


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Angry/{:04d}", "write 'DailyLife/Angry/0000' for 'Angry/0000'"),
        ("/data/DailyLife/Angry/{:04d}.mp4", "write 'DailyLife/Angry/0000' for '/data/DailyLife/Angry/0000.mp4'"),
        ("dailylife/angry/{:04d}", "write 'DailyLife/Angry/0000' for 'dailylife/angry/0000'"),
        ("x{}", "the run has names like 'DailyLife/Angry/0000'"),
    ],
)
def test_other_names_for_the_clips_are_refused_with_both(tmp_path, name, hint):
    rows = [f"{name.format(n)},A,sad" for n in range(20)]
    with pytest.raises(ListError) as caught:
        given_list(tmp_path, "\n".join(["clip_id,annotator,label", *rows]), MANY)
    assert "clip_id is not in the run in 20 row(s) (line 2 '" + name.format(0) in str(caught.value)
    assert hint in str(caught.value)


def test_a_file_suffix_or_unicode_form_makes_no_difference(tmp_path):
    clips = clips_of(**{"caf\u00e9": "sad", "b": "fear"})
    found = given_list(tmp_path, "clip_id,annotator,label\ncafe\u0301.mp4,A,sad\nb.PNG,A,fear\n", clips)
    assert of(found) == {"caf\u00e9": ("sad", "ok"), "b": ("fear", "ok")}


def test_rows_that_repeat_count_once_and_rows_that_contradict_are_refused(tmp_path):
    with pytest.warns(UserWarning, match=r"1 row\(s\) repeat another and count once \(first: line 4\)"):
        found = given_list(tmp_path, "clip_id,annotator,label\na,A,sad\nb,A,fear\na,A,Sadness\n")
    assert of(found)["a"] == ("sad", "ok")
    # What is on no clip of the run is left out before: FER+'s doubled names refuse no import.
    with pytest.warns(UserWarning, match=r"2 of 4 row\(s\) are on clips"):
        given_list(tmp_path, "clip_id,annotator,label\na,A,sad\nb,A,sad\nz,A,sad\nz,A,fear\n")


def test_a_trailing_comma_and_an_index_column_are_no_trouble(tmp_path):
    assert of(given_list(tmp_path, "clip_id,annotator,label,\na,A,sad,\nb,A,fear,\n"))["b"] == ("fear", "ok")
    with pytest.warns(UserWarning, match="column 1, numbers without a name"):
        found = given_list(tmp_path, "Unnamed: 0,Clip ID,Annotator,LABEL\n0,a,A,sad\n7,b,A,fear\n")
    assert of(found)["a"] == ("sad", "ok")


WORDS = st.sampled_from(["sad", "Joy", "contempt", "", "sda", "negative"])
ROWS = st.lists(st.tuples(st.sampled_from("abcyz"), st.sampled_from(["A", "B", ""]), WORDS), min_size=1, max_size=6)


@settings(deadline=None, max_examples=50)
@given(ROWS, st.booleans())
def test_every_row_is_used_counted_or_refused(tmp_path_factory, rows, voting):
    """As many rows come out as went in, but for those that a remark counts."""
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text(f"clip_id,{'rater' if voting else 'annotator'},label\n" + "".join(f"{','.join(r)}\n" for r in rows))
    reader = other_annotators.read_votes if voting else other_annotators.read_predictions
    with warnings.catch_warnings(record=True) as said, contextlib.suppress(ListError):
        warnings.simplefilter("always")
        found = reader(path, CLIPS)
        if voting:
            used = int(found["count"].sum())
        else:
            known = {(clip, name) for clip, name, _ in rows}
            seven = found[found["asked"] == found["taxonomy"]]
            used = sum(pair in known for pair in zip(seven["clip_id"], seven["model"], strict=True))
        counted = [re.search(r"(\d+)(?: of \d+)? row\(s\) (repeat|are on clips)", str(w.message)) for w in said]
        assert used + sum(int(match[1]) for match in counted if match) == len(rows)


# --- votes as counts -----------------------------------------------------------------------------------------


def votes_of(found):
    return {clip: dict(part[["label", "count"]].to_numpy()) for clip, part in found.groupby("clip_id")}


def test_crema_d_votes_as_its_authors_tabulate_them(tmp_path):
    """Those who saw the face alone, 2xxxxx; nobody is made up who cast them."""
    text = (
        '"","A","D","F","H","N","S","fileName","numResponses"\n'
        '"100001",9,0,0,0,0,0,"a",9\n"200001",1,0,2,0,5,0,"a",8\n"300001",0,0,0,9,0,0,"a",9\n'
        '"200002",0,0,0,7,1,0,"b.flv",8\n'
    )
    with pytest.warns(UserWarning, match=r"2 row\(s\) of raters who heard the voice are left out"):
        found = given_list(tmp_path, text, reader=other_annotators.read_votes)
    assert votes_of(found) == {"a": {"angry": 1, "fear": 2, "neutral": 5}, "b": {"happy": 7, "neutral": 1}}
    assert found["rater"].isna().all()
    assert list(found.columns) == ["clip_id", "rater", "label", "count"]


def test_votes_as_counts_in_rows_and_with_more_labels_than_seven(tmp_path):
    long = "clip_id,label,count\na,Sad,3\na,contempt,2\nb,joy,5\n"
    found = given_list(tmp_path, long, reader=other_annotators.read_votes)
    assert votes_of(found) == {"a": {"sad": 3, "contempt": 2}, "b": {"happy": 5}}
    mapped = given_list(tmp_path, "clip_id,sad,contempt,disgust\na,3,2,1\n", CLIPS, {"contempt": "disgust"},
        other_annotators.read_votes)  # fmt: skip
    assert votes_of(mapped) == {"a": {"sad": 3, "disgust": 3}}
    people = given_list(tmp_path, "clip_id,rater,label\na,r1,calm\na,r2,sad\n", reader=other_annotators.read_votes)
    assert people.to_numpy().tolist() == [["a", "r1", "calm", 1], ["a", "r2", "sad", 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip_id,sad,happy\na,1.5,2\n", "count is not a whole number in 1 row(s) (line 2 '1.5')"),
        ("clip_id,sad,hapiness,fear\na,1,2,0\n", "a column 'hapiness'; is happiness meant?"),
        ("clip_id,sad,happy\na,1,2\na,2,1\n", "two rows of one clip that differ in 2 row(s)"),
        ("clip_id,rater,label\na,r,sad\na,r,fear\n", "two labels by one rater in 2 row(s)"),
        ("clip_id,rater,label\na,,sad\n", "rater is empty in 1 row(s)"),
        ("clip_id,label,count\na,sad,1\na,Sadness,2\n", "two counts of one label in 2 row(s)"),
        ("clip_id,rater,emotion\na,r,sad\n", "has no column label (found 'clip_id', 'rater', 'emotion'); is 'emotion'"),
        ('"",A,D,F,H,N,S,fileName\n1,1,0,0,0,0,0,a\n', "no number of CREMA-D's (2xxxxx: the face alone)"),
    ],
)
def test_wrong_votes_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(ListError) as caught:
        given_list(tmp_path, text, reader=other_annotators.read_votes)
    assert message in str(caught.value)
