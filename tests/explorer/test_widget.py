"""The explorer in Python: what it sends, what it selects, what it keeps, and what it never lets out."""

import base64
import json
from xml.etree import ElementTree

import cv2
import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert import HTMLExporter

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.evaluation import agreement, scores
from fer_helpers.explorer import ConfusionExplorer, marks
from fer_helpers.explorer._filmstrips import MOST, SMALL, strip, thinned
from fer_helpers.explorer._table import NO_LABEL, Columns, first_view
from tests.support.command import fer
from tests.support.explorer_runs import HOSTILE, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run") / "a", 60, taxonomies=("seven", "ternary"))


@pytest.fixture
def explorer(run):
    (run.folder / marks.FILE).unlink(missing_ok=True)
    return ConfusionExplorer(run)


def series(explorer, **wanted):
    """Number of the series with these keys."""
    found = [n for n, one in enumerate(explorer._data.series) if all(getattr(one, k) == v for k, v in wanted.items())]
    return found[0]


def mark(explorer, clip, **values):
    """What the browser sends when a button is pressed."""
    explorer._receive(None, {"type": "mark", "clip": clip, "mark": {"suggested": None, "note": "", **values}}, [])


# --- what is selected ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("taxonomy", ["seven", "ternary"])
def test_the_selection_of_every_cell_is_what_pandas_groups(run, explorer, taxonomy):
    """Cells hold each clip once, clips without a label are in the last column, and none is lost."""
    a = series(explorer, strategy="multi_frame", taxonomy=taxonomy, asked="seven")
    explorer.view = {**explorer.view, "a": a}
    rows = scores.join(run.read("predictions"), run.read("clips"))
    rows = rows[(rows["strategy"] == "multi_frame") & (rows["taxonomy"] == taxonomy) & (rows["asked"] == "seven")]
    expected = rows.fillna({"label": NO_LABEL}).groupby(["truth", "label"])["clip_id"].agg(set)
    assert len(expected) > 3
    assert NO_LABEL in expected.index.get_level_values("label")
    total = 0
    for (row, column), clips in expected.items():
        explorer.selected = {"matrix": "a", "row": row, "column": column}
        assert set(explorer.selection["clip_id"]) == clips
        total += len(explorer.selection)
    assert total == len(run.read("clips"))


def test_a_selection_carries_label_prediction_and_clip_the_surest_first(run, explorer):
    rows = scores.join(run.read("predictions"), run.read("clips"))
    rows = rows[(rows["strategy"] == "single_frame") & (rows["taxonomy"] == "seven")]
    row, column = rows.groupby(["truth", "label"]).size().idxmax()
    explorer.selected = {"matrix": "a", "row": row, "column": column}
    shown = explorer.selection
    assert len(shown) > 1
    assert (shown["truth"] == row).all()
    assert (shown["label"] == column).all()
    assert list(shown["confidence"].round(2)) == sorted(shown["confidence"].round(2), reverse=True)
    assert {"scene", "split", "subject", "path", "prob_fear", "strategy", "status"} <= set(shown)


def test_two_annotators_side_by_side_and_who_changed_sides(run, explorer):
    a, b = (series(explorer, strategy=name, taxonomy="seven") for name in ("single_frame", "multi_frame"))
    explorer.view = {**explorer.view, "a": a, "b": b}
    explorer.selected = {"matrix": "change"}
    rows = run.read("predictions")
    rows = rows[(rows["taxonomy"] == "seven") & rows["frame_index"].isna()]
    wide = rows.assign(label=rows["label"].fillna(NO_LABEL)).pivot(index="clip_id", columns="strategy", values="label")
    changed = wide[wide["single_frame"] != wide["multi_frame"]]
    assert set(explorer.selection["clip_id"]) == set(changed.index)
    shown = explorer.selection.set_index("clip_id")[["label", "label_b"]].fillna(NO_LABEL)
    pd.testing.assert_frame_equal(
        shown.sort_index(), changed[["single_frame", "multi_frame"]].set_axis(["label", "label_b"], axis=1),
        check_names=False,
    )  # fmt: skip


def test_without_labels_one_annotator_is_set_against_another(tmp_path):
    explorer = ConfusionExplorer(make_run(tmp_path / "a", 30, labelled=False), strategy="soft_vote")
    other = explorer._data.series[explorer.view["rows"]]
    assert other.strategy != "soft_vote"
    assert (other.taxonomy, other.asked) == ("seven", "seven")
    agreed = 0
    for label in SEVEN:
        explorer.selected = {"matrix": "a", "row": label, "column": label}
        agreed += len(explorer.selection)
    predicted = tables.read("predictions", tmp_path / "a")
    predicted = predicted[predicted["taxonomy"] == "seven"]
    wide = predicted.pivot(index="clip_id", columns="strategy", values="label")[[other.strategy, "soft_vote"]]
    assert agreed == (wide[other.strategy] == wide["soft_vote"]).sum() > 0


@pytest.mark.parametrize(
    ("filters", "test"),
    [
        ({"scene": ["plain"]}, lambda rows: rows["scene"] == "plain"),
        (
            {"scene": ["plain", "garden"], "split": ["test"]},
            lambda rows: (rows["scene"] != "street") & (rows["split"] == "test"),
        ),
        ({"subject": [None, "s1"]}, lambda rows: rows["subject"].isna() | (rows["subject"] == "s1")),
        ({"confidence": [40, 70]}, lambda rows: rows["confidence"].astype(float).mul(100).round().between(40, 70)),
        ({"agreement": [0, 60]}, lambda rows: rows["agreement"].astype(float).mul(100).round().between(0, 60)),
        ({"confidence": [0, 100], "scene": []}, lambda rows: rows["clip_id"].notna()),
    ],
)  # fmt: skip
def test_filters_keep_what_they_name(run, explorer, filters, test):
    """A value that is not known can be filtered for; a full range keeps clips without any confidence."""
    a = series(explorer, strategy="majority_vote", taxonomy="seven")
    explorer.view = {**explorer.view, "a": a, "b": a + 1, "filters": filters}
    kept = explorer._data.kept(explorer.view)
    rows = run.read("predictions").merge(run.read("clips")[["clip_id", "scene", "split", "subject"]], on="clip_id")
    rows = rows[(rows["strategy"] == "majority_vote") & (rows["taxonomy"] == "seven")]
    expected = set(rows["clip_id"][test(rows)])
    assert set(explorer._data.clip_ids[kept]) == expected
    assert expected


def test_a_second_run_is_compared_clip_by_clip(run, tmp_path):
    second = make_run(tmp_path / "b", 40, seed=1)  # of the sixty clips, forty
    explorer = ConfusionExplorer(run, compare=second)
    other = series(explorer, source=1, strategy="single_frame")
    explorer.view = {**explorer.view, "b": other}
    assert (explorer._data.series[other].rows >= 0).sum() == 40
    assert explorer._data.title(explorer._data.series[other]) == "single_frame · b"


def test_no_prediction_of_the_clips_is_an_error(run):
    clips = run.read("clips").assign(clip_id=lambda table: "other " + table["clip_id"])
    with pytest.raises(RunError, match="predictions has no predictions for these 60 clips"):
        ConfusionExplorer(run.read("predictions"), clips, run.read("frames"))


def test_tables_do_without_a_run(run):
    explorer = ConfusionExplorer(run.read("predictions"), run.read("clips"), run.read("frames"), folder=run.folder)
    sent = page_of(explorer, [0, 1])
    assert all(map(len, sent["strips"]))
    without = ConfusionExplorer(run.read("predictions"), run.read("clips"), run.read("frames"))
    assert page_of(without, [0])["strips"] == [b""]
    mark(without, 0, verdict="ambiguous")
    assert list(without.marks["verdict"]) == ["ambiguous"]


# --- what is sent ---------------------------------------------------------------------------------------------


def page_of(explorer, clips, of=(0,)):
    """What the kernel answers to a page of clips."""
    sent = {}
    explorer.send = lambda content, buffers=None: sent.update(content, strips=buffers)
    explorer._receive(None, {"type": "page", "id": 7, "series": list(of), "clips": clips}, [])
    del explorer.send
    return sent


def test_a_page_tells_what_is_behind_each_prediction(run, explorer):
    of = series(explorer, strategy="soft_vote", taxonomy="seven")
    sent = page_of(explorer, [4], [of])
    about = sent["items"][0]["about"][of]
    assert (sent["type"], sent["id"]) == ("page", 7)
    rows = run.read("predictions").set_index(["clip_id", "strategy", "taxonomy"])
    row = rows.loc[("clip 00004", "soft_vote", "seven")]
    assert about["status"] == row["status"]
    assert about["tokens"] == row["tokens"]
    assert about["probabilities"] == pytest.approx([row[f"prob_{label}"] for label in SEVEN], abs=5e-4)
    assert [reply["frames"] for reply in about["replies"]] == [[1], [2], [3], [4], [5]]
    planned = run.read("requests")
    mine = planned[(planned["clip_id"] == "clip 00004") & (planned["taxonomy"] == "seven")]
    singles = mine[[len(indices) == 1 for indices in mine["frame_indices"]]]
    answers = run.read("answers").set_index("key").loc[singles["key"]]
    assert [reply["status"] for reply in about["replies"]] == list(answers["status"])
    assert all("brows raised" in reply["words"] for reply in about["replies"] if reply["label"])


def test_the_strip_shows_the_clips_frames_side_by_side(run, explorer):
    picture = cv2.imdecode(np.frombuffer(page_of(explorer, [3])["strips"][0], np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (SMALL, 5 * SMALL, 3)
    first = cv2.imdecode(np.frombuffer(run.picture("clip 00003", 0), np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(first, (SMALL, SMALL), interpolation=cv2.INTER_AREA)
    assert np.abs(picture[:, :SMALL].astype(int) - small).mean() < 12  # of 255: what WebP loses


def test_a_frame_that_is_gone_is_a_grey_square(tmp_path):
    run = make_run(tmp_path / "a", 8)
    (run.folder / "frames" / "2" / "1.jpg").unlink()
    (run.folder / "frames" / "2" / "2.jpg").write_bytes(b"no picture")
    picture = page_of(ConfusionExplorer(run), [2])["strips"][0]
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert np.abs(pixels[:, SMALL + 4 : 3 * SMALL - 4].astype(int) - 128).max() < 20
    assert pixels[:, :SMALL].std() > 20


@pytest.mark.parametrize("indices", [[], [4], list(range(16)), list(range(3, 64, 3)), list(range(1000))])
def test_many_frames_are_spread_over_the_clip(indices):
    shown = thinned(indices)
    assert len(shown) == min(len(indices), MOST)
    assert shown[:1] + shown[-1:] == indices[:1] + indices[-1:] if len(indices) > 1 else shown == indices
    assert shown == sorted(set(shown))


def test_a_blurred_strip_is_a_mosaic(run):
    picture = run.picture("clip 00000", 0)
    noise = np.random.default_rng(1).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    fine = cv2.imencode(".png", noise)[1].tobytes()
    decoded = [
        cv2.imdecode(np.frombuffer(strip([fine], SMALL, blur), np.uint8), 1).astype(int) for blur in (True, False)
    ]
    steps = [np.abs(np.diff(pixels, axis=1)).mean() for pixels in decoded]
    assert steps[0] < steps[1] / 8
    assert strip([], SMALL) == b""
    assert strip([picture], SMALL, True) != strip([picture], SMALL)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "page", "id": 1, "series": [0], "clips": [10**6]},
        {"type": "page", "id": 1, "series": [99], "clips": [0]},
        {"type": "large", "id": 1, "series": 0, "clip": -1},
        {"type": "mark", "clip": 0, "mark": {"verdict": "hacked"}},
        {"type": "mark", "clip": 0, "mark": {"verdict": "ambiguous", "suggested": "bored"}},
        {"type": "mark", "clip": 0, "mark": {"verdict": "ambiguous", "note": "x" * 3000}},
        {"type": "nothing"},
        {},
    ],
)
def test_a_message_that_makes_no_sense_is_answered_with_what_is_wrong(run, explorer, message):
    """A click always does something: a problem is said where the click was, and nothing is kept."""
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    explorer._receive(None, message, [])
    assert [content["type"] for content in sent] == ["problem"]
    assert explorer.marks.empty
    assert not (run.folder / marks.FILE).exists()


def test_no_picture_and_no_reply_enters_the_widgets_state(run, explorer):
    """The state is what a notebook's file keeps: no face, no text of a model, and little of anything."""
    page_of(explorer, list(range(12)))
    explorer.selected = {"matrix": "a", "row": "fear", "column": "surprise"}
    state, _, buffers = widget_state(explorer)
    assert buffers == []
    text = json.dumps(state)
    assert "brows raised" not in text
    for clip_id in ("clip 00000", "clip 00001"):
        assert base64.b64encode(run.picture(clip_id, 0)).decode()[:60] not in text
    assert "webp" not in json.dumps({name: value for name, value in state.items() if name not in ("_esm", "_css")})
    columns = len(state["_columns"])
    assert columns / 60 < 400  # bytes a clip with twelve series: 2,339 clips stay under 1 MB


def widget_state(explorer):
    from ipywidgets.widgets.widget import _remove_buffers

    return _remove_buffers(explorer.get_state())


def test_viewers_without_widgets_show_a_still_matrix(explorer):
    """What GitHub, an exported page and some editors show: counts by label, a link, no frame, nobody's markup."""
    shown = explorer._repr_mimebundle_()[0]["text/html"]
    head, *rows = [
        ["".join(cell.itertext()) for cell in row] for row in ElementTree.fromstring(f"<p>{shown}</p>").iter("tr")
    ]
    for row, *counts in rows:
        for column, n in zip(head[1:], counts, strict=True):
            explorer.selected = {"matrix": "a", "row": row, "column": column}
            assert len(explorer.selection) == int(n)
    assert sum(int(n) for _, *counts in rows for n in counts) == 60
    assert 'href="../explorer.html"' in shown
    assert "img" not in shown


def test_an_exported_page_shows_the_still_matrix(explorer):
    notebook = nbformat.v4.new_notebook()
    bundle = explorer._repr_mimebundle_()[0]
    notebook.cells = [nbformat.v4.new_code_cell("explorer", outputs=[nbformat.v4.new_output("display_data", bundle)])]
    page = HTMLExporter().from_notebook_node(notebook)[0]
    assert 'open <a href="../explorer.html">explorer.html</a>' in page


def test_it_opens_on_the_most_confused_pair(run):
    for strategy in ("single_frame", "multi_frame"):
        explorer = ConfusionExplorer(run, strategy=strategy)
        rows = scores.join(run.read("predictions"), run.read("clips"))
        rows = rows[(rows["strategy"] == strategy) & (rows["taxonomy"] == "seven")]
        wrong = rows[rows["label"].notna() & (rows["label"] != rows["truth"])]
        assert len(explorer.selection) == wrong.groupby(["truth", "label"]).size().max()
        assert (explorer.selection["truth"] != explorer.selection["label"]).all()


def test_without_an_error_it_opens_on_the_fullest_cell(run):
    clips = run.read("clips")
    labels = run.read("predictions").query("taxonomy == 'seven' and strategy == 'single_frame'").set_index("clip_id")
    clips["label"] = clips["clip_id"].map(labels["label"])
    explorer = ConfusionExplorer(labels.reset_index(), clips, run.read("frames"))
    assert explorer.selected["row"] == explorer.selected["column"]
    assert len(explorer.selection) == clips["label"].value_counts().max()
    nothing = ConfusionExplorer(labels.reset_index().assign(label=None, status="refused"), clips, run.read("frames"))
    assert nothing.selected == {}


def test_it_is_named_without_an_address(explorer):
    """The default carries an object's address, which differs in every run of a notebook."""
    assert repr(explorer) == "ConfusionExplorer(60 clips)"
    assert explorer._repr_mimebundle_()[0]["text/plain"] == "ConfusionExplorer(60 clips)"


# --- marks ----------------------------------------------------------------------------------------------------


def test_marks_are_kept_as_they_are_made_and_survive_a_restart(run, explorer):
    seen = []
    explorer.observe(lambda change: seen.append(len(change["new"])), "marks")
    mark(explorer, 3, verdict="label looks wrong", suggested="fear", note="lips stretched")
    mark(explorer, 5, verdict="ambiguous")
    mark(explorer, 5, verdict=None)
    again = ConfusionExplorer(run).marks
    pd.testing.assert_frame_equal(again, explorer.marks)
    kept = again.set_index("clip_id").loc["clip 00003"]
    assert list(again["clip_id"]) == ["clip 00003"]
    assert (kept["verdict"], kept["suggested"], kept["note"]) == ("label looks wrong", "fear", "lips stretched")
    assert kept["path"] == "videos/clip 00003.mp4"
    assert kept["marked_at"].startswith("20")
    assert seen == [1, 2, 1]


def test_two_explorers_lose_none_of_each_others_marks(run, explorer):
    other = ConfusionExplorer(run)
    mark(explorer, 1, verdict="ambiguous")
    mark(other, 2, verdict="model wrong")
    assert set(other.marks["clip_id"]) == {"clip 00001", "clip 00002"}
    assert set(marks.table(marks.read(run.folder))["clip_id"]) == {"clip 00001", "clip 00002"}


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 400), note=st.text(max_size=40))
def test_a_mark_cut_off_by_a_crash_never_was(tmp_path_factory, cut, note):
    """Whole or not at all: what comes before and after a torn line is read as it was written."""
    folder = tmp_path_factory.mktemp("marks")
    marks.keep(marks.Mark(clip_id="a", verdict="ambiguous", note=note), folder)
    whole = (folder / marks.FILE).read_bytes()
    marks.keep(marks.Mark(clip_id="b", verdict="model wrong", note=note), folder)
    both = (folder / marks.FILE).read_bytes()
    (folder / marks.FILE).write_bytes(both[: max(len(whole), len(both) - 2 - cut)])
    marks.keep(marks.Mark(clip_id="c", verdict="ambiguous", note=note), folder)
    kept = marks.read(folder)
    assert [one.clip_id for one in kept] in (["a", "c"], ["a", "b", "c"])
    assert all(one.note == note for one in kept)


def test_a_mark_that_cannot_be_kept_is_said(run, explorer, monkeypatch):
    monkeypatch.setattr(marks, "FILE", "no such folder/marks.jsonl")
    sent = []
    explorer.send = lambda content, buffers=None: sent.append(content)
    mark(explorer, 0, verdict="ambiguous")
    assert sent[0]["type"] == "problem"
    assert explorer.marks.empty


def test_corrected_labels_stand_beside_the_originals(run, explorer):
    """Only a wrong label with a suggestion is corrected; a doubt, an ambiguous clip or a wrong model is none."""
    clips = run.read("clips")
    others = [next(label for label in SEVEN if label != clips["label"][n]) for n in range(4)]
    mark(explorer, 0, verdict="label looks wrong", suggested=others[0])
    mark(explorer, 1, verdict="label looks wrong")
    mark(explorer, 2, verdict="ambiguous", suggested=others[2])
    mark(explorer, 3, verdict="model wrong", suggested=others[3])
    corrected = marks.corrected(clips, explorer.marks)
    pd.testing.assert_frame_equal(corrected.drop(columns="label_corrected"), clips)
    assert list(corrected["label_corrected"]) == [others[0], *clips["label"][1:]]
    without = marks.corrected(clips, marks.table([]))
    assert list(without["label_corrected"]) == list(clips["label"])
    unlabelled = marks.corrected(clips.assign(label=pd.Series(None, index=clips.index, dtype="str")), explorer.marks)
    assert list(unlabelled["label_corrected"].dropna()) == [others[0]]


def test_rows_can_be_the_corrected_labels(run, explorer):
    clips = run.read("clips")
    other = next(label for label in SEVEN if label != clips["label"][0])
    mark(explorer, 0, verdict="label looks wrong", suggested=other)
    a = explorer._data.series[explorer.view["a"]]
    predicted = SEVEN[a.codes[0]] if a.codes[0] >= 0 else NO_LABEL
    explorer.selected = {"matrix": "a", "row": other, "column": predicted}
    assert clips["clip_id"][0] not in set(explorer.selection["clip_id"])
    explorer.view = {**explorer.view, "rows": "corrected"}
    assert clips["clip_id"][0] in set(explorer.selection["clip_id"])


def test_each_reviewer_has_marks_of_their_own(run, explorer):
    """Two people's marks of one clip are two marks; taking one back leaves the other; a third sees neither."""
    for who, verdict in (("ana", "ambiguous"), ("ben", "model wrong")):
        mark(explorer, 0, verdict=verdict, reviewer=who)
    mark(explorer, 1, verdict="ambiguous", reviewer="ana", blind=True)
    kept = ConfusionExplorer(run).marks
    rows = kept[["clip_id", "reviewer", "verdict", "blind"]].to_numpy().tolist()
    assert rows == [
        ["clip 00000", "ana", "ambiguous", False],
        ["clip 00000", "ben", "model wrong", False],
        ["clip 00001", "ana", "ambiguous", True],
    ]
    for who, n in (("ana", 2), ("ben", 1), ("eve", 0)):
        explorer.reviewer = who
        explorer.selected = {"matrix": "marked"}
        assert len(explorer.selection) == n
    mark(explorer, 0, verdict=None, reviewer="ana")
    assert [(one.clip_id, one.reviewer) for one in marks.read(run.folder)] == [
        ("clip 00000", "ben"),
        ("clip 00001", "ana"),
    ]


def marked(*rows):
    """Marks as a table, from (clip, reviewer, verdict, suggested) of clips labelled sad."""
    names = ("clip_id", "reviewer", "verdict", "suggested")
    return marks.table(marks.Mark(**dict(zip(names, row, strict=True)), label="sad") for row in rows)


def test_marks_are_votes_of_several_raters():
    """Worked by hand: Cohen's kappa of two who agree on two of three clips, one label each way, is 0.4."""
    table = marked(
        ("c1", "ana", "label looks wrong", "fear"),
        ("c1", "ben", "label looks wrong", "fear"),
        ("c2", "ana", "model wrong", None),
        ("c2", "ben", "model wrong", None),
        ("c3", "ana", "ambiguous", "fear"),
        ("c3", "ben", "model wrong", None),
        ("c4", "ana", "ambiguous", None),  # no vote, nor is a doubt without a suggestion
        ("c4", "ben", "label looks wrong", None),
    )
    votes = marks.votes(table)
    assert list(votes.columns) == ["clip_id", "rater", "label"]
    assert votes[votes["clip_id"] == "c2"]["label"].tolist() == ["sad", "sad"]
    assert set(votes["clip_id"]) == {"c1", "c2", "c3"}
    assert agreement.shares(votes).loc["ana", "ben"] == pytest.approx(2 / 3)
    assert agreement.kappas(votes, SEVEN).loc["ana", "ben"] == pytest.approx(0.4)  # (2/3 - 4/9) / (1 - 4/9)


@pytest.mark.parametrize(
    ("rows", "corrected"),
    [
        ([("c", "ana", "label looks wrong", "fear")], "fear"),
        ([("c", "ana", "label looks wrong", "fear"), ("c", "ben", "model wrong", None)], "sad"),  # one against one
        ([("c", who, "label looks wrong", "fear") for who in "ab"] + [("c", "c", "model wrong", None)], "fear"),
        ([("c", "ana", "label looks wrong", "fear"), ("c", "ben", "label looks wrong", "angry")], "sad"),
        ([("c", "ana", "ambiguous", "fear")], "sad"),
        ([], "sad"),
    ],
)
def test_a_label_is_corrected_where_most_reviewers_say_so(rows, corrected):
    clips = pd.DataFrame({"clip_id": ["c"], "label": ["sad"]})
    assert marks.corrected(clips, marked(*rows))["label_corrected"].tolist() == [corrected]


def test_marks_made_before_there_were_reviewers_are_read(tmp_path):
    (tmp_path / marks.FILE).write_text('\n{"clip_id": "a", "verdict": "ambiguous"}\n')
    (kept,) = marks.read(tmp_path)
    assert (kept.reviewer, kept.blind) == ("", False)


# --- serving --------------------------------------------------------------------------------------------------


def test_a_folder_without_a_run_is_not_served(tmp_path):
    result = fer("explore", tmp_path)
    assert result.exit_code == 1
    assert result.output == f"fer-helpers: {tmp_path} is not a run's folder: it has no manifest.json with parameters\n"


# --- the file -------------------------------------------------------------------------------------------------


def test_a_file_holds_no_frame_unless_it_is_asked_for(run, explorer, tmp_path):
    sizes = {
        frames: explorer.to_html(tmp_path / f"{frames}.html", frames).stat().st_size
        for frames in ("none", "blurred", "full")
    }
    assert sizes["none"] < sizes["blurred"] < sizes["full"]
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(RunError, match="frames is 'all': use one of none, blurred, full"):
        explorer.to_html(tmp_path / "x.html", "all")


def test_the_same_run_makes_the_same_file(run, explorer, tmp_path):
    one, two = (ConfusionExplorer(run).to_html(tmp_path / name).read_bytes() for name in ("a.html", "b.html"))
    assert one == two


def test_columns_of_any_table_are_whole(tmp_path):
    """Hostile names, a clip nobody was asked about, an annotator who saw half of the clips."""
    run = make_run(tmp_path / "a", 30, hostile=True)
    data = Columns(run.read("clips"), {"a": run.read("predictions")})
    packed = json.loads(data.packed(first=first_view(data)))
    assert packed["clips"][: len(HOSTILE)] == HOSTILE
    imported = next(one for one in packed["series"] if one["strategy"] == "imported")
    assert imported["codes"].count(-1) == 15
    assert packed["statuses"][0] == "not asked"
