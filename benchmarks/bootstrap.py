"""How much faster our bootstrap is than scikit-learn's metrics called on each resample, and whether it is the same.

    make bench

2,339 clips in seven classes (as many as in FERV39k's DailyLife), 10,000 resamples of accuracy, macro F1 and kappa:
clips drawn one by one, and whole subjects (91, as in CREMA-D). scikit-learn's loop is timed over fewer resamples and
scaled up. Repeats are interleaved, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from fer_helpers.evaluation._bootstrap import interval, resample, resample_clips, resample_groups
from fer_helpers.evaluation.metrics import metrics

N_CLIPS, N_SUBJECTS, N_RESAMPLES, N_LOOPED, REPEATS = 2339, 91, 10_000, 100, 5
SHARES = np.array([640, 31, 138, 483, 461, 501, 85]) / N_CLIPS
NAMES = ("WAR", "macro F1", "kappa")


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and predictions with six of ten right, and the subject of each clip."""
    rng = np.random.default_rng(1)
    truth, other = rng.choice(7, (2, N_CLIPS), p=SHARES)
    return truth, np.where(rng.random(N_CLIPS) < 0.5, truth, other), np.arange(N_CLIPS) % N_SUBJECTS


def tables(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Confusion matrix of each group."""
    counts = np.zeros((groups.max() + 1, 7, 7))
    np.add.at(counts, (groups, truth, predicted), 1)
    return counts


def loop(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray, n_resamples: int) -> np.ndarray:
    """What one would write: draw groups, take their rows, call scikit-learn; shape (n_resamples, 3)."""
    rng = np.random.default_rng(1)
    rows = [np.flatnonzero(groups == group) for group in range(groups.max() + 1)]
    found = []
    for _ in range(n_resamples):
        drawn = np.concatenate([rows[group] for group in rng.integers(0, len(rows), len(rows))])
        t, p = truth[drawn], predicted[drawn]
        found.append((accuracy_score(t, p), f1_score(t, p, average="macro"), cohen_kappa_score(t, p)))
    return np.array(found)


def ours(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray) -> dict[str, np.ndarray]:
    """The same by the package, from the labels on."""
    return metrics(resample(tables(truth, predicted, groups), N_RESAMPLES, 1)[0], NAMES)


def seconds(do: Callable[[], object]) -> np.ndarray:
    """Time passed, and CPU time of this process: clips are drawn on two threads or more."""
    passed, used = time.perf_counter(), time.process_time()
    do()
    return np.array([time.perf_counter() - passed, time.process_time() - used])


def largest_difference(truth: np.ndarray, predicted: np.ndarray, groups: np.ndarray, single: bool) -> float:
    """Largest difference between ends of intervals: rows drawn one resample at a time, and our way of drawing.

    Both without what `smoothed` and `loosened` add, which is no approximation but another interval.
    """
    by_group = tables(truth, predicted, groups)
    rng, plain = np.random.default_rng(2), np.empty((N_RESAMPLES, 7, 7))
    for i in range(N_RESAMPLES):
        times = np.bincount(rng.integers(0, len(by_group), len(by_group)), minlength=len(by_group))
        plain[i] = np.bincount(truth * 7 + predicted, times[groups], 49).reshape(7, 7)
    if single:
        fast = resample_clips(by_group.sum(axis=0), N_RESAMPLES, 1)
    else:
        fast = resample_groups(by_group.reshape(len(by_group), 49), N_RESAMPLES, 1).reshape(-1, 7, 7)
    ends = [
        [interval(found[name], len(by_group)) for name in NAMES]
        for found in (metrics(plain, NAMES), metrics(fast, NAMES))
    ]
    return float(np.abs(np.subtract(*ends)).max())


def main() -> None:
    """Print the table of benchmarks/README.md."""
    warnings.simplefilter("ignore")
    truth, predicted, subjects = data()
    print("| drawn | scikit-learn, s | ours, s | ratio | ratio of CPU time | largest difference of interval ends |")
    print("|---|---|---|---|---|---|")
    for name, groups in (("2,339 clips", np.arange(N_CLIPS)), ("91 subjects", subjects)):
        looped, fast = [], []
        for _ in range(REPEATS):
            loop_s = seconds(lambda groups=groups: loop(truth, predicted, groups, N_LOOPED))
            looped.append(loop_s * N_RESAMPLES / N_LOOPED)
            fast.append(seconds(lambda groups=groups: ours(truth, predicted, groups)))
        theirs_s, ours_s = np.median(looped, axis=0), np.median(fast, axis=0)
        ratio, of_cpu = theirs_s / ours_s
        apart = largest_difference(truth, predicted, groups, groups is not subjects)
        print(f"| {name} | {theirs_s[0]:.1f} | {ours_s[0]:.3f} | {ratio:.0f} | {of_cpu:.0f} | {apart:.4f} |")


if __name__ == "__main__":
    main()
