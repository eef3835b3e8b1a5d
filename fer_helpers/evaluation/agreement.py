"""Agreement of annotators, with or without a true label, and the ceiling that human raters set; pure.

All start from votes: a tidy table with one row for each rater's label of a clip (clip_id, rater, label).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import comb

import krippendorff
import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss

from fer_helpers.evaluation._bootstrap import interval, mean_interval, resample_groups
from fer_helpers.evaluation.metrics import metrics, ratio
from fer_helpers.evaluation.naming import annotator_names


def votes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Clip-level predictions of one question as votes; a rater is an annotator, under its name."""
    rows = predictions.assign(rater=annotator_names(predictions))
    return rows.loc[rows["frame_index"].isna() & rows["label"].notna(), ["clip_id", "label", "rater"]]


def shares(votes: pd.DataFrame) -> pd.DataFrame:
    """Share of clips that two raters label alike, for every pair; NaN where they share no clip.

    >>> rows = [("c1", "A", "sad"), ("c1", "B", "sad"), ("c2", "A", "sad"), ("c2", "B", "fear")]
    >>> votes = pd.DataFrame(rows, columns=["clip_id", "rater", "label"])
    >>> float(shares(votes).loc["A", "B"])
    0.5
    """
    return _pairwise(votes, lambda one, other: float((one == other).mean()))


def kappas(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Cohen's kappa (1960) of every pair of raters over the clips both label; NaN where it is undefined."""

    def kappa(one: pd.Series, other: pd.Series) -> float:
        both = np.zeros((len(labels), len(labels)))
        np.add.at(both, tuple(pd.Categorical(rater, labels).codes for rater in (one, other)), 1)
        return float(metrics(both, ["kappa"])["kappa"])

    return _pairwise(votes, kappa)


def _pairwise(votes: pd.DataFrame, measure: Callable[[pd.Series, pd.Series], float]) -> pd.DataFrame:
    wide = votes.pivot(index="clip_id", columns="rater", values="label")
    raters = list(dict.fromkeys(votes["rater"]))
    rows = [[measure(*_both(wide[a], wide[b])) for b in raters] for a in raters]
    return pd.DataFrame(rows, index=raters, columns=raters, dtype=float)


def _both(one: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series]:
    known = one.notna() & other.notna()
    return one[known], other[known]


def counts(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Votes for each of `labels` (columns) by clip (rows)."""
    return pd.crosstab(votes["clip_id"], pd.Categorical(votes["label"], labels), dropna=False).set_axis(labels, axis=1)


def fleiss_kappa(counts: pd.DataFrame) -> tuple[float, int]:
    """Fleiss's kappa (1971) and how many clips it rests on.

    It is defined for equally many votes a clip, so only clips with the commonest number of votes (the larger of
    two as common) are used; with fewer than two votes a clip it is NaN.

    >>> unanimous = pd.DataFrame({"sad": [3, 0], "fear": [0, 3]}, index=["c1", "c2"])
    >>> fleiss_kappa(unanimous)
    (1.0, 2)
    """
    n_votes = counts.sum(axis=1)
    how_many = n_votes.value_counts()
    common = max(how_many.index[how_many == how_many.max()], default=0)
    used = counts[n_votes == common]
    if common < 2 or (used.sum() > 0).sum() < 2:  # without a second label chance agreement is certain
        return float("nan"), len(used)
    return float(fleiss(used.to_numpy())), len(used)


def alpha(counts: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1) -> dict[str, float]:
    """Krippendorff's nominal alpha with its bootstrap interval over clips.

    Clips may have any number of votes, those with one say nothing. The value is the krippendorff package's;
    resamples add up the clips' coincidence matrices (Krippendorff 2011).

    Returns:
        value, ci_low, ci_high, n_clips (with two votes or more); NaN where fewer than two labels are used.
    """
    paired = counts[counts.sum(axis=1) > 1].to_numpy(float)
    if (paired.sum(axis=0) > 0).sum() < 2:
        return {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n_clips": len(paired)}
    value = krippendorff.alpha(value_counts=paired.astype(int), level_of_measurement="nominal")
    n_votes = paired.sum(axis=1)
    agreeing = (paired * (paired - 1)).sum(axis=1) / (n_votes - 1)
    sums = resample_groups(np.column_stack([paired, agreeing]), n_resamples, seed)
    low, high = interval(_alpha(sums[:, :-1], sums[:, -1]), len(paired))
    return {"value": float(value), "ci_low": low, "ci_high": high, "n_clips": len(paired)}


def described(counts: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1) -> str:
    """How well people agree among themselves, in a sentence; `counts` are their votes by clip and label."""
    kappa, n_used = fleiss_kappa(counts)
    found = alpha(counts, n_resamples, seed)
    return (
        f"People among themselves: Krippendorff's alpha {found['value']:.3f} [{found['ci_low']:.3f}, "
        f"{found['ci_high']:.3f}] over {found['n_clips']} clips, Fleiss's kappa {kappa:.3f} over {n_used}."
    )


def _alpha(totals: np.ndarray, agreeing: np.ndarray) -> np.ndarray:
    """Alpha from the votes for each label, shape (..., n_labels), and the coincidences on the diagonal, (...)."""
    n = totals.sum(axis=-1)
    observed = 1 - ratio(agreeing, n)
    expected = 1 - ratio((totals * (totals - 1)).sum(axis=-1), n * (n - 1))
    return 1 - ratio(observed, expected)


def ceiling(
    counts: pd.DataFrame,
    truth: pd.Series | None = None,
    sizes: Iterable[int] = (1, 3, 5, 7, 9),
    n_resamples: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """How well human raters do, as a ceiling to read an annotator's accuracy against.

    One rater against the plurality of a clip's other raters, and the plurality of k of a clip's raters, drawn
    at random, against the corpus's label (k = 1: one rater). A tie of m labels counts 1/m if the right one is among
    them. Both are expectations over the drawing in closed form.

    Args:
        counts: votes by clip and label, of `counts`.
        truth: the corpus's label, indexed by clip_id; without it only the first kind is given.
        sizes: the k; clips with fewer votes are left out of theirs.
        n_resamples: bootstrap resamples of clips.
        seed: of the random generator.

    Returns:
        rows with against ("the other raters", "the label"), k, value, ci_low, ci_high, n_clips.

    Two raters of three say sad, which is the label: one drawn at random is right in two cases of three, their
    majority always.

    >>> given = pd.DataFrame({"sad": [2], "fear": [1]}, index=["c1"])
    >>> found = ceiling(given, pd.Series({"c1": "sad"}), sizes=[1, 3])
    >>> found[["against", "k", "value"]].round(3).values.tolist()
    [['the other raters', 1, 0.333], ['the label', 1, 0.667], ['the label', 3, 1.0]]
    """
    votes_of = {clip: row.to_numpy(int) for clip, row in counts.iterrows()}
    rest = [_against_rest(row) for row in votes_of.values() if row.sum() > 1]
    found = [("the other raters", 1, rest)]
    known = truth.dropna() if truth is not None else pd.Series(dtype=str)
    for k in sizes if truth is not None else ():
        right = [
            _plurality_right(int(row[own]), tuple(sorted(np.delete(row, own).tolist())), k)
            for clip, row in votes_of.items()
            if clip in known.index and row.sum() >= k
            for own in [counts.columns.get_loc(known[clip])]
        ]
        found.append(("the label", k, right))
    rows = []
    for against, k, values in found:
        low, high = mean_interval(np.array(values), np.arange(len(values)), n_resamples, seed)
        mean = float(np.mean(values)) if values else float("nan")
        rows.append((against, k, mean, low, high, len(values)))
    return pd.DataFrame(rows, columns=["against", "k", "value", "ci_low", "ci_high", "n_clips"])


def _against_rest(row: np.ndarray) -> float:
    """Mean over a clip's raters of agreeing with the plurality of the others; a tie counts its share."""
    total = 0.0
    for label in np.flatnonzero(row):
        others = row - (np.arange(len(row)) == label)
        total += row[label] * (others[label] == others.max()) / (others == others.max()).sum()
    return float(total / row.sum())


@cache
def _plurality_right(own: int, others: tuple[int, ...], k: int) -> float:
    """Chance that the plurality of k votes drawn without replacement is the label with `own` of all votes.

    Counts the draws with j votes for it and at most j for every other, by how many others have j too.
    """
    total = 0.0
    for j in range(1, min(own, k) + 1):
        ways = {(j, 0): comb(own, j)}  # (votes drawn, labels tied with it) -> draws
        for votes_for in others:
            longer: dict[tuple[int, int], int] = {}
            for (drawn, ties), n_ways in ways.items():
                for x in range(min(votes_for, j, k - drawn) + 1):
                    state = (drawn + x, ties + (x == j))
                    longer[state] = longer.get(state, 0) + n_ways * comb(votes_for, x)
            ways = longer
        total += sum(n_ways / (ties + 1) for (drawn, ties), n_ways in ways.items() if drawn == k)
    return total / comb(own + sum(others), k)
