"""Paired comparisons of annotators over the same clips, with multiplicity control and plain words; pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar

from fer_helpers import statuses, tables
from fer_helpers.emotions import TAXONOMIES, question
from fer_helpers.evaluation._bootstrap import resample_clips, resample_groups, smoothed, t_interval
from fer_helpers.evaluation.metrics import metric_names, metrics
from fer_helpers.evaluation.naming import pair_names
from fer_helpers.evaluation.predictions import recollapsed
from fer_helpers.evaluation.scores import GROUP, by_annotator, resampled_unit

QUESTION = ["taxonomy", "asked"]
PAPER_CLAIM = ("majority_vote", "multi_frame")  # arXiv 2502.12454: the second does slightly better, and costs less
WAYS = {"ternary": "asked directly", "seven": "collapsed from seven"}  # to three classes, by the labels asked for
Labels = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]  # annotator -> codes of true and predicted labels by clip
_CORES = os.cpu_count() or 1
Z, POWER = 1.959964, 1.959964 + 0.841621  # standard errors to 95 %, and to be found with 80 % power


def compare(
    predictions: pd.DataFrame,
    clips: pd.DataFrame,
    surprise: str = "positive",
    n_resamples: int = 10_000,
    seed: int = 1,
    within: str = "",
) -> pd.DataFrame:
    """The comparisons table: all pairs of annotators (strategy, model) in a question, by each metric that is compared.

    Pairs are compared on the clips that both have a label for; annotators that judge single frames are left
    out. Intervals are paired bootstrap intervals and p values of paired tests, see `compared`; p values are
    corrected over all pairs of a question and metric (Holm 1979), so that with no difference anywhere the
    chance to see one is at most 5 % for each question and metric.

    Args:
        predictions: the predictions table.
        clips: the clips table; without labels there is nothing to compare.
        surprise: its valence in three classes.
        n_resamples: bootstrap resamples, and permutations.
        seed: of the random generator.
        within: only pairs with the same value in this column, e.g. "strategy" for each strategy under two models.
    """
    known = clips[clips["label"].notna()]
    unit = resampled_unit(known)
    groups = pd.factorize(known[GROUP[unit]], sort=True)[0]
    at = pd.factorize(known["clip_id"], sort=True)[0].argsort()  # `by_annotator` numbers clips in this order
    given: dict[tuple[str, str], Labels] = {}
    for joined in by_annotator(predictions, clips, surprise):
        if joined["frame_index"].notna().any():
            continue
        for asked, part in joined.groupby(QUESTION, sort=False):
            labels = pd.Index([*TAXONOMIES[asked[0]], statuses.OUTSIDE])
            codes, truth = np.full((2, len(known)), -1)
            codes[at[part["clip_id"]]] = labels.get_indexer(part["label"])
            truth[at[part["clip_id"]]] = labels.get_indexer(part["truth"])
            annotator = tuple(part.iloc[0][["strategy", "model"]])
            given.setdefault(asked, {})[annotator] = (truth, codes)
    columns = list(tables.SCHEMAS["comparisons"].columns)
    parts = [_question(*asked, one, groups, unit, n_resamples, seed, within) for asked, one in given.items()]
    rows = [row for part in parts for row in part]
    return tables.check("comparisons", pd.DataFrame(rows, columns=columns))


def between(comparisons: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """Rows of the comparisons table that compare the strategies `a` and `b`."""
    return comparisons[comparisons[["strategy_a", "strategy_b"]].isin([a, b]).all(axis=1)]


def direct_or_collapsed(
    predictions: pd.DataFrame, clips: pd.DataFrame, surprise: str = "positive", n_resamples: int = 10_000, seed: int = 1
) -> pd.DataFrame:
    """Each strategy's three classes, asked directly against collapsed from seven; imported predictions are left out.

    Returns:
        as `compare`, with WAYS in place of the models; empty where only one of the two was asked.
    """
    predictions = recollapsed(predictions, surprise)
    ternary = predictions[(predictions["taxonomy"] == "ternary") & (predictions["strategy"] != tables.IMPORTED)]
    ways = ternary.assign(model=ternary["asked"].map(WAYS), asked="ternary")
    return compare(ways, clips, surprise, n_resamples, seed, within="strategy")


def _question(
    taxonomy: str, asked: str, given: Labels, groups: np.ndarray, unit: str, n_resamples: int, seed: int, within: str
) -> list[dict[str, Any]]:
    """Rows of all pairs within one question."""
    base = {"taxonomy": taxonomy, "asked": asked}
    place = ["strategy", "model"].index(within) if within else None
    pairs = [(a, b) for a, b in combinations(given, 2) if place is None or a[place] == b[place]]

    def pair(annotators: tuple[tuple[str, str], tuple[str, str]]) -> list[dict[str, Any]]:
        a, b = annotators
        (truth, one), (_, other) = given[a], given[b]
        both = (one >= 0) & (other >= 0)
        truth, one, other, member = truth[both], one[both], other[both], groups[both]
        who = dict(zip(("strategy_a", "model_a", "strategy_b", "model_b"), (*a, *b), strict=True))
        found = compared(truth, one, other, member, len(TAXONOMIES[taxonomy]), n_resamples, seed)
        of = {"n_clips": len(one), "unit": unit, "n_groups": len(np.unique(member)), "same": bool((one == other).all())}
        return [{**base, "metric": metric, **who, **of, **result} for metric, result in found.items()]

    with ThreadPoolExecutor(_CORES) as threads:  # numpy works without the interpreter's lock
        rows = [row for found in threads.map(pair, pairs) for row in found]
    for metric in metric_names("compared"):
        of_metric = [row for row in rows if row["metric"] == metric]
        for row, adjusted in zip(of_metric, holm([row["p"] for row in of_metric]), strict=True):
            row["p_holm"] = adjusted
    return [{**row, "sentence": sentence(row)} for row in rows]


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's (1979) step-down adjusted p values; NaN is no test and stays NaN.

    By hand, because statsmodels' `multipletests` collects garbage at each call: a quarter of a second in a notebook.
    """
    adjusted = np.array(p, dtype=float)
    order = np.argsort(adjusted)[: np.count_nonzero(~np.isnan(adjusted))]  # NaN comes last
    steps = adjusted[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def compared(
    truth: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    groups: np.ndarray,
    n_labels: int,
    n_resamples: int = 10_000,
    seed: int = 1,
) -> dict[str, dict[str, Any]]:
    """Compare two annotators on the same clips.

    The test of WAR is the exact McNemar test where every clip is a group of its own. All else is a paired
    permutation test: under its hypothesis the two annotators' names mean nothing, so they change places
    within whole groups at random; p = (1 + as large or larger) / (1 + permutations) (Phipson & Smyth 2010).

    Args:
        truth: label index of each clip, shape (n,).
        a: the one's label index, shape (n,); `n_labels` is a label outside of the set, which is wrong.
        b: the other's, shape (n,).
        groups: the clip or subject each row belongs to; whole groups are drawn and swapped.
        n_labels: size of the taxonomy.
        n_resamples: bootstrap resamples, and permutations.
        seed: of the random generator.

    Returns:
        by metric: value_a, value_b, difference, ci_low, ci_high, test, p, detectable (the true difference that
        is found with 80 % power: 2.8 standard errors, Bloom 1995). Without clips all are NaN.
    """
    _, member = np.unique(groups, return_inverse=True)
    n_groups = member.max(initial=-1) + 1
    if not n_groups:
        unknown = dict.fromkeys(["value_a", "value_b", "difference", "ci_low", "ci_high", "p", "detectable"], np.nan)
        return {metric: {**unknown, "test": None} for metric in metric_names("compared")}
    single, n_columns = n_groups == len(member), n_labels + bool(max(a.max(), b.max()) == n_labels)
    if single:
        joint = _counted((truth, a, b), (n_labels, n_columns, n_columns))
        cells = np.argwhere(joint)
        kinds = np.stack([_counted((np.arange(len(cells)), cells[:, 0], c), (len(cells), n_labels, n_columns))
                          for c in cells[:, 1:].T], axis=1)  # fmt: skip
        how_many = joint[tuple(cells.T)].astype(int)
        drawn = _resampled(joint, n_resamples, seed)
    else:
        shape = (n_groups, n_labels, n_columns)
        kinds = np.stack([_counted((member, truth, label), shape) for label in (a, b)], axis=1)
        how_many = np.ones(n_groups, int)
        drawn = resample_groups(kinds.reshape(n_groups, -1), n_resamples, seed).reshape(-1, *kinds.shape[1:])
    both = np.tensordot(how_many, kinds, 1)
    resampled, permuted = _differences(drawn), _permuted(kinds, how_many, n_resamples, seed)
    results = {}
    for metric, (value_a, value_b) in metrics(both, metric_names("compared")).items():
        difference = value_a - value_b
        low, high, error = t_interval(difference, resampled[metric], n_groups)
        test = "paired permutation over " + ("clips" if single else "subjects")
        p = (1 + (np.abs(permuted[metric]) >= abs(difference) - 1e-12).sum()) / (1 + n_resamples)
        if metric == "WAR" and single:
            test, (p, low, high, error) = "exact McNemar", mcnemar(a == truth, b == truth)
        results[metric] = {
            **{"value_a": value_a, "value_b": value_b, "difference": difference, "ci_low": low, "ci_high": high},
            **{"test": test, "p": p, "detectable": POWER * error},
        }
    return results


def _counted(indices: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> np.ndarray:
    return np.bincount(np.ravel_multi_index(indices, shape), minlength=np.prod(shape)).reshape(shape).astype(float)


def _resampled(joint: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Both confusion matrices of each resample of clips, shape (n_resamples, 2, n_labels, n_labels)."""
    drawn = resample_clips(smoothed(joint), n_resamples, seed)
    return np.stack([drawn.sum(axis=3), drawn.sum(axis=2)], axis=1)


def _differences(pairs: np.ndarray) -> dict[str, np.ndarray]:
    """a - b by metric of confusion matrices, shape (..., 2, n_labels, n_labels)."""
    return {metric: value[..., 0] - value[..., 1] for metric, value in metrics(pairs, metric_names("compared")).items()}


def _permuted(by_group: np.ndarray, how_many: np.ndarray, n_permutations: int, seed: int) -> dict[str, np.ndarray]:
    """Differences a - b by metric after a and b changed places in a random half of the groups.

    Groups that change alike are exchanged together: how many of them is a binomial draw.

    Args:
        by_group: both confusion matrices of each kind of group, shape (n_kinds, 2, n_labels, n_columns).
        how_many: groups of each kind, shape (n_kinds,).
        n_permutations: how many.
        seed: of the random generator.
    """
    change = (by_group[:, 1] - by_group[:, 0]).reshape(len(by_group), -1)
    kinds, kind = np.unique(change, axis=0, return_inverse=True)
    alike = np.bincount(kind.ravel(), how_many).astype(int)
    drawn = np.random.default_rng(seed).binomial(alike, 0.5, size=(n_permutations, len(kinds)))
    moved = (drawn.astype(float) @ kinds).reshape(-1, *by_group.shape[2:])
    a, b = np.tensordot(how_many, by_group, 1)
    return _differences(np.stack([a + moved, b - moved], axis=1))


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> tuple[float, float, float, float]:
    """The exact McNemar test (1947) of a difference of accuracies, and Bonett & Price's 95 % interval (2012).

    Args:
        right_a: whether the one is right on each clip, shape (n,).
        right_b: the other.

    Returns:
        two-sided p, 1 where no clip is right under one and wrong under the other; lower and upper end and
        standard error of the difference a - b.

    Of seven clips one annotator alone is right on five, the other alone on one:

    >>> right_a = np.array([True, True, True, True, True, False, True])
    >>> right_b = np.array([False, False, False, False, False, True, True])
    >>> [round(float(value), 4) for value in mcnemar(right_a, right_b)]  # p = 2 (1 + 6) / 2**6
    [0.2188, -0.0988, 0.9877, 0.2772]
    """
    only_a, only_b, n = (right_a & ~right_b).sum(), (right_b & ~right_a).sum(), len(right_a) + 2
    p = float(exact_mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue) if only_a + only_b else 1.0
    difference, apart = (only_a - only_b) / n, (only_a + only_b + 2) / n
    error = np.sqrt((apart - difference**2) / n)
    return p, max(difference - Z * error, -1.0), min(difference + Z * error, 1.0), error


def sentence(row: dict[str, Any]) -> str:
    """What a comparison shows, in words that say no more than its test does."""
    a, b = pair_names(row)
    n_clips, ways = row["n_clips"], row["model_a"] in WAYS.values()
    score = f"{row['metric']} ({'three classes' if ways else question(row['taxonomy'], row['asked'])})"
    if not n_clips:
        return f"{score}: {a} and {b} have no labelled clip in common: not compared."
    clips = "1 clip" if n_clips == 1 else f"{n_clips} clips"
    if row["n_groups"] != n_clips:
        clips += f" of {row['n_groups']} {row['unit']}"
    if row["same"]:
        return f"{score}: identical predictions of {a} and {b} on {clips}."
    if row["p_holm"] >= 0.05:
        return f"{score}: no significant difference between {a} and {b} on {clips}: {_doubt(row, a, b)}."
    higher, lower = (a, b) if row["difference"] > 0 else (b, a)
    return f"{score}: {higher} scores higher than {lower} on {clips}: {_doubt(row, a, b)}."


def _doubt(row: dict[str, Any], a: str, b: str) -> str:
    """The difference, its interval, p and what could have been found."""
    p = "Holm-adjusted p " + ("< 0.001" if row["p_holm"] < 0.001 else f"= {row['p_holm']:.3f}")
    said = f"{a} minus {b} is {row['difference']:+.3f}"
    if np.isnan(row["ci_low"]):
        return f"{said}, without an interval (too few clips, or a difference that cannot vary), {p}"
    said += f", 95 % interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}, {p}"
    missed = f"; minimum detectable difference {row['detectable']:.3f} (80 % power, unadjusted)"
    return said + (missed if row["p_holm"] >= 0.05 else "")
