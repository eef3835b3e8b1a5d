"""Does the test of places err in 5 % without a bias, and find a planted one? By simulation.

Answers to the seven rotations are drawn by rows of a confusion table, clips with the class shares of FERV39k's
DailyLife, as `tests.support.simulated` says. `make coverage` simulates as many data sets as docs/statistics.md cites.
"""

import numpy as np
import pandas as pd
import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import order
from tests.support.simulated import DOUBT, SHARES, TABLE, N

SUBJECTS = np.repeat(np.arange(24), 8)


def by_rows(rng, rows, shape):
    """Labels drawn by rows of TABLE."""
    return (rng.random((*shape, 1)) > TABLE[rows].cumsum(axis=-1)[..., :-1]).sum(axis=-1)


def alone(rng):
    """120 clips; every answer is drawn anew by the clip's class."""
    truth = rng.choice(7, (120, 1), p=SHARES)
    return by_rows(rng, truth, (120, 7)), np.arange(120)


def of_people(rng):
    """24 people, 8 clips each. Of what is asked in one order 60 % of a person's clips are answered alike."""
    truth = rng.choice(7, (24, 1), p=SHARES)
    together = by_rows(rng, truth, (24, 7))[SUBJECTS]
    return np.where(rng.random((192, 7)) < 0.6, together, by_rows(rng, truth[SUBJECTS], (192, 7))), SUBJECTS


def nearly_still(rng):
    """240 clips, of whose answers 3 in 100 are not the clip's own."""
    truth = rng.choice(7, (240, 1), p=SHARES)
    own = by_rows(rng, truth, (240, 1))
    return np.where(rng.random((240, 7)) < 0.03, by_rows(rng, truth, (240, 7)), own), np.arange(240)


def rejected(world, rng, seed, bias=0.0, groups=None):
    labels, of = world(rng)
    labels = np.where(rng.random(labels.shape) < bias, np.arange(7), labels)
    seven = np.array(SEVEN, object)[labels]
    unit = of if groups is None else groups
    found = order.Rotations(
        pd.DataFrame(seven), pd.Series([None] * len(seven), dtype=object), unit, "subjects", "seven"
    )
    return order.place_test(found, 99, seed).p <= 0.05


@pytest.mark.parametrize("world", [alone, of_people, nearly_still])
def test_without_a_bias_the_test_claims_one_in_5_percent(world):
    rng = np.random.default_rng(1)
    rate = np.mean([rejected(world, rng, seed) for seed in range(N)])
    print(f"{world.__name__}: {rate:.3f}")
    assert abs(rate - 0.05) <= DOUBT


def test_taking_a_persons_clips_for_independent_claims_far_too_many():
    rng = np.random.default_rng(1)
    assert np.mean([rejected(of_people, rng, seed, groups=np.arange(192)) for seed in range(50)]) > 0.5


def test_a_bias_in_one_answer_of_12_is_found():
    rng = np.random.default_rng(1)
    rate = np.mean([rejected(alone, rng, seed, bias=1 / 12) for seed in range(30)])
    assert rate >= 0.9  # 1.0 of 1,000
