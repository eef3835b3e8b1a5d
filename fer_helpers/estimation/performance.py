"""WAR, UAR and every recall of the model on a corpus without labels, from a sample that people labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_helpers import statuses
from fer_helpers.emotions import SEVEN
from fer_helpers.estimation._design import Design, design
from fer_helpers.estimation.shares import CORPUS, interval_of_share
from fer_helpers.evaluation import interval

TINY = 1e-12


def linearised(counts: np.ndarray, sizes: np.ndarray) -> pd.DataFrame:
    """Estimates and standard errors from a sample stratified by the model's label (Olofsson et al. 2014).

    Args:
        counts: labelled clips by predicted label (rows, the strata) and true label (columns), shape (H, K); rows
            beyond K are clips without a prediction.
        sizes: clips of each stratum, shape (H,).

    Returns:
        index WAR, UAR, then recall and total (clips truly so) of label 0, 1, ...; columns value, error.
    """
    n_h, n_labels = counts.sum(axis=1), counts.shape[1]
    share = counts / n_h[:, None]
    total = sizes @ share
    recall = sizes[:n_labels] * np.diag(share) / np.where(total > 0, total, np.nan)
    n_classes = np.sum(total > 0)
    hit = np.eye(*counts.shape)
    z = np.nan_to_num((hit - recall) / np.where(total > 0, total, np.nan))
    found = {"WAR": (np.sum(hit.T * share.T * sizes) / sizes.sum(), _error(share, hit / sizes.sum(), n_h, sizes))}
    found["UAR"] = (np.nanmean(recall), _error(share, z / n_classes, n_h, sizes))
    for k in range(n_labels):
        only = np.zeros_like(z)
        only[:, k] = 1
        found[f"recall {k}"] = (recall[k], _error(share, z * only, n_h, sizes) if total[k] > 0 else np.nan)
        found[f"total {k}"] = (total[k], _error(share, only, n_h, sizes))
    return pd.DataFrame(found, index=["value", "error"]).T


def _error(share: np.ndarray, z: np.ndarray, n_h: np.ndarray, sizes: np.ndarray) -> float:
    """Standard error of the total of a clip's `z`, given by its cell of the table, shape (H, K)."""
    mean = (share * z).sum(axis=1)
    spread = (share * (z - mean[:, None]) ** 2).sum(axis=1) * n_h / np.maximum(n_h - 1, 1)
    return float(np.sqrt(np.sum(sizes**2 * (1 - n_h / sizes) * spread / n_h)))


def estimate_performance(
    population: pd.DataFrame,
    sample: pd.DataFrame,
    truth: pd.DataFrame,
    words: Sequence[str] = SEVEN,
    n_resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """WAR, UAR and recalls of the model over all clips of this corpus that it answered.

    An answer outside the label set is wrong; clips without an answer (refused, unreadable, ...) are a stratum of their
    own and left out: their number is `n_missing`. The model alone is what its probabilities say of itself; people
    alone is their sample taken as a simple draw; both is the sample within the strata of the model's labels, whose
    sizes are known.

    Intervals: WAR is a share, see `shares.interval_of_share`. For the others the clips nobody labelled are drawn,
    stratum by stratum, from the labelled ones by Pólya's urn, the finite population's Bayesian bootstrap (Lo 1988;
    Ghosh & Meeden 1997). Two made-up clips of each label are in the urn as well, so that a class that was rarely or
    never seen is not taken for known, see `_made_up`.

    Args:
        population, sample, truth, words: as `estimate_shares`.
        n_resamples: corpora drawn.
        seed: of these draws.

    Returns:
        columns quantity ("WAR", "UAR", "recall: happy", ...), target, source, value, ci_low, ci_high, n (labels used),
        n_clips (answered), n_missing. A label that nobody saw in the sample has no recall, and none in the value of
        UAR; the interval of UAR allows for such clips. Under ten labels only WAR has an interval.

    Raises:
        ListError: as `estimate_shares`.
    """
    outside = population["status"].eq(statuses.OUTSIDE)
    answered = population[population["label"].isin(list(words)) | outside].reset_index(drop=True)
    kept = sample[sample["clip_id"].astype(object).isin(answered["clip_id"].astype(object))]
    truth = truth[truth.index.isin(kept["clip_id"])]
    plan = design(answered, kept, truth.index)
    y = truth.reindex(answered["clip_id"].iloc[plan.rows])[list(words)].to_numpy(dtype=float)
    predicted = pd.Categorical(answered["label"], list(words)).codes.astype(int) % (len(words) + 1)  # −1: the last
    cells = np.zeros((len(plan.n_h), len(words), len(words) + 1))  # stratum, truth, prediction
    for k in range(len(words)):
        np.add.at(cells[:, k], (plan.stratum[plan.rows], predicted[plan.rows]), y[:, k])
    alone = cells.sum(axis=0, keepdims=True)
    size = {"n": len(y), "n_clips": len(answered), "n_missing": len(population) - len(answered)}
    found = {
        "model": (_by_itself(answered, predicted, words), []),
        "people": _imputed(alone, np.array([len(answered)]), n_resamples, seed),
        "both": _imputed(cells, plan.N_h, n_resamples, seed),
    }
    names = ["WAR", "UAR", *(f"recall: {word}" for word in words)]
    right = np.append(y, np.zeros((len(y), 1)), axis=1)[np.arange(len(y)), predicted[plan.rows]]
    found["people"][1][0] = _of_war(found["people"][0][0], right, plan.without_strata())
    found["both"][1][0] = _of_war(found["both"][0][0], right, plan)
    rows = []
    for k, name in enumerate(names):
        for source, (values, ends) in found.items():
            low, high = ends[k] if ends else (np.nan, np.nan)
            row = {"quantity": name, "target": CORPUS, "source": source, "value": values[k]}
            rows.append(row | {"ci_low": low, "ci_high": high, **size})
    return pd.DataFrame(rows)


def _of_war(value: float, right: np.ndarray, plan: Design) -> tuple[float, float]:
    """Interval of WAR from the labelled clips that are `right`, shape (n,)."""
    n_clips, df = len(plan.stratum), len(right) - len(plan.n_h)
    error = np.sqrt(plan.variance_of_total(right)) / n_clips
    return interval_of_share(value, error, df, right, n_clips) if df > 0 else (np.nan, np.nan)


def _scores(tables: np.ndarray) -> np.ndarray:
    """WAR, UAR and recalls of tables, shape (..., K, K + 1), truth first; shape (..., 2 + K)."""
    hits, totals = np.diagonal(tables, axis1=-2, axis2=-1), tables.sum(axis=-1)
    seen = totals > 1e-9
    recall = np.where(seen, hits / np.where(seen, totals, 1), np.nan)
    uar = np.where(seen, recall, 0).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)
    war = hits.sum(axis=-1) / totals.sum(axis=-1)
    return np.concatenate([war[..., None], uar[..., None], recall], axis=-1)


def _imputed(
    cells: np.ndarray, sizes: np.ndarray, n_draws: int, seed: int
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Scores and their intervals from labelled clips by stratum, truth and prediction, shape (H, K, K + 1)."""
    n_h, rng = cells.sum(axis=(1, 2)), np.random.default_rng(seed)
    values = _scores(np.einsum("h,hkj->kj", sizes / n_h, cells))
    if np.allclose(sizes, n_h):  # everything is labelled
        return values, [(value, value) for value in values]
    urn = cells + _made_up(cells, sizes / n_h)
    # n − 2 balls: the variance of a drawn total is then the design's, N²(1 − n/N)s²/n, but for the made-up clips.
    urn *= (np.maximum(n_h - 2, 1) / urn.sum(axis=(1, 2)))[:, None, None]
    tables = np.zeros((n_draws, *cells.shape[1:]))
    for balls, known, n in zip(urn, cells, (sizes - n_h).round().astype(int), strict=True):
        weights = rng.standard_gamma(balls.ravel(), (n_draws, balls.size))
        shares = weights / weights.sum(axis=1, keepdims=True)
        tables += known + rng.multinomial(n, shares).reshape(tables.shape)
    drawn = np.where(np.isfinite(values), _scores(tables), np.nan)
    low, high = np.transpose([interval(column, round(n_h.sum())) for column in drawn.T])
    ends = zip(np.minimum(values, low).tolist(), np.maximum(values, high).tolist(), strict=True)  # NaN stays NaN
    return values, list(ends)


def _made_up(cells: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Two clips of each label over stratum, truth and prediction: what is believed of a class nobody has seen yet.

    One is found as often as not (the prior of Jeffreys's interval for a share), one as often as all clips are; where
    they are missed, they are predicted as all missed clips and one clip of any kind are. A stratum gets them as often
    as the draw would.
    """
    pooled = np.einsum("h,hkj->kj", weight, cells)
    hits, diagonal = np.diagonal(pooled), np.eye(*pooled.shape)
    found = (0.5 + hits.sum() / pooled.sum()) / 2
    missed = ((pooled * (1 - diagonal)).sum(axis=0) + pooled.sum(axis=0) / pooled.sum()) * (1 - diagonal)
    missed /= np.maximum(missed.sum(axis=1, keepdims=True), TINY)
    by_prediction = cells.sum(axis=1) / weight[:, None] / np.maximum(cells.sum(axis=(0, 1)), TINY)
    clips = (found * diagonal + (1 - found) * missed) * by_prediction[:, None, :]
    return 2 * clips / np.maximum(clips.sum(axis=(0, 2), keepdims=True), TINY)


def _by_itself(answered: pd.DataFrame, predicted: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """What the model's probabilities would make its scores; NaN without probabilities."""
    p = answered[[f"prob_{word}" for word in words]].to_numpy(dtype=float)
    known = ~np.isnan(p).any(axis=1)
    if not known.any():
        return np.full(2 + len(words), np.nan)
    table = np.zeros((len(words), len(words) + 1))
    np.add.at(table.T, predicted[known], p[known])
    return _scores(table)
