"""Small videos and pictures whose frames say in black and white bars which frame they are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

BITS, BAR = 6, 16  # six bars of 16 pixels: frames 0-63
WIDTH, HEIGHT = BITS * BAR, 64


def coded(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A BGR picture, (height, width, 3) uint8, with `index` in binary, lowest bit on the left."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        picture[:, bit * width // BITS : (bit + 1) * width // BITS] = 235 if index >> bit & 1 else 20
    return picture


def read_code(picture: np.ndarray) -> int:
    """The index that `coded` drew."""
    height, width = picture.shape[:2]
    columns = [(2 * bit + 1) * width // (2 * BITS) for bit in range(BITS)]
    return sum(int(picture[height // 2, x].mean() > 128) << bit for bit, x in enumerate(columns))


def read_jpeg(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return picture


def write_video(
    path: Path,
    pictures: Sequence[np.ndarray],
    fps: int = 25,
    codec: str = "libx264",
    times_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    container: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    title: str = "",
) -> Path:
    """Encode BGR (or BGRA) `pictures`; with B-frames unless `options` say otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container or {}) as out:
        if title:
            out.metadata["title"] = title
        stream = out.add_stream(codec, rate=fps, options={"bf": "2"} if options is None else options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if times_ms:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "bgra" if picture.shape[2] == 4 else "bgr24")
            if times_ms:
                frame.pts, frame.time_base = times_ms[number], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def write_coded_video(path: Path, n: int = 30, **kwargs: object) -> Path:
    return write_video(path, [coded(i) for i in range(n)], **kwargs)


def write_picture(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, picture)[1].tobytes())
    return path


def turned(source: Path, target: Path, degrees: int, across: bool = False, down: bool = False) -> Path:
    """A copy of the video `source` with the instruction to show it turned counter-clockwise, then mirrored."""
    with av.open(str(source)) as video, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(video.streams.video[0])
        stream.set_display_rotation(degrees, hflip=across, vflip=down)
        for packet in video.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    return target


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF block that holds nothing but its orientation."""
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01" + bytes([0, orientation, 0, 0])
    exif = b"Exif\x00\x00" + tiff + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def remuxed(
    source: Path,
    target: Path,
    change: Callable[[int, av.Packet], Sequence[av.Packet]],
    container: dict[str, str] | None = None,
) -> Path:
    """A copy of the video `source` of whose packets `change` (given number and packet) makes others, or none."""
    with av.open(str(source)) as video, av.open(str(target), "w", options=container or {}) as out:
        stream = out.add_stream_from_template(video.streams.video[0])
        packets = [packet for packet in video.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            for changed in change(number, packet):
                changed.stream = stream
                out.mux(changed)
    return target


def replaced(packet: av.Packet, data: bytes) -> av.Packet:
    """`packet` with other bytes."""
    other = av.Packet(data)
    other.pts, other.dts, other.time_base, other.is_keyframe = (
        packet.pts, packet.dts, packet.time_base, packet.is_keyframe,
    )  # fmt: skip
    return other


def write_levels(path: Path, planes: Sequence[float], pixels: str = "yuv420p10le", n: int = 3, **tags: str) -> Path:
    """A video of one colour, given as the code values of its Y, Cb and Cr, tagged as libav names colour spaces."""
    wide = np.uint16 if "10le" in pixels else np.uint8
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"qp": "0", **tags})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixels
        for _ in range(n):
            frame = av.VideoFrame(64, 64, pixels)
            for plane, level in zip(frame.planes, planes, strict=True):
                plane.update(np.full(plane.buffer_size // wide().itemsize, round(level), wide).tobytes())
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


# --- ICC profiles, as ICC.1:2001-04 lays them out ---------------------------------------------------------


def icc_profile(space: str, tags: dict[str, bytes], link: str = "XYZ ") -> bytes:
    """A profile of version 2 for `space` (RGB, GRAY, CMYK) with `tags`."""
    white = _tag("XYZ ", _fixed(0.9642, 1, 0.8249))
    tags = {"desc": _tag("desc", struct.pack(">I", 5) + b"test\0" + bytes(78)), "wtpt": white, **tags}
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name.encode(), at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s", at + len(body), b"test", 0x02400000, b"mntr", f"{space:4}".encode(), link.encode()
    )
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28) + _fixed(0.9642, 1, 0.8249) + bytes(48)
    return head + table + body


def rgb_profile(columns: Sequence[Sequence[float]], gamma: float) -> bytes:
    """Of an RGB space by its primaries' XYZ, adapted to D50, and its gamma."""
    colorants = {f"{name}XYZ": _tag("XYZ ", _fixed(*xyz)) for name, xyz in zip("rgb", columns, strict=True)}
    return icc_profile("RGB", colorants | {f"{name}TRC": _gamma(gamma) for name in "rgb"})


def grey_profile(gamma: float) -> bytes:
    return icc_profile("GRAY", {"kTRC": _gamma(gamma)})


def cmyk_profile(ink: Sequence[int]) -> bytes:
    """Of a printer whose cyan is `ink`, a Lab colour of 8 bits; two inks at once, and any other, are black."""
    ramp, black = bytes(range(256)), bytes([0, 128, 128])
    nodes = bytes([255, 128, 128]) + black * 7 + bytes(ink) + black * 7
    unit = struct.pack(">9i", *(65536 * (i % 4 == 0) for i in range(9)))
    return icc_profile("CMYK", {"A2B0": _tag("mft1", bytes([4, 3, 2, 0]) + unit + ramp * 4 + nodes + ramp * 3)}, "Lab ")


def _tag(kind: str, data: bytes) -> bytes:
    return kind.encode() + bytes(4) + data


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _gamma(value: float) -> bytes:
    return _tag("curv", struct.pack(">IH", 1, round(value * 256)))
