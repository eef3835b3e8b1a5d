"""Do 95 % intervals cover the truth, and do tests at 5 % err in 5 %? Simulations with a known truth.

Clips are drawn as `tests.support.simulated` says.
`make test` simulates few data sets, `make coverage` as many as docs/statistics.md cites; seeds are fixed in both.
"""

import numpy as np
import pytest

from fer_helpers.evaluation import comparisons
from fer_helpers.evaluation._bootstrap import interval, resample, t_interval
from fer_helpers.evaluation.metrics import metric_names, metrics
from tests.support.simulated import DOUBT, EASE, SHARES, TABLE, N, by_group, draw_labels

NAMES = ("WAR", "UAR", "macro F1", "kappa")


def covered(groups, true, seed):
    """Which of NAMES have the truth in the interval that the scores table would give."""
    drawn, centre = resample(groups, 500, seed)
    value, around, resamples = (metrics(c, NAMES) for c in (groups.sum(axis=0), centre, drawn))
    ends = [interval(resamples[name] + value[name] - around[name], len(groups)) for name in NAMES]
    return [low <= true[name] <= high for name, (low, high) in zip(NAMES, ends, strict=True)]


def assert_nominal(hits):
    rates = dict(zip(NAMES, np.mean(hits, axis=0), strict=True))
    print({name: f"{rate:.3f}" for name, rate in rates.items()})
    assert all(abs(rate - 0.95) <= 0.01 + DOUBT for rate in rates.values()), rates


def test_intervals_over_240_clips_cover_the_truth():
    rng = np.random.default_rng(1)
    true = metrics(SHARES[:, None] * TABLE, NAMES)
    hits = []
    for seed in range(N):
        truth = rng.choice(7, (240, 1), p=SHARES)
        hits.append(covered(by_group(truth, draw_labels(rng, truth, np.zeros(240))), true, seed))
    assert_nominal(hits)


def test_intervals_over_24_subjects_cover_the_truth():
    rng = np.random.default_rng(1)
    true = metrics(SHARES[:, None] * (EASE * np.eye(7) + (1 - EASE) * TABLE), NAMES)
    hits = []
    for seed in range(N):
        truth = rng.choice(7, (24, 20), p=SHARES)
        hits.append(covered(by_group(truth, draw_labels(rng, truth, rng.beta(2, 2, 24))), true, seed))
    assert_nominal(hits)


def test_intervals_of_paired_differences_over_240_clips_cover_the_truth():
    """Two annotators alike on 70 % of the clips; the other one is better on the rest."""
    better = 0.8 * TABLE + 0.2 * np.eye(7)
    joint = SHARES[:, None, None] * TABLE[:, :, None] * (0.7 * np.eye(7) + 0.3 * better[:, None, :])
    true = comparisons._differences(np.stack([joint.sum(axis=2), joint.sum(axis=1)]))
    rng, hits = np.random.default_rng(1), []
    for seed in range(N):
        counts = rng.multinomial(240, joint.ravel()).reshape(joint.shape).astype(float)
        truth, a, b = np.repeat(np.argwhere(counts), counts[counts > 0].astype(int), axis=0).T
        observed = comparisons._differences(np.stack([counts.sum(axis=2), counts.sum(axis=1)]))
        resampled = comparisons._differences(comparisons._resampled(counts, 300, seed))
        ends = [t_interval(observed[name], resampled[name], 240)[:2] for name in metric_names("compared")[1:]]
        ends = [comparisons.mcnemar(truth == a, truth == b)[1:3], *ends]
        hits.append([low <= true[name] <= high for name, (low, high) in zip(true, ends, strict=True)])
    rates = dict(zip(metric_names("compared"), np.mean(hits, axis=0), strict=True))
    print({name: f"{rate:.3f}" for name, rate in rates.items()})
    assert all(abs(rate - 0.95) <= 0.01 + DOUBT for rate in rates.values()), rates


def test_over_subjects_the_permutation_test_errs_in_5_percent_and_mcnemar_in_far_more():
    """Two annotators equally good, each at ease with other subjects: clips of a subject go wrong together."""
    rng, results, naive = np.random.default_rng(1), [], []
    groups = np.repeat(np.arange(24), 20)
    for seed in range(N):
        truth = rng.choice(7, (24, 20), p=SHARES)
        a, b = (draw_labels(rng, truth, rng.beta(2, 2, 24)).ravel() for _ in range(2))
        results.append(comparisons.compared(truth.ravel(), a, b, groups, 7, 199, seed))
        naive.append(comparisons.mcnemar(a == truth.ravel(), b == truth.ravel())[0] < 0.05)
    for name in metric_names("compared"):
        rate = np.mean([result[name]["p"] <= 0.05 for result in results])
        holds = np.mean([result[name]["ci_low"] <= 0 <= result[name]["ci_high"] for result in results])
        print(f"{name}: false positives {rate:.3f}, interval holds 0 in {holds:.3f}")
        assert abs(rate - 0.05) <= DOUBT, name
        assert abs(holds - 0.95) <= 0.01 + DOUBT, name
    print(f"McNemar, which takes clips for independent: {np.mean(naive):.3f}")
    assert np.mean(naive) > 0.1


@pytest.mark.parametrize(("n_clips", "lowest"), [(2339, 0.04), (240, 0.025)])
def test_exact_mcnemar_errs_in_at_most_5_percent(n_clips, lowest):
    """Annotators equally right, apart on a fifth of the clips. With few clips the exact test errs less than 5 %."""
    rng, rejected = np.random.default_rng(1), []
    for only_a, only_b in rng.multinomial(n_clips, [0.1, 0.1, 0.8], 10_000)[:, :2]:
        a = np.arange(n_clips) < only_a
        b = np.arange(n_clips) >= n_clips - only_b
        rejected.append(comparisons.mcnemar(a, b)[0] <= 0.05)
    print(f"{n_clips} clips: {np.mean(rejected):.4f}")
    assert lowest <= np.mean(rejected) <= 0.055


def test_the_permutation_test_over_clips_errs_in_5_percent():
    rng, p = np.random.default_rng(1), []
    for seed in range(N):
        truth = rng.choice(7, (240, 1), p=SHARES)
        a, b = (draw_labels(rng, truth, np.zeros(240)) for _ in range(2))
        pairs = np.stack([by_group(truth, a), by_group(truth, b)], axis=1)
        observed, permuted = (
            comparisons._differences(pairs.sum(axis=0)),
            comparisons._permuted(pairs, np.ones(240, int), 199, seed),
        )
        p.append([np.mean([1, *(abs(permuted[name]) >= abs(observed[name]) - 1e-12)]) for name in ("UAR", "macro F1")])
    rates = np.mean(np.array(p) <= 0.05, axis=0)
    print(rates)
    assert (abs(rates - 0.05) <= DOUBT).all(), rates
