"""Scores: equal to scikit-learn's, intervals that bracket, baselines and missing clips by hand."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fer_helpers import scores, tables
from fer_helpers.emotions import SEVEN

cases = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 6), min_size=n, max_size=n), st.lists(st.integers(0, 6), min_size=n, max_size=n)
    )
)


def confusion(truth, predicted):
    return sk.confusion_matrix(truth, predicted, labels=range(7))


@settings(max_examples=300)
@given(cases)
def test_every_score_equals_scikit_learns(case):
    """Absent classes, single clips and constant predictions included."""
    truth, predicted = case
    ours = scores.metrics(confusion(truth, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {"WAR": sk.accuracy_score(truth, predicted), "UAR": sk.balanced_accuracy_score(truth, predicted)}
        for average in ("weighted", "macro"):
            precision, _, f1, _ = sk.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0)
            theirs |= {f"precision, {average}": precision, f"F1, {average}": f1}
        theirs["kappa"] = sk.cohen_kappa_score(truth, predicted)
    assert ours.keys() == theirs.keys() == scores.METRICS.keys()
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, atol=1e-12, err_msg=name)


def test_scores_of_nothing_are_unknown():
    assert all(np.isnan(value) for value in scores.metrics(np.zeros((7, 7))).values())


@given(cases, st.permutations(range(7)))
def test_the_order_of_labels_does_not_matter(case, order):
    matrix = confusion(*case)
    one, other = scores.metrics(matrix), scores.metrics(matrix[np.ix_(order, order)])
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-12, err_msg=name)


def test_the_bootstrap_of_clips_is_the_bootstrap():
    """Against resampling rows one by one: same mean and spread of the accuracy."""
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 7, 200), rng.integers(0, 7, 200)
    predicted[:120] = truth[:120]
    fast = scores.bootstrap(truth, predicted, np.arange(200), 7, 4000, seed=1)["WAR"]
    draws = rng.integers(0, 200, (4000, 200))
    slow = (truth == predicted)[draws].mean(axis=1)
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.003)
    assert fast.std() == pytest.approx(slow.std(), rel=0.06)


def test_frames_of_a_clip_are_drawn_together():
    """Ten identical frames a clip carry no more than one: the spread stays that of the clips."""
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 7, 100), rng.integers(0, 7, 100)
    clips = scores.bootstrap(truth, predicted, np.arange(100), 7, 3000)["WAR"]
    frames = scores.bootstrap(*(np.repeat(x, 10) for x in (truth, predicted, np.arange(100))), 7, 3000)["WAR"]
    assert frames.std() == pytest.approx(clips.std(), rel=0.06)
    assert frames.mean() == pytest.approx(clips.mean(), abs=0.005)


CLIPS = tables.check(
    "clips",
    pd.DataFrame(
        {
            "clip_id": list("abcde"),
            "path": list("abcde"),
            "start_s": 0.0,
            "status": "ok",
            "label": ["happy", "happy", "sad", "surprise", None],
        }
    ),
)


def prediction(clip, label, **more):
    return {
        "clip_id": clip,
        "label": label,
        "strategy": "s",
        "model": "m",
        "taxonomy": "seven",
        "asked": "seven",
        "n_votes": 1,
        "tie": False,
        "status": "ok" if label else "refused",
        **more,
    }


def table_of(*rows):
    return tables.check("predictions", pd.DataFrame(rows))


PREDICTED = table_of(*(prediction(c, x) for c, x in zip("abcde", ["happy", "sad", "sad", None, "fear"], strict=True)))


def test_missing_is_not_wrong_and_unlabelled_is_not_scored():
    """a right, b wrong, c right, d refused, e without a label: accuracy 2/3 over three clips, one missing."""
    found = scores.score(PREDICTED, CLIPS, n_resamples=200).set_index(["strategy", "metric"])
    war = found.loc[("s", "WAR")]
    assert (war["value"], war["n_clips"], war["n_missing"]) == (pytest.approx(2 / 3), 3, 1)
    assert war["ci_low"] <= war["value"] <= war["ci_high"]
    assert found.loc[("s", "UAR"), "value"] == pytest.approx((1 / 2 + 1) / 2)


def test_the_trivial_baseline_by_hand():
    """Of four labelled clips two are happy: always happy is right for half, with a UAR of a third."""
    found = scores.score(PREDICTED, CLIPS, n_resamples=200).set_index(["strategy", "metric"])["value"]
    assert found[(scores.ALWAYS, "WAR")] == pytest.approx(1 / 2)
    assert found[(scores.ALWAYS, "UAR")] == pytest.approx(1 / 3)
    assert found[(scores.ALWAYS, "kappa")] == pytest.approx(0)


def test_without_labels_there_are_no_scores():
    assert scores.score(PREDICTED, CLIPS.assign(label=None)).empty


def test_without_a_single_answer_the_score_is_unknown():
    found = scores.score(table_of(prediction("a", None)), CLIPS)
    war = found[(found["strategy"] == "s") & (found["metric"] == "WAR")].iloc[0]
    assert (np.isnan(war["value"]), war["n_clips"], war["n_missing"]) == (True, 0, 1)


@pytest.mark.parametrize(
    ("surprise", "truth"), [("positive", "positive"), ("negative", "negative"), ("left_out", None)]
)
def test_the_valence_of_surprise_is_the_parameters(surprise, truth):
    joined = scores.join(table_of(prediction("d", "neutral", taxonomy="ternary")), CLIPS, surprise)
    assert list(joined["truth"]) == ([truth] if truth else [])


def test_confusion_matrix_keeps_every_label():
    matrix = scores.confusion_matrix(["happy", "sad"], ["sad", "sad"], SEVEN)
    assert list(matrix.index) == list(matrix.columns) == list(SEVEN)
    assert (matrix.loc["happy", "sad"], matrix.loc["sad", "sad"], int(matrix.to_numpy().sum())) == (1, 1, 2)


def test_agreement_by_hand():
    """Of the three clips both label, two agree."""
    rows = [prediction(c, x, strategy="t") for c, x in zip("abc", ["happy", "happy", "sad"], strict=True)]
    both = pd.concat([PREDICTED, table_of(*rows)])
    assert scores.agreement(both).loc["s", "t"] == pytest.approx(2 / 3)


def test_confused_pairs_and_recalls_by_hand():
    """happy is taken for sad once of two, sad once right of one."""
    answered = scores.join(PREDICTED, CLIPS).dropna(subset="label")
    pairs = scores.confused_pairs(answered.assign(confidence=0.5))
    assert list(pairs.index) == [("happy", "sad")]
    assert pairs.iloc[0].tolist() == [1, 0.5, 0.5]
    recall = scores.recalls(scores.join(PREDICTED, CLIPS))
    assert recall.loc["s"].to_dict() == {"happy": 0.5, "sad": 1.0}
