"""Motion energy: how much each frame of a clip differs from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from fer_helpers import media
from fer_helpers.pictures import Unreadable, decode_picture, is_pictures, pictures_of

_SIDE = 64  # pixels a side of the grey frames that are compared


def motion_energy(path: Path) -> np.ndarray:
    """Motion in every frame of a video or picture folder: shape (frames,), grey levels, 0-255.

    Frame differencing (Jain & Nagel 1979, "On the analysis of accumulative difference pictures", IEEE
    TPAMI 1:206-214): the mean absolute difference of a frame to the one before, both as 64 x 64 grey
    pictures; 0 for the first frame and for those that cannot be decoded; then the mean over each frame
    and its two neighbours. It peaks where an expression changes fastest, not at its apex.
    """
    return smoothed(differences(path, path))


def _greys(path: Path, corpus: Path) -> Iterator[tuple[int, np.ndarray]]:
    """Index and small grey copy of every frame of a video, picture folder or picture that can be decoded."""
    if not is_pictures(path):
        for shot in media.shots(path, []):
            with suppress(Unreadable):
                yield shot.index, media.grey(shot.frame, _SIDE)
        return
    for index, picture in enumerate(pictures_of(path, corpus)):
        with suppress(Unreadable, OSError):
            grey = decode_picture(picture.read_bytes(), cv2.IMREAD_GRAYSCALE)
            yield index, cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def differences(path: Path, corpus: Path) -> np.ndarray:
    """Mean absolute difference to the frame before, for every frame of the file `path` of `corpus`."""
    found: dict[int, float] = {}
    before: np.ndarray | None = None
    for index, grey in _greys(path, corpus):
        now = grey.astype(np.float32)
        found[index] = 0.0 if before is None else float(np.abs(now - before).mean())
        before = now
    return np.array([found.get(index, 0.0) for index in range(max(found, default=-1) + 1)])


def smoothed(changes: np.ndarray) -> np.ndarray:
    """Mean over three frames, two at the ends; a clip's first frame differs from nothing before it."""

    def around(values: np.ndarray) -> np.ndarray:
        padded = np.pad(values, 1)
        return padded[:-2] + padded[1:-1] + padded[2:]

    return around(np.concatenate([np.zeros(len(changes[:1])), changes[1:]])) / around(np.ones(len(changes)))
