"""What a sweep has to ask before anything is sent: requests of each cell, shared ones once, their price and time."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fer_helpers.annotation import Archive, access, books, capabilities, online, plans
from fer_helpers.paths import resolve
from fer_helpers.runs import Run, sweeps

ALL = "all together"
SAMPLED = 500  # replies whose latency says what to expect


def requests(cells: Sequence[sweeps.Cell]) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Each cell's distinct requests: key, tokens_in, tokens_out, cost_usd and whether it is answered (known).

    The cells' frames have to be there; nothing is sent. The second result names the servers of which it is not known
    yet what they can do, so that the plan assumes it.
    """
    found: dict[str, pd.DataFrame] = {}
    assumed = []
    with Archive(resolve(cells[0].params.archive)) as archive:
        for group in sweeps.alike(cells, 3):
            params = group[0].params
            run = Run(resolve(params.out), params)
            frames = run.read("frames")
            learned = plans.known(run, archive)
            if learned is None:
                assumed.append(f"{params.model} at {params.base_url}")
            every = plans.planned(run, frames, learned or capabilities.ASSUMED).drop_duplicates("key")
            known = every["key"].isin(online.answered(every, archive, params.retry_statuses))
            slim = every[["key", "tokens_in", "tokens_out", "cost_usd"]].assign(known=known)
            found |= {cell.name: slim for cell in group}
    return found, list(dict.fromkeys(assumed))


def learn(cell: sweeps.Cell) -> None:
    """Find out what a cell's server can do with its model, if that is not known.

    Raises:
        FerError: as `plans.learn`.
    """
    if cell.params.base_url not in (access.EMBEDDED, access.REPLAY):
        run = Run(resolve(cell.params.out), cell.params)
        with Archive(resolve(cell.params.archive)) as archive:
            if plans.known(run, archive) is None:
                plans.learn(run, run.read("frames"), archive)


def check_prices(cells: Sequence[sweeps.Cell]) -> None:
    """See that a cap has prices to be held by, before any work.

    Raises:
        ParamsError: as `books.check_priced`.
    """
    for cell in cells:
        if cap := cell.params.max_cost_usd:
            books.check_priced(cap, [cell.params.model], Run(resolve(cell.params.out), cell.params).prices)


def table(cells: Sequence[sweeps.Cell], found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The plan: a row a cell in their order, and all together, where what cells share counts once.

    Columns: requests; shared (with another cell); archived; new (neither archived nor sent for a cell above); tokens
    in, tokens out and US$ of the new ones, at most; minutes that asking them takes, empty where unknown.
    """
    named = pd.concat([rows["key"] for rows in found.values()])
    several = set(named[named.duplicated()])
    sent: set[str] = set()
    rows, times = {}, {}
    with Archive(resolve(cells[0].params.archive)) as archive:
        for cell in cells:
            mine = found[cell.name]
            new = mine[~mine["known"] & ~mine["key"].isin(sent)]
            sent.update(new["key"])
            times[cell.name] = _minutes(cell, mine, new, archive)
            rows[cell.name] = _row(mine, several, new) | {"minutes": times[cell.name]}
    every = pd.concat(found.values()).drop_duplicates("key")
    together = pd.Series(times).sum(skipna=False)
    rows[ALL] = _row(every, several, every[~every["known"]]) | {"minutes": together}
    return pd.DataFrame(rows).T.astype(dict.fromkeys(_COUNTS, int) | {"US$": float, "minutes": float})


_COUNTS = ("requests", "shared", "archived", "new", "tokens in", "tokens out")


def _row(mine: pd.DataFrame, several: set[str], new: pd.DataFrame) -> dict[str, float]:
    counts = (
        len(mine), mine["key"].isin(several).sum(), mine["known"].sum(), len(new),
        new["tokens_in"].sum(), new["tokens_out"].sum(),
    )  # fmt: skip
    usd = new["cost_usd"].sum(skipna=False) if len(new) else 0.0
    return {**dict(zip(_COUNTS, counts, strict=True)), "US$": usd}


def _minutes(cell: sweeps.Cell, mine: pd.DataFrame, new: pd.DataFrame, archive: Archive) -> float:
    """How long the `new` requests take at least: by the median latency of this cell's kept replies and by the rates
    that the account has; NaN if neither is known."""
    if new.empty:
        return 0.0
    params, tokens = cell.params, (new["tokens_in"] + new["tokens_out"]).sum()
    entries = archive.get(mine.loc[mine["known"], "key"].head(SAMPLED)).values()
    seconds = pd.Series([entry.latency_s for entry in entries if entry.via == "online"], dtype=float).median()
    bounds = [len(new) * seconds / params.max_concurrency / 60]
    bounds += [len(new) / params.requests_per_minute] if params.requests_per_minute else []
    bounds += [tokens / params.tokens_per_minute] if params.tokens_per_minute else []
    return pd.Series(bounds, dtype=float).max()
