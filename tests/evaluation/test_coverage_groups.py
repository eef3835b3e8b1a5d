"""Does the test of gaps between groups err in 5 %, and find a planted gap at the stated power? By simulation.

People with 8 clips each, as in the demo, drawn as in test_coverage: class shares of FERV39k's DailyLife, a confusion
table, and an ease of each person's own. `make coverage` simulates as many data sets as docs/statistics.md cites.
"""

import numpy as np
import pytest

from fer_helpers.evaluation import groups
from fer_helpers.evaluation.metrics import metrics
from tests.support.simulated import DOUBT, EASE, SHARES, TABLE, N, by_group, draw_labels


def people(rng, n, clips, lost=0.0):
    """Confusion matrices of `n` people; of what they would get right a share `lost` gets the next label."""
    truth = rng.choice(7, (n, clips), p=SHARES)
    label = draw_labels(rng, truth, rng.beta(2, 2, n))
    fails = (label == truth) & (rng.random(truth.shape) < lost)
    return by_group(truth, np.where(fails, (label + 1) % 7, label))


@pytest.mark.parametrize("sizes", [(12, 18), (10, 20, 30), (15, 45)], ids=str)
def test_alike_groups_are_told_apart_in_5_percent(sizes):
    rng, found = np.random.default_rng(1), []
    for seed in range(N):
        levels = [people(rng, n, 8) for n in sizes]
        gap = groups.compared(levels, 100, seed)
        found.append([gap[metric]["p"] <= 0.05 for metric in groups.SCORES])
    rates = dict(zip(groups.SCORES, np.mean(found, axis=0), strict=True))
    print(f"{sizes} people: false alarms", {name: f"{rate:.3f}" for name, rate in rates.items()})
    assert all(abs(rate - 0.05) <= DOUBT for rate in rates.values()), rates


@pytest.mark.parametrize(("metric", "lost"), [("WAR", 0.129), ("UAR", 0.233)])
def test_a_gap_as_large_as_the_detectable_one_is_found_in_80_percent(metric, lost):
    """40 and 60 people: what is lost to the second group is chosen so that the gap is about the detectable one."""
    right = metrics(SHARES[:, None] * (EASE * np.eye(7) + (1 - EASE) * TABLE), [metric])[metric]
    rng, found, detectable, holds = np.random.default_rng(1), [], [], []
    for seed in range(N):
        gap = groups.compared([people(rng, 40, 8), people(rng, 60, 8, lost)], 200, seed)[metric]
        sign = 1 if gap["lowest"] == 1 else -1
        found.append(gap["p"] <= 0.05)
        detectable.append(gap["detectable"])
        holds.append(gap["ci_low"] <= sign * lost * right <= gap["ci_high"])
    print(f"{metric}: gap {lost * right:.3f}, detectable {np.mean(detectable):.3f}, found in {np.mean(found):.3f}, "
          f"interval holds it in {np.mean(holds):.3f}")  # fmt: skip
    assert np.mean(detectable) == pytest.approx(lost * right, abs=0.01)
    assert abs(np.mean(found) - 0.8) <= 0.05 + 2 * DOUBT
    assert abs(np.mean(holds) - 0.95) <= 0.015 + DOUBT
