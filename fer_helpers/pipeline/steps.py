"""One notebook after another into a run's folder; a step that is finished and unchanged is skipped."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import nbformat

from fer_helpers import corpora, tables
from fer_helpers.errors import AccountError, BudgetError, RunError
from fer_helpers.explorer import marks
from fer_helpers.files import naming, write_whole
from fer_helpers.params import Params
from fer_helpers.paths import PACKAGE, resolve, shown
from fer_helpers.prompting import PROMPTS
from fer_helpers.runs import (
    AUDIT,
    NOTEBOOKS,
    declared,
    file_hash,
    kernel,
    open_run,
    people,
    read_manifest,
    source,
    write_manifest,
)
from fer_helpers.tables import IMPORTED


def execute_steps(notebooks: Sequence[str], params: Params, say: Callable[[str], None], upstream: str) -> int:
    """Run `notebooks`, except those that are up to date; returns how many requests were sent."""
    out, sent = resolve(params.out), 0
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    for number, notebook in enumerate(notebooks, 1):
        step = _fingerprint(notebook, params, upstream + _from_outside(notebook, params, out))
        if is_whole(notebook, out, step):
            say(f"[{number}/{len(notebooks)}] {notebook}: up to date, skipped")
        else:
            began = time.monotonic()
            say(f"[{number}/{len(notebooks)}] {notebook}")
            run_notebook(notebook, own(notebook, params), out)
            _note(notebook, out, step, time.monotonic() - began)
            if notebook == "03_zero_shot_annotation":
                sent = open_run(out).facts["requests_sent"]
        upstream = step + json.dumps(_hashes(notebook, out))
    return sent


def _fingerprint(notebook: str, params: Params, upstream: str) -> str:
    """Hash of all a step depends on: its code, its parameters, and `upstream`: the corpus, the package, its tables."""
    code = [cell.source for cell in nbformat.read(source(notebook), as_version=4).cells]
    return sha256(json.dumps([code, own(notebook, params), upstream]).encode()).hexdigest()


def own(notebook: str, params: Params) -> dict[str, Any]:
    """The parameters that `notebook` declares."""
    values = params.model_dump()
    return {name: values[name] for name in declared(notebook)}


def _from_outside(notebook: str, params: Params, out: Path) -> str:
    """What a step reads that no earlier one wrote: prices, prompt; imports, marks, votes, runs; people's labels."""
    if notebook == "03_zero_shot_annotation":
        files = [resolve(params.prices)] if params.prices else []
        files += [resolve(params.prompt)] if params.prompt not in PROMPTS else []
        return json.dumps([file_hash(path) for path in files])
    if notebook == AUDIT:
        return json.dumps([file_hash(path) for path in (out / people.FILE, people.file_of(params)) if path])
    if notebook != "04_strategy_comparison":
        return ""
    files = [out / IMPORTED / "predictions.parquet", out / marks.FILE]
    files += [resolve(params.votes)] if params.votes else []
    files += [resolve(run) / f"{table}.parquet" for run in params.compare_with for table in ("clips", "predictions")]
    return json.dumps([file_hash(path) for path in files])


def origin(params: Params) -> str:
    """What the first step of a run depends on: the corpus, and this package."""
    return corpora.fingerprint(params) + package_fingerprint()


@cache
def package_fingerprint() -> str:
    """Hashes of the package's files, as they were when this process first looked."""
    files = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    return json.dumps([(path.name, sha256(path.read_bytes()).hexdigest()) for path in files])


def _hashes(notebook: str, out: Path) -> dict[str, str]:
    names = [table for table, by in tables.WRITTEN_BY.items() if by == notebook]
    # Draws are the command sample's, too: what was drawn since is a reason to run 06 again.
    written = [out / f"{table}.parquet" for table in [*names, *(["draws"] if notebook == AUDIT else [])]]
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


def is_whole(notebook: str, out: Path, step: str) -> bool:
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


def run_notebook(notebook: str, values: Mapping[str, Any], out: Path) -> None:
    """Execute one notebook into the run's folder.

    Raises:
        FerError: a cell failed, or its kernel was killed.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would log is an exception too
    copy = out / "notebooks" / f"{notebook}.ipynb"
    beside = copy.with_suffix(".failed.ipynb")
    try:
        with kernel() as its_kernel, naming(beside):
            papermill.execute_notebook(
                source(notebook),
                beside,
                parameters=values,
                cwd=source(notebook).parent,
                kernel_name="python3",
                progress_bar=sys.stderr.isatty() and multiprocessing.parent_process() is None,
                **its_kernel,
            )
    except papermill.PapermillExecutionError as error:
        said = " ".join(error.evalue.split())
        for known in (BudgetError, AccountError):  # true of more than this notebook, and no failure of it
            if error.ename == known.__name__:
                raise known(said) from error
        raise RunError(
            f"{notebook}, cell {error.exec_count}: {error.ename}: {said} (partially executed notebook: {shown(beside)})"
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


def hand_on(notebooks: Sequence[str], source_params: Params, params: Params) -> bool:
    """Begin the run of `params` as a copy of one whose `notebooks` (the first so many) had the same parameters.

    Tables, figures, executed notebooks and manifest are copied; key frames are linked where the file system can.
    False, and nothing is done, if that run went further already: then it has more to say than is common to both.
    """
    there, here = resolve(source_params.out), resolve(params.out)
    manifest = read_manifest(there)
    if list(manifest.get("steps", {})) != list(notebooks):
        return False
    (here / "notebooks").mkdir(parents=True, exist_ok=True)
    copies = [f"notebooks/{notebook}.ipynb" for notebook in notebooks]
    copies += [name for notebook in notebooks for name in _hashes(notebook, there)]
    for name in [*copies, "figures", "frames"]:
        if (there / name).is_dir():
            shutil.copytree(there / name, here / name, copy_function=_link, dirs_exist_ok=True)
        elif (there / name).is_file():
            write_whole(here / name, (there / name).read_bytes())
    manifest["params"]["out"] = params.out
    manifest["facts"] |= {"requests_sent": 0} if "requests_sent" in manifest["facts"] else {}
    upstream = origin(params)
    for notebook in notebooks:
        step = _fingerprint(notebook, params, upstream + _from_outside(notebook, params, here))
        manifest["steps"][notebook] |= {"fingerprint": step, "executed_in": source_params.out}
        upstream = step + json.dumps(_hashes(notebook, here))
    write_manifest(here, manifest)
    return True


def _link(file: str, copy: str) -> None:
    """A key frame's name holds its hash and a figure is written anew, not over: one file may have two names."""
    try:
        os.link(file, copy)
    except FileExistsError:
        pass
    except OSError:  # another disk, or a file system without links
        shutil.copy2(file, copy)
