"""The reliability curve and its error: by another way of adding up, and at the edges of bins."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from fer_helpers.evaluation.calibration import calibration_error, reliability

answers = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50)


@settings(deadline=None)
@given(answers, st.integers(1, 20))
def test_the_error_equals_adding_up_bin_by_bin(rows, n_bins):
    """By the definition of Naeini et al.: sum over bins of n / N × |share right − mean confidence|."""
    edges, expected = np.linspace(0, 1, n_bins + 1), 0.0
    for b in range(n_bins):
        inside = [r for r in rows if edges[b] < r[0] <= edges[b + 1] or (b == 0 and r[0] == 0)]
        if inside:
            confidence, right = (math.fsum(r[i] for r in inside) / len(inside) for i in (0, 1))
            expected += len(inside) / len(rows) * abs(right - confidence)
    confidence, right = map(np.array, zip(*rows, strict=True))
    assert calibration_error(reliability(confidence, right, n_bins)) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(answers)
def test_its_intervals_are_wilsons_as_scipy_has_them(rows):
    confidence, right = map(np.array, zip(*rows, strict=True))
    for bin_ in reliability(confidence, right).itertuples():
        ends = binomtest(round(bin_.right * bin_.n), bin_.n).proportion_ci(method="wilson")
        assert (bin_.ci_low, bin_.ci_high) == pytest.approx((ends.low, ends.high), abs=1e-12)


def test_rows_without_confidence_are_left_out():
    curve = reliability(np.array([0.9, np.nan, 0.1]), np.array([True, True, False]), 10)
    assert list(curve["n"]) == [1, 1]
    assert calibration_error(curve) == pytest.approx(0.1)


def test_without_any_confidence_the_error_is_unknown():
    assert math.isnan(calibration_error(reliability(np.array([np.nan]), np.array([True]))))
