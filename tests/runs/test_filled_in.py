"""People's labels from files and the labelling view: all of them, each row by the written rules."""

import json

import numpy as np
import pandas as pd
import pytest

from fer_helpers import corpora
from fer_helpers.corpora.demo import panel, planning
from fer_helpers.errors import ListError
from fer_helpers.estimation import by_clip, drawn_only, read_labels
from fer_helpers.runs import Run, draws, people
from tests.estimation.worlds import corpus
from tests.support.unlabelled import make_unlabelled

WORLD, _ = corpus(np.random.default_rng(2), 10, 10)
WORLD.loc[0, "clip_id"] = "=SUM(1)\nClaude\u0301.mp4"  # a formula, a line break, and an accent of its own


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    run = make_unlabelled(tmp_path_factory.mktemp("people") / "run", WORLD)
    draws.draw(run, "core", 60)
    return run


@pytest.fixture
def said(made, tmp_path):
    """All labels of the run when human_labels is a file of this text."""

    def of(text, name="people.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return people.all_labels(Run(made.folder, made.params.model_copy(update={"human_labels": str(path)})))

    return of


def test_each_row_of_a_file_counts_by_the_rules_or_is_named_with_its_reason(made, said):
    core = draws.drawn(draws.read(made), "core")["clip_id"].tolist()
    other = next(clip for clip in WORLD["clip_id"][1:] if clip not in core)
    a, b, c = core[1:4]
    lines = [f"{a},r,Happiness,core", f"{a},q,sad,core", f"{b},r,fear,", f"{b},r,sad,", "nowhere,r,sad,core"]
    lines += [
        f"{c},p,ennui,core",
        f"{c},r,cannot tell,core",
        f"{other},r,sad,core",
        f"{c},q,sad,worklist",
        f"{c},,,core",
    ]
    labels = read_labels(said("clip_id,rater,label,queue\n" + "\n".join(lines)), WORLD)
    kept, refused = drawn_only(labels, draws.drawn(draws.read(made), "core"))
    assert len(kept) + len(refused) == len(lines) == labels.n_rows
    assert refused.sort_index()["reason"].tolist() == [
        "replaced", "unknown clip", "unknown word", "no label", "never drawn", "another queue", "no label",
    ]  # fmt: skip
    truth = by_clip(kept)
    assert truth.loc[a, ["happy", "sad"]].tolist() == [0.5, 0.5]
    assert pd.isna(truth.loc[a, "label"])
    assert truth.loc[b, "label"] == "sad"
    assert by_clip(labels.votes).index.tolist() == sorted([a, b, c, other])


def test_a_clip_is_known_by_what_a_spreadsheet_made_of_its_name(said):
    """The cell that `as_cell` wrote, and the same letters in the other Unicode form."""
    written = said("clip_id,rater,label\n'=SUM(1) Claud\u00e9.mp4,r,sad\n'=SUM(1) Claude\u0301.mp4,q,sad\n")
    assert written["clip_id"].tolist() == [WORLD["clip_id"][0]] * 2
    assert written["queue"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip_id,label\nc1,sad\n", "no column rater"),
        ("clip_id,rater,label\nc1,,sad\n", r"a label without a rater in 1 row\(s\) \(line 2 'c1'\); write who gave it"),
        ("clip_id,rater,label,queue\nc1,r,sad,corre\n", r"unknown queue in 1 .*'corre'.*use core, audit, worklist"),
        ("clip_id,rater,label,quue\nc1,r,sad,core\n", "is queue meant"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_with_its_line(said, text, message):
    with pytest.raises(ListError, match=message) as caught:
        said(text)
    assert "\n" not in str(caught.value)


def annotation(label, who=1, **more):
    value = {"from_name": "label", "to_name": "clip", "type": "choices", "value": {"choices": [label]}}
    return {"id": 7, "completed_by": who, "result": [value] if label else [], "was_cancelled": not label, **more}


def test_finished_annotations_of_label_studio_are_labels(said):
    """Its JSON export: tasks with their data, annotations and who completed them, as an id or with an address."""
    task = {"id": 1, "data": {"clip_id": "c1", "path": "1.mp4", "queue": "core"}, "predictions": []}
    tasks = [
        {**task, "annotations": [annotation("sad"), annotation("cannot tell", {"id": 2, "email": "b@example.org"})]},
        {**task, "data": {"clip_id": "c2"}, "annotations": [annotation("", {"id": 3})]},
        {**task, "annotations": []},
    ]
    found = said(json.dumps(tasks), "export.json")
    assert found.to_numpy().tolist() == [
        ["c1", "1", "sad", "core"], ["c1", "b@example.org", "cannot tell", "core"], ["c2", "3", "skip", ""],
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["{}", "[1]", '[{"data": {}}]', "sad", '[{"id": 1, "annotations": [{}]}]'])
def test_other_json_is_refused(said, text):
    with pytest.raises(ListError, match=r"export\.json is no export of Label Studio's tasks"):
        said(text, "export.json")


def test_labels_of_the_view_follow_those_of_a_file(made, said, tmp_path):
    clip = WORLD["clip_id"][5]
    row = {"clip_id": clip, "rater": "r", "label": "fear", "queue": "core", "labelled_at": "2026-01-01T00:00:00+00:00"}
    try:
        (made.folder / people.FILE).write_text(f"\n{json.dumps(row)}\n")
        both = said(f"clip_id,rater,label,queue\n{clip},r,sad,core\n")
        nothing = people.all_labels(Run(made.folder, made.params.model_copy(update={"human_labels": ""})))
    finally:
        (made.folder / people.FILE).unlink()
    assert both["label"].tolist() == ["sad", "fear"]
    assert by_clip(read_labels(both, WORLD).votes)["label"].tolist() == ["fear"]
    assert nothing["label"].tolist() == ["fear"]


def test_the_simulated_panel_labels_what_is_drawn_and_nothing_else(tmp_path, monkeypatch):
    """Ten raters a clip of the demo, until somebody labels; and nobody in another corpus."""
    monkeypatch.setenv("FER_OUTPUTS", str(tmp_path))
    plan = planning.plan(28, 1)
    run = make_unlabelled(tmp_path / "run", WORLD.head(28).assign(clip_id=plan["clip_id"]), n_clips=28)
    place = corpora.location(run.params)
    place.mkdir(parents=True)
    panel.votes(plan, 1).to_csv(place / "votes.csv", index=False)
    assert people.all_labels(run).empty
    core = draws.draw(run, "core", 26)
    labels = people.all_labels(run)
    assert labels.groupby("clip_id").size().to_dict() == dict.fromkeys(core["clip_id"], 10)
    assert set(labels["queue"]) == {"core"}
    elsewhere = run.params.model_copy(update={"corpus": "folder", "corpus_path": str(place)})
    assert people.all_labels(Run(run.folder, elsewhere)).empty
    row = {"clip_id": "x", "rater": "r", "label": "sad", "queue": "core", "labelled_at": "2026-01-01"}
    (run.folder / people.FILE).write_text(json.dumps(row))
    assert people.all_labels(run)["rater"].tolist() == ["r"]
