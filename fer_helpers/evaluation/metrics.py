"""Metrics of confusion matrices and of probabilities, in scikit-learn's conventions; pure and vectorised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np


class Margins(NamedTuple):
    """What the metrics need of confusion matrices: arrays (..., n_labels), and (...) for the last two."""

    hits: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    unanswered: np.ndarray
    total: np.ndarray


def margins(confusion: np.ndarray) -> Margins:
    """Diagonal and sums of confusion matrices.

    Args:
        confusion: counts, truth in rows, shape (..., n_labels, n_labels); with one column more, the last one
            counts clips without a prediction: wrong for every metric, and nobody's prediction.
    """
    confusion = np.asarray(confusion, dtype=float)
    n_labels = confusion.shape[-2]
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return Margins(hits, true, predicted[..., :n_labels], predicted[..., n_labels:].sum(-1), true.sum(-1))


def ratio(over: np.ndarray, under: np.ndarray, empty: float = np.nan) -> np.ndarray:
    """`over` / `under`, and `empty` where `under` is 0."""
    shape = np.broadcast_shapes(np.shape(over), np.shape(under))
    return np.divide(over, under, out=np.full(shape, float(empty)), where=np.asarray(under) != 0)


def recall(m: Margins) -> np.ndarray:
    """Share of a class's clips that are found; NaN for a class without clips."""
    return ratio(m.hits, m.true)


def precision(m: Margins) -> np.ndarray:
    """Share of a label's predictions that are right; NaN for a label nobody predicted."""
    return ratio(m.hits, m.predicted)


def f1(m: Margins) -> np.ndarray:
    """Harmonic mean of precision and recall; NaN where the label is in neither truth nor predictions."""
    return ratio(2 * m.hits, m.true + m.predicted)


def war(m: Margins) -> np.ndarray:
    """Accuracy, the recall of all clips (weighted average recall)."""
    return ratio(m.hits.sum(-1), m.total)


def uar(m: Margins) -> np.ndarray:
    """Mean of the recalls of the classes in the truth (unweighted average recall, balanced accuracy)."""
    return ratio(ratio(m.hits, m.true, 0).sum(-1), (m.true > 0).sum(-1))


def kappa(m: Margins) -> np.ndarray:
    """Agreement with the label beyond chance (Cohen 1960)."""
    by_chance = ratio((m.true * m.predicted).sum(-1), m.total**2)
    return ratio(war(m) - by_chance, 1 - by_chance)


def mcc(m: Margins) -> np.ndarray:
    """Matthews's correlation of truth and prediction for several classes (Gorodkin 2004); 0 if one is constant."""
    together = m.hits.sum(-1) * m.total - (m.true * m.predicted).sum(-1)
    spread_true = m.total**2 - (m.true**2).sum(-1)
    spread_predicted = m.total**2 - (m.predicted**2).sum(-1) - m.unanswered**2
    known = np.where(m.total > 0, 0.0, np.nan)
    return ratio(together, np.sqrt(spread_true * spread_predicted), 0) + known


def _weighted(of_class: Callable[[Margins], np.ndarray]) -> Callable[[Margins], np.ndarray]:
    return lambda m: ratio((np.nan_to_num(of_class(m)) * m.true).sum(-1), m.total)


def _macro(of_class: Callable[[Margins], np.ndarray]) -> Callable[[Margins], np.ndarray]:
    return lambda m: ratio(np.nan_to_num(of_class(m)).sum(-1), ((m.true + m.predicted) > 0).sum(-1))


# Weighted: averaged by the class's share of clips. Macro: averaged over the classes in truth or predictions.
METRICS: dict[str, Callable[[Margins], np.ndarray]] = {
    "WAR": war,
    "UAR": uar,
    "precision, weighted": _weighted(precision),
    "precision, macro": _macro(precision),
    "F1, weighted": _weighted(f1),
    "F1, macro": _macro(f1),
    "kappa": kappa,
    "MCC": mcc,
}
OF_CLASS: dict[str, Callable[[Margins], np.ndarray]] = {"recall": recall, "precision": precision, "F1": f1}


def metrics(confusion: np.ndarray, names: Iterable[str] = tuple(METRICS)) -> dict[str, np.ndarray]:
    """The METRICS called `names` of confusion matrices, as `margins` takes them.

    Averages count an undefined precision, recall or F1 as 0; macro averages run over classes seen in truth or
    prediction, UAR over classes seen in the truth. Without any count all are NaN.

    Returns:
        one array of shape (...) for each name.

    Three happy clips of four and one fearful clip of two are found:

    >>> {name: round(float(value), 3) for name, value in metrics([[3, 1], [1, 1]], ["WAR", "UAR"]).items()}
    {'WAR': 0.667, 'UAR': 0.625}

    With a column more, a fearful clip without a prediction counts as wrong:

    >>> {name: round(float(value), 3) for name, value in metrics([[3, 1, 0], [0, 1, 1]], ["WAR", "UAR"]).items()}
    {'WAR': 0.667, 'UAR': 0.625}
    """
    m = margins(confusion)
    return {name: METRICS[name](m) for name in names}


def of_classes(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Recall, precision and F1 of each class, NaN where undefined: arrays of shape (..., n_labels).

    >>> {name: values.tolist() for name, values in of_classes([[3, 1], [0, 0]]).items()}
    {'recall': [0.75, nan], 'precision': [1.0, 0.0], 'F1': [0.8571428571428571, 0.0]}
    """
    m = margins(confusion)
    return {name: of_class(m) for name, of_class in OF_CLASS.items()}


def brier(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Squared distance of each row's probabilities from the truth (Brier 1950), 0 to 2, shape (n,).

    Args:
        truth: label index, shape (n,).
        probabilities: shape (n, n_labels), rows sum to 1.

    >>> brier(np.array([0, 0]), np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.0, 0.5]
    """
    return ((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2).sum(axis=1)
