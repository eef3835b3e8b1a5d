"""What notebook 07 starts with: the cells of a sweep, or any runs, and the folder that they are compared in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fer_helpers import params as parameters
from fer_helpers.errors import RunError
from fer_helpers.paths import resolve, shown
from fer_helpers.runs import busy, sweeps
from fer_helpers.runs.lineage import file_hash
from fer_helpers.runs.notebooks import NOTEBOOKS, SWEEP_COMPARISON, declared
from fer_helpers.runs.run import Run, folder_of, open_run

# What runs may differ in without a label being another; a sweep's own parameters are all compared.
_NO_CHOICE = {
    "allow_upload", "api_key_env", "dask_scheduler", "frame_store", "max_concurrency", "max_cost_usd", "prices",
    "requests_per_minute", "retry_statuses", "timeout_s", "tokens_per_minute", "allow_plain_http",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Cells and where they are compared.

    Attributes:
        run: the sweep's folder, for the tables, figures and manifest of notebook 07; it has no clips of its own.
        params: the parameters in which the cells that are done differ, as text; a row a cell.
        cells: their runs, by name.
        left_out: the cells that are not done: their state and reason, by name.
    """

    run: Run
    params: pd.DataFrame
    cells: dict[str, Run]
    left_out: pd.DataFrame

    def hashes(self) -> pd.DataFrame:
        """What each cell was made with and from: SHA-256 of its parameters and of its tables."""
        rows = {
            name: {"parameters": sweeps.fingerprint(run.params)}
            | {table: file_hash(run.folder / f"{table}.parquet") for table in ("requests", "answers", "predictions")}
            for name, run in self.cells.items()
        }
        return pd.DataFrame(rows).T.rename_axis("cell")


def begin_comparison(values: Mapping[str, Any]) -> Comparison:
    """Begin notebook 07: check its parameters, and open the runs that it compares.

    Args:
        values: the notebook's `globals()`; only what its parameters cell declares is read.

    Raises:
        ParamsError: a parameter is wrong.
        RunError: there is no sweep in the folder, another process is at work in it, or fewer than two runs are done.
    """
    given = {name: values[name] for name in declared(SWEEP_COMPARISON)}
    params = parameters.validate(given, SWEEP_COMPARISON)
    folder = folder_of(params.sweep_folder)
    if params.sweep_runs:
        cells = {resolve(one).name: open_run(resolve(one)) for one in params.sweep_runs}
        if len(cells) < len(params.sweep_runs):
            raise RunError("two of sweep_runs have folders of the same name: rename one")
        table, left_out = _of_runs(cells), pd.DataFrame(columns=["state", "reason"])
    else:
        every = sweeps.read(folder).set_index("cell")
        done = every["state"] == sweeps.DONE
        left_out = every.loc[~done, ["state", "reason"]]
        table = every.loc[done].drop(columns=["state", "reason", "hash"])
        cells = {name: open_run(folder / name) for name in table.index}
    if len(cells) < 2:
        raise RunError(f"{shown(folder)} has {len(cells)} cells that are done: a comparison needs two")
    busy.check(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Comparison(Run(folder, params, SWEEP_COMPARISON), table, cells, left_out)


def _of_runs(runs: Mapping[str, Run]) -> pd.DataFrame:
    """The parameters in which runs differ, as YAML text; but for those that change no label."""
    beside = _NO_CHOICE.union(*(declared(notebook) for notebook in NOTEBOOKS[3:]))
    if set.intersection(*(set(run.params.strategies) for run in runs.values())):
        beside |= {"strategies"}
    rows = {name: run.params.model_dump(exclude=beside) for name, run in runs.items()}
    table = pd.DataFrame(
        {name: {key: sweeps.as_yaml(value) for key, value in row.items()} for name, row in rows.items()}
    ).T
    return table.loc[:, table.nunique() > 1]
