"""Metrics: equal to scikit-learn's on any data, with and without missing predictions, whatever the labels' order."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fer_helpers import tables
from fer_helpers.evaluation import comparisons, metrics, scores
from fer_helpers.paths import ROOT

MISSING = 7
ELSEWHERE = {"Brier", "ECE", "top-2 accuracy", "coverage"}  # not of a confusion matrix
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
            found |= {f"{average} precision": precision, f"{average} F1": f1}
        found["kappa"] = sk.cohen_kappa_score(truth, predicted)
        found["MCC"] = sk.matthews_corrcoef(truth, predicted)
        precision, recall, f1, _ = sk.precision_recall_fscore_support(
            truth, predicted, labels=LABELS, zero_division=np.nan
        )
    return found, {"recall": recall, "precision": precision, "F1": f1}


def check(confusion, truth, predicted):
    ours, (overall, of_class) = metrics.metrics(confusion), theirs(truth, predicted)
    assert ours.keys() == overall.keys()
    assert metrics.of_classes(confusion).keys() == of_class.keys()
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


@given(pairs(8))
def test_every_score_lies_between_its_ends(case):
    confusion = tally(*case)
    for name, value in {**metrics.metrics(confusion), **metrics.of_classes(confusion)}.items():
        known = np.atleast_1d(value)[~np.isnan(np.atleast_1d(value))]
        low, high = metrics.METRICS[name].low, metrics.METRICS[name].high
        assert ((known >= low - 1e-12) & (known <= high + 1e-12)).all(), name


@given(pairs(8).filter(lambda case: MISSING in case[1]))
def test_a_bounded_score_does_not_fall_when_a_missing_prediction_turns_out_right(case):
    truth, predicted = case
    better = np.where(
        (predicted == MISSING) & (np.arange(len(truth)) == np.argmax(predicted == MISSING)), truth, predicted
    )
    before, after = ({**metrics.metrics(t), **metrics.of_classes(t)} for t in (tally(*case), tally(truth, better)))
    for name, metric in metrics.METRICS.items():
        if metric.bounded and metric.of:
            assert (np.nan_to_num(after[name] - before[name]) >= -1e-12).all(), name


def test_every_metric_has_one_place_where_it_is_computed():
    confusion = np.eye(7)
    computed = {*metrics.metrics(confusion), *metrics.of_classes(confusion)}
    assert computed | ELSEWHERE == set(metrics.METRICS)
    assert not computed & ELSEWHERE


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


def test_the_docs_table_is_that_of_the_records():
    page = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    documented = [line for line in page.split("## Missing answers")[0].splitlines() if line.startswith("| ")][1:]
    assert documented == [
        f"| {m.name} | {m.low:g} to {m.high:g} | {m.meaning} | {m.undefined} |" for m in metrics.METRICS.values()
    ]


def test_a_new_metric_is_one_row(monkeypatch):
    """The recipe for a metric: a record, and scores, bounds, comparisons and the report's columns have it."""
    row = metrics.Metric("twice", lambda m: metrics.war(m) ** 2, "", bounded=True, compared=True, shown=True)
    monkeypatch.setitem(metrics.METRICS, "twice", row)
    clip = {"clip_id": [f"c{i}" for i in range(10)], "path": "p", "start_s": 0.0, "status": "ok", "label": "happy"}
    clips = tables.check("clips", pd.DataFrame(clip))
    base = {"model": "m", "taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False}
    given = {"s": ["happy"] * 7 + ["sad"] * 2 + [None], "t": ["happy"] * 10}
    rows = [
        pd.DataFrame({"clip_id": clip["clip_id"], "label": labels}).assign(strategy=s) for s, labels in given.items()
    ]
    table = pd.concat(rows).assign(**base)
    table["status"] = table["label"].map(lambda label: "ok" if isinstance(label, str) else "invalid")
    predicted = tables.check("predictions", table)
    scored = scores.score(predicted, clips, n_resamples=100).set_index(["strategy", "metric"])
    found = scored.loc[("s", "twice"), ["value", "value_wrong", "bound_low", "bound_high"]]
    assert found.tolist() == pytest.approx([(7 / 9) ** 2, 0.7**2, 0.7**2, 0.8**2])
    compared = comparisons.compare(predicted, clips, n_resamples=100).set_index("metric")
    assert compared.loc["twice", "difference"] == pytest.approx((7 / 9) ** 2 - 1)
    assert metrics.metric_names("shown")[-1] == "twice"
