"""Several key frames side by side in one picture, so that a model charges and looks once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from fer_helpers.media import decode_picture

SIDE = 1024  # pixels of a mosaic's longer side, at most
_GREY = 128  # of cells, and parts of cells, without a picture
_QUALITY = 90


def mosaic_grid(sizes: Sequence[tuple[int, int]]) -> tuple[int, int, int, int]:
    """Columns, rows, and width and height in pixels of a cell, for pictures of `sizes` (width, height).

    As near to a square as can be, the last row perhaps not full; cells have the widest picture's width and the
    highest one's height, scaled so that the mosaic fits SIDE.

    >>> mosaic_grid([(224, 224)] * 5)
    (3, 2, 224, 224)
    >>> mosaic_grid([(640, 480)] * 4)
    (2, 2, 512, 384)
    """
    columns = math.ceil(math.sqrt(len(sizes)))
    rows = math.ceil(len(sizes) / columns)
    width, height = max(width for width, _ in sizes), max(height for _, height in sizes)
    scale = min(1.0, SIDE / max(columns * width, rows * height))
    return columns, rows, max(1, int(width * scale)), max(1, int(height * scale))


def mosaic_of(jpegs: Sequence[bytes]) -> bytes:
    """One JPEG of all `jpegs`: left to right, then top to bottom, each centred in its cell, none enlarged.

    The same bytes on every machine with the same OpenCV; a request is named by its parts, not by the result.
    """
    pictures = [decode_picture(data) for data in jpegs]
    columns, rows, width, height = mosaic_grid([(picture.shape[1], picture.shape[0]) for picture in pictures])
    sheet = np.full((rows * height, columns * width, 3), _GREY, np.uint8)
    for place, picture in enumerate(pictures):
        scale = min(1.0, width / picture.shape[1], height / picture.shape[0])
        own = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        small = cv2.resize(picture, own, interpolation=cv2.INTER_AREA)
        left = place % columns * width + (width - own[0]) // 2
        top = place // columns * height + (height - own[1]) // 2
        sheet[top : top + own[1], left : left + own[0]] = small
    return cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
