"""The answers of the notebooks and of the report change with the data: made-up runs, and imported predictions.

In the first, all frames at once are right far more often than one; in the second both are guesses; the third has no
labels; in the fourth, old people are read right half as often as young ones.
"""

import contextlib
import io
import re
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_helpers import evaluation, report, tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.evaluation import comparisons, findings, predictions, scores, summaries
from fer_helpers.prompting import pricing
from fer_helpers.runs import open_run, read_manifest, source, write_manifest
from tests.support.explorer_runs import make_run

STRATEGIES = ["single_frame", "multi_frame"]
TABLES = ("clips", "frames", "requests", "answers", "predictions", "scores", "comparisons")
RIGHT = {"winner": (0.1, 0.95), "alike": (1 / 7, 1 / 7), "unlabelled": (0.1, 0.95), "unequal": (0.1, 1.0)}


def made(folder, kind, n_clips=84):
    """A run whose replies are right as often as RIGHT says (one frame, all at once), scored as notebook 04 does."""
    run = make_run(folder, n_clips, n_frames=3)
    rng = np.random.default_rng(3)
    clips, frames, asked, answers = (run.read(name) for name in ("clips", "frames", "requests", "answers"))
    clips["label"] = [SEVEN[number % 7] for number in range(n_clips)]
    clips["subject"] = [f"s{number % 21}" for number in range(n_clips)]
    clips["group_age"] = np.where(np.arange(n_clips) % 21 % 2, "old", "young")
    truth, age = (asked["clip_id"].map(clips.set_index("clip_id")[column]) for column in ("label", "group_age"))
    right = rng.random(len(asked)) < np.where(asked["frame_indices"].map(len) > 1, *RIGHT[kind][::-1])
    right &= (kind != "unequal") | (age == "young") | (rng.random(len(asked)) < 0.5)
    said = [
        true if hit else rng.choice([label for label in SEVEN if label != true])
        for true, hit in zip(truth, right, strict=True)
    ]
    answers = answers.drop(columns=[f"prob_{label}" for label in SEVEN]).assign(status="ok", label=said)
    answers = tables.check("answers", answers.assign(**{f"prob_{label}": np.nan for label in SEVEN}))
    if kind == "unlabelled":
        clips["label"] = None
    predicted = predictions.predict(clips, frames, asked, answers, STRATEGIES)
    drawing = {"n_resamples": 100}
    scored, paired = scores.score(predicted, clips, **drawing), comparisons.compare(predicted, clips, **drawing)
    kept = {"clips": clips, "frames": frames, "requests": asked, "answers": answers, "predictions": predicted}
    kept |= {"scores": scored, "comparisons": paired}
    for name, table in kept.items():
        run.write(name, table)
    manifest = read_manifest(folder)
    params = {
        **manifest["params"],
        "strategies": STRATEGIES,
        "taxonomies": ["seven"],
        "strategy_shown": "best",
        "n_resamples": 100,
    }
    write_manifest(folder, {**manifest, "params": params})
    return open_run(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return {kind: made(folder / kind, kind) for kind in RIGHT}


@pytest.fixture(scope="module")
def pages(runs):
    return {kind: report.write(run).read_text() for kind, run in runs.items()}


def answer(notebook, **names):
    """What the cell below a notebook's heading "Answer" prints."""
    cells = nbformat.read(source(notebook), as_version=4).cells
    at = next(number for number, cell in enumerate(cells) if cell.source.startswith("## Answer"))
    known = {"evaluation": evaluation, "findings": findings, "summaries": summaries, "pricing": pricing, **names}
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(cells[at + 1].source, known)
    return " ".join(said.getvalue().split())


def answers_of(run):
    """The five answers, by number; the namespaces are those of the notebooks."""
    clips, frames, asked, replies, predicted, scored, paired = (run.read(name) for name in TABLES)
    price = summaries.price_and_score(
        predictions.spent(summaries.of_question(predicted, "seven"), asked, frames),
        summaries.of_question(scored, "seven"), ["WAR"])  # fmt: skip
    replies = asked.merge(replies, on="key", suffixes=("_estimated", ""))
    who = findings.chosen(predicted, scored, "best")
    mine = findings.rows_of(summaries.of_question(scores.join(predicted, clips), "seven"), who)
    found = pd.DataFrame({"problem": [False, True]})
    names = {"annotator": findings.called(predicted, who), "mine": mine, "finest": mine, "labelled": len(mine) > 0}
    of_frames = {"frame_choice": "uniform", "clip_kb": 12.0, "width": 224, "height": 224}
    return {
        1: answer("01_data_exploration", clips=clips, found=found),
        2: answer("02_frame_extraction", table=frames, **of_frames),
        3: answer("03_zero_shot_annotation", replies=replies, run=run, taxonomies=["seven"]),
        4: answer("04_strategy_comparison", table=scored, paired=paired, price=price, of_interest=["WAR"]),
        5: answer("05_error_analysis", **names),
    }


def test_a_clear_winner_is_named(runs):
    said = answers_of(runs["winner"])
    assert "multi_frame has the highest unweighted average recall (UAR), 0.9" in said[4]
    assert "1 of 1 pairs differ significantly" in said[4]
    assert "multi_frame is significantly better than single_frame" in said[4]
    assert "no significant difference" not in said[4]
    assert re.search(
        r"multi_frame gives the true label to (7\d|8[0-4]) of 84 \(9\d %, 95 % interval [89]\d to", said[5]
    )


def test_no_difference_is_not_equality(runs):
    said = answers_of(runs["alike"])
    assert "0 of 1 pairs differ significantly" in said[4]
    assert "There is no significant difference between" in said[4]
    assert "that is not equality" in said[4]
    assert "significantly better" not in said[4]
    assert "80 % power" in said[4]


def test_without_labels_nothing_is_called_better_or_wrong(runs):
    said = answers_of(runs["unlabelled"])
    assert "0 have a true label" in said[1]
    assert "nothing here can say how often an annotator is right" in said[1]
    assert "no annotator can be called better" in said[4]
    assert "no error is known" in said[5]
    assert "better than single" not in said[4]


def test_the_material_is_told_whatever_the_labels(runs):
    """84 clips of 21 people, three frames each: 12 kB, and 3 × 2833 tokens."""
    said = answers_of(runs["winner"])
    assert "84 clips of 21 people are in the table; 0 of them cannot be read, and 84 have a true label" in said[1]
    assert "found 1 problem." in said[1]
    assert "an accuracy (WAR) of 0.14 and a mean recall (UAR) of 0.14" in said[1]
    assert "252 key frames of 84 of 84 clips, 3 a clip" in said[2]
    assert "12 kB and, at low detail, 8499 tokens for gpt-4o-mini" in said[2]
    assert "336 of 336 requests have a label; 0 have none." in said[3]
    assert "Every key frame gets the same label in" in said[3]


def test_every_answer_says_what_it_does_not_show(runs):
    assert all("Not shown:" in said for number, said in answers_of(runs["winner"]).items() if number < 5)


@pytest.mark.parametrize("kind", RIGHT)
def test_the_report_opens_with_them(pages, kind):
    page = pages[kind]
    opening = page[page.index("<main>") : page.index("<h2>Corpus")]
    first = "no error is known" if kind == "unlabelled" else "has the highest unweighted average recall"
    assert first in opening
    assert opening.index("84 clips were labelled") < opening.index("<h2>Findings") < opening.index(first)
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert max(np.diff(levels)) <= 1
    assert page.count("<main>") == 1
    assert 'class="wide" tabindex="0" role="region" aria-label=' in page


def test_a_gap_between_groups_is_among_the_findings(pages):
    """11 young people against 10 old ones, of whom half of the clips are read right."""
    opening = pages["unequal"][: pages["unequal"].index("<h2>Corpus")]
    assert re.search(r"\(seven classes\) by age: old 0\.[456]\d\d .*\(10 people\) against young [01]\.\d+", opening)
    assert "by age: no significant difference" in pages["winner"]
    assert "by age" not in pages["unlabelled"]


def test_the_methods_name_the_prompt_the_model_and_their_works(pages):
    page = pages["winner"]
    assert "Prompt template reasoning, SHA-256 seven: 0;" in page
    assert "answered from 2026-01-01 to 2026-01-01, 336 with a label" in page
    assert "Holm-adjusted" in page
    for key in ("zhang2025", "holm1979", "phipson2010", "davison1997"):
        assert f"{{{key}," in page
    assert "{mcnemar1947," not in page  # clips of one person are not independent: it was not used
    assert "{manski1990," not in page  # nothing is missing


def test_tables_are_there_for_latex_and_for_other_programs(runs, pages):
    folder = runs["winner"].folder / "tables"
    text = (folder / "scores_seven_asked_seven.tex").read_text()
    assert text.count("\\toprule") == text.count("\\bottomrule") == 1
    assert "multi\\_frame" in text
    assert pd.read_csv(folder / "scores_seven_asked_seven.csv")["strategy"].tolist()[:2] == STRATEGIES


def imported_only(run, folder):
    """What `fer-helpers score` leaves: clips and others' predictions, scored; no frames, requests or answers."""
    shutil.copytree(run.folder, folder)
    run = open_run(folder)
    mine = run.read("predictions")
    given = mine.assign(model=mine["strategy"].map({"single_frame": "theirs", "multi_frame": "<b>ours</b>"}))
    given = given.assign(strategy=tables.IMPORTED)
    clips, drawing = run.read("clips"), {"n_resamples": 100}
    for name in ("frames", "requests", "answers"):
        (folder / f"{name}.parquet").unlink()
    run.write("predictions", given)
    run.write("scores", scores.score(given, clips, **drawing))
    run.write("comparisons", comparisons.compare(given, clips, **drawing))
    return run


def test_a_run_of_imported_predictions_has_a_report(runs, tmp_path):
    run = imported_only(runs["winner"], tmp_path / "run")
    page = report.write(run).read_text()
    assert "&lt;b&gt;ours&lt;/b&gt; has the highest" in page
    assert "Imported predictions:" in page
    assert "fer2013-cnn" not in page[: page.index("<h2>How it was made")]
    assert "<h2>What came back" not in page
    assert "<b>ours" not in page
    assert report.summary_text(run)


def test_imported_predictions_without_labels_have_one_too(runs, tmp_path):
    page = report.write(imported_only(runs["unlabelled"], tmp_path / "run")).read_text()
    assert "no true labels" in page
    assert "no error is known" in page


def test_the_annotator_shown_is_the_one_named():
    given = pd.DataFrame({"strategy": ["a", "b", "imported"], "model": ["m", "m", "x"], "frame_index": None})
    scored = pd.DataFrame(
        {
            "strategy": ["a", "b", "imported", "always"],
            "model": ["m", "m", "x", tables.NOBODY],
            "metric": "UAR",
            "value": [0.2, 0.5, 0.4, 0.9],
            "taxonomy": "seven",
            "asked": "seven",
        }
    )
    assert findings.chosen(given, scored, "best") == ("b", "m")
    assert findings.chosen(given, scored.iloc[:0], "best") == ("a", "m")
    assert findings.chosen(given, scored, "a") == ("a", "m")
    for wanted in ("imported", "imported:x"):
        assert findings.chosen(given, scored, wanted) == ("imported", "x")
    with pytest.raises(RunError, match=r"strategy_shown is 'imported:y'.*imported:x"):
        findings.chosen(given, scored, "imported:y")


def test_faces_follow_the_switch(runs):
    """The made-up corpus is the demo, whose faces are nobody's; others' are shown only if they are asked for."""
    run = runs["winner"]

    def pictures(**params):
        manifest = read_manifest(run.folder)
        write_manifest(run.folder, {**manifest, "params": {**manifest["params"], **params}})
        page = report.write(open_run(run.folder)).read_text()
        write_manifest(run.folder, manifest)
        return set(re.findall(r"data:image/jpeg;base64,([^\"]+)", page))

    full, other = pictures(), {"corpus": "folder", "corpus_path": "x"}
    assert full
    assert pictures(**other) == set()
    assert pictures(faces="none") == set()
    assert pictures(**other, faces="full") == full
    assert pictures(faces="blurred").isdisjoint(full)


def test_the_area_under_the_curve_is_that_of_a_library():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(5)
    right, sure = rng.random(50) < 0.5, rng.integers(0, 9, 50) / 9
    assert findings.area_under_roc(right, sure) == pytest.approx(roc_auc_score(right, sure))
