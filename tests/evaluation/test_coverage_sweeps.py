"""Do intervals of effects cover the truth, and do their tests at 5 % err in 5 %? Simulations with a known truth.

Four cells label clips drawn as `tests.support.simulated` says, and share much of what they draw. `make test` simulates
few data sets, `make coverage` as many as docs/statistics.md cites; seeds are fixed in both.
"""

import numpy as np
import pytest
from scipy import stats

from fer_helpers.evaluation._contrasts import contrasts, estimate, mean_of_known, of_clips, sign_flips
from tests.support.simulated import DOUBT, EASE, SHARES, TABLE, N, draw_labels
from tests.support.sweeps import grid

CELLS = grid(a=["a1", "a2"], b=["b1", "b2"])
MAIN, _, BOTH = contrasts(CELLS)
FLIPS = 199


def labels(rng, truth, subjects, mended):
    """Labels of each cell, shape (n_clips, n_cells): as `mended` says, and 0.6 of the rest as all cells would."""
    ease = [rng.beta(2, 2, len(truth)) if subjects else np.zeros(len(truth)) for _ in range(5)]
    shared, *own = (draw_labels(rng, truth, one) for one in ease)
    cells = [np.where(rng.random(truth.shape) < 0.6, shared, one) for one in own]
    return np.stack(
        [
            np.where(rng.random(truth.shape) < share, truth, cell).ravel()
            for cell, share in zip(cells, mended, strict=True)
        ],
        axis=1,
    )


def simulated(n_groups, n_each, mended, seed=1):
    """Truth, groups and labels of N data sets."""
    rng = np.random.default_rng(seed)
    for _ in range(N):
        truth = rng.choice(7, (n_groups, n_each), p=SHARES)
        yield truth.ravel(), np.repeat(np.arange(n_groups), n_each), labels(rng, truth, n_each > 1, mended)


@pytest.mark.parametrize(("n_groups", "n_each"), [(240, 1), (24, 20), (30, 8)])
def test_intervals_cover_and_the_test_of_no_effect_errs_in_5_percent(n_groups, n_each):
    """b2 is better under both; a changes nothing, and b's effect does not depend on it."""
    mended = [0, 0.2, 0, 0.2]
    covers, errs, without = ({metric: [] for metric in ("WAR", "UAR")} for _ in range(3))
    for seed, (truth, groups, given) in enumerate(simulated(n_groups, n_each, mended)):
        right = (given == truth[:, None]).astype(float)
        for metric, classes in (("WAR", np.zeros_like(truth)), ("UAR", truth)):
            found = [estimate(of_clips(contrast, right), classes, groups) for contrast in (MAIN, BOTH)]
            covers[metric] += [one.low <= 0 <= one.high for one in found]
            errs[metric] += list(sign_flips(np.column_stack([one.by_group for one in found]), FLIPS, seed) <= 0.05)
            without[metric] += [bare(of_clips(MAIN, right), classes, groups)]
    for metric in covers:
        rates = [float(np.mean(part[metric])) for part in (covers, errs, without)]
        print(f"{n_groups} × {n_each} {metric}: covers {rates[0]:.3f}, errs {rates[1]:.3f}; bare {rates[2]:.3f}")
        assert abs(rates[0] - 0.95) <= 0.015 + DOUBT
        assert rates[1] <= 0.05 + DOUBT
    if n_each == 1:  # why each class has the weight of a clip more
        assert np.mean(without["UAR"]) < 0.9


def bare(values, classes, groups):
    """Whether the linearised interval without a clip's weight more would hold 0."""
    n = np.bincount(classes, minlength=7)
    weight = (1 / ((n > 0).sum() * np.maximum(n, 1)))[classes]
    apart = values - (np.bincount(classes, values, minlength=7) / np.maximum(n, 1))[classes]
    n_groups = groups.max() + 1
    error = np.sqrt((np.bincount(groups, weight * apart) ** 2).sum() * n_groups / (n_groups - 1))
    return abs((weight * values).sum()) <= stats.t.ppf(0.975, n_groups - 1) * error


@pytest.mark.parametrize(("n_groups", "n_each"), [(240, 1), (30, 8)])
def test_intervals_of_effects_that_are_there_cover_them(n_groups, n_each):
    """b2 mends a fifth of the labels under a1, a tenth under a2."""
    mended = np.array([0, 0.2, 0, 0.1])
    recall = EASE * (n_each > 1) + (1 - EASE * (n_each > 1)) * np.diag(TABLE)
    by_cell = mended[:, None] + (1 - mended[:, None]) * recall  # of each class
    covers = []
    for truth, groups, given in simulated(n_groups, n_each, mended, seed=2):
        right, seen = (given == truth[:, None]).astype(float), np.unique(truth)
        for contrast in contrasts(CELLS)[1:]:
            of_class = (by_cell[contrast.sets] * contrast.signs[:, None]).sum(axis=1).mean(axis=0)
            for classes, true in ((np.zeros_like(truth), of_class @ SHARES), (truth, of_class[seen].mean())):
                found = estimate(of_clips(contrast, right), classes, groups)
                covers.append(found.low <= true <= found.high)
    rates = np.mean(np.reshape(covers, (N, 4)), axis=0)
    print(dict(zip(["b: WAR", "b: UAR", "a × b: WAR", "a × b: UAR"], rates.round(3).tolist(), strict=True)))
    assert (abs(rates - 0.95) <= 0.015 + DOUBT).all(), rates


@pytest.mark.parametrize(("n_groups", "n_each"), [(240, 1), (24, 20), (30, 8)])
def test_a_choice_that_changes_nothing_is_said_to_move_labels_in_5_percent(n_groups, n_each):
    """Each label of each cell is noisy, and so is the one repeat; how noisy differs between subjects."""
    rng, p = np.random.default_rng(3), []
    for seed in range(N):
        noise = np.repeat(rng.beta(1, 4, n_groups), n_each)[:, None]
        coded = np.where(rng.random((n_groups * n_each, 5)) < noise, rng.integers(1, 7, (n_groups * n_each, 5)), 0)
        pairs, groups = MAIN.sets, np.repeat(np.arange(n_groups), n_each)
        flips = mean_of_known((coded[:, pairs[:, 0]] != coded[:, pairs[:, 1]]).astype(float))
        excess = flips - (coded[:, 0] != coded[:, 4])
        found = estimate(excess, np.zeros(len(coded), int), groups)
        p.append(sign_flips(found.by_group[:, None], FLIPS, seed, one_sided=True)[0])
    rate = np.mean(np.array(p) <= 0.05)
    print(f"{n_groups} × {n_each}: {rate:.3f}")
    assert rate <= 0.05 + 1.5 * DOUBT


def test_p_values_of_no_effect_are_uniform():
    p = []
    for seed, (truth, groups, given) in enumerate(simulated(240, 1, [0] * 4, seed=4)):
        right = (given == truth[:, None]).astype(float)
        p.append(sign_flips(estimate(of_clips(MAIN, right), truth, groups).by_group[:, None], FLIPS, seed)[0])
    for share in (0.1, 0.5, 0.9):
        assert abs(np.mean(np.array(p) <= share) - share) <= 3 * DOUBT
