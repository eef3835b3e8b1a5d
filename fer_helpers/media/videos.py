"""Videos on disk: opening them, and their pictures in the decoder's order, each with its own time.

Media files are untrusted. libav may only use the demuxers and the protocol named here, because others
(playlists, `concat` scripts) open further files that their text names, whatever the file's suffix says.
A picture's place is its number among those that the decoder hands out: time stamps may be equal, start anew or
be missing. Packets that fail to decode keep their places, so that a picture lost to damage does not shift those
after it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from fer_helpers.errors import one_line
from fer_helpers.media import _conversion as conversion
from fer_helpers.media.images import Unreadable

# What libav calls a container: what people call it, and the suffixes it goes by.
CONTAINERS = {
    "mov": ("MP4/QuickTime", (".mp4", ".mov", ".m4v", ".3gp", ".3g2", ".qt", ".f4v")),
    "matroska": ("Matroska/WebM", (".mkv", ".webm")),
    "avi": ("AVI", (".avi", ".divx")),
    "mpegts": ("MPEG transport stream", (".ts", ".mts", ".m2ts", ".mpg", ".mpeg")),
    "mpegvideo": ("MPEG video", (".mpg", ".mpeg", ".m2v")),
    "mpeg": ("MPEG program stream", (".mpg", ".mpeg", ".vob")),
    "flv": ("Flash video", (".flv", ".f4v")),
    "asf": ("Windows Media (WMV)", (".wmv", ".asf")),
    "ogg": ("Ogg", (".ogv",)),  # what is named .ogg is sound
    "gif": ("GIF", (".gif",)),
}
VIDEO_SUFFIXES = frozenset(suffix for _, suffixes in CONTAINERS.values() for suffix in suffixes)
NUMBERED = ("avi", "mpegvideo")  # only number what is stored: a picture is shown a constant while after its turn
_OPTIONS = {"format_whitelist": ",".join([*CONTAINERS, "mp4"]), "protocol_whitelist": "file"}
# A title in another encoding than UTF-8 must not lose the clip; PyAV 19 is lenient by itself, and lost the argument.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
_MOST_PIXELS = 2**26  # of a frame, twice those of 8K: a damaged header must not claim the machine's memory


@dataclass(frozen=True)
class Shot:
    """One decoded frame: its place in the file's order of showing and its time from the first frame, s."""

    index: int
    time_s: float
    frame: av.VideoFrame
    aspect: float = 1.0  # width to height of a pixel

    @property
    def nbytes(self) -> int:
        """Memory held as long as the frame is kept, bytes."""
        return sum(plane.buffer_size for plane in self.frame.planes)

    def bgr(self, size: int) -> np.ndarray:
        """As `_conversion.bgr`."""
        return conversion.bgr(self.frame, size, self.aspect)

    @property
    def grey(self) -> np.ndarray:
        """As `_conversion.grey`."""
        return conversion.grey(self.frame)

    def jpeg(self, size: int) -> None:
        """A frame of a video is no JPEG that could be passed on."""


Place = tuple[int, av.VideoFrame | None]  # when it is shown, ticks, and its frame, unless that was lost


def opened(path: Path | bytes) -> tuple[av.container.InputContainer, av.VideoStream]:
    """The file, or the file with these bytes, to be closed, and its video.

    Raises:
        Unreadable: it is no video, or has none but attached pictures (the cover of an audio file).
    """
    try:
        if isinstance(path, bytes):
            container = av.open(io.BytesIO(path), options=_OPTIONS | {"protocol_whitelist": "none"}, **_LENIENT)
        else:  # an absolute path cannot be taken for a protocol ("concat:...")
            container = av.open(str(path.absolute()), options=_OPTIONS, **_LENIENT)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(f"not a video that can be opened: {one_line(error)}") from error
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream) or stream.codec_context is None:
        container.close()
        raise Unreadable("the file has no video stream that can be decoded")
    if stream.disposition & Disposition.attached_pic:  # libav takes one only where there is no other
        container.close()
        raise Unreadable("the file has no video, only an attached picture such as a cover")
    stream.codec_context.thread_count = 1  # clips go through several threads already
    stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    return container, stream


def aspect(stream: av.VideoStream) -> float:
    """Width to height of a pixel as the file says, unless that is absurd."""
    said = float(stream.sample_aspect_ratio or 1)
    return said if 1 / 8 <= said <= 8 else 1.0


def unit(stream: av.VideoStream) -> Fraction:
    """Length of a tick, s."""
    return stream.time_base or Fraction(1)


def packets(container: av.container.InputContainer, stream: av.VideoStream, problems: list[str]) -> Iterator[av.Packet]:
    """The video's packets as they lie in the file, as far as it can be read."""
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError) as error:
        problems.append(one_line(error))


def decoded(packet: av.Packet, problems: list[str]) -> list[av.VideoFrame] | None:
    """The frames that come out when `packet` goes into the decoder; None if it fails."""
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except (av.FFmpegError, OSError, ValueError) as error:
        problems.append(one_line(error))
        return None


class _Clock:
    """When each picture is shown, ticks: as it says itself, as long as that does not go back."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        rate = stream.average_rate or stream.guessed_rate
        self._step = round(1 / rate / unit(stream)) if rate else 0
        self._by_turn = container.format.name in NUMBERED
        self._shift = 0
        self._last: int | None = None

    def read(self, frame: av.VideoFrame) -> int:
        turn, last, step = frame.dts, self._last, frame.duration or self._step
        own = turn if self._by_turn else frame.pts
        if last is None:
            self._last = own or 0
        elif own is None:
            self._last = last + step
        elif own + self._shift >= last:
            self._last = own + self._shift
        elif turn is not None and turn + self._shift >= last:  # stamped in the order of storing, not of showing
            self._last = turn + self._shift
        else:  # stamps start anew, as where takes were joined: time goes on
            self._last = last + step
            self._shift = self._last - own
        return self._last


def places(container: av.container.InputContainer, stream: av.VideoStream, problems: list[str]) -> Iterator[Place]:
    """The video's places in order, from the first picture that comes out; libav's complaints go to `problems`.

    A packet that fails to decode is a place without a frame. One that gives no picture without failing is none:
    it was never to be shown, or needs a key frame that is not there.
    """
    clock, lost = _Clock(container, stream), list[int | None]()
    now: int | None = None
    for packet in packets(container, stream, problems):
        frames = decoded(packet, problems)
        if frames is None and packet.size and not packet.is_discard:
            lost.append(packet.pts)
        for frame in frames or []:
            if lost:
                due = [at for at in lost if at is None or frame.pts is None or at < frame.pts]
                lost = [at for at in lost if at not in due]
                yield from ((now, None) for _ in due if now is not None)
            now = clock.read(frame)
            yield now, frame
    yield from ((now, None) for _ in lost if now is not None)


def shots(path: Path | bytes, problems: list[str]) -> Iterator[Shot]:
    """The frames of the video `path` (or with these bytes) in the decoder's order, on one thread, one held at a time.

    Frames that cannot be decoded, or that the decoder marks as damaged, are left out: their indices do
    not appear, and libav's reasons are appended to `problems`. Never raises for the file's content.
    """
    try:
        container, stream = opened(path)
    except Unreadable as error:
        problems.append(str(error))
        return
    with closing(container):
        tick, square, first = unit(stream), aspect(stream), 0
        for index, (ticks, frame) in enumerate(places(container, stream, problems)):
            first = ticks if index == 0 else first
            if frame is None:
                continue
            if frame.is_corrupt:
                problems.append("the decoder marks the frame as damaged")
            else:
                yield Shot(index, (ticks - first) * tick.numerator / tick.denominator, frame, square)
