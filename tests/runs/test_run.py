"""A run's folder: what starts a notebook, what is refused, what is written whole."""

import json

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.paths import safe_name
from fer_helpers.runs import run as runs


def start(notebook, tmp_path, **more):
    """As in a notebook whose parameters cell was changed to `more`."""
    return runs.start(notebook, {**runs.declared(notebook), "out": str(tmp_path / "run"), **more})


def start_first(tmp_path, **more):
    return start("01_data_exploration", tmp_path, **more)


def test_a_later_notebook_needs_the_earlier_one(tmp_path):
    with pytest.raises(RunError, match="no tables of 01_data_exploration: run that notebook with the same `out` first"):
        start("02_frame_extraction", tmp_path)
    assert not (tmp_path / "run").exists()
    start_first(tmp_path).record()
    assert start("02_frame_extraction", tmp_path, n_frames=3).params.n_frames == 3


def test_a_later_notebook_knows_the_earlier_ones_parameters(tmp_path):
    start_first(tmp_path, n_clips=21).record()
    second = start("02_frame_extraction", tmp_path)
    second.record()
    assert second.params.n_clips == 21
    assert runs.open_run(tmp_path / "run").params == second.params


def test_a_wrong_parameter_leaves_nothing_behind(tmp_path):
    with pytest.raises(ParamsError, match="01_data_exploration: n_clips is 'many'"):
        start_first(tmp_path, n_clips="many")
    assert not (tmp_path / "run").exists()


def test_a_parameter_the_package_does_not_know_is_refused(tmp_path, monkeypatch):
    """A name mistyped in the parameters cell is declared there, and known nowhere."""
    monkeypatch.setattr(runs, "declared", lambda _: {"out": "", "n_clip": 3})
    with pytest.raises(ParamsError, match="01_data_exploration: unknown parameter 'n_clip', did you mean 'n_clips'"):
        start_first(tmp_path)
    assert not (tmp_path / "run").exists()


def test_a_parameters_cell_that_was_not_run_is_named(tmp_path):
    values = {**runs.declared("02_frame_extraction"), "out": str(tmp_path / "run")}
    del values["n_frames"]
    with pytest.raises(ParamsError, match="02_frame_extraction: n_frames not set: run its parameters cell first"):
        runs.start("02_frame_extraction", values)


def test_only_what_the_notebook_declares_is_read(tmp_path):
    """Its globals also hold modules and tables, some under the name of another notebook's parameter."""
    run = start_first(tmp_path, model=object(), strategies="a variable", pd=pd)
    assert run.params.model == "fer2013-cnn"


def test_the_manifest_says_what_made_the_run(tmp_path):
    start_first(tmp_path).record(answer=42)
    manifest = runs.read_manifest(tmp_path / "run")
    assert manifest["facts"] == {"answer": 42}
    assert manifest["params"]["n_clips"] == 240
    assert {"python", "packages", "commit", "time"} <= set(manifest["made_with"])


def test_a_damaged_manifest_is_named(tmp_path):
    run = start_first(tmp_path)
    run.record()
    folder = run.folder
    (folder / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"manifest\.json is damaged"):
        runs.open_run(folder)


def test_a_missing_table_names_its_notebook(tmp_path):
    with pytest.raises(RunError, match="run notebook 03_zero_shot_annotation"):
        start_first(tmp_path).read("answers")


def test_a_table_that_does_not_fit_is_not_written(tmp_path):
    run = start_first(tmp_path)
    clips = pd.DataFrame({"clip_id": ["a"], "path": ["a"], "start_s": [0.0], "status": ["ok"], "label": ["joyful"]})
    with pytest.raises(RunError, match=r"table clips does not fit its schema: .*joyful"):
        run.write("clips", clips)
    assert not list(run.folder.iterdir())


def test_tables_come_back_as_they_went(tmp_path):
    run = start_first(tmp_path)
    clips = tables.check(
        "clips", pd.DataFrame({"clip_id": ["a", "b"], "path": ["a", "b"], "start_s": 0.0, "status": "ok"})
    )
    run.write("clips", clips)
    pd.testing.assert_frame_equal(run.read("clips"), clips)
    with pytest.raises(RunError, match="does not fit"):
        run.write("clips", pd.concat([clips, clips]))  # clip_id twice


def test_a_figure_comes_with_its_table_and_caption(tmp_path):
    run = start_first(tmp_path)
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    run.save_figure("01_x", figure, pd.DataFrame({"y": [1, 2]}), "What it shows.")
    plt.close(figure)
    assert {path.name for path in (run.folder / "figures").iterdir()} == {"01_x.svg", "01_x.png", "01_x.csv"}
    assert json.loads((run.folder / "manifest.json").read_text())["figures"] == {"01_x": "What it shows."}
    start_first(tmp_path).record()  # a rerun may draw other figures: the report must not show the old ones
    assert json.loads((run.folder / "manifest.json").read_text())["figures"] == {}


@pytest.mark.parametrize("text", ["../../etc/passwd", "a/b", "..", "", "=cmd()", "x" * 500, "é\n\0", "NUL"])
def test_untrusted_text_makes_a_harmless_file_name(text):
    name = safe_name(text)
    assert name.replace("-", "").isalnum()
    assert name.isascii()
    assert 16 <= len(name) <= 60
    assert safe_name(text + " ") != name
