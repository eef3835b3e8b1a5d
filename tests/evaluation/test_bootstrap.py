"""Bootstrap intervals: where their ends lie, against tables of Student's t and of the normal distribution."""

import numpy as np
import pytest
from scipy import stats

from fer_helpers.evaluation._bootstrap import MIN_GROUPS, interval, t_interval

NORMAL = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)  # resamples as evenly normal as can be


@pytest.mark.parametrize(
    ("n_groups", "t", "factor"), [(10, 2.2622, 1.0541), (25, 2.0639, 1.0206), (61, 2.0003, 1.0083)]
)
def test_ends_lie_as_far_out_as_hesterberg_says(n_groups, t, factor):
    """Hesterberg 2015, section 4.3: Student's t from its table, times √(n / (n − 1)), standard errors out."""
    assert interval(NORMAL, n_groups) == (pytest.approx(-t * factor, abs=0.002), pytest.approx(t * factor, abs=0.002))


@pytest.mark.parametrize(("n_groups", "t", "factor"), [(10, 2.2622, 1.0541), (61, 2.0003, 1.0083)])
def test_of_a_difference_the_same_factor_widens_the_error(n_groups, t, factor):
    low, high, error = t_interval(0.5, NORMAL, n_groups)
    assert error == pytest.approx(factor, abs=0.001)
    assert (low, high) == (pytest.approx(0.5 - t * factor, abs=0.002), pytest.approx(0.5 + t * factor, abs=0.002))


def test_what_the_bootstrap_cannot_see_has_no_interval():
    assert np.isnan(interval(NORMAL, MIN_GROUPS - 1)).all()
    assert np.isnan(interval(np.full(100, 0.5), 50)).all()
    assert np.isnan(interval(np.full(100, np.nan), 50)).all()
