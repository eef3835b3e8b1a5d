"""The test of drift: exact at any uncertainty of the model, and sharp enough for 200 anchors."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers.estimation import drift_test

N = 200


def columns(*triples):
    return [pd.Series(column) for column in zip(*triples, strict=True)]


@pytest.mark.parametrize(
    ("answers", "odd", "odd_kept", "p"),
    [
        ([("sad", "sad", "sad")] * 9, 0, 0, 1.0),
        ([("sad", "fear", "fear")] * 3 + [("sad", "sad", "sad")], 3, 3, 1 / 27),
        ([("sad", "fear", "fear"), ("sad", "sad", "fear"), ("sad", "fear", "sad")], 3, 1, 1 - (2 / 3) ** 3),
        ([("sad", "fear", "happy")] * 5, 0, 0, 1.0),  # three different answers are noise, whichever came first
    ],
)
def test_the_kept_answer_is_the_odd_one_in_a_third_of_the_cases(answers, odd, odd_kept, p):
    found = drift_test(*columns(*answers))
    assert (found["odd"], found["odd_kept"], found["p"]) == (odd, odd_kept, pytest.approx(p))
    assert found["anchors"] == len(answers)


@pytest.mark.parametrize("flip", [0.0, 0.02, 0.1, 0.4])
def test_false_alarms_stay_under_five_per_cent_however_unsure_the_model(flip):
    """Three answers of one model, each clip with an uncertainty of its own around `flip`."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(400):
        own = rng.beta(1, 1 / max(flip, 1e-9) - 1, N) if flip else np.zeros(N)
        answers = [pd.Series(np.where(rng.random(N) < own, rng.integers(1, 7, N), 0)) for _ in range(3)]
        alarms += drift_test(*answers)["p"] <= 0.05
    assert alarms / 400 <= 0.05 + 1.645 * (0.05 * 0.95 / 400) ** 0.5


def test_a_swap_of_a_tenth_is_found_among_200_anchors():
    """Answers differ in 2 % by themselves."""
    rng, found = np.random.default_rng(8), []
    for _ in range(200):
        swapped = rng.random(N) < 0.1
        differ = [rng.random(N) < 0.02 for _ in range(3)]
        answers = differ[0], differ[1] ^ swapped, differ[2] ^ swapped
        found.append(drift_test(*(pd.Series(np.where(one, "sad", "fear")) for one in answers))["p"] <= 0.05)
    assert np.mean(found) > 0.95
