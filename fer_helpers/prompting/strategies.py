"""Ways of asking about a clip's key frames and of pooling the answers into one label.

A strategy is two pure functions: `groups` says which frames go into one request together, `pool` makes one
label of the answers, of one clip or of many at once (leading axes, `...` below). Frames of one clip seen by one
model are not independent raters; a vote among them steadies the label, it does not count as several annotators
(those are pooled by `evaluation.ensembles`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_helpers.frames import evenly_spaced


@dataclass(frozen=True)
class Pooled:
    """One label from several answers: its index, probabilities (..., n_labels), and how it came about, each (...)."""

    label: np.ndarray
    probabilities: np.ndarray
    n_votes: int
    agreement: np.ndarray
    tie: np.ndarray


def equally(motion: np.ndarray) -> np.ndarray:
    """The same weight for every answer."""
    return np.ones(motion.shape)


def near_the_peak(motion: np.ndarray) -> np.ndarray:
    """Weights 1 / (1 + d), d key frames away from the one of greatest motion (inverse distance, Shepard 1968).

    Shepard, A two-dimensional interpolation function for irregularly-spaced data, ACM National Conference.

    Args:
        motion: motion energy at each key frame in the order of time, shape (..., n); all NaN gives equal weights,
            ties go to the earliest.

    >>> near_the_peak(np.array([0.1, 0.2, 3.0, 0.5])).round(2).tolist()
    [0.33, 0.5, 1.0, 0.5]
    """
    peak = np.where(np.isnan(motion), -np.inf, motion).argmax(axis=-1)
    weights = 1 / (1 + np.abs(np.arange(motion.shape[-1]) - peak[..., None]))
    return np.where(np.isnan(motion).all(axis=-1)[..., None], 1.0, weights)


@dataclass(frozen=True)
class Strategy:
    """A way of asking and pooling.

    Args:
        groups: frame indices -> frames asked about together.
        pool: votes, probabilities, weights -> Pooled; see `majority`.
        about: what it does, in words.
        per_frame: every answer is a prediction of its own.
        weigh: motion energy at each key frame -> weight of its answer.
        mosaic: the frames of a group are sent as one picture.
        video: the clip itself is sent, as a video, in the place of key frames: a group without frames.
        replicates: every asking of the same request is pooled, not the first alone.
        then: the strategy that clips go on to where this one is unsure or has no label; "": none.
    """

    groups: Callable[[Sequence[int]], list[list[int]]]
    pool: Callable[[np.ndarray, np.ndarray, np.ndarray], Pooled]
    about: str
    per_frame: bool = False
    weigh: Callable[[np.ndarray], np.ndarray] = equally
    mosaic: bool = False
    video: bool = False
    replicates: bool = False
    then: str = ""


def middle(frames: Sequence[int]) -> list[list[int]]:
    """One request, with the middle one of the frames (the later of two)."""
    return [[frames[len(frames) // 2]]] if frames else []


def each(frames: Sequence[int]) -> list[list[int]]:
    """A request a frame."""
    return [[frame] for frame in frames]


def all_at_once(frames: Sequence[int]) -> list[list[int]]:
    """One request with all frames, in the order of time."""
    return [list(frames)] if frames else []


def clip_itself(frames: Sequence[int]) -> list[list[int]]:
    """One request, about no key frame."""
    return [[]]


def majority(votes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Pooled:
    """The label of greatest total weight (plurality vote).

    Ties go to the tied label of greater mean probability, then to the earlier in the taxonomy's order.

    Args:
        votes: label index of each answer, shape (..., n_answers), at least one.
        probabilities: shape (..., n_answers, n_labels), rows sum to 1; a row of NaN where an answer has none.
        weights: shape (..., n_answers), above 0.

    Two frames say label 1 and one, more strongly, label 0; the votes decide:

    >>> frames = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    >>> pooled = majority(np.array([0, 1, 1]), frames, np.ones(3))
    >>> int(pooled.label), round(float(pooled.agreement), 2)
    (1, 0.67)
    """
    mean = _mean(probabilities, weights)
    totals = (np.eye(probabilities.shape[-1])[votes] * weights[..., None]).sum(axis=-2)
    tied = np.isclose(totals, totals.max(axis=-1, keepdims=True), rtol=1e-12, atol=0)
    label = np.where(tied, np.nan_to_num(mean), -1).argmax(axis=-1)
    return _pooled(label, votes, mean, tied.sum(axis=-1) > 1)


def mean_probability(votes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Pooled:
    """The label of greatest mean probability (linear opinion pool, Stone 1961; "soft vote").

    An answer without probabilities counts as certain of its label. Ties go to the earlier label.

    The frames of `majority`'s example, where the surer frame now decides:

    >>> frames = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    >>> int(mean_probability(np.array([0, 1, 1]), frames, np.ones(3)).label)
    0
    """
    certain = np.eye(probabilities.shape[-1])[votes]
    mean = _mean(np.where(np.isnan(probabilities), certain, probabilities), weights)
    tied = np.isclose(mean, mean.max(axis=-1, keepdims=True), rtol=0, atol=1e-12)
    return _pooled(tied.argmax(axis=-1), votes, mean, tied.sum(axis=-1) > 1)


def only(votes: np.ndarray, probabilities: np.ndarray, weights: np.ndarray) -> Pooled:
    """The single answer as it is."""
    return _pooled(votes[..., 0], votes, probabilities[..., 0, :], np.zeros(votes.shape[:-1], bool))


def _pooled(label: np.ndarray, votes: np.ndarray, mean: np.ndarray, tie: np.ndarray) -> Pooled:
    return Pooled(label, mean, votes.shape[-1], (votes == label[..., None]).mean(axis=-1), tie)


def _mean(probabilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted mean over the answers that have probabilities; NaN where none has."""
    known = ~np.isnan(probabilities).any(axis=-1)
    n_known = known.sum(axis=-1)
    mean = np.full((*known.shape[:-1], probabilities.shape[-1]), np.nan)
    for n in set(np.unique(n_known).tolist()) - {0}:  # clips with equally many of them at a time
        clips = n_known == n
        kept = known[clips]
        shares = probabilities[clips][kept].reshape(len(kept), n, -1)
        weight = weights[clips][kept].reshape(len(kept), n)
        mean[clips] = (shares * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    return mean


STRATEGIES: dict[str, Strategy] = {
    "single_frame": Strategy(middle, only, "the middle key frame"),
    "per_frame": Strategy(each, only, "every key frame labelled by itself; scored per frame", per_frame=True),
    "majority_vote": Strategy(each, majority, "the most frequent label over key frames"),
    "soft_vote": Strategy(each, mean_probability, "the label of greatest mean probability over key frames"),
    "weighted_vote": Strategy(
        each, majority, "a vote in which key frames near the greatest motion count more", weigh=near_the_peak
    ),
    "multi_frame": Strategy(all_at_once, only, "all key frames in one request"),
    "mosaic": Strategy(all_at_once, only, "all key frames in one request, as one picture", mosaic=True),
    "whole_clip": Strategy(clip_itself, only, "the clip itself as a video, in one request", video=True),
    # FrugalGPT's cascade (Chen, Zaharia & Zou 2023, arXiv 2305.05176), with ways of asking for models.
    "cascade": Strategy(
        middle,
        only,
        "the middle key frame; where its confidence is low, all key frames in one request",
        then="multi_frame",
    ),
    # Wang et al. 2023, Self-consistency improves chain of thought reasoning, arXiv 2203.11171.
    "self_consistency": Strategy(
        all_at_once, majority, "the most frequent label over repeats of the same request", replicates=True
    ),
}

# What a run asks where nobody says otherwise; those over three frames are for the curve over frames in notebook 04.
DEFAULT_STRATEGIES = [
    *("single_frame", "per_frame", "majority_vote", "soft_vote", "weighted_vote", "multi_frame", "mosaic", "cascade"),
    *("majority_vote:3", "multi_frame:3"),
]


def find(name: str) -> Strategy:
    """The strategy called `name`; "multi_frame:3" is multi_frame over three of the key frames, evenly spaced.

    Raises:
        ValueError: there is none.

    >>> find("multi_frame").groups([0, 6, 12, 18, 24])
    [[0, 6, 12, 18, 24]]
    >>> find("multi_frame:3").groups([0, 6, 12, 18, 24])
    [[0, 12, 24]]
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    over_all = {
        base: one for base, one in STRATEGIES.items() if one.groups in (each, all_at_once) and not one.per_frame
    }
    match = re.fullmatch(r"(\w+):([1-9][0-9]?)", name, re.ASCII)
    if not match or match[1] not in over_all:
        raise ValueError(
            f"{name!r} must be one of {', '.join(STRATEGIES)}; or one of {', '.join(over_all)} followed by :k, "
            "e.g. multi_frame:3"
        )
    strategy, k = over_all[match[1]], int(match[2])
    return replace(
        strategy,
        groups=lambda frames: strategy.groups(evenly_spaced(frames, k)),
        about=f"{strategy.about}; {k} of them, evenly spaced",
    )
