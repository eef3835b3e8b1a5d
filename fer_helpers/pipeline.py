"""Runs the numbered notebooks through papermill in order, and skips what is up to date."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import nbformat
import pandas as pd

from fer_helpers import corpora, frames, report, statuses, tables
from fer_helpers.annotation import Ledger, access
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import BudgetError, EndpointError, ParamsError, RunError
from fer_helpers.evaluation import findings
from fer_helpers.explorer import marks
from fer_helpers.params import Params
from fer_helpers.paths import PACKAGE, resolve, shown
from fer_helpers.prompting import pricing
from fer_helpers.runs import (
    NOTEBOOKS,
    Run,
    declared,
    file_hash,
    folder_of,
    hold,
    open_run,
    read_manifest,
    source,
    surroundings,
    write_manifest,
)
from fer_helpers.tables import IMPORTED


def execute(params: Params, say: Callable[[str], None] = print) -> Path:
    """Run the five notebooks with `params`; returns the run's folder, with report.html in it.

    Raises:
        FerError: bad input, before anything is written; or a notebook failed, with its cell and exception.
        EndpointError: no request was answered; the report is written all the same.
    """
    out = folder_of(params.out)
    if params.strategies:
        for notice in access.check(params, corpora.CORPORA[params.corpus].allow_upload):
            say(notice)
    waiting = sum(shard.requests for shard in Ledger(out).open)
    if waiting and params.base_url != "replay":
        raise RunError(
            f"{waiting} requests are pending in batches and would be paid for twice: run `fer-helpers batch "
            "collect` first, or continue with the replies in the archive: -p base_url replay"
        )
    sent = _steps(NOTEBOOKS, params, say)
    say(f"requests sent: {sent}")
    run = open_run(out)
    path = report.write(run)
    if not (set(run.read("answers")["status"]) - {statuses.ERROR}):
        errors = report.commonest_errors(run, 1)
        said = f"; most ended with: {errors['error'].iloc[0]}" if len(errors) else ""
        raise EndpointError(f"none of {run.facts['n_requests']} requests was answered{said}; see {shown(path)}")
    return run.folder


def score(clips: pd.DataFrame, imported: pd.DataFrame, params: Params, say: Callable[[str], None] = print) -> Path:
    """Notebooks 04 and 05 over labels and predictions alone: no frames, and no model that is asked.

    Args:
        clips: the clips table, with the true labels.
        imported: other annotators' predictions, as rows of the predictions table.
        params: with no strategies.

    Returns:
        the run's folder, with report.html in it.

    Raises:
        FerError: as `execute`; or the folder is that of a run that asked a model.
    """
    asked = [name for name in TAXONOMIES if name in set(imported["asked"])]
    params, out = params.model_copy(update={"taxonomies": asked}), folder_of(params.out)
    if read_manifest(out).get("params", {}).get("strategies"):
        raise RunError(f"{shown(out)} is the folder of a run that asked a model: give another --out")
    corpora.votes(params, clips)
    with hold(out):
        values = params.model_dump()
        earlier = {name: values[name] for notebook in NOTEBOOKS[:3] for name in declared(notebook)}
        tables.write("predictions", imported, out / IMPORTED)
        write_manifest(out, {**read_manifest(out), "params": earlier})
        run = Run(out, params)
        run.write("clips", clips)
        run.record(n_clips=len(clips), n_labelled=int(clips["label"].notna().sum()), n_frames=0, n_requests=0)
        _execute(NOTEBOOKS[3:], params, say, _package_fingerprint() + file_hash(out / "clips.parquet"))
        report.write(open_run(out))
    return out


def extract_frames(params: Params, say: Callable[[str], None] = print) -> Run:
    """Notebooks 01 and 02 alone: what a plan or a batch needs, without asking anybody anything."""
    _steps(NOTEBOOKS[:2], params, say)
    return Run(resolve(params.out), params)


def _steps(notebooks: Sequence[str], params: Params, say: Callable[[str], None]) -> int:
    """Run `notebooks` of a corpus, after a look at all that they will need; returns how many requests were sent."""
    out = folder_of(params.out)
    _check_outside(params)
    corpora.prepare(params)
    if out.resolve().is_relative_to(corpora.location(params).resolve()):
        raise RunError(f"{shown(out)} lies in the corpus folder, where key frames would be taken for clips: move --out")
    if not params.clip_seconds:  # else the clips are pieces, and their names not known yet
        corpora.votes(params, corpora.listed(params))
    with hold(out):
        return _execute(notebooks, params, say, corpora.fingerprint(params) + _package_fingerprint())


def _execute(notebooks: Sequence[str], params: Params, say: Callable[[str], None], upstream: str) -> int:
    """Run `notebooks`, except those that are up to date; returns how many requests were sent."""
    out, sent = resolve(params.out), 0
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
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


def _check_outside(params: Params) -> None:
    """See that files and folders that `params` names can be read, before any work.

    Raises:
        FerError: one cannot; names the parameter and the path that was tried.
    """
    pricing.book(resolve(params.prices) if params.prices else None)
    frames.check_detector(params.face_crop, params.face_weights)
    given = {"corpus_path": params.corpus_path, "manifest": params.manifest}
    given |= {"votes": params.votes} if params.votes != corpora.OWN else {}
    for name, path in [*given.items(), *(("compare_with", path) for path in params.compare_with)]:
        if path and not resolve(path).exists():
            raise ParamsError(f"{name} is {path!r}: {resolve(path)} does not exist; correct the path")
    for folder in params.compare_with:
        other = open_run(resolve(folder))
        for table in ("clips", "predictions"):
            other.read(table)
    known = Run(resolve(params.out), params).imported()["model"].unique()
    there = [findings.BEST, *params.strategies, IMPORTED, *known, *(f"{IMPORTED}:{name}" for name in known)]
    if params.strategy_shown not in there:
        raise ParamsError(
            f"strategy_shown is {params.strategy_shown!r}, which is not in strategies, nor an imported annotator"
        )


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
        return json.dumps([file_hash(path) for path in files])
    if notebook != "04_strategy_comparison":
        return ""
    files = [out / IMPORTED / "predictions.parquet", out / marks.FILE]
    files += [resolve(params.votes)] if params.votes else []
    files += [resolve(run) / f"{table}.parquet" for run in params.compare_with for table in ("clips", "predictions")]
    return json.dumps([file_hash(path) for path in files])


def _package_fingerprint() -> str:
    files = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return json.dumps([(path.name, sha256(path.read_bytes()).hexdigest()) for path in files])


def _hashes(notebook: str, out: Path) -> dict[str, str]:
    written = [out / f"{table}.parquet" for table, by in tables.WRITTEN_BY.items() if by == notebook]
    return {path.name: file_hash(path) for path in written if path.is_file()}


def _beside_tables(notebook: str, out: Path) -> list[str]:
    """What else a notebook left in the run's folder: figures, and pages."""
    names = [name for name in read_manifest(out).get("figures", {}) if name[:2] == notebook[:2]]
    found = [f"figures/{name}.{suffix}" for name in names for suffix in ("svg", "png", "csv")]
    pages = ["explorer.html", "report.html"] if notebook == NOTEBOOKS[-1] else []
    return found + [page for page in pages if (out / page).is_file()]


def _frames_are_there(out: Path) -> bool:
    """Whether each key frame and video that lies in a folder, and not at an address, is still there."""
    paths = [path for name in ("frames", "videos") for path in tables.read(name, out)["path"].dropna()]
    local = [out / path for path in paths if "://" not in path]
    there = {
        folder: {entry.name for entry in os.scandir(folder)}
        for folder in {path.parent for path in local}
        if folder.is_dir()
    }
    return all(path.name in there.get(path.parent, ()) for path in local)


def _is_whole(notebook: str, out: Path, step: str) -> bool:
    """Whether the step was finished from the same inputs and all it wrote is still as it was."""
    known = read_manifest(out).get("steps", {}).get(notebook)
    copy = out / "notebooks" / f"{notebook}.ipynb"
    return bool(
        known
        and known["fingerprint"] == step
        and known["tables"] == _hashes(notebook, out)
        and all((out / name).is_file() for name in known.get("beside", []))
        and (notebook != "02_frame_extraction" or _frames_are_there(out))
        and copy.is_file()
        and is_executed(nbformat.read(copy, as_version=4))
    )


def is_executed(notebook: nbformat.NotebookNode) -> bool:
    """Whether every code cell ran, in order and without an error; papermill's own mark cannot be trusted."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    in_order = [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    return in_order and not any(output.output_type == "error" for cell in code for output in cell.outputs)


def _run(notebook: str, params: Params, out: Path) -> None:
    """Execute one notebook into the run's folder."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would log is an exception too
    values = params.model_dump()
    copy = out / "notebooks" / f"{notebook}.ipynb"
    beside = copy.with_suffix(".failed.ipynb")
    try:
        with surroundings() as config:
            papermill.execute_notebook(
                source(notebook),
                beside,
                parameters={name: values[name] for name in declared(notebook)},
                cwd=source(notebook).parent,
                kernel_name="python3",
                progress_bar=sys.stderr.isatty(),
                config=config,
            )
    except papermill.PapermillExecutionError as error:
        if error.ename == BudgetError.__name__:  # a cap that was reached is no failure of the notebook
            raise BudgetError(" ".join(error.evalue.split())) from error
        raise RunError(
            f"{notebook}, cell {error.exec_count}: {error.ename}: {' '.join(error.evalue.split())} "
            f"(partially executed notebook: {shown(beside)})"
        ) from error
    except DeadKernelError as error:
        raise RunError(
            f"{notebook}: its kernel was killed, perhaps for want of memory (partially executed notebook: "
            f"{shown(beside)}); run again to resume"
        ) from error
    if not is_executed(nbformat.read(beside, as_version=4)):
        raise RunError(f"{notebook} stopped before its last cell: see {shown(beside)}")
    beside.replace(copy)


def _note(notebook: str, out: Path, step: str, seconds: float) -> None:
    manifest = read_manifest(out)
    mark = {"fingerprint": step, "tables": _hashes(notebook, out), "seconds": round(seconds, 1)}
    mark["beside"] = _beside_tables(notebook, out)
    write_manifest(out, {**manifest, "steps": {**manifest.get("steps", {}), notebook: mark}})
