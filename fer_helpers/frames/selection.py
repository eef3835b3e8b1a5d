"""Which frames of a clip are its key frames: pure, from their number, their times and a curve over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fer_helpers.errors import ParamsError

CURVES = {"peak": "motion"}  # choices that look at every frame first


def evenly_spaced(frames: Sequence[int], k: int) -> list[int]:
    """The frames at the centres of `k` equal parts; all of them if there are no more than `k`.

    >>> evenly_spaced(range(30), 5)
    [3, 9, 15, 21, 27]
    >>> evenly_spaced([4, 7], 5)
    [4, 7]
    """
    return sorted({frames[(2 * part + 1) * len(frames) // (2 * k)] for part in range(k)}) if frames else []


@dataclass(frozen=True)
class _Clip:
    n: int
    k: int
    curve: np.ndarray
    times: np.ndarray
    per_second: float


def _middle(clip: _Clip) -> list[int]:
    return [clip.n // 2]


def _uniform(clip: _Clip) -> list[int]:
    return evenly_spaced(range(clip.n), clip.k)


def _all(clip: _Clip) -> list[int]:
    return list(range(clip.n))


def _fps(clip: _Clip) -> list[int]:
    shown_for = float(np.median(np.diff(clip.times))) if clip.n > 1 else 0.0
    ends = np.append(clip.times[1:], clip.times[-1] + shown_for)
    # From the frames, not from the duration: one false time stamp can claim years of parts.
    parts_before = np.ceil(np.append(clip.times[:1], ends) * clip.per_second - 0.5 - 1e-6)
    shown_at_a_centre = np.flatnonzero(np.diff(parts_before) > 0).tolist()
    return shown_at_a_centre or [int(np.searchsorted(ends, ends[-1] / 2, side="right").clip(0, clip.n - 1))]


def _peak(clip: _Clip) -> list[int]:
    apart = max(1, clip.n // (2 * clip.k))  # rounded down, so that k frames can always be found
    kept: list[int] = []
    for index in np.argsort(-clip.curve, kind="stable").tolist():
        if len(kept) < clip.k and all(abs(index - other) >= apart for other in kept):
            kept.append(index)
    return sorted(kept)


CHOICES: dict[str, Callable[[_Clip], list[int]]] = {
    "middle": _middle,
    "uniform": _uniform,
    "all": _all,
    "fps": _fps,
    "peak": _peak,
}


def choose(
    choice: str,
    n: int,
    k: int = 5,
    curve: Sequence[float] | np.ndarray | None = None,
    times: Sequence[float] | np.ndarray | None = None,
    per_second: float = 2.0,
) -> list[int]:
    """Indices of the key frames of a clip of `n` frames, ascending, each once.

    Args:
        choice: "middle", the frame nearest the clip's middle (the later of two); "uniform", the frames at
            the centres of `k` equal parts, all `n` if there are fewer; "all"; "fps", the frames shown at the
            centres of parts of 1/`per_second` s, or at half time in a clip shorter than half a part; "peak",
            the `k` frames of greatest motion, the greatest first and none within n/(2k) frames (rounded
            down) of one kept.
        n: frames in the clip; 0 gives none.
        k: key frames for uniform and peak, at least 1.
        curve: shape (n,); `motion.Curve.energy`, for peak.
        times: shape (n,), when each frame is shown, s from the clip's start, ascending; for fps.
        per_second: key frames a second for fps, above 0.

    Raises:
        ParamsError: unknown choice, `k` or `per_second` too small, or no curve or times of shape (n,).

    >>> choose("middle", 30), choose("uniform", 30, k=3)
    ([15], [5, 15, 25])
    >>> choose("peak", 6, k=2, curve=[0, 9, 8, 0, 0, 5])  # frame 2 moves more than 5, but is next to 1
    [1, 2]
    """
    if choice not in CHOICES:
        raise ParamsError(f"frame choice {choice!r} is unknown: use one of {', '.join(CHOICES)}")
    if k < 1:
        raise ParamsError(f"key frames per clip: {k} is below 1; ask for at least one")
    if not per_second > 0:
        raise ParamsError(f"key frames per second: {per_second} is not above 0")
    curve, times = (np.asarray([] if values is None else values) for values in (curve, times))
    clip = _Clip(n, k, curve, times, per_second)
    if choice in CURVES and len(clip.curve) != n:
        raise ParamsError(f"frame choice {choice} needs the {CURVES[choice]} of all {n} frames")
    if choice == "fps" and len(clip.times) != n:
        raise ParamsError(f"frame choice fps needs the times of all {n} frames")
    return CHOICES[choice](clip) if n else []
