"""Has the model behind a name changed? Anchor clips asked again, twice, beside the kept answers."""

from __future__ import annotations

from typing import Any

import pandas as pd
from statsmodels.stats.proportion import binom_test


def drift_test(kept: pd.Series, now: pd.Series, repeat: pd.Series) -> dict[str, Any]:
    """Exact test of no change, from three answers to each anchor: the kept one, and two given now.

    If the model is the same, the three answers to an anchor are exchangeable, however uncertain the model is about it.
    So where exactly one answer differs from the other two, it is the kept one with probability 1/3, and their number is
    binomial; one-sided, since a change makes the kept one the odd one more often. Anchors with three equal or three
    different answers say nothing. It is the sign test's idea (Dixon & Mood 1946) for one observation against two.

    Args:
        kept, now, repeat: labels, or statuses where there is no label; same index, no missing values.

    Returns:
        anchors (answered), changed (of these, answers now that are not the kept ones), noise (answers that differ
        between the two times now), odd (anchors with exactly one answer unlike the other two), odd_kept (of these,
        where the kept one is the unlike one), p (exact).
    """
    odd_kept = int(((now == repeat) & (now != kept)).sum())
    odd = odd_kept + int((((kept == now) & (repeat != kept)) | ((kept == repeat) & (now != kept))).sum())
    p = binom_test(odd_kept, odd, 1 / 3, alternative="larger") if odd else 1.0
    changed, noise = int((now != kept).sum()), int((now != repeat).sum())
    return {"anchors": len(kept), "changed": changed, "noise": noise, "odd": odd, "odd_kept": odd_kept, "p": float(p)}
