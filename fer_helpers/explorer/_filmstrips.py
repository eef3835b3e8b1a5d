"""A clip's key frames as one picture: small enough to send by the page, one WebP strip a clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import pandas as pd

from fer_helpers.errors import RunError
from fer_helpers.media import Unreadable, decode_picture, pixelated

SMALL, LARGE = 112, 384  # side of a tile, pixels
MOST = 16  # tiles; WebP ends at 16,383 pixels, and the eye before
_GREY = 128  # of the margin, and of a frame that cannot be shown


def thinned(indices: Sequence[int]) -> list[int]:
    """At most MOST of `indices`, evenly spread, first and last among them."""
    if len(indices) <= MOST:
        return list(indices)
    return [indices[int(place)] for place in np.linspace(0, len(indices) - 1, MOST).round()]


def strip(pictures: Sequence[bytes], side: int = SMALL, blurred: bool = False) -> bytes:
    """WebP of `pictures` beside each other, in squares of `side` pixels; nothing for no picture.

    What cannot be decoded is a grey square. `blurred`: see `media.pixelated`.
    """
    if not pictures:
        return b""
    whole = np.hstack([_tile(picture, side, blurred) for picture in pictures])
    return cv2.imencode(".webp", whole, [cv2.IMWRITE_WEBP_QUALITY, 70])[1].tobytes()


def _tile(picture: bytes, side: int, blurred: bool) -> np.ndarray:
    tile: np.ndarray = np.full((side, side, 3), _GREY, np.uint8)
    try:
        image = decode_picture(picture)
    except Unreadable:
        return tile
    scale = side / max(image.shape[:2])
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    top, left = (side - height) // 2, (side - width) // 2
    tile[top : top + height, left : left + width] = image
    return pixelated(tile) if blurred else tile


@dataclass(frozen=True, kw_only=True)
class KeyFrames:
    """A frames table, and how to read the picture of a clip_id and frame_index."""

    frames: pd.DataFrame
    picture: Callable[[str, int], bytes]

    # Of many thousand clips only those looked at are unpacked, so columns are kept as arrays and rows found by clip.
    @cached_property
    def _frames(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        usable = self.frames[self.frames["status"] == "ok"]
        return usable.groupby("clip_id", sort=False).indices, usable["frame_index"].to_numpy(int)

    def key_frames(self, clip_id: str) -> list[int]:
        """frame_index of each usable key frame, in the order of time."""
        rows, indices = self._frames
        return [int(index) for index in indices[rows.get(clip_id, [])]]

    def strip(self, clip_id: str, side: int = SMALL, blurred: bool = False) -> bytes:
        """The clip's key frames as one WebP; what cannot be read is a grey square."""
        indices = thinned(self.key_frames(clip_id))
        return strip([self._read(clip_id, index) for index in indices], side, blurred)

    def _read(self, clip_id: str, index: int) -> bytes:
        try:
            return self.picture(clip_id, index)
        except (RunError, KeyError):  # gone, or not among the key frames
            return b""
