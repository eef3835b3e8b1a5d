"""From answers to one label a clip under one strategy: pooling of many clips at once; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fer_helpers import statuses
from fer_helpers.prompting import Strategy, strategies

STATUSES = np.array(sorted(statuses.PREDICTION), dtype=object)  # of equally common ones the first is told
_NOT_ASKED, _NO_FRAME, _OK = (int(np.searchsorted(STATUSES, name)) for name in ("not_asked", "no_frame", statuses.OK))


def answered(
    clips: pd.DataFrame, frames: pd.DataFrame, planned: pd.DataFrame, answers: pd.DataFrame, labels: Sequence[str]
) -> pd.DataFrame:
    """`planned` of one taxonomy with what came back, as numbers: a row for each request, in their order.

    Returns:
        columns clip (row in `clips`; -1: not there), frame_index and motion (of its first frame), status (index in
        STATUSES), vote (index in `labels`; -1: none), prob_<label>, ranking (or None), tokens, cost_usd; empty values
        NaN.
    """
    place = pd.Index(clips["clip_id"])
    # A clip's own request has no frame: whichever stands there, its one answer has all the weight.
    first = np.array([next(iter(indices), 0) for indices in planned["frame_indices"]], dtype=int)
    clip = place.get_indexer(planned["clip_id"])
    there = frames[frames["frame_index"].notna()]
    width = 1 + max(first.max(initial=0), int(there["frame_index"].max()) if len(there) else 0)
    looked_at = pd.Index(place.get_indexer(there["clip_id"]) * width + there["frame_index"].to_numpy(int))
    motion = np.append(there["motion"].to_numpy(float), np.nan)[looked_at.get_indexer(clip * width + first)]
    at = pd.Index(answers["key"]).get_indexer(planned["key"])
    status = np.append(np.searchsorted(STATUSES, answers["status"].to_numpy(object)), _NOT_ASKED)
    tokens = (answers["tokens_in"] + answers["tokens_out"]).to_numpy(float, na_value=np.nan)
    came = {
        **{f"prob_{label}": answers[f"prob_{label}"].to_numpy(float) for label in labels},
        **{"tokens": tokens, "cost_usd": answers["cost_usd"].to_numpy(float)},
    }
    vote = np.append(pd.Index(labels).get_indexer(answers["label"]), -1)
    rows = {"clip": clip, "frame_index": first, "motion": motion, "status": status[at], "vote": vote[at]}
    rows |= {name: np.append(values, np.nan)[at] for name, values in came.items()}
    rankings = [*(answers["ranking"] if "ranking" in answers else [None] * len(answers)), None]
    return pd.DataFrame({**rows, "ranking": np.array(rankings, object)[at]})


def pool(asked: pd.DataFrame, n_clips: int, strategy: Strategy, labels: Sequence[str]) -> pd.DataFrame:
    """One row a clip, or a frame where the strategy judges each by itself, in the order of clips.

    Failures are left out of the vote and counted. A ranking is that of the one answer that a strategy takes as it is;
    a vote counts the first labels and ranks nothing.

    Args:
        asked: rows of `answered` that the strategy pools.
        n_clips: how many clips there are.
        strategy: how.
        labels: of the taxonomy.

    Returns:
        columns clip, frame_index, label (index in `labels`; -1: none), prob_<label>, ranking, confidence, n_votes,
        agreement, tie, status, tokens, cost_usd, asked (whether anything was planned about it).
    """
    asked = asked[asked["clip"] >= 0].sort_values("clip", kind="stable", ignore_index=True)
    new = np.ones(len(asked), bool) if strategy.per_frame else asked["clip"].diff().ne(0).to_numpy()
    starts = np.flatnonzero(new)
    unit = new.cumsum() - 1
    frame_index = asked["frame_index"].to_numpy(float)[starts] if strategy.per_frame else np.nan
    pooled = _empty(asked["clip"].to_numpy()[starts], labels).assign(asked=True, frame_index=frame_index)
    good = (asked["status"] == _OK).to_numpy()
    n_asked, n_good = np.bincount(unit, minlength=len(starts)), np.bincount(unit, good, len(starts)).astype(int)
    columns = {name: pooled[name].to_numpy(copy=True) for name in pooled}
    values = {name: asked[name].to_numpy() for name in ("status", "vote", "motion", "ranking", "tokens", "cost_usd")}
    shares = asked[[f"prob_{label}" for label in labels]].to_numpy(float)
    for of, among in sorted(set(zip(n_asked.tolist(), n_good.tolist(), strict=True))):  # clips alike in both at a time
        these = np.flatnonzero((n_asked == of) & (n_good == among))
        at = starts[these][:, None] + np.arange(of)
        for name in ("tokens", "cost_usd"):
            columns[name][these] = _total(values[name][at])
        if not among:
            columns["status"][these] = _commonest(values["status"][at])
            continue
        kept = good[at]
        mine = at[kept].reshape(len(these), among)
        weights = strategy.weigh(values["motion"][at])[kept].reshape(mine.shape)
        one = strategy.pool(values["vote"][mine], shares[mine], weights)
        told = np.take_along_axis(one.probabilities, one.label[:, None], axis=1)[:, 0]
        found = {"label": one.label, "confidence": told, "n_votes": one.n_votes, "agreement": one.agreement}
        found |= {f"prob_{label}": one.probabilities[:, i] for i, label in enumerate(labels)}
        found |= {"ranking": values["ranking"][mine[:, 0]]} if strategy.pool is strategies.only else {}
        for name, column in {**found, "tie": one.tie, "status": _OK}.items():
            columns[name][these] = column
    others = _empty(np.setdiff1d(np.arange(n_clips), columns["clip"]), labels)
    return pd.concat([pd.DataFrame(columns), others]).sort_values("clip", kind="stable", ignore_index=True)


def _empty(clip: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
    """Rows of clips that have no frame."""
    unknown = ["frame_index", *(f"prob_{label}" for label in labels), "confidence", "agreement", "tokens", "cost_usd"]
    nothing = {"label": -1, "ranking": None, "n_votes": 0, "tie": False, "status": _NO_FRAME, "asked": False}
    return pd.DataFrame({"clip": clip}).assign(**nothing, **dict.fromkeys(unknown, np.nan))


def _total(values: np.ndarray) -> np.ndarray:
    """Sums of rows without what is not known; NaN where nothing is."""
    known = ~np.isnan(values)
    return np.where(known.any(axis=1), np.where(known, values, 0.0).sum(axis=1), np.nan)


def _commonest(status: np.ndarray) -> np.ndarray:
    """The most frequent status of each row; of several the first in STATUSES."""
    return (status[..., None] == np.arange(len(STATUSES))).sum(axis=1).argmax(axis=1)


def passed_on(first: pd.DataFrame, then: pd.DataFrame, below: float) -> pd.DataFrame:
    """A cascade's predictions: the first stage's label where that is sure or the second gave none; all that was paid.

    Args:
        first: of `pool`, one row a clip.
        then: of `pool`, of the second stage.
        below: a clip goes on where the probability of its label is below this or unknown.
    """
    on = ~(first["confidence"] >= below) & then["asked"]
    replaced = on & ((then["label"] >= 0) | (first["label"] < 0))
    paid = {name: _total(np.column_stack([first[name], then[name]])) for name in ("tokens", "cost_usd")}
    return first.where(~replaced, then).assign(**{name: first[name].where(~on, paid[name]) for name in paid})
