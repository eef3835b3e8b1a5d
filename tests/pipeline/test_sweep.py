"""A sweep: each request once, whatever is killed; a cell is the run one makes by hand; one cap; failures are rows."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import pandas as pd
import pytest
import yaml

from fer_helpers import pipeline, runs, tables
from fer_helpers.annotation.archive import Archive
from fer_helpers.endpoint import Faults
from fer_helpers.errors import BudgetError, RunError
from fer_helpers.params import Params
from fer_helpers.paths import ROOT
from fer_helpers.pipeline.run import carry_out
from fer_helpers.runs import sweeps
from tests.support import outputs
from tests.support.command import fer
from tests.support.completions import MODEL, failure, good
from tests.support.completions import served as served_by_hand
from tests.support.faults import books, served

FOUR = runs.NOTEBOOKS[:4]
COMMON = {"n_clips": 7, "n_resamples": 100, "strategies": ["single_frame", "multi_frame"], "error_analysis": False}
GRID = {
    "sweep": {"prompt": ["labels", "definitions"], "taxonomies": {"seven": ["seven"]}},
    "zip": {"frame_choice": ["middle", "uniform"], "n_frames": [1, 3]},
}
ONE_FRAME = {"frame_choice": "middle", "n_frames": 1, "strategies": ["single_frame"]}
PROMPTS = {"prompt": {"a": "labels", "b": "reasoning"}}
# Of each clip and prompt: the middle frame alone, in both cells, and three frames together.
DISTINCT = 7 * 2 * (1 + 1)


def written(folder, **values):
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({"out": "outputs/s", **COMMON, **values}))
    return path


@contextlib.contextmanager
def outputs_in(folder):
    """Another folder in the place of outputs/, whose notebooks are executed in this process."""
    from tests.support.notebooks import run_here

    with outputs.outputs_in(folder), pytest.MonkeyPatch.context() as patch:
        patch.setattr("fer_helpers.pipeline.steps.run_notebook", run_here)
        yield folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """An outputs/ with the demo's seven clips and the key frames of the cells of GRID and of `swept`; to be copied."""
    folder = tmp_path_factory.mktemp("rendered")
    with outputs_in(folder):
        for values in (GRID, {"out": "outputs/t", **ONE_FRAME, "sweep": PROMPTS}):
            result = fer("sweep", written(folder, **values), "--plan", "--at-once", "1")
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def began(corpus, tmp_path):
    with outputs_in(tmp_path / "outputs") as folder:
        shutil.copytree(corpus, folder)
        yield folder


@pytest.fixture(scope="module")
def asked(corpus, tmp_path_factory):
    """GRID's sweep, done at an endpoint that counts: the outputs/, the endpoint, the sweep's file, and what it said."""
    folder = tmp_path_factory.mktemp("asked") / "outputs"
    shutil.copytree(corpus, folder)
    with outputs_in(folder), served(Faults()) as url:
        probed(folder, url, "fer2013-cnn")
        path = written(folder, **GRID, base_url=url)
        yield folder, url, path, fer("sweep", path, "--at-once", "1")


def probed(folder, url, *models, form="schema+logprobs"):
    """The first look at the server is over: its few requests about a grey square are none of the sweep's."""
    with Archive(folder / "archive.sqlite") as archive:
        for model in models:
            archive.remember(url, model, f'{{"form": "{form}", "pictures": 5}}')


def received(url):
    return [page["received"] for page in books(url).values()]


def table(folder):
    return sweeps.read(folder).set_index("cell")


def test_a_request_is_sent_once_and_never_again(asked):
    folder, url, path, result = asked
    assert result.exit_code == 0, result.output
    assert f"requests sent: {DISTINCT}" in result.output
    assert received(url) == [1] * DISTINCT
    assert table(folder / "s")["state"].tolist() == ["done"] * 4
    words = next(line for line in result.output.splitlines() if line.startswith("all together")).split()
    assert words[2:6] == [str(DISTINCT), str(DISTINCT // 2), "0", str(DISTINCT)]
    assert "requests sent: 0" in fer("sweep", path, "--at-once", "1").output
    assert received(url) == [1] * DISTINCT


def test_a_cell_is_the_run_by_hand(asked):
    """This one began as a copy of another; an ordinary run finds it up to date."""
    folder, url, *_ = asked
    cell = table(folder / "s").index[1]
    params, said = runs.open_run(folder / "s" / cell).params, []
    assert "executed_in" in runs.read_manifest(folder / "s" / cell)["steps"]["01_data_exploration"]
    carry_out(FOUR, params, said.append)
    assert sum("up to date" in line for line in said) == 4
    carry_out(FOUR, params.model_copy(update={"out": "outputs/by-hand"}), print)
    for name in ("clips", "frames", "requests", "answers", "predictions", "scores", "comparisons"):
        pd.testing.assert_frame_equal(tables.read(name, folder / "by-hand"), tables.read(name, folder / "s" / cell))
    figures = [{path.name for path in (at / "figures").iterdir()} for at in (folder / "by-hand", folder / "s" / cell)]
    assert figures[0] == figures[1]
    assert received(url) == [1] * DISTINCT


def test_the_printed_commands_are_papermills(asked):
    """Split as a shell does and read as papermill does, they give each notebook the cell's parameters."""
    folder, _, path, _ = asked
    printed = fer("sweep", path, "--print", "papermill", "--out", "outputs/it's printed").output.split("# ")[2]
    name, made, *lines = printed.strip().splitlines()
    there = folder / "it's printed" / name
    assert shlex.split(made) == ["mkdir", "-p", str(there / "notebooks")]
    params = runs.open_run(folder / "s" / name).params.model_dump() | {"out": f"outputs/it's printed/{name}"}
    assert len(lines) == 4
    for line, notebook in zip(lines, FOUR, strict=True):
        words = shlex.split(line)
        assert words[:3] == ["papermill", f"notebooks/{notebook}.ipynb", str(there / "notebooks" / f"{notebook}.ipynb")]
        assert words[3:8] == ["--cwd", "notebooks", "--kernel", "python3", "-y"]
        given = {**runs.declared(notebook), **yaml.safe_load(words[8])}
        assert given == {parameter: params[parameter] for parameter in given}


@pytest.mark.slow
@pytest.mark.timeout(600)  # three processes that import everything, on a machine that may be busy
def test_a_kill_loses_nothing(began, monkeypatch):
    """Workers and kernels end with the command; what was kept is not asked again."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with served(Faults(latency_s=0.2)) as url:
        probed(began, url, "fer2013-cnn")
        path = written(began, **GRID, base_url=url, max_concurrency=2)
        command = [sys.executable, "-c", "from fer_helpers.cli import main; main()", "sweep", path, "--at-once", "2"]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: sum(received(url)) >= 6 or process.poll() is not None)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        before = kept(began)
        wait_for(lambda: not children_of(began))
        assert len(kept(began)) < DISTINCT, "it was done before it could be killed"
        result = fer("sweep", path, "--at-once", "1")
        assert result.exit_code == 0, result.output
        assert before <= kept(began)
        assert len(kept(began)) == DISTINCT == len(received(url))
        assert DISTINCT <= sum(received(url)) <= DISTINCT + 2
    assert table(began / "s")["state"].tolist() == ["done"] * 4


def kept(folder):
    import sqlite3

    with sqlite3.connect(folder / "archive.sqlite") as db:
        found = {key for (key,) in db.execute("SELECT key FROM entries")}
    db.close()
    return found


def children_of(folder):
    """Processes that work in an outputs/ of the test's own: each has its address in its environment."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("FER_OUTPUTS") == str(folder):
                found.append(process.pid)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def wait_for(happened, seconds=250.0):
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def swept(began, url, **values):
    """The sweep at a server that a test writes, whose capabilities are known."""
    probed(began, url, MODEL, "dear", "none", form="text")
    found = {"out": "outputs/t", **ONE_FRAME, "taxonomies": ["seven"], "base_url": url, "max_concurrency": 1}
    return sweeps.load(written(began, **{**found, **values}))


def test_a_cell_that_fails_is_a_row_and_the_others_go_on(began):
    def reply(*_):
        return failure(404, "model_not_found") if next(models) == "none" else good()

    models = iter(["none", *[MODEL] * 100])
    with served_by_hand(reply) as (url, _, _):
        found = swept(began, url, sweep={"model": {"a": "none", "b": MODEL}})
        with pytest.raises(RunError, match=r"1 of 2 cells are not done; .*cells\.csv; run again to resume"):
            pipeline.execute_sweep(found, print, at_once=1)
    rows = table(began / "t")
    assert rows["state"].tolist() == ["failed", "done"]
    assert "model 'none' is not served" in rows["reason"]["a"]


def test_what_is_true_of_the_account_ends_its_cells(began):
    asked = []

    def reply(picture, _):
        asked.append(picture)
        return failure(402, "insufficient_quota")

    with served_by_hand(reply) as (url, _, _), pytest.raises(RunError.__base__, match="no quota or money left"):
        pipeline.execute_sweep(swept(began, url, model=MODEL, sweep=PROMPTS), print, at_once=1)
    assert len(asked) == 1
    assert table(began / "t")["state"].tolist() == ["not run"] * 2
    assert table(began / "t")["reason"].str.contains("no quota or money left").all()


@pytest.mark.slow
def test_one_cap_holds_for_all_cells(began):
    """Each cell alone would keep it. A cell whose answers are all there is finished all the same."""
    (began / "prices.yaml").write_text("prices: {dear: {date: '2026-11', input: 1000, output: 1000}}")
    cost = (100 + 5) * 1000 / 1e6  # US$ of a reply of `good`
    with served_by_hand(lambda *_: good()) as (url, asked, _):
        given = {
            "prices": str(began / "prices.yaml"),
            "model": "dear",
            "sweep": {"prompt": {"a": "labels", "b": "reasoning"}},
        }
        found = swept(began, url, **given, max_cost_usd=10 * cost)
        with pytest.raises(BudgetError):
            pipeline.execute_sweep(found, print, at_once=1)
        assert 7 <= asked.total() < 14
        assert asked.total() * cost <= 10 * cost
        assert table(began / "t")["state"].tolist() == ["done", "not run"]
        assert "max_cost_usd" in table(began / "t")["reason"]["b"]
        pipeline.execute_sweep(swept(began, url, **given, max_cost_usd=40 * cost), print, at_once=1)
        assert asked.total() == 14


def test_a_cap_without_a_price_is_refused_before_anything_is_done(began):
    found = swept(began, "http://127.0.0.1:9/v1", sweep={"model": {"a": "nobody-knows"}}, max_cost_usd=1)
    before = {path: path.stat().st_mtime_ns for path in (began / "t").rglob("*")}
    with pytest.raises(RunError.__base__, match="the price of nobody-knows is unknown"):
        pipeline.execute_sweep(found, print, at_once=1)
    assert {path: path.stat().st_mtime_ns for path in (began / "t").rglob("*")} == before


def test_a_runs_folder_is_no_sweeps(tmp_path):
    runs.write_manifest(tmp_path, {"params": {"corpus": "demo"}})
    with pytest.raises(RunError, match="is a run's folder: give the sweep one of its own"):
        pipeline.execute_sweep(sweeps.of_values({"out": str(tmp_path), "sweep": {"n_frames": [3]}}), print)


def test_the_default_parameters_print_no_more_than_the_folder():
    lines = pipeline.papermill_commands(Params(out="outputs/x"))
    assert [yaml.safe_load(shlex.split(line)[-1]) for line in lines[1:]] == [{"out": "outputs/x"}] * 5


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not os.environ.get("CI") and not find_spec("distributed"), reason="the extra `cluster` is missing")
def test_a_workers_death_costs_its_cells_time_only(began, tmp_path, monkeypatch):
    """Notebook 04 of each cell is a worker's; the one that is killed at work has another begin its cell again."""
    from distributed import Client, LocalCluster

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    processes = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(tmp_path)}
    with LocalCluster(**processes) as cluster, Client(cluster) as client:
        fer("sweep", written(began, **GRID), "--at-once", "1", "--plan")
        killed = threading.Thread(target=kill_at_work, args=(client, began / "s"))
        killed.start()
        path = written(began, **GRID, dask_scheduler=cluster.scheduler_address)
        result = fer("sweep", path, "--at-once", "1")
        killed.join()
    assert result.exit_code == 0, result.output
    assert table(began / "s")["state"].tolist() == ["done"] * 4


def kill_at_work(client, folder):
    """Kill a worker that has begun a cell."""
    wait_for(lambda: list(folder.glob("*/notebooks/04*.failed.ipynb")))
    busy = next(address for address, keys in client.processing().items() if keys)
    os.kill(client.run(os.getpid)[busy], signal.SIGKILL)
