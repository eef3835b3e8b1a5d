"""WAR, UAR and every recall of the model on a corpus without labels, from a sample that people labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_helpers.emotions import SEVEN
from fer_helpers.estimation._design import design
from fer_helpers.evaluation import interval, smoothed


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
    """WAR, UAR and recalls of the model over all clips of this corpus that it answered, clips without a label apart.

    The model alone is what its probabilities say of itself; people alone is their sample taken as a simple draw;
    both is the sample within the strata of the model's labels, whose sizes are known. Intervals are the smoothed
    bootstrap of docs/statistics.md within strata, shrunk by the finite-population correction.

    Args:
        population, sample, truth, words: as `estimate_shares`.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.

    Returns:
        columns quantity ("WAR", "UAR", "recall: happy", ...), target, source, value, ci_low, ci_high, n, n_clips,
        error (linearised; of "both" only). A label that nobody saw in the sample has no recall.

    Raises:
        ListError: as `estimate_shares`.
    """
    answered = population[population["label"].isin(list(words))].reset_index(drop=True)
    kept = sample[sample["clip_id"].isin(answered["clip_id"])]
    truth = truth[truth.index.isin(kept["clip_id"])]
    plan = design(answered, kept, truth.index)
    y = truth.reindex(answered["clip_id"].iloc[plan.rows])[list(words)].to_numpy(dtype=float)
    predicted = pd.Categorical(answered["label"], list(words)).codes.astype(int)
    cells = np.zeros((len(plan.n_h), len(words), len(words)))  # stratum, truth, prediction
    for k in range(len(words)):
        np.add.at(cells[:, k], (plan.stratum[plan.rows], predicted[plan.rows]), y[:, k])
    alone, size = cells.sum(axis=0, keepdims=True), {"n": len(y), "n_clips": len(answered)}
    found = {
        "model": (_by_itself(answered, predicted, words), None),
        "people": _bootstrapped(alone, np.array([len(answered)]), n_resamples, seed),
        "both": _bootstrapped(cells, plan.N_h, n_resamples, seed),
    }
    names = ["WAR", "UAR", *(f"recall: {word}" for word in words)]
    rows = []
    for k, name in enumerate(names):
        for source, (values, ends) in found.items():
            low, high = (np.nan, np.nan) if ends is None else ends[k]
            row = {"quantity": name, "target": "this corpus", "source": source, "value": values[k]}
            rows.append(row | {"ci_low": low, "ci_high": high, **size})
    return pd.DataFrame(rows)


def _scores(tables: np.ndarray) -> np.ndarray:
    """WAR, UAR and recalls of tables, shape (..., K, K), truth first; shape (..., 2 + K)."""
    hits, totals = np.diagonal(tables, axis1=-2, axis2=-1), tables.sum(axis=-1)
    seen = totals > 1e-9
    recall = np.where(seen, hits / np.where(seen, totals, 1), np.nan)
    uar = np.where(seen, recall, 0).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)
    war = hits.sum(axis=-1) / totals.sum(axis=-1)
    return np.concatenate([war[..., None], uar[..., None], recall], axis=-1)


def _bootstrapped(
    cells: np.ndarray, sizes: np.ndarray, n_resamples: int, seed: int
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Scores and their intervals from labelled clips by stratum, truth and prediction, shape (H, K, K)."""
    n_h, rng = cells.sum(axis=(1, 2)), np.random.default_rng(seed)
    weight = (sizes / n_h)[:, None, None]
    observed = (weight * cells).sum(axis=0)
    pooled = cells.sum(axis=0)
    ratio = np.divide(smoothed(pooled), pooled, out=np.zeros_like(pooled), where=pooled > 0)
    spare = np.where(pooled > 0, 0, smoothed(pooled))  # cells that only smoothing fills, by prediction
    at = (cells.sum(axis=1) / np.maximum(pooled.sum(axis=0), 1))[:, None, :]
    centre = cells * ratio + spare * at
    centre *= (n_h / centre.sum(axis=(1, 2)))[:, None, None]
    drawn = np.zeros((n_resamples, *pooled.shape))
    for h, n in enumerate(n_h.round().astype(int)):
        p = centre[h].ravel() / centre[h].sum()
        shrink = np.sqrt(max(0.0, 1 - n / sizes[h]) * n / max(n - 1, 1))
        share = p + shrink * (rng.multinomial(n, p, size=n_resamples) / n - p)
        drawn += sizes[h] * np.maximum(share, 0).reshape(-1, *pooled.shape)
    values, middle = _scores(observed), _scores((weight * centre).sum(axis=0))
    moved = _scores(drawn) + values - middle
    moved = np.where(np.isfinite(values), moved, np.nan)
    ends = [interval(column, round(n_h.sum())) for column in moved.T]
    return values, [(float(np.maximum(low, 0)), float(np.minimum(high, 1))) for low, high in ends]


def _by_itself(answered: pd.DataFrame, predicted: np.ndarray, words: Sequence[str]) -> np.ndarray:
    """What the model's probabilities would make its scores; NaN without probabilities."""
    p = answered[[f"prob_{word}" for word in words]].to_numpy(dtype=float)
    known = ~np.isnan(p).any(axis=1)
    if not known.any():
        return np.full(2 + len(words), np.nan)
    table = np.zeros((len(words), len(words)))
    np.add.at(table.T, predicted[known], p[known])
    return _scores(table)
