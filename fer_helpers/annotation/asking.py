"""Asks what a run's strategies need, in two rounds where a cascade waits for its first answers."""

from __future__ import annotations

import pandas as pd

from fer_helpers.annotation import access, books, online
from fer_helpers.annotation.archive import Archive
from fer_helpers.paths import resolve
from fer_helpers.prompting import find, planning
from fer_helpers.runs import Run, sweeps


async def ask(run: Run, planned: pd.DataFrame, frames: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Answer `planned` from the archive or the model, as the run's parameters say; cascades go on where they must.

    Interrupted and called again it goes on where it was, and nothing is paid twice.

    Args:
        run: its key frames are sent, and its archive keeps the replies.
        planned: the requests table of all strategies.
        frames: the frames table.

    Returns:
        the rows of `planned` that were due, and the answers table.

    Raises:
        FerError: as `online.annotate`.
    """
    strategies, below = run.params.strategies, run.params.cascade_below
    first = planning.due(planned, frames, strategies)
    answers = await answered(run, first)
    due = planning.due(planned, frames, strategies, answers, below)
    return due, await answered(run, due) if len(due) > len(first) else answers


async def answered(run: Run, part: pd.DataFrame) -> pd.DataFrame:
    """The answers table of `part` of the requests, from the archive or the model, as the run's parameters say.

    The cap of a sweep's cell is the sweep's: what its other cells' requests were billed counts.

    Raises:
        FerError: as `online.annotate`.
    """
    params = run.params
    others = sweeps.requests(run.folder.parent).loc[lambda rows: ~rows["key"].isin(part["key"])]
    with Archive(resolve(params.archive)) as archive:
        return await online.annotate(
            part,
            run.picture,
            archive,
            access.of(params),
            max_concurrency=params.max_concurrency,
            max_cost_usd=params.max_cost_usd or None,
            spent_elsewhere_usd=books.spent(others, archive, run.prices),
            requests_per_minute=params.requests_per_minute,
            tokens_per_minute=params.tokens_per_minute,
            retry_statuses=params.retry_statuses,
            prices=run.prices,
        )


def continued(run: Run, due: pd.DataFrame, answers: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Clips of each cascade (rows) and label set (columns) that went on, because the first answer was unsure."""
    rows = {}
    for name in run.params.strategies:
        if find(name).then:
            first = planning.needed_by(name, due, frames).merge(answers, on="key", suffixes=("_estimated", ""))
            unsure = [taxonomy for _, taxonomy in planning.unsure(first, run.params.cascade_below)]
            rows[name] = pd.Series(unsure, dtype="str").value_counts()
    table = pd.DataFrame(rows).T.reindex(columns=run.params.taxonomies)
    return table.fillna(0).astype(int).rename_axis("clips that went on")
