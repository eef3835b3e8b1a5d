"""Runs the numbered notebooks through papermill in order, and skips what is up to date."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from traitlets.config import Config

from fer_helpers import corpora, report, statuses, tables
from fer_helpers.annotation import Ledger, access
from fer_helpers.errors import BudgetError, EndpointError, RunError
from fer_helpers.explorer import marks
from fer_helpers.params import Params
from fer_helpers.paths import ROOT, resolve, shown
from fer_helpers.runs import NOTEBOOKS, Run, declared, open_run, read_manifest, source, write_manifest
from fer_helpers.tables import IMPORTED


def execute(params: Params, say: Callable[[str], None] = print) -> Path:
    """Run the five notebooks with `params`; returns the run's folder, with report.html in it.

    Raises:
        FerError: bad input, before anything is written; or a notebook failed, with its cell and exception.
        EndpointError: no request was answered; the report is written all the same.
    """
    for notice in access.check(params, corpora.CORPORA[params.corpus].allow_upload):
        say(notice)
    waiting = sum(shard.requests for shard in Ledger(resolve(params.out)).open)
    if waiting and params.base_url != "replay":
        raise RunError(
            f"{waiting} requests are pending in batches and would be paid for twice: run `fer-helpers batch "
            "collect` first, or continue with the replies in the archive: -p base_url replay"
        )
    sent = _steps(NOTEBOOKS, params, say)
    say(f"requests sent: {sent}")
    run = open_run(resolve(params.out))
    path = report.write(run)
    if not (set(run.read("answers")["status"]) - {statuses.ERROR}):
        errors = report.commonest_errors(run, 1)
        said = f"; most ended with: {errors['error'].iloc[0]}" if len(errors) else ""
        raise EndpointError(f"none of {run.facts['n_requests']} requests was answered{said}; see {shown(path)}")
    return run.folder


def extract_frames(params: Params, say: Callable[[str], None] = print) -> Run:
    """Notebooks 01 and 02 alone: what a plan or a batch needs, without asking anybody anything."""
    _steps(NOTEBOOKS[:2], params, say)
    return Run(resolve(params.out), params)


def _steps(notebooks: Sequence[str], params: Params, say: Callable[[str], None]) -> int:
    """Run `notebooks`, except those that are up to date; returns how many requests were sent."""
    corpora.prepare(params)
    out = resolve(params.out)
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    sent, upstream = 0, corpora.fingerprint(params) + _package_fingerprint()
    for number, notebook in enumerate(notebooks, 1):
        step = _fingerprint(notebook, params, upstream + _from_outside(notebook, params, out))
        if _is_whole(notebook, out, step):
            say(f"[{number}/{len(notebooks)}] {notebook}: up to date, skipped")
        else:
            began = time.monotonic()
            say(f"[{number}/{len(notebooks)}] {notebook}")
            _run(notebook, params, out)
            _note(notebook, out, step, time.monotonic() - began)
            if notebook == "03_zero_shot_annotation":
                sent = open_run(out).facts["requests_sent"]
        upstream = step + json.dumps(_hashes(notebook, out))
    return sent


def _fingerprint(notebook: str, params: Params, upstream: str) -> str:
    """Hash of all a step depends on: its code, its parameters, and `upstream`: the corpus, the package, its tables."""
    values = params.model_dump()
    code = [cell.source for cell in nbformat.read(source(notebook), as_version=4).cells]
    mine = {name: values[name] for name in declared(notebook)}
    return sha256(json.dumps([code, mine, upstream]).encode()).hexdigest()


def _from_outside(notebook: str, params: Params, out: Path) -> str:
    """What a step reads that no earlier one wrote: prices; imported predictions, marks, human votes, other runs."""
    if notebook == "03_zero_shot_annotation":
        files = [resolve(params.prices)] if params.prices else []
        return json.dumps([sha256(path.read_bytes()).hexdigest() for path in files])
    if notebook != "04_strategy_comparison":
        return ""
    files = [out / IMPORTED / "predictions.parquet", out / marks.FILE]
    files += [resolve(params.votes)] if params.votes else []
    files += [resolve(run) / f"{table}.parquet" for run in params.compare_with for table in ("clips", "predictions")]
    return json.dumps([sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in files])


def _package_fingerprint() -> str:
    files = [path for path in sorted((ROOT / "fer_helpers").rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return json.dumps([(path.name, sha256(path.read_bytes()).hexdigest()) for path in files])


def _hashes(notebook: str, out: Path) -> dict[str, str]:
    written = [out / f"{table}.parquet" for table, by in tables.WRITTEN_BY.items() if by == notebook]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in written if path.is_file()}


def _is_whole(notebook: str, out: Path, step: str) -> bool:
    """Whether the step was finished from the same inputs and all it wrote is still as it was."""
    known = read_manifest(out).get("steps", {}).get(notebook)
    copy = out / "notebooks" / f"{notebook}.ipynb"
    return bool(
        known
        and known["fingerprint"] == step
        and known["tables"] == _hashes(notebook, out)
        and copy.is_file()
        and is_executed(nbformat.read(copy, as_version=4))
    )


def is_executed(notebook: nbformat.NotebookNode) -> bool:
    """Whether every code cell ran, in order and without an error; papermill's own mark cannot be trusted."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    in_order = [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    return in_order and not any(output.output_type == "error" for cell in code for output in cell.outputs)


def _run(notebook: str, params: Params, out: Path) -> None:
    """Execute one notebook into the run's folder; its kernel is spoken to over a socket file, not a port."""
    import papermill

    values = params.model_dump()
    copy = out / "notebooks" / f"{notebook}.ipynb"
    beside = copy.with_suffix(".failed.ipynb")
    try:
        with TemporaryDirectory(prefix="fer-") as sockets:  # of its own: two runs at once must not meet
            ipc = {"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}
            papermill.execute_notebook(
                source(notebook),
                beside,
                parameters={name: values[name] for name in declared(notebook)},
                cwd=source(notebook).parent,
                kernel_name="python3",
                config=Config(ipc if os.name == "posix" else {}),
            )
    except papermill.PapermillExecutionError as error:
        if error.ename == BudgetError.__name__:  # a cap that was reached is no failure of the notebook
            raise BudgetError(" ".join(error.evalue.split())) from error
        raise RunError(
            f"{notebook}, cell {error.exec_count}: {error.ename}: {' '.join(error.evalue.split())} "
            f"(partially executed notebook: {shown(beside)})"
        ) from error
    if not is_executed(nbformat.read(beside, as_version=4)):
        raise RunError(f"{notebook} stopped before its last cell: see {shown(beside)}")
    beside.replace(copy)


def _note(notebook: str, out: Path, step: str, seconds: float) -> None:
    manifest = read_manifest(out)
    mark = {"fingerprint": step, "tables": _hashes(notebook, out), "seconds": round(seconds, 1)}
    write_manifest(out, {**manifest, "steps": {**manifest.get("steps", {}), notebook: mark}})
