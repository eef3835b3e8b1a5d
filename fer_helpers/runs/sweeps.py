"""A sweep: one YAML file that stands for many runs, its cells, and what became of each."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from fer_helpers import params as parameters
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.files import whole_file, write_whole
from fer_helpers.params import Params
from fer_helpers.paths import shown, typed
from fer_helpers.runs.notebooks import NOTEBOOKS, declared
from fer_helpers.runs.run import folder_of

EACH = "each"
KINDS = ("sweep", "zip", EACH)
MOST_CELLS = 200
TABLE, PLAN, REQUESTS = "cells.csv", "sweep.json", "sweep_requests.parquet"
DONE, FAILED, NOT_RUN = "done", "failed", "not run"
ABOUT = "error_analysis"  # whether cells have notebook 05; a key of the file, and no parameter
# What holds for the sweep as a whole: where it lies, what it may cost, to whom frames may go, who does the work.
OF_ALL = ("out", "archive", "max_cost_usd", "prices", "allow_upload", "allow_plain_http", "dask_scheduler")
# Names in the sweep's folder that are no cell's.
_TAKEN = {
    TABLE,
    PLAN,
    REQUESTS,
    "notebooks",
    "figures",
    "tables",
    "frames",
    "lock",
    "lock.json",
    "manifest.json",
    "report.html",
}
Choice = tuple[str | None, Any]  # a value's name, empty where none was given, None where it needs none; the value
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


@dataclass(frozen=True)
class Cell:
    """One run of a sweep."""

    name: str  # also its folder's, below the sweep's
    values: Mapping[str, Any]  # of the parameters that vary
    params: Params

    @property
    def hash(self) -> str:
        """SHA-256 of its parameters but `out`: two cells, or two sweeps' cells, with one hash are the same run."""
        return fingerprint(self.params)


@dataclass(frozen=True)
class Sweep:
    """What a sweep's file says: `out` is its folder, in which each cell has its own."""

    out: str
    cells: tuple[Cell, ...]
    error_analysis: bool = True

    @property
    def notebooks(self) -> tuple[str, ...]:
        """Those that its cells have."""
        return NOTEBOOKS if self.error_analysis else NOTEBOOKS[:-1]

    @property
    def varied(self) -> list[str]:
        """The parameters that vary, in the file's order."""
        return list(self.cells[0].values)


def fingerprint(params: Params) -> str:
    """SHA-256 of a run's parameters, wherever its folder is."""
    return sha256(json.dumps(params.model_dump(exclude={"out"}), sort_keys=True).encode()).hexdigest()


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Sweep:
    """The sweep in a YAML file, typed on the command line, `overrides` on top.

    Raises:
        ParamsError: the file is missing, no sweep, or wrong in any cell; one line that names what to change.
    """
    path = typed(path)
    if not path.is_file():
        raise ParamsError(f"{path} is not a file: give one like params/sweep.yaml")
    return of_values({**parameters.flat_yaml(path), **(overrides or {})}, shown(path))


def of_values(values: Mapping[str, Any], source: str = "sweep") -> Sweep:
    """The sweep that a file's `values` say: parameters, and those that vary under `sweep` (grid), `zip` and `each`.

    Every value of a parameter under `sweep` meets every one of the others'; those under `zip` change together; those
    under `each` change one at a time, against a base cell in which they are as at the top or by default. A mapping
    instead of a list gives its values' names.

    >>> sweep = of_values({"out": "outputs/x", "sweep": {"prompt": ["labels", "reasoning"], "n_frames": [3, 5]}})
    >>> [cell.name for cell in sweep.cells]
    ['labels_n_frames-3', 'labels_n_frames-5', 'reasoning_n_frames-3', 'reasoning_n_frames-5']
    >>> sweep = of_values({"out": "outputs/x", "each": {"prompt": ["reasoning"], "n_frames": [1, 3]}})
    >>> [cell.name for cell in sweep.cells]
    ['base', 'reasoning', 'n_frames-1', 'n_frames-3']

    Raises:
        ParamsError: as `load`.
    """
    common = {name: value for name, value in values.items() if name not in (*KINDS, ABOUT)}
    grid, together, alone = (_varied(values.get(kind), kind, common, source) for kind in KINDS)
    if not isinstance(values.get(ABOUT, True), bool):
        raise ParamsError(f"{source}: {ABOUT} is {values[ABOUT]!r}: write true or false")
    for one, other in itertools.combinations(KINDS, 2):
        if both := sorted((values.get(one) or {}).keys() & (values.get(other) or {}).keys()):
            raise ParamsError(f"{source}: {both[0]} stands under {one} and under {other}: keep one")
    if not grid and not together and not alone:
        raise ParamsError(
            f"{source}: nothing varies: list values under `sweep:`, `zip:` or `each:`, as params/sweep.yaml does"
        )
    lengths = {name: len(found) for name, found in together.items()}
    if len(set(lengths.values())) > 1:
        raise ParamsError(f"{source}: lists under zip differ in length ({_pairs(lengths)}): make them equally long")
    number = math.prod([*map(len, grid.values()), *list(lengths.values())[:1], 1 + sum(map(len, alone.values()))])
    if number > MOST_CELLS:
        raise ParamsError(f"{source}: {number} cells are more than {MOST_CELLS}: make several sweeps of them")
    axes: list[list[dict[str, Choice]]] = [[{name: choice} for choice in choices] for name, choices in grid.items()]
    axes += (
        [[dict(zip(together, row, strict=True)) for row in zip(*together.values(), strict=True)]] if together else []
    )
    if alone:  # what is as in the base has no part in a name
        defaults = parameters.validate({}).model_dump()
        base: dict[str, Choice] = {name: (None, common.get(name, defaults.get(name))) for name in alone}
        axes.append([base, *({**base, name: choice} for name, choices in alone.items() for choice in choices)])
    rows = [{name: choice for part in row for name, choice in part.items()} for row in itertools.product(*axes)]
    out = str(common.get("out", Params.model_fields["out"].default))
    folder_of(out)
    cells = []
    for row, name in zip(rows, _names(rows), strict=True):
        mine = {parameter: value for parameter, (_, value) in row.items()}
        params = parameters.validate({**common, **mine, "out": f"{out}/{name}"}, f"{source}, cell {name}")
        if not params.strategies:
            raise ParamsError(f"{source}, cell {name}: strategies is []: name one or more")
        cells.append(Cell(name, mine, params))
    _check_distinct(cells, source)
    return Sweep(out, tuple(cells), values.get(ABOUT, True))


def _varied(found: Any, kind: str, common: Mapping[str, Any], source: str) -> dict[str, list[Choice]]:
    """Each parameter under `kind` with its choices."""
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ParamsError(f"{source}: {kind} is a {type(found).__name__}: write `{kind}:` and `name: [a, b]` lines")
    choices = {}
    for name, listed in ((str(name), listed) for name, listed in found.items()):
        if name in OF_ALL:
            raise ParamsError(f"{source}: {name} stands under {kind}, but is the whole sweep's: move it to the top")
        if name in common and kind != EACH:
            raise ParamsError(f"{source}: {name} is given at the top and under {kind}: keep one")
        if not isinstance(listed, list | dict) or not listed:
            raise ParamsError(f"{source}: {kind}: {name} is {listed!r}: list one or more values, {name}: [a, b]")
        pairs: list[Choice] = [(str(key), value) for key, value in listed.items()] if isinstance(listed, dict) else []
        for key in map(str, listed) if pairs else ():
            if not _SAFE.fullmatch(key) or key.lower() in _TAKEN:
                raise ParamsError(
                    f"{source}: {kind}: {name}: {key!r} cannot name a folder: use up to 80 letters, digits, . _ -"
                )
        choices[name] = pairs or [("", value) for value in listed]
    return choices


def _names(rows: Sequence[Mapping[str, Choice]]) -> list[str]:
    """A readable folder name for each row of choices; a hash keeps apart what would be alike, or is too long."""
    parts = [
        [given or _readable(name, value) for name, (given, value) in row.items() if given is not None] for row in rows
    ]
    names = ["_".join(part) or "base" for part in parts]
    lower = [name.lower() for name in names]  # as some file systems compare them
    result = []
    for name, row in zip(names, rows, strict=True):
        if lower.count(name.lower()) > 1 or not _SAFE.fullmatch(name) or name.lower() in _TAKEN:
            values = json.dumps([value for _, value in row.values()], default=str)
            name = f"{name[:60]}-{sha256(values.encode()).hexdigest()[:8]}".lstrip("-._")
        result.append(name)
    return result


def _readable(name: str, value: Any) -> str:
    """A value as part of a name: texts speak for themselves, numbers and what is empty say whose they are."""
    parts = value if isinstance(value, list) else [value]
    text = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", as_yaml(part)).strip("-.") for part in parts)
    return text if text and all(isinstance(part, str) for part in parts) else f"{name}-{text or 'none'}"


def _check_distinct(cells: Sequence[Cell], source: str) -> None:
    known: dict[str, Cell] = {}
    for cell in cells:
        same = known.setdefault(cell.hash, cell)
        if same is not cell:
            said = _pairs({name: as_yaml(value) for name, value in cell.values.items()})
            raise ParamsError(f"{source}: cells {same.name} and {cell.name} are the same run ({said}): remove one")


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def as_yaml(value: Any) -> str:
    """A value as one would write it in YAML, on one line."""
    return (
        yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
        .removesuffix("\n...\n")
        .strip()
    )


def write(sweep: Sweep, states: Mapping[str, tuple[str, str]], folder: Path) -> None:
    """Write cells.csv into the sweep's `folder`; `states` is each cell's state and reason."""
    rows = [[cell.name, *map(as_yaml, cell.values.values()), *states[cell.name], cell.hash] for cell in sweep.cells]
    columns = ["cell", *sweep.varied, "state", "reason", "hash"]
    write_whole(folder / TABLE, pd.DataFrame(rows, columns=columns).to_csv(index=False))


def write_plan(sweep: Sweep, plan: pd.DataFrame, folder: Path) -> None:
    """Write sweep.json: what varies, each cell's parameters in full, and what there was to ask."""
    resolved = {
        "varied": sweep.varied,
        ABOUT: sweep.error_analysis,
        "cells": {cell.name: {"hash": cell.hash, "params": cell.params.model_dump()} for cell in sweep.cells},
        "plan": json.loads(plan.to_json(orient="index")),
    }
    write_whole(folder / PLAN, json.dumps(resolved, indent=1))


def states(sweep: Sweep, folder: Path) -> dict[str, tuple[str, str]]:
    """State and reason of each cell, as an earlier execution left them if it had the same parameters."""
    table = read(folder) if (folder / TABLE).is_file() else pd.DataFrame(columns=["cell", "hash", "state", "reason"])
    known = {(row.cell, row.hash): (row.state, row.reason) for row in table.itertuples()}
    return {cell.name: known.get((cell.name, cell.hash), (NOT_RUN, "")) for cell in sweep.cells}


def read(folder: Path) -> pd.DataFrame:
    """cells.csv of the sweep in `folder`: a row a cell.

    Columns, all text: cell (its name, and its folder's), each parameter that varies (as YAML), state (done, failed,
    not run), reason, hash (of its parameters but `out`).

    Raises:
        RunError: there is none, or it is not what a sweep wrote.
    """
    path = folder / TABLE
    if not path.is_file():
        raise RunError(f"{shown(path)} is missing: give the folder of a sweep, as `fer-helpers sweep` leaves it")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(table.columns[:1]) != ["cell"] or list(table.columns[-3:]) != ["state", "reason", "hash"]:
        raise RunError(f"{shown(path)} is not a sweep's table: run `fer-helpers sweep` again")
    return table


def note_requests(found: Iterable[pd.DataFrame], folder: Path) -> None:
    """Leave the keys of all cells' requests in the sweep's `folder`, for `requests`."""
    with whole_file(folder / REQUESTS) as path:
        keys = {key for rows in found for key in rows["key"]}
        pd.DataFrame({"key": sorted(keys)}, dtype=str).to_parquet(path, index=False)


def requests(folder: Path) -> pd.DataFrame:
    """The keys of all requests that a sweep's cells may send (column key), if `folder` is a sweep's; else none.

    They are what its one cap in US$ is held by.
    """
    path = folder / REQUESTS
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame({"key": []}, dtype=str)


def alike(cells: Iterable[Cell], n: int) -> list[list[Cell]]:
    """The cells, grouped by the parameters of the first `n` notebooks: those of a group have their tables in common."""
    names = {name for notebook in NOTEBOOKS[:n] for name in declared(notebook)} - {"out"}
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(json.dumps(cell.params.model_dump(include=names), sort_keys=True), []).append(cell)
    return list(groups.values())
