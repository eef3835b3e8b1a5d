"""Labels from elsewhere: what a file may look like, what is refused in one line, and how runs are put side by side."""

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
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
    a, b = found[found["taxonomy"] == "seven"].to_dict("records")
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
    assert found["model"].tolist() == ["Ä. Müller"] * 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 has no column clip_id (found nothing)"),
        (
            "clip,annotator,label\na,A,sad\n",
            "line 1 has no column clip_id (found 'clip', 'annotator', 'label'); is",
        ),
        ("clip_id,annotator,label,label \na,A,sad,sad\n", "line 1 names label 2 times"),
        ("clip_id,annotator,label\nz,A,sad\n", "clip_id is not in the run in 1 row(s) (line 2 'z')"),
        ("clip_id,annotator,label\na,A,sad\na,A,fear\n", "two labels by one annotator in 2 row(s)"),
        ("clip_id,annotator,label\na,,sad\n", "annotator is empty"),
        ("clip_id,annotator,label\na,A,bored\n", "unknown label by annotator 'A' in 1 row(s) (line 2 'bored')"),
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
    assert other_annotators.read_votes(path, CLIPS).to_numpy().tolist() == [["a", "r1", "sad"], ["a", "r2", "fear"]]
    path.write_text("clip_id,rater,label\na,r1,\n")
    with pytest.raises(ListError, match="unknown label in 1 row"):
        other_annotators.read_votes(path, CLIPS)


def test_what_an_annotator_said_before_is_replaced(tmp_path):
    old = read(tmp_path, "clip_id,annotator,label\na,A,sad\na,B,sad\n")
    new = read(tmp_path, "clip_id,annotator,label\na,A,fear\n")
    both = other_annotators.beside(old, new)
    seven = both[both["taxonomy"] == "seven"].set_index("model")["label"]
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
