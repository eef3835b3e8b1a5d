"""Bootstrap resampling of clips or of groups of clips, and intervals that hold with few of them; pure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

# Below this, intervals covered the truth too rarely in simulation (docs/statistics.md): none is given.
MIN_GROUPS = 10
MANY_GROUPS = 1000  # more are not drawn for a mean
_AT_ONCE = 4_000_000  # drawn indices held in memory at a time
_MOST_DRAWN, _FEWEST = 200_000_000, 1000  # groups drawn in all resamples together; resamples whatever their number
_STREAMS = 4  # of random numbers for single clips: as many on every machine, so that its cores change nothing


def is_single(by_group: np.ndarray) -> bool:
    """Whether groups, shape (n_groups, n_labels, n_labels), are single clips."""
    return bool(by_group.sum(axis=(1, 2)).max() == 1)


def resample(by_group: np.ndarray, n_resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Confusion matrices of resamples, and the one that they are centred on.

    Args:
        by_group: confusion matrix of each group, shape (n_groups, n_labels, n_columns), at least one.
        n_resamples: how many are drawn.
        seed: of the random generator.

    Returns:
        shapes (n_resamples, n_labels, n_columns) and (n_labels, n_columns).
    """
    counts = by_group.sum(axis=0)
    if is_single(by_group):
        centre = smoothed(counts)
        return resample_clips(centre, n_resamples, seed), centre
    drawn = resample_groups(by_group.reshape(len(by_group), -1), n_resamples, seed)
    return loosened(drawn.reshape(-1, *counts.shape), counts, seed), counts


def resample_clips(counts: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Counts of resamples that draw single clips with replacement.

    Drawing n clips of which many are alike is a multinomial draw over the distinct kinds (Efron & Tibshirani
    1993).

    Args:
        counts: clips of each kind, e.g. by truth and prediction, `smoothed` or not; they sum to n, n ≥ 1.
        n_resamples: how many are drawn.
        seed: of the random generator.

    Returns:
        shape (n_resamples, *counts.shape).
    """
    kinds = np.flatnonzero(counts)
    shares, n = counts.ravel()[kinds] / counts.sum(), round(counts.sum())
    resamples = np.zeros((n_resamples, counts.size))

    def draw(part: np.ndarray, rng: np.random.Generator) -> None:
        part[:, kinds] = rng.multinomial(n, shares, size=len(part))

    parts = np.array_split(resamples, _STREAMS)
    with ThreadPoolExecutor() as threads:  # numpy draws without the interpreter's lock
        list(threads.map(draw, parts, np.random.default_rng(seed).spawn(_STREAMS)))
    return resamples.reshape(n_resamples, *counts.shape)


def smoothed(counts: np.ndarray) -> np.ndarray:
    """`counts` with the rows of rare classes drawn a little towards the others, to draw clips from.

    A class of three clips, all found, would be found in every resample, as if its recall were known. So each
    class gets one clip's weight of how all clips fare, and its row is scaled back to its total (smoothing
    before resampling: Silverman & Young 1987). Shares of the classes stay as they are.

    Args:
        counts: shape (n_labels, n_labels, ...): truth first, then one or more predictions.
    """
    totals = counts.sum(axis=tuple(range(1, counts.ndim)))
    result = np.zeros_like(counts)
    for label in np.flatnonzero(totals).tolist():
        result[label] = (counts[label] + _alike(counts, label)) * totals[label] / (totals[label] + 1)
    return result


def loosened(resamples: np.ndarray, counts: np.ndarray, seed: int) -> np.ndarray:
    """`resamples` of groups with one random clip more in each class, for the same reason as in `smoothed`.

    Args:
        resamples: confusion matrices, shape (n_resamples, n_labels, n_labels).
        counts: the one they were drawn from.
        seed: of the random generator.
    """
    rng = np.random.default_rng([seed, 1])  # another stream than the one that drew the groups
    result = resamples.copy()
    for label in np.flatnonzero(counts.sum(axis=1)).tolist():
        totals = resamples[:, label].sum(axis=1)
        one = rng.choice(counts.shape[1], len(resamples), p=_alike(counts, label))
        result[np.arange(len(resamples)), label, one] += 1
        result[:, label] *= (totals / (totals + 1))[:, None]
    return result


def _alike(counts: np.ndarray, label: int) -> np.ndarray:
    """How all clips fare, as shares, had they been of class `label`: their own class and it change places.

    A label that nobody predicted stays unpredicted: its precision counts 0 by convention and would jump with one clip.
    """
    seen = np.flatnonzero(counts.sum(axis=tuple(range(1, counts.ndim)))).tolist()
    fare = np.sum([_renamed(counts[other], other, label) for other in seen], axis=0)
    predicted = [counts.sum(axis=tuple(set(range(counts.ndim)) - {axis})) > 0 for axis in range(1, counts.ndim)]
    kept = fare * reduce(np.logical_and.outer, predicted)
    return kept / kept.sum() if kept.any() else fare / counts.sum()


def _renamed(row: np.ndarray, one: int, other: int) -> np.ndarray:
    """`row` with the labels `one` and `other` changing places on every axis."""
    order = np.arange(row.shape[0])
    order[[one, other]] = other, one
    return row[np.ix_(*[order] * row.ndim)]


def resample_groups(contributions: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Sums over resamples that draw whole groups with replacement (cluster bootstrap, Davison & Hinkley 1997).

    Args:
        contributions: what each group adds, shape (n_groups, n_columns).
        n_resamples: how many are drawn; fewer, but a thousand, of more than 20,000 groups.
        seed: of the random generator.

    Returns:
        shape (n_resamples, n_columns).
    """
    n_groups = len(contributions)
    n_resamples = min(n_resamples, max(_FEWEST, _MOST_DRAWN // n_groups))
    rng = np.random.default_rng(seed)
    sums = np.empty((n_resamples, contributions.shape[1]))
    step = max(1, _AT_ONCE // n_groups)
    for start in range(0, n_resamples, step):
        n_rows = min(step, n_resamples - start)
        drawn = rng.integers(0, n_groups, (n_rows, n_groups)) + np.arange(n_rows)[:, None] * n_groups
        times = np.bincount(drawn.ravel(), minlength=n_rows * n_groups).reshape(n_rows, n_groups)
        sums[start : start + n_rows] = times.astype(float) @ contributions
    return sums


def interval(resampled: np.ndarray, n_groups: int) -> tuple[float, float]:
    """The 95 % interval of a score: the expanded percentile interval (Hesterberg 2015, section 4.3).

    Plain percentiles are too narrow with few groups; these are taken further out, as Student's t lies further
    out than the normal distribution.

    Args:
        resampled: the score of each resample; NaN where it was undefined.
        n_groups: independent groups (clips, subjects) that the score rests on.

    Returns:
        lower and upper end; NaN with fewer than MIN_GROUPS groups, and where all resamples are equal, which
        says that the bootstrap cannot see how unsure the score is, not that it is sure.
    """
    known = resampled[~np.isnan(resampled)]
    if n_groups < MIN_GROUPS or not len(known):
        return np.nan, np.nan
    tail = stats.norm.cdf(stats.t.ppf(0.025, n_groups - 1) * np.sqrt(n_groups / (n_groups - 1)))
    low, high = np.quantile(known, [tail, 1 - tail])
    return (low, high) if high - low > 1e-12 else (np.nan, np.nan)


def t_interval(difference: float, resampled: np.ndarray, n_groups: int) -> tuple[float, float, float]:
    """Lower and upper end of a difference's 95 % interval, and its standard error: Student's t on bootstrap errors.

    A paired difference is close to symmetric, and in simulation this held better than percentiles.

    Args:
        difference: the difference observed.
        resampled: that of each resample.
        n_groups: independent groups; with fewer than MIN_GROUPS, or without any spread, all three are NaN.
    """
    error = np.nanstd(resampled, ddof=1) if n_groups >= MIN_GROUPS else 0.0
    if error < 1e-12:
        return np.nan, np.nan, np.nan
    error *= np.sqrt(n_groups / (n_groups - 1))
    half = stats.t.ppf(0.975, n_groups - 1) * error
    return difference - half, difference + half, error


def mean_interval(values: np.ndarray, groups: np.ndarray, n_resamples: int, seed: int) -> tuple[float, float]:
    """`interval` of the mean of `values`, shape (n,), drawing whole `groups`, shape (n,).

    With more than MANY_GROUPS it is Student's t on the linearised error of a ratio (Cochran 1977, section 6.4): there a
    bootstrap of a mean differs from it by its own chance alone.
    """
    if not len(values):
        return np.nan, np.nan
    _, group = np.unique(groups, return_inverse=True)
    sums = np.stack([np.bincount(group, values), np.bincount(group)], axis=1)
    if len(sums) > MANY_GROUPS:
        mean = values.mean()
        error = np.sqrt(((sums[:, 0] - mean * sums[:, 1]) ** 2).sum() * len(sums) / (len(sums) - 1)) / len(values)
        half = stats.t.ppf(0.975, len(sums) - 1) * error
        return (mean - half, mean + half) if half > 1e-12 else (np.nan, np.nan)
    drawn = resample_groups(sums, n_resamples, seed)
    return interval(drawn[:, 0] / drawn[:, 1], len(sums))
