"""Agreement of annotators, with or without a true label, and the ceiling that human raters set; pure.

All start from votes: a tidy table with one row for each rater's label of a clip (clip_id, rater, label), or with how
many anonymous raters gave it (clip_id, label, count). Their labels are not bound to the seven.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from math import comb

import krippendorff
import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import fleiss_kappa as fleiss

from fer_helpers.emotions import SEVEN, TAXONOMIES, question, valence
from fer_helpers.evaluation._bootstrap import interval, mean_interval, resample_groups
from fer_helpers.evaluation.metrics import metrics, ratio
from fer_helpers.evaluation.naming import annotator_names
from fer_helpers.statuses import OUTSIDE


def votes(predictions: pd.DataFrame) -> pd.DataFrame:
    """Clip-level predictions of one question as votes; a rater is an annotator, under its name.

    A label outside of the label set is a vote for "outside".
    """
    label = predictions["label"].mask(predictions["status"] == OUTSIDE, OUTSIDE)
    rows = predictions.assign(rater=annotator_names(predictions), label=label)
    return rows.loc[rows["frame_index"].isna() & rows["label"].notna(), ["clip_id", "label", "rater"]]


def in_question(votes: pd.DataFrame, taxonomy: str, surprise: str = "positive") -> pd.DataFrame:
    """Votes for the seven as votes in `taxonomy`; other labels stay as they are, surprise goes where it is left out."""
    if taxonomy == "seven":
        return votes
    label = votes["label"].map({name: valence(name, surprise) for name in SEVEN})
    return votes.assign(label=label.where(votes["label"].isin(SEVEN), votes["label"])).dropna(subset="label")


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

    names = pd.Index(dict.fromkeys([*labels, *votes["label"]]))

    def kappa(one: pd.Series, other: pd.Series) -> float:
        both = np.zeros((len(names), len(names)))
        np.add.at(both, tuple(names.get_indexer(rater) for rater in (one, other)), 1)
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
    """Votes for each label (columns: `labels`, then any others) by clip (rows); a column `count` counts several.

    >>> rows = [("c1", "sad", 4), ("c1", "contempt", 1)]
    >>> counts(pd.DataFrame(rows, columns=["clip_id", "label", "count"]), ["fear", "sad"]).loc["c1"].to_dict()
    {'fear': 0, 'sad': 4, 'contempt': 1}
    """
    n = votes["count"].fillna(1).astype(int) if "count" in votes else pd.Series(1, votes.index)
    table = n.groupby([votes["clip_id"], votes["label"]]).sum().unstack(fill_value=0)
    others = [label for label in table if label not in labels]
    return table.reindex(columns=[*labels, *others], fill_value=0).astype(int).rename_axis(columns=None)


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


def people(clips: pd.DataFrame) -> pd.Series | None:
    """Who is in each clip, by clip_id; None where not every clip names one."""
    return clips.set_index("clip_id")["subject"] if len(clips) and clips["subject"].notna().all() else None


def alpha(
    counts: pd.DataFrame, subjects: pd.Series | None = None, n_resamples: int = 10_000, seed: int = 1
) -> dict[str, float]:
    """Krippendorff's nominal alpha with its bootstrap interval over subjects, or over clips.

    Clips may have any number of votes, those with one say nothing. The value is the krippendorff package's;
    resamples add up the clips' coincidence matrices (Krippendorff 2011).

    Args:
        counts: votes by clip and label, of `counts`.
        subjects: of `people`; all clips of a person are drawn together.
        n_resamples: bootstrap resamples.
        seed: of the random generator.

    Returns:
        value, ci_low, ci_high, n_clips (with two votes or more), n_groups (drawn); NaN where fewer than two labels
        are used.
    """
    used = counts[counts.sum(axis=1) > 1]
    paired = used.to_numpy(float)
    group, names = pd.factorize(_groups(used.index, subjects), sort=True)
    sizes = {"n_clips": len(paired), "n_groups": len(names)}
    if (paired.sum(axis=0) > 0).sum() < 2:
        return {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan, **sizes}
    value = krippendorff.alpha(value_counts=paired.astype(int), level_of_measurement="nominal")
    n_votes = paired.sum(axis=1)
    agreeing = (paired * (paired - 1)).sum(axis=1) / (n_votes - 1)
    by_group = pd.DataFrame(np.column_stack([paired, agreeing])).groupby(group).sum().to_numpy()
    sums = resample_groups(by_group, n_resamples, seed)
    low, high = interval(_alpha(sums[:, :-1], sums[:, -1]), len(names))
    return {"value": float(value), "ci_low": low, "ci_high": high, **sizes}


def _groups(clip_ids: pd.Index, subjects: pd.Series | None) -> np.ndarray:
    """What is drawn together: a clip's subject, or the clip."""
    return clip_ids.to_numpy() if subjects is None else subjects.reindex(clip_ids).to_numpy()


def described(counts: pd.DataFrame, subjects: pd.Series | None = None, n_resamples: int = 10_000, seed: int = 1) -> str:
    """How well people agree among themselves, in a sentence; `counts` are their votes by clip and label."""
    kappa, n_used = fleiss_kappa(counts)
    found = alpha(counts, subjects, n_resamples, seed)
    of = "" if subjects is None else f" of {found['n_groups']} subjects"
    return (
        f"People among themselves: Krippendorff's alpha {found['value']:.3f} [{found['ci_low']:.3f}, "
        f"{found['ci_high']:.3f}] over {found['n_clips']} clips{of}, Fleiss's kappa {kappa:.3f} over {n_used}."
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
    subjects: pd.Series | None = None,
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
        subjects: of `people`; the interval is over them, else over clips.
        n_resamples: bootstrap resamples.
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
    votes_of = dict(zip(counts.index, counts.to_numpy(int), strict=True))
    found = [("the other raters", 1, {clip: _against_rest(row) for clip, row in votes_of.items() if row.sum() > 1})]
    known = truth.dropna().to_dict() if truth is not None else {}
    place = {label: at for at, label in enumerate(counts.columns)}
    for k in sizes if truth is not None else ():
        right = {
            clip: _plurality_right(int(row[own]), tuple(sorted(np.delete(row, own).tolist())), k)
            for clip, row in votes_of.items()
            if clip in known and row.sum() >= k
            for own in [place[known[clip]]]
        }
        found.append(("the label", k, right))
    rows = []
    for against, k, values in found:
        share = np.array(list(values.values()), dtype=float)
        low, high = mean_interval(share, _groups(pd.Index(values), subjects), n_resamples, seed)
        rows.append((against, k, share.mean() if len(share) else np.nan, low, high, len(share)))
    return pd.DataFrame(rows, columns=["against", "k", "value", "ci_low", "ci_high", "n_clips"])


def ceilings(
    votes: pd.DataFrame, clips: pd.DataFrame, surprise: str = "positive", n_resamples: int = 10_000, seed: int = 1
) -> pd.DataFrame:
    """`ceiling` for seven classes, and for three to which votes and labels collapse, with a first column `question`."""
    subjects, parts = people(clips), []
    for taxonomy, labels in TAXONOMIES.items():
        meant = {label: label if taxonomy == "seven" else valence(label, surprise) for label in SEVEN}
        truth = clips.set_index("clip_id")["label"].map(meant)
        given = counts(in_question(votes, taxonomy, surprise), labels)
        found = ceiling(given, truth, subjects=subjects, n_resamples=n_resamples, seed=seed)
        found.insert(0, "question", question(taxonomy, "seven"))
        parts.append(found[found["n_clips"] > 0])
    return pd.concat(parts, ignore_index=True)


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
