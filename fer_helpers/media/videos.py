"""Videos on disk, and any clip's length and size: read without decoding it all, then frame by frame.

Media files are untrusted. libav may only use the demuxers and the protocol named here, because others
(playlists, `concat` scripts) open further files that their text names, whatever the file's suffix says.
A frame's place in its video comes from the packets' time stamps, not from counting what the decoder
delivers, so that one frame lost to damage does not shift the numbers of all that follow.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np

from fer_helpers.errors import one_line
from fer_helpers.media import _conversion as conversion
from fer_helpers.media.images import PICTURE_SUFFIXES, Unreadable, picture_size, pictures_in

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".flv"})
_OPTIONS = {
    "format_whitelist": "mov,mp4,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv",
    "protocol_whitelist": "file",
}
# A title in another encoding than UTF-8 must not lose the clip; PyAV 19 is lenient by itself, and lost the argument.
_LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
_MOST_PIXELS = 2**26  # of a frame, twice those of 8K: a damaged header must not claim the machine's memory
# Containers that stamp every frame with the time it is shown. The others (AVI, MPEG) number the frames in
# the order they are stored at a constant rate, or stamp only some.
_STAMPED = ("mov", "matroska", "flv")


@dataclass(frozen=True)
class Probe:
    """What a file holds: size as shown (upright), length, and for a video when each frame is shown."""

    n_frames: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    times: np.ndarray = field(default_factory=lambda: np.empty(0))  # s from the first frame, ascending
    status: str = "ok"
    reason: str | None = None


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


def probe(path: Path, root: Path) -> Probe:
    """What the video, picture or folder of pictures `path` of the corpus `root` holds; errors are in it.

    Only the packets of a video are read and its first frame decoded (the one place where PyAV tells the
    rotation), and only the header of a picture; of a picture folder, the first picture's that has one.
    """
    try:
        if path.is_dir():
            return _probe_pictures(pictures_in(path, root))
        if path.stat().st_size == 0:
            return Probe(status="empty", reason="the file has no bytes")
        if path.suffix.lower() in PICTURE_SUFFIXES:
            width, height = picture_size(path)
            return Probe(n_frames=1, duration_s=0.0, width=width, height=height)
        return _probe_video(path)
    except Unreadable as error:
        return Probe(status="unreadable", reason=str(error))
    except OSError as error:
        return Probe(status="unreadable", reason=one_line(error))


def _probe_pictures(pictures: list[Path]) -> Probe:
    if not pictures:
        return Probe(status="empty", reason="the folder has no picture")
    for picture in pictures:
        with suppress(Unreadable):
            width, height = picture_size(picture)
            return Probe(n_frames=len(pictures), width=width, height=height)
    return Probe(status="unreadable", reason=f"none of the folder's {len(pictures)} pictures can be read")


class _Clock:
    """Places frames in the order and at the times they are shown, from the packets read so far.

    A decoder hands out a frame only after every packet that is shown earlier has been read, so the
    packets read so far always suffice for the frames decoded so far.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self.stamped = container.format.name.startswith(_STAMPED)
        self.unit = stream.time_base or Fraction(1)
        self.stamps: list[int] = []
        self.delivered = 0

    def read(self, packet: av.Packet) -> None:
        if not packet.size or packet.is_discard:  # discard: cut away by the file's edit list, never shown
            return
        stamps = (packet.pts, packet.dts) if self.stamped else (packet.dts, packet.pts)
        known = [s for s in stamps if s is not None]
        insort(self.stamps, known[0] if known else (self.stamps[-1] + 1 if self.stamps else 0))

    def place(self, frame: av.VideoFrame) -> int:
        in_order = self.delivered
        self.delivered += 1
        if not self.stamped or frame.pts is None:
            return in_order
        return bisect_left(self.stamps, frame.pts)

    def time_s(self, index: int) -> float:
        stamp = self.stamps[min(index, len(self.stamps) - 1)]
        return (stamp - self.stamps[0]) * self.unit.numerator / self.unit.denominator


def _open(path: Path) -> tuple[av.container.InputContainer, av.VideoStream]:
    try:
        # An absolute path cannot be taken for a protocol ("concat:...").
        container = av.open(str(path.absolute()), options=_OPTIONS, **_LENIENT)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise Unreadable(f"not a video that can be opened: {one_line(error)}") from error
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream) or stream.codec_context is None:
        container.close()
        raise Unreadable("the file has no video stream that can be decoded")
    stream.codec_context.thread_count = 1  # clips go through several threads already
    stream.codec_context.options = {"max_pixels": str(_MOST_PIXELS)}
    return container, stream


def _aspect(stream: av.VideoStream) -> float:
    """Width to height of a pixel as the file says, unless that is absurd."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 1 / 8 <= aspect <= 8 else 1.0


def _packets(container: av.container.InputContainer, stream: av.VideoStream, problems: list[str]) -> Iterator:
    try:
        yield from container.demux(stream)
    except (av.FFmpegError, OSError) as error:
        problems.append(one_line(error))


def _decoded(packet: av.Packet, problems: list[str]) -> list[av.VideoFrame]:
    try:
        return [frame for frame in packet.decode() if isinstance(frame, av.VideoFrame)]
    except (av.FFmpegError, OSError, ValueError) as error:
        problems.append(one_line(error))
        return []


def _probe_video(path: Path) -> Probe:
    container, stream = _open(path)
    problems: list[str] = []
    last, n_packets = 0, 0
    size: tuple[int, int] | None = None
    with closing(container):
        clock = _Clock(container, stream)
        for packet in _packets(container, stream, problems):
            clock.read(packet)
            n_packets += bool(packet.size)
            if clock.stamped and clock.stamps and packet.pts == clock.stamps[-1]:
                last = packet.duration or 0
            for frame in [] if size else _decoded(packet, problems):
                size = conversion.shown_size(frame, _aspect(stream))
        rate, promised = stream.average_rate, stream.frames if clock.stamped else 0
    if not clock.stamps:
        return Probe(status="empty", reason="the video stream has no frames")
    if size is None:
        raise Unreadable(f"no frame can be decoded: {problems[0] if problems else 'no key frame'}")
    missing = f"the file holds {n_packets} of the {promised} frames it lists" if n_packets < promised else None
    times = np.array([clock.time_s(i) for i in range(len(clock.stamps))])
    ticks = clock.stamps[-1] - clock.stamps[0] + _shown_for(clock.stamps, last, rate, clock.unit)
    duration = ticks * clock.unit
    fps = float(len(times) / duration) if duration else None
    return Probe(len(times), float(duration), fps, *size, times, reason=missing)


def _shown_for(stamps: list[int], last: int, rate: Fraction | None, unit: Fraction) -> Fraction:
    """Ticks the last frame is shown: as its packet says, else as long as most, else as the rate says."""
    if last > 0:
        return Fraction(last)
    if len(stamps) > 1:
        return Fraction(median(b - a for a, b in pairwise(stamps)))
    return 1 / rate / unit if rate else Fraction(0)


def shots(path: Path, problems: list[str]) -> Iterator[Shot]:
    """The frames of the video `path` in the order they are shown, decoded on one thread, one held at a time.

    Frames that cannot be decoded, or that the decoder marks as damaged, are left out: their indices do
    not appear, and libav's reasons are appended to `problems`. Never raises for the file's content.
    """
    try:
        container, stream = _open(path)
    except Unreadable as error:
        problems.append(str(error))
        return
    with closing(container):
        clock, aspect = _Clock(container, stream), _aspect(stream)
        for packet in _packets(container, stream, problems):
            clock.read(packet)
            for frame in _decoded(packet, problems):
                index = clock.place(frame)
                if frame.is_corrupt:
                    problems.append("the decoder marks the frame as damaged")
                else:
                    yield Shot(index, clock.time_s(index), frame, aspect)
