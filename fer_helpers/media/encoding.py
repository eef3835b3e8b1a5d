"""A clip as a small video of its own: H.264 in MP4, without sound or metadata."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import chain

import av
import cv2
import numpy as np
from av.bitstream import BitStreamFilterContext

from fer_helpers.errors import one_line
from fer_helpers.media.images import Unreadable, fitted

_TICK = Fraction(1, 1000)  # s
_ENCODER = {
    "preset": "veryfast",
    "crf": "20",
    "bf": "0",  # pictures lie in the file in the order they are shown
    "flags": "+bitexact",
    "x264-params": "mbtree=0",  # with it, bytes differ more often from one making to the next
    # Readers that pass over these tags take a small video for just this.
    "color_range": "tv",
    "colorspace": "smpte170m",
    "color_primaries": "bt709",
    "color_trc": "iec61966-2-1",
}
_SETTINGS = "filter_units=remove_types=6"  # where x264 writes its version and options


@dataclass(frozen=True)
class Mp4:
    """A video: its file, its size, how many frames it has, and the hash of what they show, when, and how encoded.

    The hash is of the encoder's input. Of one input x264 makes the same bytes nearly always, not always.
    """

    data: bytes
    width: int
    height: int
    n_frames: int
    sha256: str


def mp4(pictures: Iterable[tuple[float, np.ndarray]], size: int) -> Mp4:
    """The video of `pictures`: each its time in s, ascending, and uint8 BGR.

    The longer side is scaled down to `size` pixels (0: not), never up; a last odd row or column is left out. All
    frames have the first one's size: another is fitted into it, on black. One thread, fixed settings.

    Raises:
        Unreadable: there is no picture, or one is narrower than a video can be.
    """
    frames = _alike(pictures, size)
    first = next(frames, None)
    if first is None:
        raise Unreadable("no frame came out")
    height, width = first[1].shape[:2]
    file, n, shown = io.BytesIO(), 0, sha256(repr((width, height, _ENCODER)).encode())
    try:
        with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as out:
            stream = out.add_stream("libx264", rate=25, options=_ENCODER)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.codec_context.thread_count = 1
            stream.codec_context.time_base = _TICK
            stripped = BitStreamFilterContext(_SETTINGS, stream)
            for n, (at, planes) in enumerate(_on_time(first, frames), 1):  # noqa: B007
                shown.update(at.to_bytes(8, "big") + planes.tobytes())
                frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
                frame.pts, frame.time_base = at, _TICK
                _mux(out, stripped, stream.encode(frame))
            _mux(out, stripped, stream.encode())
    except (av.FFmpegError, ValueError) as error:
        raise Unreadable(f"the clip cannot be a video: {one_line(error)}") from error
    return Mp4(file.getvalue(), width, height, n, shown.hexdigest())


def _mux(out: av.container.OutputContainer, stripped: BitStreamFilterContext, packets: list[av.Packet]) -> None:
    for packet in packets:
        out.mux(stripped.filter(packet))


def _on_time(
    first: tuple[float, np.ndarray], others: Iterator[tuple[float, np.ndarray]]
) -> Iterator[tuple[int, np.ndarray]]:
    """The pictures as planes of Y, Cb and Cr, and when each is shown, ticks from 0; of equal times the later is next.

    OpenCV rounds (BT.601, as untagged small videos are read); libswscale cuts off, and darkens by one or two.
    """
    at = -1
    for time_s, picture in chain([first], others):
        at = max(at + 1, round((time_s - first[0]) / _TICK))
        yield at, np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def _alike(pictures: Iterable[tuple[float, np.ndarray]], size: int) -> Iterator[tuple[float, np.ndarray]]:
    """`pictures` in one size, both sides even."""
    width = height = 0
    for time_s, picture in pictures:
        if not width:
            width, height = (side - side % 2 for side in fitted(picture.shape[1], picture.shape[0], size))
            if not width or not height:
                raise Unreadable("the frame is narrower than a video can be")
        yield time_s, _into(picture, width, height, size)


def _into(picture: np.ndarray, width: int, height: int, size: int) -> np.ndarray:
    own = fitted(picture.shape[1], picture.shape[0], size)
    if own != (picture.shape[1], picture.shape[0]):
        picture = cv2.resize(picture, own, interpolation=cv2.INTER_AREA)
    if own[0] - own[0] % 2 == width and own[1] - own[1] % 2 == height:
        return np.ascontiguousarray(picture[:height, :width])
    scale = min(width / own[0], height / own[1])
    inside = max(1, round(own[0] * scale)), max(1, round(own[1] * scale))
    left, top = (width - inside[0]) // 2, (height - inside[1]) // 2
    sheet = np.zeros((height, width, 3), np.uint8)
    sheet[top : top + inside[1], left : left + inside[0]] = cv2.resize(picture, inside, interpolation=cv2.INTER_AREA)
    return sheet
