"""Lists as people publish them, through the command: whose result anybody can work out is what the tables say."""

import pandas as pd
import pytest

from fer_helpers import corpora, params, tables
from fer_helpers.paths import resolve
from fer_helpers.runs import Run
from tests.support.command import fer

# clip, true label, subject: two people, each with all but surprise
TRUTH = [
    (f"{subject}_{label}", label, subject)
    for subject in ("p1", "p2")
    for label in ("angry", "disgust", "fear", "happy", "neutral", "sad")
]
ARGUMENTS = ("params/demo.yaml", "--out", "outputs/published")


@pytest.fixture
def clips(outputs, tmp_path):
    """A run's folder with the clips table of a list of true labels."""
    text = "\n".join(["clip_id,label,subject", *map(",".join, TRUTH)])
    (tmp_path / "truth.csv").write_text(text)
    table = corpora.read_truth(tmp_path / "truth.csv", params.Params())
    folder = resolve("outputs/published")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "imported" / "predictions.parquet").unlink(missing_ok=True)
    tables.write("clips", table, folder)
    return table


def imported(tmp_path, text, *more):
    """What `fer-helpers import` prints, and the seven-class rows that it leaves by annotator and clip."""
    (tmp_path / "theirs.csv").write_text(text)
    result = fer("import", tmp_path / "theirs.csv", *ARGUMENTS, *more)
    assert result.exit_code == 0, result.output
    rows = Run(resolve("outputs/published"), params.Params()).imported()
    return result, rows[rows["taxonomy"] == "seven"].set_index(["model", "clip_id"])


def right(rows, clips, annotator):
    truth = clips.set_index("clip_id")["label"]
    return int((rows.loc[annotator, "label"] == truth).sum())


def test_six_classes_with_probabilities(clips, tmp_path):
    """The label is right in 12 of 12; its probability is .75 and the others' .05 each, surprise's 0."""
    six = [label for _, label, _ in TRUTH[:6]]
    rows = [
        f"{clip},M,{label}," + ",".join(".75" if label == one else ".05" for one in six) for clip, label, _ in TRUTH
    ]
    head = "clip_id,annotator,label," + ",".join(f"prob_{label}" for label in six)
    result, found = imported(tmp_path, "\n".join([head, *rows]))
    assert "M: 12 of 12 clips\n" in result.output
    assert "annotator 'M' gives surprise no probability, which is taken for 0" in result.stderr
    assert right(found, clips, "M") == 12
    assert found["confidence"].to_numpy() == pytest.approx(0.75)
    assert (found["prob_surprise"] == 0).all()


def test_missing_rows_and_labels_outside(clips, tmp_path):
    """Of 12 clips 3 have no row, 1 has an empty label, 2 are called contempt, 5 are right and 1 is wrong.

    So coverage is 8/12; accuracy 5/8, and 5/12 to 9/12 whatever the missing ones were.
    """
    said = ["angry", "disgust", "fear", "happy", "neutral", "angry", "contempt", "Contempt", ""]
    rows = [f"{clip},M,{word}," for (clip, _, _), word in zip(TRUTH, said, strict=False)]
    text = "\n".join(["Clip_ID,Annotator,Label,", *rows, "elsewhere,M,sad,"])
    result, found = imported(tmp_path, text)
    assert "M: 8 of 12 clips, 4 missing, 2 outside the label set\n" in result.output
    assert "1 of 10 row(s) are on clips that are not in this run and are left out (first: 'elsewhere')" in result.stderr
    assert found["status"].value_counts().to_dict() == {"ok": 6, "no_label": 4, "outside": 2}
    assert right(found, clips, "M") == 5
    _, mapped = imported(tmp_path, text, "-p", "other_labels", "{contempt: disgust}")
    assert mapped["status"].value_counts().to_dict() == {"ok": 8, "no_label": 4}
    assert right(mapped, clips, "M") == 6  # of p2's angry and disgust the second


def test_two_annotators_on_subjects(clips, tmp_path):
    """A is right on the one person and says sad of the other: 6 + 1; B has only rows for p2, 6 of 6."""
    a = [f"{clip},A,{label if subject == 'p1' else 'sad'}" for clip, label, subject in TRUTH]
    b = [f"{clip},B,{label}" for clip, label, subject in TRUTH if subject == "p2"]
    result, found = imported(tmp_path, "\n".join(["clip_id,annotator,label", *a, *b]))
    assert "A: 12 of 12 clips\nB: 6 of 12 clips, 6 missing\n" in result.output
    assert (right(found, clips, "A"), right(found, clips, "B")) == (7, 6)
    assert found.groupby("model")["status"].value_counts().to_dict() == {
        ("A", "ok"): 12, ("B", "ok"): 6, ("B", "no_label"): 6,
    }  # fmt: skip


def test_votes_as_counts(clips, tmp_path):
    """Four raters a clip, three for the true label, one for contempt: 36 of 48 votes are right."""
    heads = ["angry", "disgust", "fear", "happy", "neutral", "sad", "contempt"]
    rows = [",".join([clip, *("3" if h == label else "1" if h == "contempt" else "0" for h in heads)])
            for clip, label, _ in TRUTH]  # fmt: skip
    (tmp_path / "votes.csv").write_text("\n".join([",".join(["clip_id", *heads]), *rows]))
    votes = corpora.votes(params.Params(votes=str(tmp_path / "votes.csv")), clips)
    truth = votes["clip_id"].map(clips.set_index("clip_id")["label"])
    assert votes["count"].sum() == 48
    assert votes.loc[votes["label"] == truth, "count"].sum() == 36
    assert votes.loc[votes["label"] == "contempt", "count"].tolist() == [1] * 12
    assert pd.isna(votes["rater"]).all()


def test_what_is_wrong_with_a_list_is_one_line_and_changes_nothing(clips, tmp_path):
    before, _ = imported(tmp_path, "clip_id,annotator,label\np1_sad,A,sad\n")
    assert before.exit_code == 0
    (tmp_path / "theirs.csv").write_text("clip_id,annotator,label\nP1/sad.mp4,A,sad\n")
    result = fer("import", tmp_path / "theirs.csv", *ARGUMENTS)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"fer-helpers: {tmp_path / 'theirs.csv'}: clip_id is not in the run in 1 row(s) (line 2 'P1/sad.mp4'); the run "
        "has names like 'p1_angry' (clip_id in its clips.parquet)\n"
    )
    assert len(Run(resolve("outputs/published"), params.Params()).imported()) == 24
