"""Exports: the labels as they are in the run, faces only on request, untrusted text as text."""

import base64
import json
import xml.etree.ElementTree as ET

import pandas as pd
import pytest
import yaml

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.evaluation import scores
from fer_helpers.report import exports
from fer_helpers.runs import Run
from tests.support.command import fer
from tests.support.explorer_runs import make_run

JPEG = b"\xff\xd8\xff"


def scored(folder, n_clips, **more):
    run = make_run(folder, n_clips, **more)
    run.write("scores", scores.score(run.read("predictions"), run.read("clips"), n_resamples=100))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return scored(tmp_path_factory.mktemp("exports") / "run", 12, n_frames=2)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return scored(tmp_path_factory.mktemp("exports") / "hostile", 20, hostile=True, n_frames=1)


def of_shown(run):
    predicted = run.read("predictions")
    mine = predicted[(predicted["strategy"] == "soft_vote") & predicted["frame_index"].isna()]
    return mine.set_index("clip_id")["label"]


@pytest.mark.parametrize("name", ["run", "hostile"])
def test_labels_are_those_of_the_strategy_shown(request, tmp_path, name):
    run = request.getfixturevalue(name)
    assert exports.write(run, "labels", tmp_path / "x") == [
        "README.md",
        "croissant.json",
        "labels.csv",
        "labels.parquet",
    ]
    expected = of_shown(run)
    found = tables.check("labels", pd.read_parquet(tmp_path / "x" / "labels.parquet")).set_index("clip_id")
    assert found["label"].equals(expected.reindex(found.index))
    assert set(found["source"].dropna()) == {"model"}
    assert found["needs_look"].equals(found["label"].isna())
    assert found["promise"].isna().all()


def test_notebook_06s_labels_come_first(tmp_path):
    run = scored(tmp_path / "run", 6, n_frames=1)
    labels = exports.finished(run)
    mended = labels.assign(label="sad", source="person", n_votes=2, promise="at most 10 % wrong, with 95 % confidence")
    run.write("labels", mended)
    exports.write(run, "labels", tmp_path / "x")
    assert set(pd.read_csv(tmp_path / "x" / "labels.csv")["label"]) == {"sad"}
    card = (tmp_path / "x" / "README.md").read_text()
    assert "| person | 6 |" in card
    assert "6 clips: at most 10 % wrong, with 95 % confidence" in card


@pytest.mark.parametrize("target", ["labels", "hf", "label-studio"])
def test_no_picture_leaves_without_being_asked_for(run, tmp_path, target):
    files = exports.write(run, target, tmp_path / "x")
    assert not [name for name in files if name.endswith(".jpg")]
    for name in files:
        data = (tmp_path / "x" / name).read_bytes()
        assert JPEG not in data
        assert base64.b64encode(JPEG)[:4] not in data
    assert "No picture is part of this data set" in (tmp_path / "x" / "README.md").read_text()


def test_with_frames_every_picture_is_the_runs(run, tmp_path):
    exports.write(run, "hf", tmp_path / "x", frames=True)
    listed = pd.read_csv(tmp_path / "x" / "train" / "metadata.csv")
    frames = run.read("frames").dropna(subset="path")
    assert len(listed) == len(frames) == 24
    pictures = [(tmp_path / "x" / "train" / name).read_bytes() for name in listed["file_name"]]
    expected = [picture for clip in listed["clip_id"].drop_duplicates() for picture in run.pictures(clip)]
    assert pictures == expected
    assert "holds pictures of faces" in (tmp_path / "x" / "README.md").read_text()


def test_label_studio_gets_tasks_with_predictions_and_a_page(hostile, tmp_path):
    exports.write(hostile, "label-studio", tmp_path / "x", frames=True)
    tasks = json.loads((tmp_path / "x" / "tasks.json").read_text())
    expected = of_shown(hostile)
    said = {
        task["data"]["clip_id"]: task["predictions"][0]["result"][0]["value"]["choices"][0]
        for task in tasks
        if "predictions" in task
    }
    assert said == expected.dropna().to_dict()
    assert len(tasks) == len(expected)
    for task in tasks:
        for name in task["data"]["frames"]:
            path = tmp_path / "x" / name
            assert path.resolve().is_relative_to((tmp_path / "x").resolve())
            assert path.read_bytes().startswith(JPEG)
    view = ET.parse(tmp_path / "x" / "config.xml").getroot()
    assert [choice.get("value") for choice in view.iter("Choice")] == list(SEVEN)


def test_fine_tuning_is_the_runs_question_with_the_finished_answer(run, tmp_path):
    exports.write(run, "finetune", tmp_path / "x", frames=True)
    lines = [json.loads(line) for line in (tmp_path / "x" / "train.jsonl").read_text().splitlines()]
    labels = of_shown(run).dropna()
    assert sorted(json.loads(line["messages"][1]["content"])["label"] for line in lines) == sorted(labels)
    for line in lines:
        user, answer = line["messages"]
        assert set(line) == {"messages"}
        assert (user["role"], answer["role"]) == ("user", "assistant")
        words, *images = user["content"]
        assert "Choose exactly one" in words["text"]
        assert len(images) == 2
        assert all(image["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/") for image in images)


def test_a_file_for_fine_tuning_needs_consent_and_frames(run, monkeypatch):
    strict = Run(run.folder, run.params.model_copy(update={"corpus": "ferv39k"}))
    monkeypatch.setattr("fer_helpers.runs.open_run", lambda _: strict)
    refused = fer("export", str(run.folder), "--to", "finetune", "--frames")
    assert refused.exit_code == 1
    assert "--allow-upload" in refused.output
    without = fer("export", str(run.folder), "--to", "finetune", "--allow-upload")
    assert "repeat with --frames" in without.output
    assert not (run.folder / "exports").exists()


def test_the_card_is_valid_and_holds_no_markup_of_others(hostile, tmp_path):
    exports.write(hostile, "hf", tmp_path / "x")
    text = (tmp_path / "x" / "README.md").read_text()
    _, head, body = text.split("---\n", 2)
    assert yaml.safe_load(head)["configs"] == [{"config_name": "default", "data_files": "data/train.parquet"}]
    assert "<script" not in body
    counts = hostile.read("predictions").query("strategy == 'soft_vote'")["label"].value_counts()
    for label, n in counts.items():
        assert f"| {label} | {n} |" in body


def test_a_folder_with_something_else_is_left_alone(run, tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").write_text("years of work")
    with pytest.raises(RunError, match="holds something that is no export"):
        exports.write(run, "labels", tmp_path / "x")
    assert (tmp_path / "x" / "thesis.tex").read_text() == "years of work"
    exports.write(run, "labels", tmp_path / "y")
    exports.write(run, "hf", tmp_path / "y")  # an export may take an export's place
    assert not (tmp_path / "y" / "labels.csv").exists()
