"""A run's folder: what starts a notebook, what is refused, what is written whole."""

import json
import platform
import re
import subprocess
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from fer_helpers import paths, tables
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.evaluation import predictions
from fer_helpers.paths import ROOT, safe_name
from fer_helpers.prompting import planning, prompts
from fer_helpers.runs import busy
from fer_helpers.runs import manifest as manifest_module
from fer_helpers.runs import run as runs
from tests.support import plans


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


def test_a_name_that_papermill_was_given_and_nobody_knows_is_refused(tmp_path):
    """papermill sets it with a warning, and the run went on with the default; one of another notebook is no slip."""
    cells = ["", "n_clips: int = 240", "# Parameters\nn_clip = 7\nmodel = 'facs-rules'\nout = 'x'", "n_clip = 8"]
    with pytest.raises(ParamsError, match="01_data_exploration: unknown parameter 'n_clip', did you mean 'n_clips'"):
        start_first(tmp_path, In=cells)
    assert not (tmp_path / "run").exists()
    assert start_first(tmp_path, In=[*cells[:2], "# Parameters\nmodel = 'facs-rules'", "n_clip = 8"])


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
    assert {path.name for path in (run.folder / "figures").iterdir()} == {
        "01_x.pdf", "01_x.svg", "01_x.png", "01_x.csv",
    }  # fmt: skip
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


def made(notebook, tmp_path, **more):
    """Notebook's tables written as it would write them, of two clips; `more` are parameters it was changed to."""
    run = start(notebook, tmp_path, **more)
    for name in [name for name, by in tables.WRITTEN_BY.items() if by == notebook]:
        run.write(name, TINY[name](run))
    run.record(done=notebook)
    return run


def clips_of(run):
    return pd.DataFrame(
        {"clip_id": [f"c{n}" for n in range(run.params.n_clips)], "path": "a", "start_s": 0.0, "status": "ok"}
    )


def frames_of_clips(run):
    of = dict.fromkeys(run.read("clips")["clip_id"], run.params.n_frames)
    return plans.frames_of(of)


def answers_of(run):
    keys = run.read("requests")["key"]
    rows = {"key": keys, "status": "ok", "label": "happy", "model_requested": run.params.model, "created": "2026"}
    return pd.DataFrame(rows)


def requests_of(run):
    return planning.plan(run.read("frames"), ["single_frame"], ["seven"], planning.Asking(run.params.model))


def predictions_of(run):
    predicted = predictions.predict(
        *(run.read(name) for name in ("clips", "frames", "requests", "answers")), ["single_frame"]
    )
    return predictions.with_others(predicted, run.imported())


TINY = {
    "clips": clips_of,
    "frames": frames_of_clips,
    "videos": lambda _: tables.empty("videos"),
    "requests": requests_of,
    "answers": answers_of,
    "predictions": predictions_of,
    "scores": lambda _: tables.empty("scores"),
    "comparisons": lambda _: tables.empty("comparisons"),
}
FIRST, SECOND, THIRD, FOURTH, FIFTH = runs.NOTEBOOKS


@pytest.fixture
def whole(tmp_path):
    """A folder in which 01 to 04 were run."""
    made(FIRST, tmp_path, n_clips=7)
    for notebook in (SECOND, THIRD, FOURTH):
        made(notebook, tmp_path)
    return tmp_path


def refused(notebook, table, whole):
    with pytest.raises(RunError) as caught:
        start(notebook, whole).read(table)
    assert "\n" not in str(caught.value)
    return re.search(r"run notebook (\w+) again$", str(caught.value))[1]


def test_a_whole_run_is_read(whole):
    assert len(start(FIFTH, whole).read("predictions"))


def test_other_frames_need_new_answers(whole):
    """Notebook 02 again with other parameters: 04 and 05 alone read stale answers without a word."""
    made(SECOND, whole, n_frames=3)
    assert refused(FOURTH, "answers", whole) == refused(FIFTH, "predictions", whole) == THIRD
    made(THIRD, whole)
    assert refused(FIFTH, "predictions", whole) == FOURTH
    made(FOURTH, whole)
    assert len(start(FIFTH, whole).read("predictions"))


def test_other_clips_need_new_frames(whole):
    """Notebook 01 again with another size: the earliest notebook to be run again is the one that is named."""
    made(FIRST, whole, n_clips=9)
    assert {
        refused(THIRD, "frames", whole),
        refused(FOURTH, "answers", whole),
        refused(FIFTH, "predictions", whole),
    } == {SECOND}


def test_the_same_frames_need_nothing_new(whole):
    """Run again with a parameter that changed no table, what follows still fits."""
    made(SECOND, whole, jpeg_quality=80)
    assert len(start(FIFTH, whole).read("predictions"))


def test_a_notebook_that_failed_changed_no_parameter(whole):
    """A failed notebook 03 with another model relabelled the answers that were there."""
    start(THIRD, whole, model="gpt-4.1", max_cost_usd=1.0)
    run = start(FOURTH, whole)
    assert run.params.model == "fer2013-cnn"
    assert set(run.read("answers")["model_requested"]) == {"fer2013-cnn"}
    assert runs.open_run(whole / "run").params.max_cost_usd == 0


def test_a_notebook_that_failed_halfway_is_to_be_run_again(whole):
    """Its figures are new and its tables old: nothing of it is read."""
    figure = plt.figure()
    start(FOURTH, whole, surprise_is="negative").save_figure("04_x", figure, pd.DataFrame(), "x")
    plt.close(figure)
    assert refused(FIFTH, "predictions", whole) == FOURTH
    assert runs.open_run(whole / "run").params.surprise_is == "positive"


def test_imported_predictions_are_an_input_of_notebook_04(whole):
    folder = whole / "run" / tables.IMPORTED
    folder.mkdir()
    tables.write("predictions", tables.empty("predictions"), folder)
    assert refused(FIFTH, "predictions", whole) == FOURTH


def test_a_table_that_is_gone_names_its_notebook(whole):
    (whole / "run" / "frames.parquet").unlink()
    with pytest.raises(RunError, match=f"frames.parquet is missing: run notebook {SECOND}"):
        start(THIRD, whole).read("frames")


def test_a_run_made_before_tables_knew_their_origin_is_read(whole):
    manifest = runs.read_manifest(whole / "run")
    del manifest["tables"], manifest["params"]["bootstrap_seed"]
    runs.write_manifest(whole / "run", manifest)
    (whole / "run" / "clips.parquet").touch()
    assert len(start(FIFTH, whole).read("predictions"))


def test_no_notebook_changes_another_ones_parameter(whole):
    """`seed` was declared by three notebooks, and the last one's default overwrote the corpus's."""
    made(FIRST, whole, n_clips=7, seed=2)
    for notebook in (SECOND, THIRD, FOURTH):
        assert made(notebook, whole).params.seed == 2
    known = runs.open_run(whole / "run").params
    assert (known.seed, known.bootstrap_seed) == (2, 1)


@pytest.mark.parametrize("out", [".", "notebooks", "fer_helpers/x", "tests/../params", ".github/x", "outputs", "/"])
def test_no_run_is_written_over_the_project(out):
    with pytest.raises(ParamsError, match=f"out is {out!r}, which holds files of the project"):
        runs.folder_of(out)


def test_the_projects_own_folders_are_known():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tops = {line.partition("/")[0] for line in tracked.splitlines() if "/" in line}
    assert {ROOT / top for top in tops if top[0] != "." and top != "outputs"} == set(runs.OURS)


def test_out_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ParamsError, match=r"and .*/file is a file: give a folder"):
        runs.folder_of(str(tmp_path / "file" / "run"))


def test_a_folder_with_something_else_in_it_is_refused(tmp_path):
    """A run would leave its folders among somebody's own, and `rm -r` of the run would take those along."""
    (tmp_path / ".git").mkdir()
    assert runs.folder_of(str(tmp_path)) == tmp_path
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(ParamsError, match=r"holds thesis.docx and no run: give a new folder"):
        runs.folder_of(str(tmp_path))
    with pytest.raises(ParamsError, match=r"holds thesis.docx and no run"):
        start_first(tmp_path, out=str(tmp_path))
    (tmp_path / "run" / "notebooks").mkdir(parents=True)  # as before a plain papermill command
    assert start_first(tmp_path).folder == tmp_path / "run"
    with busy.hold(tmp_path / "held"):
        (tmp_path / "held" / "figures").mkdir()
    assert runs.folder_of(str(tmp_path / "held"))  # a run that ended before its first notebook did
    (tmp_path / "several" / "one").mkdir(parents=True)
    (tmp_path / "several" / "one" / "manifest.json").touch()
    assert runs.folder_of(str(tmp_path / "several"))  # runs, which notebook 07 compares


def test_a_second_process_is_told_who_is_at_work(tmp_path):
    """A notebook run by hand beside it, too; a lock whose process is gone holds nobody."""
    folder = tmp_path / "run"
    code = (
        "import sys, pathlib; from fer_helpers.runs import hold; "
        "held = hold(pathlib.Path(sys.argv[1])); held.__enter__(); print('held', flush=True); input()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, "-c", code, str(folder)], cwd=ROOT, **pipes)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(RunError, match=f"run is in use by process {other.pid} on {platform.node()}: wait"):
        start_first(tmp_path)
    other.kill()
    other.communicate()
    start_first(tmp_path)


def test_git_is_trusted_only_where_the_project_is_its_top(tmp_path, monkeypatch):
    """An unpacked archive inside another repository recorded that repository's commit."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    inside = tmp_path / "project"
    inside.mkdir()
    monkeypatch.setattr(manifest_module, "ROOT", inside)
    found = manifest_module.made_with()
    assert (found["commit"], found["uncommitted changes"]) == ("unknown", "unknown")
    monkeypatch.setattr(manifest_module, "ROOT", tmp_path)
    assert manifest_module.made_with()["uncommitted changes"] is False
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # "dubious ownership"
    assert manifest_module.made_with()["uncommitted changes"] == "unknown"
    monkeypatch.delenv("GIT_TEST_ASSUME_DIFFERENT_OWNER")
    monkeypatch.setattr(manifest_module, "ROOT", inside.parent.parent)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))  # as in a hook
    assert manifest_module.made_with()["uncommitted changes"] == "unknown"


def test_a_relative_fer_outputs_means_the_same_from_everywhere(tmp_path, monkeypatch):
    """A notebook's working directory is another one than the command's."""
    monkeypatch.setenv("FER_OUTPUTS", "elsewhere")
    found = []
    for place in (tmp_path, ROOT / "notebooks"):
        monkeypatch.chdir(place)
        found.append(paths.resolve("outputs/demo"))
    assert found == [ROOT / "elsewhere/demo"] * 2
    assert paths.shown(found[0]) == "outputs/demo"


def test_a_typed_path_starts_at_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.typed("params/demo.yaml") == ROOT / "params/demo.yaml"
    (tmp_path / "votes.csv").touch()
    assert paths.typed("votes.csv") == tmp_path / "votes.csv"
    assert paths.resolve("votes.csv") == ROOT / "votes.csv"


def test_a_users_prompt_is_kept_with_the_requests_made_from_it(tmp_path):
    """The file may change or go: what was asked can still be read, under a name that never means another wording."""
    own = tmp_path / "mine.md"
    own.write_text("Choose from {labels}.", encoding="utf-8")
    frames = plans.frames_of({"a": 1})
    start_first(tmp_path).write("clips", tables.empty("clips"))
    start("02_frame_extraction", tmp_path).write("frames", frames)
    run = start("03_zero_shot_annotation", tmp_path, prompt=str(own))
    planned = planning.plan(frames, ["single_frame"], ["seven"], run.asking())
    run.write("requests", planned)
    own.write_text("Choose another from {labels}.", encoding="utf-8")
    prompts._OWN.clear()  # as in another process
    (row,) = runs.open_run(run.folder).read("requests").to_dict("records")
    words = planning.body_of(row, ["data:image/jpeg;base64,AA=="])["messages"][0]["content"][0]["text"]
    assert words.startswith("Choose from angry")
    assert planning.key_of(row, frames["sha256"]) == row["key"]
    assert [path.name for path in (run.folder / "prompts").iterdir()] == [f"{row['prompt']}.md"]
    assert run.asking().prompt != row["prompt"]  # a new plan takes the file as it is now
