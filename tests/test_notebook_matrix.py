"""The notebooks with runs that are not the demo's: one strategy, one label set, no labels, others' predictions.

Each run goes through the command, its notebooks through `in_process`; the clips and key frames are the small run's.
"""

import shutil

import pytest

from fer_helpers import tables
from fer_helpers.runs import NOTEBOOKS, open_run, read_manifest
from tests.support.command import SMALL, fer


def run(folder, *arguments):
    """The run in `folder` with `arguments`, to its report: scores and predictions."""
    result = fer("run", "params/demo.yaml", *SMALL[:-2], "--out", f"outputs/{folder.name}", *arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception  # as it came out of a cell
    assert result.exit_code == 0, result.output
    assert list(read_manifest(folder)["steps"])[:5] == list(NOTEBOOKS)
    assert "<figure>" in (folder / "report.html").read_text()
    return tables.read("scores", folder), tables.read("predictions", folder)


def p(**values):
    return [word for name, value in values.items() for word in ("-p", name, str(value))]


def given_by(folder, tmp_path, **annotators):
    """Import a CSV of labels by annotator: a function of the corpus's label."""
    clips = tables.read("clips", folder)
    for name, say in annotators.items():
        rows = clips[["clip_id"]].assign(label=clips["label"].map(say), annotator=name)
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
        result = fer("import", tmp_path / f"{name}.csv", "params/demo.yaml", *SMALL)
        assert result.exit_code == 0, result.output


def war_of(scores, annotator):
    rows = scores[(scores["model"] == annotator) & (scores["metric"] == "WAR") & (scores["asked"] == "seven")]
    return rows.set_index("taxonomy")["value"].to_dict()


def test_single_frames_alone(small_copy, in_process):
    scores, predictions = run(small_copy, *p(strategies="[per_frame]", strategy_shown="per_frame"))
    n_frames = len(tables.read("frames", small_copy))
    assert len(predictions) == 3 * n_frames  # seven, ternary, and ternary collapsed from seven
    assert predictions["frame_index"].notna().all()
    war = scores[(scores["strategy"] == "per_frame") & (scores["metric"] == "WAR")]
    assert len(war) == 3
    assert tables.read("comparisons", small_copy).empty


@pytest.mark.slow
def test_three_classes_alone(small_copy, in_process):
    scores, predictions = run(small_copy, *p(taxonomies="[ternary]", human_labels="panel"))
    assert set(predictions["taxonomy"]) == set(scores["taxonomy"]) == {"ternary"}
    assert predictions["prob_happy"].isna().all()
    estimates = open_run(small_copy).read("estimates")  # of the simulated panel's seven labels, as three
    assert {"mean valence", "share: positive", "UAR"} <= set(estimates["quantity"])
    assert set(estimates["taxonomy"]) == {"ternary"}


@pytest.mark.slow
def test_one_other_annotator_shown(small_copy, in_process, tmp_path):
    """Whoever was imported can be the one whose errors are looked at."""
    given_by(small_copy, tmp_path, theirs=lambda label: "happy")
    scores, _ = run(small_copy, *p(strategies="[single_frame]", strategy_shown="imported"))
    truth = tables.read("clips", small_copy)["label"]
    assert war_of(scores, "theirs")["seven"] == pytest.approx((truth == "happy").mean())


@pytest.mark.slow
def test_two_other_annotators(small_copy, in_process, tmp_path):
    given_by(small_copy, tmp_path, right=lambda label: label, happy=lambda label: "happy")
    scores, _ = run(small_copy, *p(strategies="[single_frame, majority_vote]", strategy_shown="majority_vote"))
    truth = tables.read("clips", small_copy)["label"]
    assert war_of(scores, "right") == {"seven": 1, "ternary": 1}
    assert war_of(scores, "happy")["seven"] == pytest.approx((truth == "happy").mean())
    paired = tables.read("comparisons", small_copy)
    assert {"right", "happy"} <= {*paired["model_a"], *paired["model_b"]}


def test_no_labels(small_copy, in_process, tmp_path):
    """A folder of videos and no list: nothing is scored, and the report says so; names are text, not HTML."""
    corpus = tmp_path / "unlabelled"
    corpus.mkdir()
    for video in sorted((small_copy.parent / "corpora/demo-14-seed1/clips").iterdir())[:6]:
        shutil.copy(video, corpus / f"<b>{video.stem}.mp4")
    (corpus / "torn.mp4").write_bytes(b"\0" * 100)
    folder = small_copy.with_name("unlabelled")
    scores, predictions = run(folder, *p(corpus="folder", corpus_path=corpus, n_clips=0))
    assert scores.empty
    torn = predictions["clip_id"].str.contains("torn")
    assert set(predictions.loc[torn, "status"]) == {"no_frame"}
    assert predictions.loc[~torn, "label"].notna().all()
    page = (folder / "report.html").read_text()
    assert "has no true labels" in page
    assert "missing" in page
    assert "<b>demo" not in page
