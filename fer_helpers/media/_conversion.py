"""A decoded video frame as the array a viewer would see: upright, square pixels, eight bits, sRGB, no alpha."""

from __future__ import annotations

import threading
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from fer_helpers.errors import one_line
from fer_helpers.media import _light as light
from fer_helpers.media.images import GREY_SIDE, Unreadable, fitted

_LOCAL = threading.local()  # one scaler a thread and kind: building one for a frame takes longer than scaling


def _turn(frame: av.VideoFrame) -> tuple[bool, bool, bool]:
    """Whether the frame is shown with rows and columns swapped, then mirrored across, then mirrored down.

    The file's display matrix maps a pixel's (x, y) to (ax + cy, bx + dy); the nearest of the eight ways to
    lay a picture on its sides is taken.
    """
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(matrix, np.int32)[:5].tolist()
    return (True, c < 0, b < 0) if abs(b) > abs(a) else (False, a < 0, d < 0)


def _square(frame: av.VideoFrame, aspect: float) -> tuple[int, int]:
    """Width and height with square pixels, by shrinking the side whose pixels are the shorter."""
    return max(1, round(frame.width * min(1, aspect))), max(1, round(frame.height / max(1, aspect)))


def shown_size(frame: av.VideoFrame, aspect: float) -> tuple[int, int]:
    """Width and height of `frame` upright with square pixels; `aspect` is a stored pixel's width to its height."""
    width, height = _square(frame, aspect)
    return (height, width) if _turn(frame)[0] else (width, height)


def _reformatted(frame: av.VideoFrame, width: int, height: int, pixels: str) -> np.ndarray:
    scaler = getattr(_LOCAL, pixels, None)
    if scaler is None:
        scaler = VideoReformatter()
        setattr(_LOCAL, pixels, scaler)
    # AREA averages all pixels under a smaller one: no aliasing, and half the time of the default.
    try:
        return scaler.reformat(frame, width, height, pixels, interpolation="AREA", threads=1).to_ndarray()
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable(f"its pixel format cannot be converted: {one_line(error)}") from error


def on_black(picture: np.ndarray) -> np.ndarray:
    """`picture` (height, width, 4) uint8 laid over black by its alpha: (height, width, 3)."""
    return ((picture[..., :3].astype(np.uint16) * picture[..., 3:] + 127) // 255).astype(np.uint8)


def bgr(frame: av.VideoFrame, size: int, aspect: float = 1.0) -> np.ndarray:
    """`frame` upright, (height, width, 3) uint8 BGR, its longer side scaled down to `size` (0: as it is).

    What is transparent lies on black, as players show it. `aspect` as in `shown_size`.

    Raises:
        Unreadable: if libav cannot convert its pixels.
    """
    width, height = fitted(*_square(frame, aspect), size)
    if light.converted(frame):
        picture = light.srgb(_reformatted(frame, width, height, "rgb48le"), frame)[..., ::-1]
    elif any(component.is_alpha for component in frame.format.components):
        picture = on_black(_reformatted(frame, width, height, "bgra"))
    else:
        picture = _reformatted(frame, width, height, "bgr24")
    swapped, across, down = _turn(frame)
    picture = picture.swapaxes(0, 1) if swapped else picture
    return np.ascontiguousarray(picture[:: -1 if down else 1, :: -1 if across else 1])


def grey(frame: av.VideoFrame) -> np.ndarray:
    """`frame` as (GREY_SIDE, GREY_SIDE) uint8 grey, whatever its shape and turn: only good for comparing frames.

    Raises:
        Unreadable: as `bgr`.
    """
    return _reformatted(frame, GREY_SIDE, GREY_SIDE, "gray")
