"""Animated pictures (PNG, WebP, AVIF, GIF): their frames in order, each with its own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fer_helpers.errors import one_line
from fer_helpers.media.images import FORMATS, GREY_SIDE, Unreadable, bgr_of


@dataclass(frozen=True)
class Drawn:
    """One frame of an animated picture: its place, its time from the first frame, s, and its pixels."""

    index: int
    time_s: float
    picture: np.ndarray  # (height, width, 3) uint8 BGR

    @property
    def nbytes(self) -> int:
        """Memory held as long as the frame is kept, bytes."""
        return self.picture.nbytes

    def bgr(self, size: int) -> np.ndarray:
        """The picture in its own size whatever `size`."""
        return self.picture

    @property
    def grey(self) -> np.ndarray:
        """As `images.decode_grey`."""
        grey = cv2.cvtColor(self.picture, cv2.COLOR_BGR2GRAY)
        return cv2.resize(grey, (GREY_SIDE, GREY_SIDE), interpolation=cv2.INTER_AREA)

    def jpeg(self, size: int) -> None:
        """A frame of an animation is no JPEG that could be passed on."""


def _images(path: Path) -> Iterator[tuple[Image.Image, float]]:
    """The frames, each to be used before the next, and how long each is shown, s."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            # A PNG may have a picture for those who cannot show the animation; the animation is without it.
            for number in range(int(image.info.get("default_image", False)), getattr(image, "n_frames", 1)):
                image.seek(number)
                image.load()  # a WebP says only then how long
                ms = float(image.info.get("duration", 0))
                yield image, (ms if ms > 10 else 100.0) / 1000  # as browsers show what has no time
    except Exception as error:  # as in images.header
        raise Unreadable(f"not a picture that can be decoded: {one_line(error)}") from error


def durations(path: Path) -> list[float]:
    """How long each frame is shown, s.

    Raises:
        Unreadable: a frame cannot be decoded.
    """
    return [shown_for for _, shown_for in _images(path)]


def drawn(path: Path, problems: list[str]) -> Iterator[Drawn]:
    """The frames in order, until one cannot be decoded; why not is appended to `problems`."""
    at = 0.0
    try:
        for index, (image, shown_for) in enumerate(_images(path)):
            yield Drawn(index, at, bgr_of(image))
            at += shown_for
    except Unreadable as error:
        problems.append(str(error))
