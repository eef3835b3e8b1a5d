"""What a clip's file holds, read without decoding all of it where that can be known otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import median

import av
import numpy as np

from fer_helpers.errors import one_line
from fer_helpers.media import _conversion as conversion
from fer_helpers.media import _light as light
from fer_helpers.media import animations, images, videos
from fer_helpers.media.images import Unreadable

NOTE = "note: "  # how a reason begins that is worth knowing and no fault of the file
# Their packets hold one picture each, in containers that stamp every packet with the time it is shown.
_ONE_EACH = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mjpeg", "prores", "ffv1"})
_STAMPED = ("mov", "matroska")
_SIGNATURES = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"BM": "a BMP picture",
    b"ID3": "an MP3",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"#EXTM3U": "a playlist",
    b"<": "a web page",
}


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
    notes: tuple[str, ...] = ()  # what is worth knowing, and no fault


def probe(path: Path, root: Path) -> Probe:
    """What the video, picture or folder of pictures `path` of the corpus `root` holds; errors are in it.

    Only the packets of a video are read and its first frame decoded, unless they do not tell how many pictures
    come out, and when; then it is decoded. Of a picture the header is read; of a picture folder, the first
    picture's that has one.
    """
    try:
        if path.is_dir():
            return _probe_pictures(images.pictures_in(path, root))
        if path.stat().st_size == 0:
            return Probe(status="empty", reason="the file has no bytes")
        return _probe_picture(path) if images.is_pictures(path) else _probe_video(path)
    except Unreadable as error:
        return Probe(status="unreadable", reason=str(error))
    except OSError as error:
        return Probe(status="unreadable", reason=one_line(error))


def _probe_picture(path: Path) -> Probe:
    header = images.header(path)
    if header.is_animated:
        *starts, end = accumulate(animations.durations(path), initial=0.0)
        return Probe(len(starts), end, len(starts) / end, *header.shown, np.array(starts), notes=("animated picture",))
    notes: tuple[str, ...] = ()
    if header.kind == "JPEG" and images.lacks_end(path):
        images.decode_picture(path.read_bytes())
        notes = ("the JPEG lacks its end marker; its pixels are whole",)
    return Probe(n_frames=1, duration_s=0.0, width=header.shown[0], height=header.shown[1], notes=notes)


def _probe_pictures(pictures: list[Path]) -> Probe:
    if not pictures:
        return Probe(status="empty", reason="the folder has no picture")
    for picture in pictures:
        with suppress(Unreadable):
            width, height = images.header(picture).shown
            return Probe(n_frames=len(pictures), width=width, height=height)
    return Probe(status="unreadable", reason=f"none of the folder's {len(pictures)} pictures can be read")


# --- videos ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stamp:
    """What matters of a packet for the order of pictures."""

    pts: int | None
    dts: int | None
    duration: int
    is_key: bool
    unseen: bool  # cut away by an edit list, or never to be shown


def _stamp(packet: av.Packet, codec: str) -> _Stamp:
    unseen = packet.is_discard or (codec in ("vp8", "vp9") and _hidden(memoryview(packet), codec))
    return _Stamp(packet.pts, packet.dts, packet.duration or 0, packet.is_keyframe, unseen)


def _hidden(data: memoryview, codec: str) -> bool:
    """Whether a VP8 or VP9 packet holds only a picture to predict from (RFC 6386, 9.1; VP9 bitstream, 6.2, annex B)."""
    if codec == "vp8":
        return not data[0] & 0x10
    several_or_shown_again = data[-1] & 0xE0 == 0xC0 or data[0] & 0x08
    return not several_or_shown_again and not data[0] & 0x02


@dataclass(frozen=True)
class _Video:
    """A video as its packets and its first picture tell."""

    container: str
    suffix: str
    codec: str
    tick: Fraction  # s
    rate: Fraction | None
    starts_at: float  # s, of the file
    size: tuple[int, int]
    first: av.VideoFrame
    clean: bool  # nothing failed before the first picture
    reorders: bool
    stamps: list[_Stamp]
    n_cut_off: int  # packets that the file lists and does not hold
    broken: str | None  # why the file could not be read to its end


def _probe_video(path: Path) -> Probe:
    try:
        video = _looked_at(path)
    except Unreadable as error:
        raise Unreadable(f"{error}{_what_it_is(path)}") from error
    if video is None:
        return Probe(status="empty", reason="the video stream has no frames")
    if video.container in _STAMPED and video.codec in _ONE_EACH and video.clean and _told_by(video):
        ticks = sorted(stamp.pts for stamp in video.stamps if stamp.pts is not None)
        last = max(video.stamps, key=lambda stamp: stamp.pts or 0).duration
    else:
        ticks, last = _decoded_through(path)
    times = np.array([float((at - ticks[0]) * video.tick) for at in ticks])
    duration = float((ticks[-1] - ticks[0] + _shown_for(ticks, last, video)) * video.tick)
    fps = len(times) / duration if duration and (len(times) == 1 or times[-1]) else None
    notes = tuple(_notes(video, times, ticks[0]))
    return Probe(len(times), duration, fps, *video.size, times, reason=_losses(video, ticks), notes=notes)


def _looked_at(path: Path) -> _Video | None:
    container, stream = videos.opened(path)
    broken: list[str] = []
    problems: list[str] = []
    stamps: list[_Stamp] = []
    first, clean = None, True
    with closing(container):
        codec = stream.codec.canonical_name
        for packet in videos.packets(container, stream, broken):
            if packet.size:
                stamps.append(_stamp(packet, codec))
            if first is None:
                clean = not problems
                first = next(iter(videos.decoded(packet, problems) or []), None)
        if not stamps:
            return None
        if first is None:
            raise Unreadable(f"no frame can be decoded: {[*problems, *broken, 'no key frame'][0]}")
        kind = container.format.name.split(",")[0]
        starts_at = 0.0 if kind in _STAMPED else (container.start_time or 0) / av.time_base
        return _Video(
            kind, path.suffix.lower(), codec, videos.unit(stream), stream.average_rate, starts_at,
            conversion.shown_size(first, videos.aspect(stream)), first, clean,
            bool(stream.codec_context.has_b_frames), stamps,
            max(0, len(stream.index_entries) - len(stamps)) if kind == "mov" else 0,
            broken[0] if broken else None,
        )  # fmt: skip


def _told_by(video: _Video) -> bool:
    """Whether the packets tell what comes out, and when: each holds one picture, stamped once, in closed groups."""
    stamps = video.stamps
    shown = [stamp.pts for stamp in stamps if stamp.pts is not None]
    if len(set(shown)) < len(stamps) or any(stamp.unseen for stamp in stamps) or video.first.interlaced_frame:
        return False
    if video.reorders and shown == sorted(shown):  # stamped in the order of storing?
        return False
    latest = list(accumulate(shown, max))
    earliest = list(accumulate(reversed(shown), min))[::-1]
    keys = [i for i, stamp in enumerate(stamps) if stamp.is_key]
    closed = all(earliest[i] == shown[i] == latest[i] for i in keys)
    return keys[:1] == [0] and closed and video.first.pts == shown[0]


def _decoded_through(path: Path) -> tuple[list[int], int]:
    """When each picture is shown and how long the last one is, ticks."""
    container, stream = videos.opened(path)
    ticks: list[int] = []
    last = 0
    with closing(container):
        for at, frame in videos.places(container, stream, []):
            ticks.append(at)
            last = frame.duration if frame else last
    return ticks, last


def _shown_for(ticks: list[int], last: int, video: _Video) -> Fraction:
    """Ticks the last frame is shown: as the file says, else as long as most, else as the rate says."""
    if last > 0:
        return Fraction(last)
    usual = Fraction(median(b - a for a, b in pairwise(ticks))) if len(ticks) > 1 else Fraction(0)
    return usual or (1 / video.rate / video.tick if video.rate else Fraction(0))


def _losses(video: _Video, ticks: list[int]) -> str | None:
    """What the file has lost, and at which end."""
    stamped = video.container not in videos.NUMBERED
    before = sum(stamped and s.pts is not None and not s.unseen and s.pts < ticks[0] for s in video.stamps)
    said = []
    if before:
        said.append(f"the beginning is lost: {before} frames lack the key frame they need")
    if video.n_cut_off:
        said.append(
            f"the end is lost: the file holds {len(ticks)} of the {len(ticks) + video.n_cut_off} frames it lists"
        )
    elif video.broken and video.container == "matroska":
        said.append(f"the file is damaged or cut: {video.broken}")
    return "; ".join(said) or None


def _notes(video: _Video, times: np.ndarray, first: int) -> Iterator[str]:
    name, suffixes = videos.CONTAINERS.get(video.container, (video.container, ()))
    if video.suffix not in suffixes:
        yield f"{name} file named {video.suffix}"
    if converted := light.converted(video.first):
        yield converted
    if video.first.interlaced_frame:
        yield "interlaced: frames may show two moments at once"
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    if (steps == 0).any():
        yield f"{(steps == 0).sum()} frames have the time stamp of the one before"
    elif (abs(steps - usual) > 0.002 + usual / 4).any():
        yield "variable frame rate"
    late = first * float(video.tick) - video.starts_at
    if abs(late) > max(usual, 0.001) and video.container not in videos.NUMBERED:
        yield f"the first frame is shown {abs(late):.3f} s {'after' if late > 0 else 'before'} the file's start"


def _what_it_is(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(8).lstrip()
    return next((f"; it looks like {what}" for start, what in _SIGNATURES.items() if head.startswith(start)), "")
