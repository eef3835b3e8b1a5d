"""Small videos and pictures whose frames say in black and white bars which frame they are."""

from __future__ import annotations

from collections.abc import Sequence
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
