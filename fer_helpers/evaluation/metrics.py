"""Metrics of confusion matrices and of probabilities, in scikit-learn's conventions; pure and vectorised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


class Margins(NamedTuple):
    """What the metrics need of confusion matrices: arrays (..., n_labels), `beside` (..., n_more), `total` (...)."""

    hits: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    beside: np.ndarray
    total: np.ndarray


def margins(confusion: np.ndarray) -> Margins:
    """Diagonal and sums of confusion matrices.

    Args:
        confusion: counts, truth in rows, shape (..., n_labels, n_labels); columns more count clips with a label
            outside of the set, or without one: wrong for every metric, and a prediction of no class.
    """
    confusion = np.asarray(confusion, dtype=float)
    n_labels = confusion.shape[-2]
    true, predicted = confusion.sum(-1), confusion.sum(-2)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return Margins(hits, true, predicted[..., :n_labels], predicted[..., n_labels:], true.sum(-1))


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
    spread_predicted = m.total**2 - (m.predicted**2).sum(-1) - (m.beside**2).sum(-1)
    known = np.where(m.total > 0, 0.0, np.nan)
    return ratio(together, np.sqrt(spread_true * spread_predicted), 0) + known


def _weighted(of_class: Callable[[Margins], np.ndarray]) -> Callable[[Margins], np.ndarray]:
    return lambda m: ratio((np.nan_to_num(of_class(m)) * m.true).sum(-1), m.total)


def _macro(of_class: Callable[[Margins], np.ndarray]) -> Callable[[Margins], np.ndarray]:
    return lambda m: ratio(np.nan_to_num(of_class(m)).sum(-1), ((m.true + m.predicted) > 0).sum(-1))


@dataclass(frozen=True)
class Metric:
    """A score and all the package knows of it: scores, comparisons, figures, report and docs read it from here.

    Args:
        name: in tables, figures and the report; of a class, "name: class".
        of: from margins to the score, shape (...), or (..., n_labels) of classes; None: it is not one of a confusion
            matrix, and `scores` computes it.
        meaning: what it is, in a sentence.
        undefined: where it has no value.
        low: least possible value.
        high: greatest possible value.
        of_class: a score for each class.
        bounded: it cannot fall when a wrong prediction turns right, so that missing ones give it Manski's bounds.
        compared: annotators are compared by it, pair by pair.
        shown: in the summary of a run.
        of_confidence: it says whether confidence means what it says.
        of_ranking: it is a score of rankings; who gives single labels has none.
    """

    name: str
    of: Callable[[Margins], np.ndarray] | None
    meaning: str
    undefined: str = "without any prediction"
    low: float = 0.0
    high: float = 1.0
    of_class: bool = False
    bounded: bool = False
    compared: bool = False
    shown: bool = False
    of_confidence: bool = False
    of_ranking: bool = False


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "WAR",
            war,
            "weighted average recall: accuracy, the share of clips predicted correctly",
            bounded=True,
            compared=True,
            shown=True,
        ),
        Metric(
            "UAR",
            uar,
            "unweighted average recall: balanced accuracy, the mean recall of the classes among the true labels; "
            "read it first where classes are unequal",
            bounded=True,
            compared=True,
            shown=True,
        ),
        Metric(
            "weighted precision",
            _weighted(precision),
            "mean precision of the classes, each weighted by its number of clips; an undefined one counts as 0",
            shown=True,
        ),
        Metric(
            "macro precision",
            _macro(precision),
            "mean precision of the classes that occur as true or predicted label; an undefined one counts as 0",
        ),
        Metric("weighted F1", _weighted(f1), "mean F1 of the classes, each weighted by its number of clips"),
        Metric(
            "macro F1",
            _macro(f1),
            "mean F1 of the classes that occur as true or predicted label",
            compared=True,
            shown=True,
        ),
        Metric(
            "kappa",
            kappa,
            "agreement with the true label beyond chance (Cohen 1960)",
            "where true and predicted labels are all of one same class",
            low=-1.0,
            shown=True,
        ),
        Metric(
            "MCC",
            mcc,
            "Matthews's correlation of true and predicted labels (Gorodkin 2004); 0 if either is constant",
            low=-1.0,
        ),
        Metric(
            "recall",
            recall,
            "share of a class's clips that are found",
            "without a clip of the class",
            of_class=True,
            bounded=True,
        ),
        Metric(
            "precision",
            precision,
            "share of a class's predictions that are correct",
            "without a prediction of it",
            of_class=True,
        ),
        Metric("F1", f1, "harmonic mean of a class's precision and recall", "without either", of_class=True),
        Metric(
            "Brier",
            None,
            "Brier score: squared distance of the probabilities from the true label, summed over classes, 0 at best "
            "(Brier 1950)",
            "without probabilities",
            high=2.0,
            of_confidence=True,
        ),
        Metric(
            "ECE",
            None,
            "expected calibration error: mean gap between confidence and share correct; top label, 15 bins of equal "
            "width (Naeini et al. 2015; Guo et al. 2017)",
            "without confidence",
            of_confidence=True,
        ),
        Metric(
            "top-2 accuracy",
            None,
            "share of clips whose true label is the first or second of a ranked answer; by chance 2 of the number of "
            "labels",
            "without a ranking",
            bounded=True,
            of_ranking=True,
        ),
        Metric("coverage", None, "share of the labelled clips that have a prediction", "never"),
    )
}


def metric_of(name: str) -> Metric:
    """The metric of a row of the scores table: "recall" where that is called "recall: fear"."""
    return METRICS[name.partition(": ")[0]]


def metric_names(trait: str) -> list[str]:
    """Names of the metrics of all classes together with a trait of `Metric`: "bounded", "compared", "shown", ..."""
    return [name for name, metric in METRICS.items() if getattr(metric, trait) and not metric.of_class]


def metrics(confusion: np.ndarray, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The METRICS called `names` of confusion matrices, as `margins` takes them; None: all that are of all classes.

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
    wanted = METRICS.values() if names is None else [METRICS[name] for name in names]
    return {metric.name: metric.of(m) for metric in wanted if metric.of and not metric.of_class}


def of_classes(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """Recall, precision and F1 of each class, NaN where undefined: arrays of shape (..., n_labels).

    >>> {name: values.tolist() for name, values in of_classes([[3, 1], [0, 0]]).items()}
    {'recall': [0.75, nan], 'precision': [1.0, 0.0], 'F1': [0.8571428571428571, 0.0]}
    """
    m = margins(confusion)
    return {metric.name: metric.of(m) for metric in METRICS.values() if metric.of and metric.of_class}


def brier(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Squared distance of each row's probabilities from the truth (Brier 1950), 0 to 2, shape (n,).

    Args:
        truth: label index, shape (n,).
        probabilities: shape (n, n_labels), rows sum to 1.

    >>> brier(np.array([0, 0]), np.array([[1.0, 0.0], [0.5, 0.5]])).tolist()
    [0.0, 0.5]
    """
    return ((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2).sum(axis=1)
