"""Metrics: equal to scikit-learn's on any data, with and without missing predictions, whatever the labels' order."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fer_helpers.evaluation import metrics

MISSING = 7
LABELS = list(range(7))


def pairs(n_predictions):
    """Label indices of 1 to 60 clips, true and predicted."""
    label = st.tuples(st.integers(0, 6), st.integers(0, n_predictions - 1))
    return st.lists(label, min_size=1, max_size=60).map(lambda rows: np.array(rows).T)


def tally(truth, predicted):
    return sk.confusion_matrix(truth, predicted, labels=[*LABELS, MISSING])[:7]


def theirs(truth, predicted):
    """scikit-learn's scores; a missing prediction is a label of its own that is never averaged over."""
    seen = sorted(({*truth} | {*predicted}) - {MISSING})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {"WAR": sk.accuracy_score(truth, predicted), "UAR": sk.balanced_accuracy_score(truth, predicted)}
        for average in ("weighted", "macro"):
            precision, _, f1, _ = sk.precision_recall_fscore_support(
                truth, predicted, labels=seen, average=average, zero_division=0
            )
            found |= {f"precision, {average}": precision, f"F1, {average}": f1}
        found["kappa"] = sk.cohen_kappa_score(truth, predicted)
        found["MCC"] = sk.matthews_corrcoef(truth, predicted)
        precision, recall, f1, _ = sk.precision_recall_fscore_support(
            truth, predicted, labels=LABELS, zero_division=np.nan
        )
    return found, {"recall": recall, "precision": precision, "F1": f1}


def check(confusion, truth, predicted):
    ours, (overall, of_class) = metrics.metrics(confusion), theirs(truth, predicted)
    assert ours.keys() == overall.keys() == metrics.METRICS.keys()
    for name, value in overall.items():
        np.testing.assert_allclose(ours[name], value, rtol=0, atol=1e-12, err_msg=name)
    for name, value in of_class.items():
        np.testing.assert_allclose(metrics.of_classes(confusion)[name], value, rtol=0, atol=1e-12, err_msg=name)


@settings(max_examples=200, deadline=None)
@given(pairs(7))
def test_every_score_equals_scikit_learns(case):
    """Absent classes, single clips and constant predictions included."""
    check(tally(*case)[:, :7], *case)


@settings(max_examples=200, deadline=None)
@given(pairs(8))
def test_every_score_with_missing_predictions_counted_as_wrong_equals_scikit_learns(case):
    """Down to all missing: a prediction of a class that no clip is of and no average runs over."""
    check(tally(*case), *case)


def test_scores_of_nothing_are_unknown():
    assert all(np.isnan(value) for value in metrics.metrics(np.zeros((7, 7))).values())
    assert all(np.isnan(value).all() for value in metrics.of_classes(np.zeros((7, 7))).values())


@given(pairs(8), st.permutations(LABELS))
def test_the_order_of_labels_does_not_matter(case, order):
    matrix = tally(*case)
    one, other = metrics.metrics(matrix), metrics.metrics(matrix[np.ix_(order, [*order, MISSING])])
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-12, err_msg=name)


def test_many_matrices_at_once_are_as_one_by_one():
    stack = np.random.default_rng(0).integers(0, 4, (5, 3, 7, 8))
    together = metrics.metrics(stack)
    for place in np.ndindex(5, 3):
        for name, value in metrics.metrics(stack[place]).items():
            assert together[name][place] == value


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 7).flatmap(lambda k: st.tuples(st.just(k), st.lists(st.integers(0, k - 1), min_size=1))))
def test_brier_equals_scikit_learns(case):
    n_labels, truth = case
    probabilities = np.random.default_rng(len(truth)).dirichlet(np.ones(n_labels), len(truth))
    expected = sk.brier_score_loss(truth, probabilities, labels=range(n_labels), scale_by_half=False)
    assert metrics.brier(np.array(truth), probabilities).mean() == pytest.approx(expected, abs=1e-12)
