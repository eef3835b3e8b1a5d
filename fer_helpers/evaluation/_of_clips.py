"""Scores that are means over clips, not functions of a confusion matrix, as rows of the scores table; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from fer_helpers import statuses
from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation.calibration import calibration_error, reliability
from fer_helpers.evaluation.metrics import brier

Interval = tuple[float, float]
UNKNOWN: Interval = (np.nan, np.nan)
GROUP = {"subjects": "subject", "clips": "clip_id"}


def as_columns(ends: Interval) -> dict[str, float]:
    return dict(zip(("ci_low", "ci_high"), ends, strict=True))


def counted(part: pd.DataFrame, used: pd.DataFrame) -> dict[str, int]:
    """Clips that a score rests on, and those of `part` that it leaves out."""
    n_clips = used["clip_id"].nunique()
    return {"n_clips": n_clips, "n_missing": part["clip_id"].nunique() - n_clips}


def wilson(hits: Any, n: Any) -> Interval:
    """Wilson's 95 % interval (1927) of a share; NaN of nothing."""
    return proportion_confint(hits, n, method="wilson") if n else UNKNOWN


def probabilistic(
    part: pd.DataFrame, labels: Sequence[str], unit: str, n_resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Brier score and calibration error, of the rows with a label that have probabilities."""
    columns = [f"prob_{label}" for label in labels]
    rows = part[(part["label"].notna() & (part["label"] != statuses.OUTSIDE) & part[columns].notna().all(axis=1))]
    truth = pd.Index(labels).get_indexer(rows["truth"])
    squared = brier(truth, rows[columns].to_numpy(float))
    ends = mean_interval(squared, rows[GROUP[unit]].to_numpy(), n_resamples, seed)
    sure = part.dropna(subset=["label", "confidence"])
    curve = reliability(sure["confidence"].to_numpy(float), (sure["truth"] == sure["label"]).to_numpy())
    return [
        {
            "metric": "Brier",
            "value": squared.mean() if len(rows) else np.nan,
            **as_columns(ends),
            **counted(part, rows),
        },
        {"metric": "ECE", "value": calibration_error(curve), **counted(part, sure)},
    ]


def top_two(part: pd.DataFrame, unit: str, n_resamples: int, seed: int) -> dict[str, Any]:
    """Share of the ranked rows whose true label is the first or second; missing ones as in `scores.score`."""
    ranked = part[part["ranking"].notna()]
    firsts = zip(ranked["truth"], ranked["ranking"].str.split(" ").str[:2], strict=True)
    hits = np.array([truth in two for truth, two in firsts], dtype=float)
    found, left_out = hits.sum(), len(part) - len(ranked)
    return {
        "metric": "top-2 accuracy",
        "value": hits.mean(),
        **as_columns(_of_share(hits, ranked[GROUP[unit]], n_resamples, seed)),
        "value_wrong": found / len(part),
        "bound_low": found / len(part),
        "bound_high": (found + left_out) / len(part),
        **counted(part, ranked),
    }


def coverage(part: pd.DataFrame, unit: str, n_resamples: int, seed: int) -> dict[str, Any]:
    """Share of the labelled rows that have a prediction."""
    answered = part["label"].notna().to_numpy(float)
    ends = _of_share(answered, part[GROUP[unit]], n_resamples, seed)
    used = counted(part, part[part["label"].notna()])
    return {"metric": "coverage", "value": answered.mean(), **as_columns(ends), **used}


def _of_share(hits: np.ndarray, groups: pd.Series, n_resamples: int, seed: int) -> Interval:
    """Interval of a share of rows, each 0 or 1: Wilson's where every row is a group of its own."""
    if groups.is_unique:
        return wilson(hits.sum(), len(hits))
    return mean_interval(hits, groups.to_numpy(), n_resamples, seed)
