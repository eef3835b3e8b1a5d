"""May the model replace a rater, and does it know where people disagree? From votes of several raters a clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]
from statsmodels.stats.multitest import multipletests

from fer_helpers import statuses
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import ListError

MIN_CLIPS, MIN_RATERS = 30, 3


def replacement_test(votes: pd.DataFrame, population: pd.DataFrame, epsilon: float = 0.1) -> pd.DataFrame:
    """The alternative annotator test (Calderon, Reichart & Dror 2025), a row for each rater.

    Each rater is left out in turn: on the clips they labelled, does the model agree with the other raters at least as
    often? H₀: the rater's advantage is at least `epsilon`; one-sided t test over subjects where all clips name one
    (otherwise clips), Benjamini–Yekutieli over raters. The model may replace raters if it wins against at least
    half of them.

    Args:
        votes: clip_id, rater, label.
        population: of `samples.population`; an answer outside the labels agrees with nobody, clips without an answer
            are left out.
        epsilon: how much better a rater may be for the model's advantage in cost: 0.1 for crowds, 0.2 for experts.

    Returns:
        columns rater, n_clips, model (share of clips in which the model is at least as near to the others), person
        (likewise the rater), p, p_adjusted, won. The winning rate ω is the mean of `won`; raters with fewer than
        MIN_CLIPS clips (or ten subjects) have no p and are no part of it (`won` empty).

    Raises:
        ListError: fewer than three raters.
    """
    answered = population["label"].fillna(population["status"].where(population["status"] == statuses.OUTSIDE))
    own = population[["clip_id", "subject"]].assign(label=answered).dropna(subset="label")
    both = votes.merge(own, on="clip_id", suffixes=("", "_model"))
    if both["rater"].nunique() < MIN_RATERS:
        raise ListError(
            f"votes: {both['rater'].nunique()} rater(s); the test leaves one out and needs at least {MIN_RATERS}"
        )
    others = both.groupby("clip_id")["label"].transform("size") - 1
    same = both.groupby(["clip_id", "label"])["label"].transform("size") - 1
    models = both["label"].eq(both["label_model"])
    near = models.groupby(both["clip_id"]).transform("sum") - models  # raters but this one who say what the model says
    each = both.assign(model=(near >= same).astype(float), person=(same >= near).astype(float))[others > 0]
    whole = each["subject"].notna().all()
    rows = []
    for rater, part in each.groupby("rater", sort=False):
        difference = (part["person"] - part["model"]).to_numpy()
        groups = pd.factorize(part["subject"])[0] if whole else np.arange(len(part))
        rows.append((rater, len(part), part["model"].mean(), part["person"].mean(), _p(difference, groups, epsilon)))
    table = pd.DataFrame(rows, columns=["rater", "n_clips", "model", "person", "p"])
    tested = table["p"].notna()
    table["p_adjusted"] = np.nan
    table["won"] = pd.Series(pd.NA, index=table.index, dtype="boolean")
    if tested.any():
        won, adjusted, *_ = multipletests(table.loc[tested, "p"], 0.05, method="fdr_by")
        table.loc[tested, "p_adjusted"], table.loc[tested, "won"] = adjusted, won
    return table


def _p(difference: np.ndarray, groups: np.ndarray, epsilon: float) -> float:
    """One-sided p of "the mean difference is at least epsilon", whole groups being independent."""
    n = groups.max() + 1
    if len(difference) < MIN_CLIPS or n < 10:
        return np.nan
    mean = difference.mean()
    sums = np.bincount(groups, difference - mean)
    error = np.sqrt(n / (n - 1) * np.sum(sums**2)) / len(difference)
    if error == 0:
        return 0.0 if mean < epsilon else 1.0
    return float(stats.t.cdf((mean - epsilon) / error, n - 1))


def distribution_agreement(votes: pd.DataFrame, population: pd.DataFrame, words: Sequence[str] = SEVEN) -> pd.DataFrame:
    """The model's probabilities beside people's votes, clip by clip.

    Args:
        votes: clip_id, rater, label.
        population: of `samples.population`; clips without probabilities are left out.
        words: the labels.

    Returns:
        clip_id, n_votes, distance (Jensen–Shannon, base 2: 0 alike, 1 nothing in common), entropy_votes and
        entropy_model (bits). Few votes a clip understate people's entropy.
    """
    counts = pd.crosstab(votes["clip_id"], votes["label"]).reindex(columns=list(words), fill_value=0)
    model = population.set_index("clip_id")[[f"prob_{word}" for word in words]].dropna()
    counts = counts[(counts.sum(axis=1) > 0) & counts.index.isin(model.index)]
    p, q = counts.to_numpy(dtype=float), model.loc[counts.index].to_numpy(dtype=float)
    found = {"n_votes": p.sum(axis=1).astype(int), "distance": jensenshannon(p, q, base=2, axis=1)}
    found |= {"entropy_votes": stats.entropy(p, base=2, axis=1), "entropy_model": stats.entropy(q, base=2, axis=1)}
    return pd.DataFrame(found, index=counts.index).rename_axis("clip_id").reset_index()
