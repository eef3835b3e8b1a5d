"""Scores of predictions against a corpus's labels, with bootstrap intervals over clips; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES, valence

METRICS = {
    "WAR": "accuracy, the recall of all clips (weighted average recall)",
    "UAR": "mean of the recalls of the classes (unweighted average recall, balanced accuracy)",
    "precision, weighted": "precision of each class, averaged by its share of clips",
    "precision, macro": "precision of each class, averaged over classes",
    "F1, weighted": "F1 of each class, averaged by its share of clips",
    "F1, macro": "F1 of each class, averaged over classes",
    "kappa": "Cohen's kappa: agreement with the label beyond chance",
}


def true_label(label: object, taxonomy: str, surprise: str = "positive") -> str | None:
    """A clip's label in `taxonomy`; None where it has none, or surprise is left out."""
    if not isinstance(label, str):
        return None
    return label if taxonomy == "seven" else valence(label, surprise)


def metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """METRICS of confusion matrices.

    Conventions are scikit-learn's: macro averages run over classes seen in truth or prediction, an undefined
    precision, recall or F1 counts 0; UAR is `balanced_accuracy_score`, over classes seen in the truth.

    Args:
        confusion: counts, shape (..., n_labels, n_labels), truth in rows. Without any count all are NaN.

    Returns:
        one array of shape (...) for each name in METRICS.
    """
    confusion = np.asarray(confusion, dtype=float)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    total = true.sum(-1)
    recall, precision = _ratio(hits, true), _ratio(hits, predicted)
    f1 = _ratio(2 * hits, true + predicted)
    seen = (true + predicted) > 0
    accuracy = _ratio(hits.sum(-1), total, empty=np.nan)
    by_chance = _ratio((true * predicted).sum(-1), total**2, empty=np.nan)
    return {
        "WAR": accuracy,
        "UAR": _ratio((recall * (true > 0)).sum(-1), (true > 0).sum(-1), empty=np.nan),
        "precision, weighted": _ratio((precision * true).sum(-1), total, empty=np.nan),
        "precision, macro": _ratio((precision * seen).sum(-1), seen.sum(-1), empty=np.nan),
        "F1, weighted": _ratio((f1 * true).sum(-1), total, empty=np.nan),
        "F1, macro": _ratio((f1 * seen).sum(-1), seen.sum(-1), empty=np.nan),
        "kappa": _ratio(accuracy - by_chance, 1 - by_chance, empty=np.nan),
    }


def _ratio(over: np.ndarray, under: np.ndarray, empty: float = 0.0) -> np.ndarray:
    return np.divide(over, under, out=np.full(np.shape(over), empty), where=np.asarray(under) != 0)


def confusion_matrix(truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Counts of clips by true label (rows) and predicted label (columns), every label in the order given."""
    counts = pd.crosstab(pd.Categorical(truth, labels), pd.Categorical(predicted, labels), dropna=False)
    return counts.set_axis(list(labels)).set_axis(list(labels), axis=1)


def bootstrap(
    truth: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    n_labels: int,
    n_resamples: int = 10_000,
    seed: int = 1,
) -> dict[str, np.ndarray]:
    """METRICS of bootstrap resamples that draw whole groups with replacement (Efron & Tibshirani 1993).

    Drawing n groups of which many contribute the same counts is a multinomial draw over the distinct
    contributions, so clips cost no more than their distinct (truth, prediction) pairs.

    Args:
        truth: label index, shape (n,).
        predicted: label index, shape (n,).
        groups: what is drawn as one: the clip or the subject of each row, shape (n,).
        n_labels: size of the taxonomy.
        n_resamples: resamples drawn.
        seed: of the random generator.

    Returns:
        arrays of shape (n_resamples,).
    """
    _, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((group.max() + 1, n_labels * n_labels))
    np.add.at(counts, (group, truth * n_labels + predicted), 1)
    distinct, how_many = np.unique(counts, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(how_many.sum(), how_many / how_many.sum(), size=n_resamples)
    return metrics((draws @ distinct).reshape(n_resamples, n_labels, n_labels))


def score(
    predictions: pd.DataFrame,
    clips: pd.DataFrame,
    surprise: str = "positive",
    n_resamples: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """The scores table: every strategy and taxonomy in `predictions`, and the trivial baselines beside them.

    Clips without a label are left out; a clip with a label and no prediction is counted as missing, not as
    wrong. Intervals are 95 % percentile intervals over clips; frames of one clip are drawn together.
    """
    labelled = join(predictions, clips, surprise)
    parts = []
    for _, mine in labelled.groupby(["taxonomy", "asked"], sort=False):
        parts += [_scored(part, n_resamples, seed) for _, part in mine.groupby(KEYS, sort=False)]
        parts += [_scored(part, n_resamples, seed) for part in _baselines(mine, seed)]
    columns = list(tables.SCHEMAS["scores"].columns)
    return tables.check("scores", pd.concat(parts) if parts else pd.DataFrame(columns=columns))


KEYS = ["strategy", "model", "taxonomy", "asked"]
ALWAYS, BY_SHARE = "always the commonest class", "at random, by class shares"


def join(predictions: pd.DataFrame, clips: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """`predictions` with their clip's columns and `truth`, its label in their taxonomy, where it has one."""
    joined = predictions.merge(clips.drop(columns=["status", "reason"]), on="clip_id", suffixes=("", "_clip"))
    pairs = zip(joined["label_clip"], joined["taxonomy"], strict=True)
    truth = [true_label(label, taxonomy, surprise) for label, taxonomy in pairs]
    return joined.assign(truth=pd.Series(truth, index=joined.index, dtype="str")).dropna(subset="truth")


def _baselines(labelled: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """What it takes no look at the picture to reach: rows as predictions, one a clip."""
    clips = labelled.drop_duplicates("clip_id").assign(model="none")
    shares = clips["truth"].value_counts(normalize=True).sort_index()
    drawn = np.random.default_rng(seed).choice(shares.index, size=len(clips), p=shares)
    return [
        clips.assign(strategy=ALWAYS, label=shares.idxmax()),
        clips.assign(strategy=BY_SHARE, label=drawn),
    ]


def _scored(part: pd.DataFrame, n_resamples: int, seed: int) -> pd.DataFrame:
    labels = TAXONOMIES[part["taxonomy"].iloc[0]]
    answered = part[part["label"].notna()]
    n_clips = answered["clip_id"].nunique()
    base = {
        **part.iloc[0][KEYS],
        "n_clips": n_clips,
        "n_missing": part["clip_id"].nunique() - n_clips,
    }
    if answered.empty:
        return pd.DataFrame([{**base, "metric": name, "value": None} for name in METRICS])
    truth, predicted = (pd.Categorical(answered[c], labels).codes.astype(int) for c in ("truth", "label"))
    matrix = np.zeros((len(labels), len(labels)))
    np.add.at(matrix, (truth, predicted), 1)
    resampled = bootstrap(truth, predicted, answered["clip_id"].to_numpy(), len(labels), n_resamples, seed)
    return pd.DataFrame(
        [
            {**base, "metric": name, "value": float(value), "ci_low": low, "ci_high": high}
            for name, value in metrics(matrix).items()
            for low, high in [_interval(resampled[name])]
        ]
    )


def _interval(resampled: np.ndarray) -> tuple[float, float]:
    known = resampled[~np.isnan(resampled)]  # kappa is undefined in a resample that holds a single class
    return tuple(np.percentile(known, [2.5, 97.5])) if len(known) else (np.nan, np.nan)


def agreement(predictions: pd.DataFrame) -> pd.DataFrame:
    """Share of clips on which two strategies give the same seven-class or ternary label, for every pair.

    Works without any true label. Rows and columns are strategies; one frame a row is left out.
    """
    clip_level = predictions[predictions["frame_index"].isna() & predictions["label"].notna()]
    wide = clip_level.pivot_table(index="clip_id", columns="strategy", values="label", aggfunc="first")
    names = list(dict.fromkeys(clip_level["strategy"]))
    rows = [[_same(wide[a], wide[b]) for b in names] for a in names]
    return pd.DataFrame(rows, index=names, columns=names)


def _same(one: pd.Series, other: pd.Series) -> float:
    both = one.notna() & other.notna()
    return float((one[both] == other[both]).mean()) if both.any() else float("nan")


def confused_pairs(joined: pd.DataFrame) -> pd.DataFrame:
    """Wrong predictions by (truth, label), the commonest first: clips, their share of the truth, confidence.

    Args:
        joined: predictions of one strategy and question with their `truth`.
    """
    totals = joined["truth"].value_counts()
    wrong = joined[joined["truth"] != joined["label"]]
    pairs = wrong.groupby(["truth", "label"]).agg(clips=("clip_id", "size"), confidence=("confidence", "mean"))
    share = pairs["clips"] / totals.reindex(pairs.index.get_level_values("truth")).to_numpy()
    pairs.insert(1, "share of the truth", share)
    return pairs.sort_values(["clips", "share of the truth"], ascending=False, kind="stable")


def recalls(joined: pd.DataFrame) -> pd.DataFrame:
    """Recall of each class (columns, in the taxonomy's order) by strategy (rows), of rows with a label."""
    answered = joined[joined["label"].notna()]
    right = (answered["truth"] == answered["label"]).groupby([answered["strategy"], answered["truth"]], sort=False)
    recall = right.mean().unstack()
    return recall[[label for label in TAXONOMIES[joined["taxonomy"].iloc[0]] if label in recall]]
