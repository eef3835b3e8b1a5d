"""Strategies: groups of frames, votes, ties and pools worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.strategies import STRATEGIES, each, majority, mean_probability, middle, only, together

NONE = [np.nan] * 3


def test_groups_of_frames():
    assert middle([2, 7, 12]) == [[7]]
    assert middle([2, 7, 12, 17]) == [[12]]
    assert each([2, 7]) == [[2], [7]]
    assert together([2, 7]) == [[2, 7]]
    assert middle([]) == each([]) == together([]) == []


def test_majority_counts_votes_not_probabilities():
    votes = np.array([0, 0, 1])
    probabilities = np.array([[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.0, 1.0, 0.0]])
    pooled = majority(votes, probabilities)
    assert (pooled.label, pooled.n_votes, pooled.tie) == (0, 3, False)
    assert pooled.agreement == pytest.approx(2 / 3)
    assert pooled.probabilities == pytest.approx([0.8 / 3, 1.6 / 3, 0.6 / 3])


def test_a_tie_goes_to_the_greater_mean_probability():
    votes = np.array([0, 1])
    pooled = majority(votes, np.array([[0.5, 0.4, 0.1], [0.2, 0.7, 0.1]]))  # means .35, .55
    assert (pooled.label, pooled.tie) == (1, True)


def test_a_tie_without_probabilities_goes_to_the_earlier_label():
    pooled = majority(np.array([2, 1]), np.array([NONE, NONE]))
    assert (pooled.label, pooled.tie) == (1, True)


def test_a_tie_is_only_between_the_tied():
    """Label 2 has the greatest mean probability but one vote fewer; it must not win."""
    votes = np.array([0, 0, 1, 1, 2])
    probabilities = np.array([[0.4, 0.2, 0.4]] * 2 + [[0.1, 0.5, 0.4]] * 2 + [[0, 0, 1.0]])
    assert majority(votes, probabilities).label == 1  # means .20, .28, .52


def test_soft_vote_by_hand():
    pooled = mean_probability(np.array([0, 0, 1]), np.array([[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 1.0, 0.0]]))
    assert pooled.label == 1  # means 1/3, .6
    assert pooled.agreement == pytest.approx(1 / 3)


def test_an_answer_without_probabilities_counts_as_certain():
    pooled = mean_probability(np.array([0, 1, 1]), np.array([[0.9, 0.1, 0.0], NONE, NONE]))
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
        one, other = pool(votes, probabilities), pool(votes[order], probabilities[order])
        assert one.label == other.label or one.tie or abs(np.diff(np.sort(one.probabilities)[-2:])[0]) < 1e-9
        assert one.n_votes == other.n_votes


@given(votes_and_probabilities)
def test_a_pool_is_a_distribution_and_agreement_a_share(case):
    votes, probabilities = np.array(case[0]), np.array(case[1])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    for strategy in STRATEGIES.values():
        pooled = strategy.pool(votes, probabilities)
        assert pooled.probabilities.sum() == pytest.approx(1)
        assert 0 <= pooled.agreement <= 1


def test_a_single_answer_is_kept_as_it_is():
    pooled = only(np.array([2]), np.array([[0.1, 0.2, 0.7]]))
    assert (pooled.label, pooled.agreement, pooled.tie) == (2, 1.0, False)
