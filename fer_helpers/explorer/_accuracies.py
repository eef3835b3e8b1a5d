"""Accuracies and differences as the report words them: from the run's tables, or by the same functions for a selection.

So the explorer cannot contradict the report: it has no estimator and no rounding of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.evaluation import comparisons, scores, summaries
from fer_helpers.explorer._run_data import Source
from fer_helpers.explorer._table import KEYS, Series

_METRIC = "WAR"
_UNUSED = dict.fromkeys([*tables.PROBABILITIES, "confidence"], np.nan)  # by accuracy: nothing is drawn for them


def of_run(source: Source, series: Sequence[Series]) -> tuple[list[str | None], dict[str, str]]:
    """What the run's tables say of all its clips.

    Returns:
        the accuracy of each series, None where it is not in the scores table; and by "i j" the accuracy of series
        j minus that of series i.
    """
    said = source.scores[source.scores["metric"] == _METRIC]
    keys = said[KEYS].itertuples(index=False, name=None)
    words = dict(zip(keys, _with_unit(said), strict=True))
    mine = {tuple(getattr(one, key) for key in KEYS): at for at, one in enumerate(series) if not one.source}
    accuracies = [None if one.source else words.get(tuple(getattr(one, key) for key in KEYS)) for one in series]
    return accuracies, _differences(source.comparisons, mine)


def _differences(table: pd.DataFrame, mine: Mapping[tuple[str, ...], int]) -> dict[str, str]:
    found = {}
    for row in table[table["metric"] == _METRIC].itertuples():
        a, b = (mine.get((*who, row.taxonomy, row.asked)) for who in _pair(row))
        if a is not None and b is not None:
            found[f"{b} {a}"] = _difference(row.difference, row.ci_low, row.ci_high)
            found[f"{a} {b}"] = _difference(-row.difference, -row.ci_high, -row.ci_low)
    return found


def _pair(row: Any) -> tuple[tuple[str, str], tuple[str, str]]:
    return (row.strategy_a, row.model_a), (row.strategy_b, row.model_b)


def of_selection(source: Source, series: Series, clips: pd.DataFrame, surprise: str) -> str:
    """The accuracy of `series` on `clips`, as the scores table has it of all."""
    rows = _rows(source, series, clips).assign(**_UNUSED)
    scored = scores.score(rows, clips, surprise, **source.drawing)
    mine = scored[(scored["metric"] == _METRIC) & (scored["model"] != tables.NOBODY)]
    return next(iter(_with_unit(mine)), "")


def difference(sources: Sequence[Source], a: Series, b: Series, clips: pd.DataFrame, surprise: str) -> str:
    """The accuracy of `b` minus that of `a` on those of `clips` that both label, as the comparisons table has it."""
    # Two runs may have asked the same model the same, and not of the same question: here they are just one and other.
    one, other = (
        _rows(sources[who.source], who, clips).assign(strategy=name, model=name, asked=who.taxonomy)
        for who, name in ((b, "b"), (a, "a"))
    )
    found = comparisons.compare(pd.concat([one, other]), clips, surprise, **sources[0].drawing)
    rows = found[found["metric"] == _METRIC].itertuples()
    return next((_difference(row.difference, row.ci_low, row.ci_high) for row in rows), "")


def _rows(source: Source, series: Series, clips: pd.DataFrame) -> pd.DataFrame:
    predicted = source.predictions.iloc[series.rows[series.rows >= 0]]
    return predicted[predicted["clip_id"].isin(clips["clip_id"])]


def _with_unit(scored: pd.DataFrame) -> list[str]:
    words = zip(summaries.with_interval(scored), scored["resampled"], strict=True)
    return [f"{said} over {unit}" if "[" in said else f"{said}, too few {unit} for an interval" for said, unit in words]


def _difference(value: float, low: float, high: float) -> str:
    """To three digits, as in the comparisons' sentences."""
    if np.isnan(value):
        return ""
    said = f"{value + 0.0:+.3f}"  # a difference of -0 is one of 0
    return f"{said}, too few for an interval" if np.isnan(low) else f"{said} [{low:+.3f}, {high:+.3f}]"
