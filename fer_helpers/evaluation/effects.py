"""What each choice of a sweep changes: scores, and labels, over cells that agree in all other choices; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.evaluation import sweep_findings
from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation._contrasts import (
    Contrast,
    Estimate,
    contrasts,
    estimate,
    mean_of_known,
    of_clips,
    sign_flips,
)
from fer_helpers.evaluation.comparisons import holm
from fer_helpers.evaluation.sweeps import METRICS, Sweep

AGAIN = {"repeat", "archive"}  # cells that differ in one of these alone asked the same, and keep their replies apart
REPEATS = "repeating the same request"


def effects(sweep: Sweep, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """The effects table: what each choice changes in UAR and WAR, and each two choices together beyond both.

    A main effect is the mean difference of cells that differ in one parameter, its level minus its first level, over
    all such pairs of cells; an interaction is the difference of two such differences. Both are of the same clips:
    those that the cells of a pair, or of four, have a label for. Intervals are those of `_contrasts.estimate`; p values
    are of its sign flips, corrected over all effects on a metric (Holm 1979).

    Args:
        sweep: with true labels.
        n_resamples: sign flips.
        seed: of the random generator.

    Returns:
        empty where no clip has a true label.
    """
    known = sweep.truth.notna().to_numpy()
    labels, truth, groups = sweep.labels[known], sweep.truth[known], sweep.groups[known]
    right = np.where(labels.isna(), np.nan, labels.eq(truth, axis=0))
    classes = pd.Index(TAXONOMIES[sweep.taxonomy]).get_indexer(truth)
    found, rows = _choices(sweep), []
    each = [of_clips(contrast, right) for contrast in found]
    for metric in METRICS if known.any() else ():
        of_class = classes if metric == "UAR" else np.zeros_like(classes)
        estimates = [estimate(values, of_class, groups) for values in each]
        p = _p(estimates, n_resamples, seed)
        for contrast, values, one, p_one, p_holm in zip(found, each, estimates, p, holm(p), strict=True):
            row = {"metric": metric, **_named(contrast), "value": one.value, "ci_low": one.low, "ci_high": one.high}
            row |= {"p": p_one, "p_holm": p_holm, "detectable": one.detectable, "same": not np.nan_to_num(values).any()}
            rows.append(
                {**row, "n_clips": one.n_clips, "n_groups": one.n_groups, "unit": sweep.unit, **_sets(contrast)}
            )
    rows = [{**row, "sentence": sweep_findings.effect(row)} for row in rows]
    return tables.check("effects", pd.DataFrame(rows)) if rows else tables.empty("effects")


def flips(sweep: Sweep, again: pd.Series | None = None, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """The flips table: on what share of clips a choice changes the label, and whether repeating a request does less.

    A choice's flips are those between cells that differ in nothing else, its level against its first level; a clip's
    are the share of such pairs of cells that label it differently. Repeats are pairs of cells that differ in `repeat`
    or `archive` alone, and `again`. The excess is that of a choice over repeats, clip by clip; its p value is
    one-sided, of sign flips, corrected over all choices (Holm 1979).

    Args:
        sweep: with true labels, or without.
        again: of `repeated`; None: no cell asked a request several times.
        n_resamples: bootstrap resamples of the rates' intervals, and sign flips.
        seed: of the random generator.

    Returns:
        a row a choice, after one about the repeats, if there are any.
    """
    codes = pd.factorize(sweep.labels.to_numpy().ravel())[0].reshape(sweep.labels.shape)
    coded = np.where(codes < 0, np.nan, codes.astype(float))
    singles = [contrast for contrast in contrasts(sweep.cells) if len(contrast.changes) == 1]
    alone = [contrast for contrast in singles if set(contrast.changes) <= AGAIN]
    asked_again = np.full(len(coded), np.nan) if again is None else again.reindex(sweep.labels.index).to_numpy(float)
    repeated = mean_of_known(np.column_stack([*(_changed(coded, contrast) for contrast in alone), asked_again]))

    choices = [contrast for contrast in _choices(sweep) if len(contrast.changes) == 1]
    changed = [_changed(coded, contrast) for contrast in choices]
    one_class = np.zeros(len(coded), int)
    excess = [estimate(values - repeated, one_class, sweep.groups) for values in changed]
    p = _p(excess, n_resamples, seed, one_sided=True)
    rows = []
    if not np.isnan(repeated).all():
        rows.append(
            {"parameter": REPEATS, **_with_interval(repeated, sweep, n_resamples, seed), "n_sets": 0, "n_left_out": 0}
        )
    for contrast, values, more, p_one, p_holm in zip(choices, changed, excess, p, holm(p), strict=True):
        row = {**_named(contrast), **_with_interval(values, sweep, n_resamples, seed)}
        row |= {"excess": more.value, "excess_low": more.low, "excess_high": more.high, "p": p_one, "p_holm": p_holm}
        rows.append({**row, "detectable": more.detectable, **_sets(contrast)})
    rows = [{**row, "sentence": sweep_findings.flip(row)} for row in rows]
    return tables.check("flips", pd.DataFrame(rows)) if rows else tables.empty("flips")


def repeated(sweep: Sweep, made: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.Series:
    """Share of the pairs of answers to one request, asked several times, that differ: mean of a clip, by clip_id.

    Args:
        sweep: of `sweep_of`.
        made: by cell, its tables requests and answers; requests asked once say nothing.
    """
    found = [_replicates(made[str(name)], who["asked"]) for name, who in sweep.annotators.iterrows()]
    return pd.concat(found).groupby(level="clip_id").mean()


def _replicates(tables_of: Mapping[str, pd.DataFrame], asked: str) -> pd.Series:
    """`repeated` of one cell."""
    requests, answers = tables_of["requests"], tables_of["answers"]
    rows = requests[requests["taxonomy"] == asked].merge(answers[["key", "label"]], on="key").dropna(subset="label")
    rows = rows.assign(**{name: rows[name].map(tuple) for name in ("frame_indices", "labels")})
    request = ["clip_id", "frame_indices", "mosaic", "labels"]
    n = rows.groupby([*request, "label"]).size()
    total, alike = n.groupby(level=request).sum(), (n * (n - 1)).groupby(level=request).sum()
    again = (rows.groupby(request)["replicate"].nunique() > 1).reindex(total.index)
    return (1 - alike / (total * (total - 1)))[again].groupby(level="clip_id").mean()


def _choices(sweep: Sweep) -> list[Contrast]:
    """The contrasts that are no repeats."""
    return [contrast for contrast in contrasts(sweep.cells) if AGAIN.isdisjoint(contrast.changes)]


def _changed(coded: np.ndarray, contrast: Contrast) -> np.ndarray:
    """Share of the pairs of cells in a contrast that label a clip differently, by clip; NaN where no pair labels it."""
    one, other = np.moveaxis(coded[:, contrast.sets], 2, 0)
    return mean_of_known(np.where(np.isnan(one + other), np.nan, one != other))


def _with_interval(values: np.ndarray, sweep: Sweep, n_resamples: int, seed: int) -> dict[str, Any]:
    """Mean of shares by clip, the bootstrap's interval of it, and what it rests on."""
    known = ~np.isnan(values)
    low, high = mean_interval(values[known], sweep.groups[known], n_resamples, seed)
    rate = {"value": values[known].mean() if known.any() else np.nan, "ci_low": low, "ci_high": high}
    return {**rate, "n_clips": known.sum(), "n_groups": len(np.unique(sweep.groups[known])), "unit": sweep.unit}


def _p(estimates: list[Estimate], n_flips: int, seed: int, one_sided: bool = False) -> list[float]:
    """p values of sign flips; NaN where nothing was compared."""
    if not estimates:
        return []
    p = sign_flips(np.column_stack([one.by_group for one in estimates]), n_flips, seed, one_sided)
    return np.where([one.n_clips > 0 for one in estimates], p, np.nan).tolist()


def _named(contrast: Contrast) -> dict[str, Any]:
    columns = [["parameter", "level", "reference"], ["with_parameter", "with_level", "with_reference"]]
    found: dict[str, Any] = {}
    for names, (parameter, change) in zip(columns, contrast.changes.items(), strict=False):
        found |= dict(zip(names, (parameter, *change), strict=True))
    return found


def _sets(contrast: Contrast) -> dict[str, int]:
    return {"n_sets": len(contrast.sets), "n_left_out": contrast.n_left_out}
