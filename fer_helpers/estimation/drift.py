"""Has the model behind a name changed? Anchor clips asked again, against immediate repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

SIZE = 0.05


@dataclass(frozen=True)
class Drift:
    """Result of `drift_test`: flip rates (0–1), p, `changed` (p ≤ 0.05), and the result in words."""

    rate: float
    rate_repeats: float
    p: float
    changed: bool
    sentence: str


def drift_test(flips: int, n: int, flips_repeats: int, n_repeats: int) -> Drift:
    """Fisher's exact test, one-sided: do labels flip more often than between immediate repeats?

    Its size is at most 5 %, whatever the repeats' flip rate, for one look; with several, divide.

    Args:
        flips: anchors whose label is another than the kept one.
        n: anchors asked again and answered both times.
        flips_repeats: pairs of immediate repeats that differ.
        n_repeats: such pairs.
    """
    p = float(stats.fisher_exact([[flips, n - flips], [flips_repeats, n_repeats - flips_repeats]], "greater")[1])
    rates = (flips / n if n else np.nan, flips_repeats / n_repeats if n_repeats else np.nan)
    changed = p <= SIZE
    beside = f"{flips} of {n} anchors flipped, {flips_repeats} of {n_repeats} immediate repeats (p = {p:.3g})"
    verdict = "The model has changed" if changed else "No change was found"
    return Drift(*rates, p, changed, f"{verdict}: {beside}.")


def drift_power(rate: float, rate_repeats: float, n: int = 200, n_repeats: int = 200) -> float:
    """Probability, exact, that `drift_test` finds a change; its size where both rates are equal.

    >>> round(drift_power(0.10, 0.02), 2), drift_power(0.05, 0.05) < 0.05
    (0.96, True)
    """
    a, b = np.arange(n + 1)[:, None], np.arange(n_repeats + 1)
    p = stats.hypergeom.sf(a - 1, n + n_repeats, a + b, n)
    weight = stats.binom.pmf(a, n, rate) * stats.binom.pmf(b, n_repeats, rate_repeats)
    return float(weight[p <= SIZE].sum())
