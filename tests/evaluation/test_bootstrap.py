"""Bootstrap intervals: where their ends lie, against tables of Student's t and of the normal distribution."""

import numpy as np
import pytest
from scipy import stats

from fer_helpers.evaluation import _bootstrap
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


def test_a_mean_of_many_groups_has_the_interval_that_a_bootstrap_would_give(monkeypatch):
    """1,500 groups of one to three values: Student's t on the linearised error, and 4,000 resamples."""
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(1500), rng.integers(1, 4, 1500))
    values = rng.random(len(groups)) + rng.random(1500)[groups]
    fast = _bootstrap.mean_interval(values, groups, 4000, 1)
    monkeypatch.setattr(_bootstrap, "MANY_GROUPS", 10_000)
    drawn = _bootstrap.mean_interval(values, groups, 4000, 1)
    width = drawn[1] - drawn[0]
    assert fast == pytest.approx(drawn, abs=0.04 * width)
    assert np.isnan(_bootstrap.mean_interval(np.ones(12_000), np.arange(12_000), 10, 1)).all()


def test_of_very_many_groups_fewer_resamples_are_drawn_and_they_are_the_first(monkeypatch):
    contributions = np.arange(50.0)[:, None]
    every = _bootstrap.resample_groups(contributions, 3000, 1)
    monkeypatch.setattr(_bootstrap, "_MOST_DRAWN", 100_000)
    fewer = _bootstrap.resample_groups(contributions, 3000, 1)
    assert fewer.tolist() == every[:2000].tolist()
