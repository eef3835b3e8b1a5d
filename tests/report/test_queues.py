"""Queues as files: blind, in the drawn order, safe in a spreadsheet, and what people filled in is never lost."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import yaml

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.estimation import by_clip, finished_labels, read_labels
from fer_helpers.report import exports
from fer_helpers.runs import draws, people
from tests.estimation.worlds import corpus
from tests.support.command import fer
from tests.support.explorer_runs import HOSTILE
from tests.support.unlabelled import make_unlabelled

WORLD, TRUTH = corpus(np.random.default_rng(2), 20, 10, right=0.99)
WORLD.loc[: len(HOSTILE) - 1, "clip_id"] = HOSTILE


@pytest.fixture
def run(tmp_path):
    return make_unlabelled(tmp_path / "run", WORLD, human_labels=str(tmp_path / "run" / "samples" / "core.csv"))


@pytest.fixture
def sample(run, tmp_path):
    """`fer-helpers sample` for this run; what it said."""
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(run.params.model_dump()))

    def command(*arguments):
        done = fer("sample", tmp_path / "x.yaml", *arguments)
        return done.exit_code, done.output

    return command


def test_the_list_to_fill_in_shows_the_clips_in_order_and_nothing_of_the_model(run, sample):
    code, said = sample("--n", 60, "--to", "csv")
    path = run.folder / "samples" / "core.csv"
    assert (code, f"core: 60 clips, recorded in {run.folder}/draws.parquet" in said) == (0, True), said
    assert f"`fer-helpers label {run.folder}`" in said
    assert f"fill in columns label and rater of {path}, and set human_labels to that path" in said
    assert path.read_bytes().startswith(b"\xef\xbb\xbfclip_id,path,label,rater,queue\n")
    rows = pd.read_csv(path, keep_default_na=False)
    paths = WORLD.set_index("clip_id")["path"]
    assert rows["path"].tolist() == [paths[clip] for clip in draws.drawn(draws.read(run), "core")["clip_id"]]
    assert set(rows["label"]) == set(rows["rater"]) == {""}
    assert set(rows["queue"]) == {"core"}
    text = path.read_text()
    assert not [word for word in (*SEVEN, "soft_vote", "made-up") if word in text]


def test_no_cell_is_a_formula_and_every_name_comes_back(run, sample):
    sample("--n", 200, "--to", "csv")
    path = run.folder / "samples" / "core.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert not rows["clip_id"].str.match(r"\s*[=+\-@\t\r]").any()
    rows.assign(label="sad", rater="r").to_csv(path, index=False)
    labels = read_labels(people.all_labels(run), WORLD)
    alike = {"\t=1+1", "\r\n=1+1"}  # in a cell: neither is taken for the other
    assert set(labels.votes["clip_id"]) == set(WORLD["clip_id"]) - alike
    assert labels.refused["reason"].tolist() == ["unknown clip"] * 2


def test_more_clips_are_added_below_what_people_filled_in(run, sample):
    sample("--n", 60, "--to", "csv")
    path = run.folder / "samples" / "core.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.loc[:9, ["label", "rater"]] = ["sad", "me"]
    second = rows.head(1).assign(label="fear", rater="another")
    pd.concat([rows, second]).assign(note="hm").to_csv(path, index=False, sep=";")  # as a spreadsheet may save it
    sample("--n", 80, "--to", "csv")
    longer = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert len(longer) == 81
    assert longer["clip_id"].head(60).tolist() == rows["clip_id"].tolist()
    assert (longer["label"] == "sad").sum() == 10
    assert longer["rater"].tolist()[60] == "another"
    order = draws.drawn(draws.read(run), "core")["clip_id"]
    assert longer["path"].tolist()[61:] == WORLD.set_index("clip_id")["path"][order[60:]].tolist()
    path.write_text("not,such\na,list\n")
    code, said = sample("--n", 90, "--to", "csv")
    assert (code, path.read_text()) == (1, "not,such\na,list\n"), said


def test_label_studio_gets_tasks_without_predictions(run, sample):
    code, said = sample("--n", 60, "--to", "label-studio")
    assert (code, "export as JSON" in said) == (0, True), said
    folder = run.folder / "samples" / "core"
    tasks = json.loads((folder / "tasks.json").read_text())
    order = draws.drawn(draws.read(run), "core")["clip_id"].tolist()
    assert [task["data"]["clip_id"] for task in tasks] == order
    assert {(*task, *task["data"]) for task in tasks} == {("data", "clip_id", "path", "queue")}
    choices = [choice.get("value") for choice in ET.parse(folder / "config.xml").getroot().iter("Choice")]
    assert choices == [*SEVEN, "cannot tell"]
    (folder / "mine.txt").write_text("notes")
    code, said = sample("--n", 60, "--to", "label-studio")
    assert (code, "holds something that is no tasks" in said) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--audit", "--worklist"], "--audit and --worklist are two queues, which are never mixed"),
        (["--into", "x.csv"], "--into is where --to writes: add --to csv or --to label-studio"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_drawn(run, sample, arguments, message):
    code, said = sample("--n", 60, *arguments)
    assert (code, message in said, draws.read(run).empty) == (1, True, True), said


def test_an_export_is_the_table_that_notebook_06_wrote(run, sample, tmp_path):
    """From a filled-in list to the exported labels, both ways; and not from labels given since."""
    sample("--n", 60, "--to", "csv")
    path = run.folder / "samples" / "core.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    true = pd.Series(TRUTH, index=WORLD["path"])
    rows.assign(label=true[rows["path"]].to_numpy(), rater="me").to_csv(path, index=False)
    before = exports.finished(run)
    assert set(before["source"]) == {"model"}
    labels = read_labels(people.all_labels(run), draws.population(run))
    table = finished_labels(draws.population(run), by_clip(labels.votes))
    run.write("labels", table)
    exports.write(run, "labels", tmp_path / "x")
    exported = pd.read_parquet(tmp_path / "x" / "labels.parquet")
    pd.testing.assert_frame_equal(exported, tables.read("labels", run.folder))
    assert (exported["n_votes"].sum(), set(exported["source"])) == (60, {"model", "both", "person"})
    card = (tmp_path / "x" / "README.md").read_text()
    assert "| person |" in card
    assert "60 labels by people, of 60 clips" in card
    (run.folder / people.FILE).write_text('{"clip_id": "c50", "rater": "r", "label": "sad", "queue": "core"}\n')
    done = fer("export", run.folder, "--to", "labels")
    assert done.exit_code == 1
    assert "labels.parquet was made from another people.jsonl than the one beside it: run notebook 06" in done.output
