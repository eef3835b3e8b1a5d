"""Ways of asking about a clip's key frames and of pooling the answers into one label.

A strategy is two pure functions: `groups` says which frames go into one request together, `pool` makes one
label of the answers. Frames of one clip seen by one model are not independent raters; a vote among them
steadies the label, it does not count as several annotators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pooled:
    """One label from several answers: its index, probabilities (n_labels,), and how it came about."""

    label: int
    probabilities: np.ndarray
    n_votes: int
    agreement: float
    tie: bool


@dataclass(frozen=True)
class Strategy:
    """`groups`: frame indices -> frames asked together; `pool`: votes, probabilities -> Pooled."""

    groups: Callable[[Sequence[int]], list[list[int]]]
    pool: Callable[[np.ndarray, np.ndarray], Pooled]
    about: str
    per_frame: bool = False


def middle(frames: Sequence[int]) -> list[list[int]]:
    """One request, with the middle one of the frames (the later of two)."""
    return [[frames[len(frames) // 2]]] if frames else []


def each(frames: Sequence[int]) -> list[list[int]]:
    """A request a frame."""
    return [[frame] for frame in frames]


def together(frames: Sequence[int]) -> list[list[int]]:
    """One request with all frames, in the order of time."""
    return [list(frames)] if frames else []


def _pooled(label: int, votes: np.ndarray, mean: np.ndarray, tie: bool) -> Pooled:
    return Pooled(label, mean, len(votes), float(np.mean(votes == label)), tie)


def majority(votes: np.ndarray, probabilities: np.ndarray) -> Pooled:
    """The label that most answers gave (plurality vote).

    Ties go to the tied label of greater mean probability, then to the earlier in the taxonomy's order.

    Args:
        votes: label index of each answer, shape (n_answers,), at least one.
        probabilities: shape (n_answers, n_labels), rows sum to 1; a row of NaN where an answer has none.
    """
    mean = _mean(probabilities)
    counts = np.bincount(votes, minlength=probabilities.shape[1])
    tied = np.flatnonzero(counts == counts.max())
    winner = tied[np.argmax(np.nan_to_num(mean)[tied])]
    return _pooled(int(winner), votes, mean, len(tied) > 1)


def mean_probability(votes: np.ndarray, probabilities: np.ndarray) -> Pooled:
    """The label of greatest mean probability (linear opinion pool, Stone 1961; "soft vote").

    An answer without probabilities counts as certain of its label. Ties go to the earlier label.
    """
    certain = np.eye(probabilities.shape[1])[votes]
    mean = np.where(np.isnan(probabilities), certain, probabilities).mean(axis=0)
    tied = np.flatnonzero(np.isclose(mean, mean.max(), rtol=0, atol=1e-12))
    return _pooled(int(tied[0]), votes, mean, len(tied) > 1)


def only(votes: np.ndarray, probabilities: np.ndarray) -> Pooled:
    """The single answer as it is."""
    return _pooled(int(votes[0]), votes, probabilities[0], False)


def _mean(probabilities: np.ndarray) -> np.ndarray:
    known = probabilities[~np.isnan(probabilities).any(axis=1)]
    return known.mean(axis=0) if len(known) else np.full(probabilities.shape[1], np.nan)


STRATEGIES: dict[str, Strategy] = {
    "single_frame": Strategy(middle, only, "the middle key frame alone"),
    "per_frame": Strategy(each, only, "every key frame judged by itself; scored a frame", per_frame=True),
    "majority_vote": Strategy(each, majority, "the label most key frames got"),
    "soft_vote": Strategy(each, mean_probability, "the label of greatest mean probability over key frames"),
    "multi_frame": Strategy(together, only, "all key frames in one request"),
}
