"""How often predictions of like confidence are right, in bins of equal count; pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation.scores import GROUP, resampled_unit, wilson

MOST_BINS, LEAST_IN_BIN = 10, 20


def in_equal_bins(joined: pd.DataFrame, n_resamples: int = 2000, seed: int = 1) -> pd.DataFrame:
    """Share correct in bins of equally many predictions, the least confident first (Nguyen & O'Connor 2015, EMNLP).

    Bins of equal width would leave most of them with one or two clips. Predictions of equal confidence stay together.

    Args:
        joined: rows of `scores.join` of one annotator and question, with label and confidence.
        n_resamples: bootstrap resamples.
        seed: of the random generator.

    Returns:
        a row a bin, at most 10 and none meant to hold fewer than 20 predictions: n, confidence (mean), right (share),
        ci_low and ci_high (95 %, over subjects where all are known; NaN with fewer than ten of them).
    """
    n_bins = max(1, min(MOST_BINS, len(joined) // LEAST_IN_BIN))
    ranks = joined["confidence"].rank(method="min")
    number = np.unique(np.ceil(ranks / (len(joined) / n_bins)).clip(upper=n_bins), return_inverse=True)[1]
    unit = GROUP[resampled_unit(joined)]
    rows = []
    for _, part in joined.groupby(number):
        right = (part["truth"] == part["label"]).to_numpy(float)
        groups = part[unit]
        ends = (
            wilson(right.sum(), len(part))
            if groups.is_unique
            else mean_interval(right, groups.to_numpy(), n_resamples, seed)
        )
        rows.append((len(part), part["confidence"].mean(), right.mean(), *ends))
    return pd.DataFrame(rows, columns=["n", "confidence", "right", "ci_low", "ci_high"])
