"""Whether confidence means what it says: the reliability curve and the expected calibration error; pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

N_BINS = 15


def reliability(confidence: np.ndarray, right: np.ndarray, n_bins: int = N_BINS) -> pd.DataFrame:
    """How often predictions of like confidence are right (reliability curve).

    Args:
        confidence: probability of the label given, shape (n,); rows without one (NaN) are left out.
        right: whether it is the true one, shape (n,).
        n_bins: bins of equal width from 0 to 1, closed above (Guo et al. 2017); 0 is in the first.

    Returns:
        a row for each bin that holds a prediction: low and high (its edges), n, confidence (mean), right
        (share), ci_low and ci_high (Wilson's 95 % interval of that share, as if clips were independent).
    """
    known = ~np.isnan(confidence)
    confidence, right = np.asarray(confidence, float)[known], np.asarray(right, float)[known]
    edges = np.linspace(0, 1, n_bins + 1)
    bins = np.clip(np.searchsorted(edges, confidence) - 1, 0, n_bins - 1)
    n = np.bincount(bins, minlength=n_bins)
    used = np.flatnonzero(n)
    n, hits = n[used], np.bincount(bins, right, minlength=n_bins)[used]
    low, high = proportion_confint(hits, n, method="wilson")
    mean = np.bincount(bins, confidence, minlength=n_bins)[used] / n
    columns = {"low": edges[used], "high": edges[used + 1], "n": n, "confidence": mean, "right": hits / n}
    return pd.DataFrame({**columns, "ci_low": low, "ci_high": high})


def calibration_error(curve: pd.DataFrame) -> float:
    """Expected calibration error: mean gap between confidence and share right, by clips (Naeini et al. 2015).

    Args:
        curve: of `reliability`; of the label given, so this is the top-label error where that is the surest.

    Returns:
        0 to 1; NaN without any confidence. It is biased upwards in small samples, and a bootstrap of it more
        so, because every resample adds noise that it counts as error: it is given without an interval.

    Sure of 0.9 and right once in two, a gap of 0.4; sure of 0.6 and right, a gap of 0.4:

    >>> curve = reliability(np.array([0.9, 0.9, 0.6]), np.array([True, False, True]), n_bins=2)
    >>> curve[["low", "high", "n", "confidence", "right"]].round(3).to_dict("records")
    [{'low': 0.5, 'high': 1.0, 'n': 3, 'confidence': 0.8, 'right': 0.667}]
    >>> round(calibration_error(curve), 3)
    0.133
    """
    if curve.empty:
        return float("nan")
    return float(((curve["confidence"] - curve["right"]).abs() * curve["n"]).sum() / curve["n"].sum())
