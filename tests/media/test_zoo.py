"""Beside an independent decoder: the same frames in the same order, whatever the codec, container and stamps.

The other decoder is ffmpeg, which shows every picture that comes out, turned as the file says; where there is none
(neither on the path nor from imageio-ffmpeg), OpenCV, whose libav is not PyAV's.
"""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_helpers.media import probe, videos
from tests.support.media import coded, remuxed, turned, write_video

N = 14
B = {"bf": "2", "g": "6"}
X265 = {"x265-params": "keyint=6:min-keyint=6:bframes=2:log-level=none"}
KINDS: dict[str, tuple[str, str, dict[str, str]]] = {  # codec, pixels, options
    "h264.mp4": ("libx264", "yuv420p", B),
    "h264.mov": ("libx264", "yuv422p", B),
    "h264.mkv": ("libx264", "yuv444p10le", B),
    "h264.avi": ("libx264", "yuv420p", B),
    "h264.flv": ("libx264", "yuv420p", B),
    "h264.ts": ("libx264", "yuv420p", B),
    "h264.m2ts": ("libx264", "yuv420p", B),
    "h264.3gp": ("libx264", "yuv420p", {"bf": "0"}),
    "full range.mp4": ("libx264", "yuvj420p", B),
    "hevc.mp4": ("libx265", "yuv420p", X265),
    "hevc.ts": ("libx265", "yuv420p", X265),
    "av1.mp4": ("libsvtav1", "yuv420p", {"svtav1-params": "lookahead=0"}),
    "vp8.webm": ("libvpx", "yuv420p", {"g": "6"}),
    "vp9.webm": ("libvpx-vp9", "yuv420p", {"g": "6"}),
    "mpeg4.avi": ("mpeg4", "yuv420p", B),
    "mpeg4.mp4": ("mpeg4", "yuv420p", B),
    "mpeg2.mpg": ("mpeg2video", "yuv420p", B),
    "mpeg2.vob": ("mpeg2video", "yuv420p", B),
    "mpeg2.m2v": ("mpeg2video", "yuv420p", B),
    "mpeg1.mpeg": ("mpeg1video", "yuv420p", {}),
    "msmpeg4.avi": ("msmpeg4", "yuv420p", {}),
    "wmv2.wmv": ("wmv2", "yuv420p", {}),
    "flv1.flv": ("flv", "yuv420p", {}),
    "huffyuv.avi": ("huffyuv", "yuv422p", {}),
    "ffv1.mkv": ("ffv1", "yuv420p", {}),
    "prores.mov": ("prores_ks", "yuv422p10le", {}),
    "animation.mov": ("qtrle", "rgb24", {}),
    "raw.avi": ("rawvideo", "yuv420p", {}),
    "animated.gif": ("gif", "rgb8", {}),
}
COPIES = ("cut.mkv", "cut.ts", "joined.ts", "zero.mov", "turned.mp4", "trimmed.mp4", "late.mkv")


def ffmpeg() -> str | None:
    if find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    return shutil.which("ffmpeg")


def elsewhere(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """All frames as another decoder shows them: (frames, height, width, 3) uint8 BGR."""
    if exe := ffmpeg():
        args = ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "bgr24", "-"]
        done = subprocess.run([exe, "-v", "quiet", "-i", path, *args], capture_output=True, check=False)
        return np.frombuffer(done.stdout, np.uint8).reshape(-1, *shape)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    return np.stack([frame for _, frame in iter(capture.read, (False, None))])


@pytest.fixture(scope="session")
def zoo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    for name, (codec, pixels, options) in KINDS.items():
        write_video(folder / name, [coded(i) for i in range(N)], codec=codec, pixels=pixels, options=dict(options))
    source = folder / "h264.mp4"

    def shifted(by: int, packet: av.Packet) -> list[av.Packet]:
        packet.pts, packet.dts = packet.pts + by, packet.dts + by
        return [packet]

    def zero(packet: av.Packet) -> list[av.Packet]:
        packet.pts = packet.dts = 0
        return [packet]

    exact = {"avoid_negative_ts": "disabled"}
    remuxed(source, folder / "cut.mkv", lambda i, packet: [packet] if i else [])
    remuxed(source, folder / "cut.ts", lambda i, packet: [packet] if i else [])
    (folder / "joined.ts").write_bytes((folder / "h264.ts").read_bytes() * 2)
    remuxed(folder / "prores.mov", folder / "zero.mov", lambda _, packet: zero(packet))
    turned(source, folder / "turned.mp4", 90)
    remuxed(source, folder / "trimmed.mp4", lambda _, packet: shifted(-512 * 4, packet), exact)
    remuxed(source, folder / "late.mkv", lambda _, packet: shifted(12800 * 3, packet), exact)
    return folder


@pytest.mark.parametrize("name", [*KINDS, *COPIES])
def test_the_same_frames_as_elsewhere(zoo, name):
    shots = list(videos.shots(zoo / name, []))
    found = probe(zoo / name, zoo)
    ours = np.stack([shot.bgr(0) for shot in shots])
    theirs = elsewhere(zoo / name, ours.shape[1:])
    assert found.n_frames == len(ours) == len(theirs)
    assert [shot.index for shot in shots] == list(range(len(theirs)))
    assert found.times.tolist() == pytest.approx([shot.time_s for shot in shots], abs=1e-6)
    apart = np.abs(ours.astype(int) - theirs).mean(axis=(1, 2, 3))
    assert apart.max() < 4, apart
