"""Strategies: groups of frames, votes, ties and pools worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.frames import evenly_spaced
from fer_helpers.prompting.strategies import (
    STRATEGIES,
    all_at_once,
    each,
    equally,
    find,
    majority,
    mean_probability,
    middle,
    near_the_peak,
    only,
)

NONE = [np.nan] * 3


def test_groups_of_frames():
    assert middle([2, 7, 12]) == [[7]]
    assert middle([2, 7, 12, 17]) == [[12]]
    assert each([2, 7]) == [[2], [7]]
    assert all_at_once([2, 7]) == [[2, 7]]
    assert middle([]) == each([]) == all_at_once([]) == []


def test_majority_counts_votes_not_probabilities():
    votes = np.array([0, 0, 1])
    probabilities = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0]])
    pooled = majority(votes, probabilities, equally(votes))
    assert (pooled.label, pooled.n_votes, pooled.tie) == (0, 3, False)
    assert pooled.agreement == pytest.approx(2 / 3)
    assert pooled.probabilities == pytest.approx([0.8 / 3, 1.6 / 3, 0.6 / 3])


def test_a_tie_goes_to_the_greater_mean_probability():
    votes = np.array([0, 1])
    pooled = majority(votes, np.array([[0.5, 0.4, 0.1], [0.2, 0.7, 0.1]]), np.ones(2))  # means .35, .55
    assert (pooled.label, pooled.tie) == (1, True)


def test_a_tie_without_probabilities_goes_to_the_earlier_label():
    pooled = majority(np.array([2, 1]), np.array([NONE, NONE]), np.ones(2))
    assert (pooled.label, pooled.tie) == (1, True)


def test_a_tie_is_only_between_the_tied():
    """Label 2 has the greatest mean probability but one vote fewer; it must not win."""
    votes = np.array([0, 0, 1, 1, 2])
    probabilities = np.array([[0.4, 0.2, 0.4]] * 2 + [[0.1, 0.5, 0.4]] * 2 + [[0, 0, 1.0]])
    assert majority(votes, probabilities, equally(votes)).label == 1  # means .20, .28, .52


def test_soft_vote_by_hand():
    probabilities = np.array([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 1.0, 0.0]])
    pooled = mean_probability(np.array([0, 0, 1]), probabilities, np.ones(3))
    assert pooled.label == 1  # means 1/3, .6
    assert pooled.agreement == pytest.approx(1 / 3)


def test_an_answer_without_probabilities_counts_as_certain():
    pooled = mean_probability(np.array([0, 1, 1]), np.array([[0.9, 0.1, 0.0], NONE, NONE]), np.ones(3))
    assert pooled.probabilities == pytest.approx([0.3, 2.1 / 3, 0.0])


votes_and_probabilities = st.integers(1, 9).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 2), min_size=n, max_size=n),
        st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=n, max_size=n),
    )
)


@given(votes_and_probabilities, st.randoms())
def test_the_order_of_answers_does_not_matter(case, random):
    votes, probabilities = np.array(case[0]), np.array(case[1])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    order = list(range(len(votes)))
    random.shuffle(order)
    for pool in (majority, mean_probability):
        one = pool(votes, probabilities, equally(votes))
        other = pool(votes[order], probabilities[order], equally(votes))
        assert one.label == other.label or one.tie or abs(np.diff(np.sort(one.probabilities)[-2:])[0]) < 1e-9
        assert one.n_votes == other.n_votes


@given(votes_and_probabilities)
def test_a_pool_is_a_distribution_and_agreement_a_share(case):
    votes, probabilities = np.array(case[0]), np.array(case[1])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    for strategy in STRATEGIES.values():
        pooled = strategy.pool(votes, probabilities, strategy.weigh(np.arange(len(votes), dtype=float)))
        assert pooled.probabilities.sum() == pytest.approx(1)
        assert 0 <= pooled.agreement <= 1


def test_a_single_answer_is_kept_as_it_is():
    pooled = only(np.array([2]), np.array([[0.1, 0.2, 0.7]]), np.ones(1))
    assert (pooled.label, pooled.agreement, pooled.tie) == (2, 1.0, False)


def test_frames_near_the_greatest_motion_count_more():
    assert near_the_peak(np.array([1.0, 2.0, 9.0, 2.0, 1.0])) == pytest.approx([1 / 3, 1 / 2, 1, 1 / 2, 1 / 3])
    assert near_the_peak(np.array([5.0, 5.0, np.nan])) == pytest.approx([1, 1 / 2, 1 / 3])  # the earlier of two peaks
    assert near_the_peak(np.array([np.nan, np.nan])).tolist() == [1, 1]  # nothing is known: a plain vote


def test_a_weighted_vote_by_hand():
    """Label 1 has one vote at the peak (1), label 0 two votes further off (1/2 + 1/3): 5/6 against 1."""
    votes, motion = np.array([0, 0, 1]), np.array([0.0, 1.0, 5.0])
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.2, 0.8]])
    pooled = majority(votes, probabilities, near_the_peak(motion))
    assert (pooled.label, pooled.n_votes, pooled.tie) == (1, 3, False)
    assert pooled.agreement == pytest.approx(1 / 3)
    assert pooled.probabilities[1] == pytest.approx((0.4 / 3 + 0.4 / 2 + 0.8) / (1 / 3 + 1 / 2 + 1))


def test_weights_that_add_up_to_the_same_are_a_tie():
    """1/2 + 1/2 against 1: floating-point sums of weights must not break it by their last digit."""
    pooled = majority(np.array([0, 1, 0]), np.array([[0.5, 0.5]] * 3), np.array([0.1 + 0.2, 0.6, 0.3]))
    assert (pooled.label, pooled.tie) == (0, True)


def test_evenly_spread_key_frames():
    assert evenly_spaced([0, 5, 10, 15, 20], 3) == [0, 10, 20]  # centres of thirds: positions 5/6, 15/6, 25/6
    assert evenly_spaced([0, 5, 10, 15, 20], 1) == [10]
    assert evenly_spaced([0, 5], 3) == [0, 5]
    assert evenly_spaced([], 3) == []


def test_a_strategy_over_some_of_the_key_frames():
    frames = [0, 5, 10, 15, 20]
    assert find("multi_frame:3").groups(frames) == [[0, 10, 20]]
    assert find("majority_vote:3").groups(frames) == [[0], [10], [20]]
    assert find("mosaic:2").mosaic
    assert find("multi_frame") is STRATEGIES["multi_frame"]


@pytest.mark.parametrize(
    "name", ["best", "multi_frame:0", "multi_frame:", "multi_frame:03", "per_frame:2", "cascade:2", ""]
)
def test_an_unknown_strategy_is_named(name):
    with pytest.raises(ValueError, match="must be one of single_frame"):
        find(name)
