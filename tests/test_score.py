"""`fer-helpers score`: what anybody published as lists is checked without a video, against scikit-learn and by hand."""

import re

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, cohen_kappa_score

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.runs import open_run
from tests.support.command import fer

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture
def scored(tmp_path):
    """Scores of the lists given, by annotator and metric in seven classes; and the folder."""

    def score(truth, predictions, votes=None, **more):
        lists = {"truth": truth, "predictions": predictions, "votes": votes}
        files = [tmp_path / f"{name}.csv" for name, rows in lists.items() if rows is not None]
        for path in files:
            lists[path.stem].to_csv(path, index=False)
        options = [word for name, value in {"n_resamples": 100, **more}.items() for word in ("-p", name, value)]
        result = fer("score", *files, "--out", tmp_path / "scored", *options)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        found = tables.read("scores", tmp_path / "scored")
        direct = found[(found["taxonomy"] == "seven") & (found["strategy"] == tables.IMPORTED)]
        return direct.set_index(["model", "metric"]), tmp_path / "scored"

    return score


def labels(seed, n, words=SEVEN):
    return np.random.default_rng(seed).choice(words, n)


def shown_by(folder, notebook):
    """What the executed notebook shows, as text."""
    cells = nbformat.read(folder / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    return "".join(output.text for cell in cells for output in cell.get("outputs", []))


def test_a_six_class_import_with_missing_rows(scored):
    """Four rows of the list are not there: they are missing, not wrong; a class never predicted has recall 0."""
    truth = pd.DataFrame({"clip_id": [f"c{n}" for n in range(60)], "label": labels(1, 60)})
    theirs = truth.assign(annotator="published", label=labels(2, 60, [name for name in SEVEN if name != "disgust"]))
    theirs["label"] = theirs["label"].where(truth.index % 2 == 0, truth["label"].replace("disgust", "fear"))
    scores, folder = scored(truth, theirs.iloc[:56])
    there = truth["label"].iloc[:56], theirs["label"].iloc[:56]
    row = scores.loc[("published", "WAR")]
    assert row["value"] == pytest.approx(accuracy_score(*there))
    assert (row["n_clips"], row["n_missing"]) == (56, 4)
    assert scores.loc[("published", "UAR"), "value"] == pytest.approx(balanced_accuracy_score(*there))
    assert scores.loc[("published", "kappa"), "value"] == pytest.approx(cohen_kappa_score(*there))
    page = (folder / "report.html").read_text()
    assert "published" in page
    assert "No model was asked" in page
    assert not list(folder.glob("frames*"))


@pytest.mark.slow  # notebooks 04 and 05 once more
def test_two_annotators_on_subjects(scored):
    """Each is a line of its own, the second is the one whose errors are shown, and people are what is drawn."""
    truth = pd.DataFrame({"clip_id": [f"c{n}" for n in range(48)], "label": labels(3, 48)})
    truth["subject"] = [f"s{n % 12}" for n in range(48)]
    given = {name: labels(seed, 48) for name, seed in {"one": 4, "two": 5}.items()}
    given["one"][::2] = truth["label"][::2]
    theirs = pd.concat([truth[["clip_id"]].assign(annotator=name, label=said) for name, said in given.items()])
    scores, folder = scored(truth, theirs, strategy_shown="two")
    for name, said in given.items():
        assert scores.loc[(name, "WAR"), "value"] == pytest.approx(accuracy_score(truth["label"], said))
        assert scores.loc[(name, "WAR"), "resampled"] == "subjects"
    assert "Errors of two" in shown_by(folder, "05_error_analysis")
    between = cohen_kappa_score(given["one"], given["two"])
    assert f">{between:.2f}<" in shown_by(folder, "04_strategy_comparison")
    assert open_run(folder).params.strategy_shown == "two"


def test_scores_worked_out_by_hand(scored):
    """happy 2 of 3, sad 1 of 1: WAR 3/4, UAR 5/6, kappa (3/4 - 1/2) / (1 - 1/2) = 1/2; then votes of people."""
    truth = pd.DataFrame({"clip_id": ["a", "b", "c", "d"], "label": ["happy", "happy", "happy", "sad"]})
    theirs = truth.assign(annotator="x", label=["happy", "happy", "sad", "sad"])
    votes = pd.DataFrame([(clip, f"r{n}", "happy" if n else "sad") for clip in "abcd" for n in range(3)])
    scores, folder = scored(truth, theirs, votes.set_axis(["clip_id", "rater", "label"], axis=1))
    found = [scores.loc[("x", name), "value"] for name in ("WAR", "UAR", "kappa")]
    assert found == pytest.approx([3 / 4, 5 / 6, 1 / 2])
    shown = shown_by(folder, "04_strategy_comparison")
    assert "No human votes" not in shown
    assert re.search(r"<td>0\.750?</td>", shown)  # the majority of three people says happy everywhere


def test_lists_that_do_not_fit_leave_nothing(tmp_path):
    (tmp_path / "t.csv").write_text("clip_id,label\na,happy\n")
    (tmp_path / "p.csv").write_text("clip_id,annotator,label\nb,x,happy\n")
    (tmp_path / "v.csv").write_bytes("clip_id,rater,label\na,é,sad\n".encode("latin-1"))
    out = ("--out", tmp_path / "out")
    result = fer("score", tmp_path / "t.csv", tmp_path / "p.csv", *out)
    assert result.exit_code == 1
    assert re.match(r"fer-helpers: .*p\.csv: .*clip_id", result.stderr)
    assert f"{tmp_path}/none.csv does not exist" in fer("score", tmp_path / "t.csv", tmp_path / "none.csv", *out).stderr
    (tmp_path / "p.csv").write_text("clip_id,annotator,label\na,x,happy\n")
    assert "not UTF-8" in fer("score", *(tmp_path / f"{name}.csv" for name in "tpv"), *out).stderr
    assert (
        "`score` takes it from its arguments"
        in fer("score", tmp_path / "t.csv", tmp_path / "p.csv", *out, "-p", "votes", "x").stderr
    )
    assert not (tmp_path / "out").exists()


def test_the_folder_of_another_run_is_left_alone(small_copy, tmp_path):
    (tmp_path / "t.csv").write_text("clip_id,label\na,happy\n")
    (tmp_path / "p.csv").write_text("clip_id,annotator,label\na,x,happy\n")
    result = fer("score", tmp_path / "t.csv", tmp_path / "p.csv", "--out", small_copy)
    assert "is the folder of a run that asked a model: give another --out" in result.stderr
