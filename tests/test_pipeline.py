"""The whole run: two commands, five notebooks, a report; done once, refused early, honest without labels."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest

from fer_helpers import pipeline, runs, tables
from fer_helpers.annotation.archive import Archive
from fer_helpers.explorer import marks
from fer_helpers.params import Params
from fer_helpers.paths import ROOT
from fer_helpers.pipeline import steps
from fer_helpers.runs.run import NOTEBOOKS, read_manifest
from tests.support.command import SMALL, fer
from tests.support.completions import MODEL, failure, served


def test_the_demo_ends_with_a_report(small_outputs, small_run):
    assert "report: outputs/small/report.html" in (small_outputs / "said").read_text()
    assert (small_run / "report.html").is_file()
    for name in NOTEBOOKS:
        assert pipeline.is_executed(nbformat.read(small_run / "notebooks" / f"{name}.ipynb", as_version=4))
    for name, notebook in tables.WRITTEN_BY.items():
        if notebook in NOTEBOOKS:
            tables.check(name, tables.read(name, small_run))


def test_every_number_can_be_traced_to_its_reply_and_picture(small_run):
    """From a vote back to its requests, replies and JPEG files."""
    predictions, requests, answers, frames = (
        tables.read(name, small_run) for name in ("predictions", "requests", "answers", "frames")
    )
    vote = predictions[(predictions["strategy"] == "majority_vote") & (predictions["asked"] == "seven")].iloc[0]
    mine = requests[(requests["clip_id"] == vote["clip_id"]) & (requests["taxonomy"] == "seven")]
    single = mine[mine["frame_indices"].map(len) == 1].merge(answers, on="key")
    assert len(single) == 5
    counts = single["label"].value_counts()
    assert counts[vote["label"]] == counts.max()
    for indices in single["frame_indices"]:
        row = frames[(frames["clip_id"] == vote["clip_id"]) & (frames["frame_index"] == indices[0])].iloc[0]
        assert (small_run / row["path"]).read_bytes()[:2] == b"\xff\xd8"


def test_the_second_run_sends_nothing_and_says_so(small_copy):
    """Even where the run was moved with its corpus, as a copy was."""
    result = fer("run", "params/demo.yaml", *SMALL)
    assert result.exit_code == 0, result.output
    assert "requests sent: 0" in result.output
    assert result.output.count("up to date, skipped") == 5


@pytest.mark.slow
def test_a_mark_reruns_what_reads_marks(small_copy, in_process):
    """The corrected label stands beside the corpus's in notebook 05."""
    clip = tables.read("clips", small_copy).iloc[0]
    better = "sad" if clip["label"] != "sad" else "happy"
    marks.keep(marks.Mark(clip_id=clip["clip_id"], verdict=marks.LOOKS_WRONG, suggested=better), small_copy)
    result = fer("run", "params/demo.yaml", *SMALL)
    assert re.findall(r"(\d\d)_\w+: up to date", result.output) == ["01", "02", "03"], result.output
    shown = (small_copy / "notebooks" / "05_error_analysis.ipynb").read_text()
    assert "**1** clips are marked, **1** labels corrected" in shown
    assert "the corpus's labels" in shown
    assert tables.read("clips", small_copy)["label"].iloc[0] == clip["label"]


@pytest.mark.slow
def test_another_parameter_reruns_only_what_depends_on_it(small_copy, in_process):
    result = fer("run", "params/demo.yaml", *SMALL, "-p", "surprise_is", "negative")
    assert result.exit_code == 0, result.output
    assert re.findall(r"(\d\d)_\w+: up to date", result.output) == ["01", "02", "03"]
    assert "requests sent: 0" in result.output


def test_what_is_not_whole_is_done_again(small_copy, in_process):
    """A notebook cut off in the middle may call itself completed; its execution counts tell."""
    path = small_copy / "notebooks" / "05_error_analysis.ipynb"
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[-1].execution_count = None
    nbformat.write(notebook, path)
    result = fer("run", "params/demo.yaml", *SMALL)
    assert re.findall(r"(\d\d)_\w+: up to date", result.output) == ["01", "02", "03", "04"]


def test_plain_papermill_does_the_same(small_copy, tmp_path):
    before = pd.read_parquet(small_copy / "frames.parquet")
    papermill.execute_notebook(
        runs.source("02_frame_extraction"),
        tmp_path / "out.ipynb",
        parameters={"out": "outputs/small"},
        cwd=runs.source("02_frame_extraction").parent,
        progress_bar=False,
    )
    pd.testing.assert_frame_equal(pd.read_parquet(small_copy / "frames.parquet"), before)


@pytest.mark.slow
def test_what_was_removed_is_made_again(small_copy, in_process):
    """Key frames, figures and pages are part of what a notebook left; their loss counted as up to date."""
    shutil.rmtree(small_copy / "figures")
    (small_copy / "explorer.html").unlink()
    removed = next((small_copy / "frames").rglob("*.jpg"))
    removed.unlink()
    result = fer("run", "params/demo.yaml", *SMALL)
    assert result.exit_code == 0, result.output
    assert re.findall(r"(\d\d)_\w+: up to date", result.output) == ["03"]
    assert removed.is_file()
    assert (small_copy / "explorer.html").is_file()
    assert "<figure>" in (small_copy / "report.html").read_text()


def test_a_failing_notebook_is_named_with_its_cell_and_exception(outputs):
    """A corpus of unreadable clips passes the first look and fails in notebook 01's checks."""
    folder = outputs / "broken_corpus"
    folder.mkdir()
    (folder / "a.mp4").write_bytes(b"not a video")
    arguments = ("-p", "corpus", "folder", "-p", "corpus_path", str(folder), "--out", "outputs/broken")
    result = fer("run", "params/demo.yaml", *arguments)
    assert result.exit_code == 1
    assert re.search(r"01_data_exploration, cell \d+: AssertionError: no clip can be read", result.output)
    assert (outputs / "broken/notebooks/01_data_exploration.failed.ipynb").is_file()
    assert not (outputs / "broken/notebooks/01_data_exploration.ipynb").exists()


def test_a_cap_that_is_reached_is_said_and_has_its_own_exit_code(monkeypatch, small_copy):
    """A notebook hands over the name and words of its exception, and no more."""

    def stopped(*_, **__):
        raise papermill.PapermillExecutionError(7, 9, "await ...", "BudgetError", "US$ 1 of\nmax_cost_usd 1", [])

    monkeypatch.setattr(papermill, "execute_notebook", stopped)
    result = fer("run", "params/demo.yaml", *SMALL[:-1], "outputs/capped")
    assert result.exit_code == 3
    assert result.output.endswith("fer-helpers: US$ 1 of max_cost_usd 1\n")


def test_a_plan_asks_nobody(small_copy):
    """Requests, pictures, tokens and US$ by strategy; notebooks 01 and 02 are all it takes."""
    before = (small_copy / "answers.parquet").stat().st_mtime_ns
    result = fer("plan", "params/demo.yaml", *SMALL, "-p", "model", "gpt-4o-mini")
    assert result.exit_code == 0, result.output
    assert result.output.count("up to date, skipped") == 2
    words = next(line for line in result.output.splitlines() if line.startswith("all together")).split()
    assert words[2:5] == ["224", "0", "504"]  # 14 clips x (5 + 3 + 5 + a mosaic of 5) x 2, none answered by this model
    assert (small_copy / "answers.parquet").stat().st_mtime_ns == before


@pytest.mark.slow  # test_opening replays the replies, too
def test_a_supplement_is_run_again_without_asking(small_copy, in_process, tmp_path):
    """The replies go out as a file, come into another archive, and give the same predictions, key and network free."""
    assert "224 replies" in fer("archive", "export", tmp_path / "replies.parquet", "params/demo.yaml", *SMALL).output
    other = ("-p", "archive", "outputs/other.sqlite", *SMALL[:-2], "--out", "outputs/replayed")
    assert (
        "224 new replies" in fer("archive", "import", tmp_path / "replies.parquet", "params/replay.yaml", *other).output
    )
    result = fer("run", "params/replay.yaml", *other)
    assert result.exit_code == 0, result.output
    assert "requests sent: 0" in result.output
    predictions = [
        pd.read_parquet(run / "predictions.parquet") for run in (small_copy, small_copy.with_name("replayed"))
    ]
    pd.testing.assert_frame_equal(*predictions)


def bad(tmp_path, *arguments):
    """The run's message, after checking that it failed in one line and left nothing."""
    result = fer("run", "params/demo.yaml", *arguments, "--out", tmp_path / "run")
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("fer-helpers: ")]
    assert len(lines) == 1, result.output
    assert not (tmp_path / "run").exists()
    assert "Traceback" not in result.output
    return lines[0]


def p(**values):
    return [word for name, value in values.items() for word in ("-p", name, str(value))]


def test_bad_parameters_are_refused(tmp_path):
    assert "did you mean 'n_frames'" in bad(tmp_path, *p(n_frmes=3))
    assert "n_frames is 'five'" in bad(tmp_path, *p(n_frames="five"))
    assert "'vote' must be one of" in bad(tmp_path, *p(strategies="[vote]"))
    assert "strategy_shown is 'mosaic', which is not in" in bad(
        tmp_path, *p(strategies="[majority_vote]", strategy_shown="mosaic")
    )
    assert "embedded endpoint has only fer2013-cnn and facs-rules" in bad(tmp_path, *p(model="gpt-4o-mini"))


def test_a_bad_corpus_is_refused(tmp_path):
    corpus = tmp_path / "corpus"
    assert "does not exist" in bad(tmp_path, *p(corpus="folder", corpus_path=corpus))
    corpus.mkdir()
    assert "has no video or picture" in bad(tmp_path, *p(corpus="folder", corpus_path=corpus))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("path,label\na.png,hapy\n", "hapy"),
        ("path\nb.png\n", "b.png"),
        ("path\n../outside.png\n", "outside"),
        ("file\na.png\n", "path"),
    ],
)
def test_a_bad_manifest_is_refused(tmp_path, rows, message):
    import cv2

    corpus = tmp_path / "corpus"
    corpus.mkdir()
    cv2.imwrite(str(corpus / "a.png"), np.zeros((8, 8), np.uint8))
    cv2.imwrite(str(tmp_path / "outside.png"), np.zeros((8, 8), np.uint8))
    (tmp_path / "m.csv").write_text(rows)
    given = p(corpus="folder", corpus_path=corpus, manifest=tmp_path / "m.csv", pictures_as="clips")
    found = bad(tmp_path, *given)
    assert message in found
    assert "m.csv" in found


def test_files_that_a_later_notebook_needs_are_read_before_anything_is_asked(tmp_path, small_copy, monkeypatch):
    """Wrong votes were found in notebook 04, after notebook 03 had been paid for."""
    monkeypatch.chdir(tmp_path)
    assert "none.csv does not exist; correct the path" in bad(tmp_path, *p(votes="none.csv"))
    small = SMALL[:-2]
    (tmp_path / "v.csv").write_text("clip_id,rater,label\nanother,r,happy\n")
    assert "clip_id" in bad(tmp_path, *small, *p(votes="v.csv"))
    (tmp_path / "v.csv").write_bytes(b"clip_id,rater,label\n\xe9,r,happy\n")
    assert "line 2 is not UTF-8" in bad(tmp_path, *small, *p(votes="v.csv"))
    assert "human_labels is" in bad(tmp_path, *p(human_labels="none.csv"))
    (tmp_path / "v.csv").write_text("clip_id,label\nanother,happy\n")
    assert "rater" in bad(tmp_path, *small[:-3], *p(human_labels="v.csv"))
    assert "none.yaml" in bad(tmp_path, *p(prices=tmp_path / "none.yaml"))
    assert "none.md does not exist" in bad(tmp_path, *p(prompt="none.md"))
    assert "compare_with is" in bad(tmp_path, *p(compare_with=f"[{tmp_path}/none]"))
    assert "is not a run's folder" in bad(tmp_path, *p(compare_with=f"[{tmp_path}]"))
    assert "none.onnx" in bad(tmp_path, *p(face_crop="yunet", face_weights="none.onnx"))
    (tmp_path / "no.onnx").write_text("no model")
    assert "cannot be loaded" in bad(tmp_path, *p(face_crop="yunet", face_weights="no.onnx"))


def test_a_home_that_cannot_be_written_to_is_found_first(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    if importlib.util.find_spec("fer") is None:
        assert "set the environment variable XDG_CACHE_HOME" in bad(tmp_path)


def test_what_is_typed_means_what_it_looks_like(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "scene '*'" in bad(tmp_path, *SMALL[:-2], *p(scene="*"))  # YAML took it for an alias, with a traceback
    assert "is not YAML" in bad(tmp_path, *p(strategies="[*]"))
    assert "1:30 is no plain decimal number" in bad(tmp_path, *p(timeout_s="1:30"))
    assert "write [a, b]" in bad(tmp_path, *p(strategies="soft_vote"))
    assert "write true or false" in bad(tmp_path, *p(allow_upload="maybe"))
    result = fer("check", "params/demo.yaml", *SMALL[:-2], "-p", "out", "123", "-p", "model", "4.1")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["explore", "label", "serve"])
def test_a_port_that_there_is_not_is_refused(command):
    result = fer(command, "--port", "70000")
    assert result.exit_code == 2
    assert "70000 is not in the range " in result.stderr


def test_no_run_is_written_over_the_project():
    result = fer("run", "params/demo.yaml", "--out", "notebooks")
    assert "fer-helpers: out is 'notebooks', which holds files of the project" in result.stderr


def test_key_frames_are_not_written_into_the_corpus(tmp_path, small_outputs):
    corpus = small_outputs / "corpora/demo-14-seed1/clips"
    result = fer("run", "params/demo.yaml", *p(corpus="folder", corpus_path=corpus), "--out", corpus / "run")
    assert "lies in the corpus folder" in result.stderr
    assert not (corpus / "run").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device", "/x/y"), OSError(30, "Read-only system")])
def test_the_systems_errors_are_one_line(monkeypatch, error, small_copy):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(papermill, "execute_notebook", fails)
    result = fer("run", "params/demo.yaml", *SMALL[:-1], "outputs/full")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert error.strerror in result.stderr


def test_an_unwritable_place_for_runs_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FER_OUTPUTS", str(tmp_path / "file"))
    result = fer("run", "params/demo.yaml", *SMALL)
    assert result.exit_code == 1
    assert f"{tmp_path}/file is a file: give a folder" in result.stderr
    assert result.stderr.count("\n") == 1


def test_names_that_a_terminal_cannot_print_end_no_command(tmp_path):
    (tmp_path / "corpus").mkdir()
    command = [sys.executable, "-c", "from fer_helpers.cli import main; main()", "check", "params/demo.yaml"]
    command += ["-p", "corpus", "folder", "-p", "corpus_path", str(tmp_path / "corpus/\u65e5\u672c")]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "cp1252"}, capture_output=True)
    assert done.returncode == 1
    assert rb"\u65e5\u672c" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_bad_endpoint_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert "does not respond" in bad(tmp_path, *p(base_url="http://127.0.0.1:9/v1"))
    named = p(base_url="https://api.example.org/v1", api_key_env="A_KEY", allow_upload="true")
    assert "set the environment variable A_KEY" in bad(tmp_path, *named)


def test_a_corpus_that_does_not_allow_it_is_not_uploaded(tmp_path, small_outputs, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    corpus = small_outputs / "corpora/demo-14-seed1/clips"
    given = p(corpus="folder", corpus_path=corpus, base_url="https://api.example.org/v1")
    assert "set allow_upload: true" in bad(tmp_path, *given)


def test_the_demo_beats_the_trivial_baseline(small_run):
    """At 14 clips only a smoke test; the full demo's figures are in the committed notebooks."""
    scores = tables.read("scores", small_run)
    war = scores[(scores["metric"] == "WAR") & (scores["taxonomy"] == "seven")].set_index("strategy")["value"]
    assert war["majority_vote"] >= war["always the commonest class"]


def test_the_manifest_knows_every_step(small_run):
    assert list(read_manifest(small_run)["steps"]) == list(NOTEBOOKS)


@pytest.mark.parametrize("name", ["prices", "prompt"])
def test_other_prices_or_words_are_another_input_of_notebook_03(tmp_path, name):
    """They make its requests and answers; the same file unchanged is no reason to run it again."""
    mine = tmp_path / "mine.yaml"
    run = Params(**{name: str(mine)})
    seen = []
    for usd in (1, 1, 2):
        mine.write_text(f"prices: {{m: {{date: '2026-11', input: {usd}, output: 2}}}}")
        seen.append(steps._from_outside("03_zero_shot_annotation", run, tmp_path))
    assert seen[0] == seen[1] != seen[2]
    assert steps._from_outside("02_frame_extraction", run, tmp_path) == ""


def test_a_run_in_which_nothing_was_answered_is_no_success(tmp_path, in_process):
    """It ended with 0 clips scored, exit code 0 and no hint; the report is written and names the error."""

    def reply(_, n):
        return failure(400, "invalid_image")

    with served(reply) as (url, _, _):
        small = ("-p", "n_clips", "7", "-p", "n_resamples", "100", "-p", "strategies", "[multi_frame]")
        asked = ("-p", "base_url", url, "-p", "model", MODEL, "-p", "reply_form", "text", "-p", "taxonomies", "[seven]")
        with Archive(tmp_path / "a.sqlite") as archive:  # the first look at the server is over
            archive.remember(url, MODEL, '{"form": "text", "pictures": 5}')
        out = ("--out", tmp_path / "run", "-p", "archive", tmp_path / "a.sqlite")
        result = fer("run", "params/demo.yaml", *small, *asked, *out)
    assert result.exit_code == 1
    assert "none of 7 requests was answered; most ended with: no" in result.stderr
    page = (tmp_path / "run" / "report.html").read_text()
    assert re.search(r"error</t[hd]>\s*<td[^>]*>7</td>", page)
