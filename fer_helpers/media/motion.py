"""Motion: how much each frame of a clip differs from the one before.

The column frames.motion is made here. Where the choice of key frames looks at every frame anyway (all, peak) it is
the motion energy of the whole clip at that frame (`Curve.energy`). Otherwise only key frames are
decoded into pictures, and it is the mean difference to the key frames beside it (`Curve.beside`): comparable
within a clip, not between choices.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from fer_helpers.media import decoding
from fer_helpers.media.images import Unreadable


class Curve:
    """Differences between frames that are added in order, each a small grey picture, (GREY_SIDE, GREY_SIDE) uint8."""

    def __init__(self) -> None:
        self._at: list[int] = []
        self._moved: list[float] = []
        self._before: np.ndarray = np.empty(0)

    def __len__(self) -> int:
        """Frames added."""
        return len(self._at)

    def add(self, index: int, grey: np.ndarray) -> None:
        """The frame at `index`, after all that were added."""
        if not self._at:
            self._before = grey
        self._at.append(index)
        self._moved.append(cv2.norm(grey, self._before, cv2.NORM_L1) / grey.size)
        self._before = grey

    def _placed(self, values: list[float], n: int) -> np.ndarray:
        placed = np.zeros(n)
        placed[self._at] = values
        return placed

    def energy(self, n: int) -> np.ndarray:
        """Motion energy of a clip of `n` frames: shape (n,), grey levels, 0-255.

        Frame differencing (Jain & Nagel 1979, "On the analysis of accumulative difference pictures", IEEE
        TPAMI 1:206-214): the mean absolute difference of a frame to the one before; 0 for the first frame
        and for those that were not added; then the mean over each frame and its two neighbours. It peaks
        where an expression changes fastest, not at its apex.
        """
        return _smoothed(self._placed(self._moved, n))

    def beside(self) -> dict[int, float]:
        """For each frame added, the mean of its differences to those added before and after it; none for one alone."""
        moved = self._moved[1:]
        sides = [moved[max(0, i - 1) : i + 1] for i in range(len(self._at))]
        return {at: sum(side) / len(side) for at, side in zip(self._at, sides, strict=True) if side}


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Mean over three values, two at the ends."""

    def around(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, 1)
        return padded[:-2] + padded[1:-1] + padded[2:]

    return around(values) / around(np.ones(len(values)))


def of_clip(path: Path, corpus: Path, first: int, n: int) -> Curve:
    """The curve of the `n` frames from index `first` of a video, picture or picture folder of `corpus`."""
    curve = Curve()
    for frame in decoding.open_footage(path, corpus).frames(range(first, first + n)):
        with suppress(Unreadable):
            curve.add(frame.index - first, frame.grey)
    return curve
