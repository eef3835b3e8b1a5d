"""What the embedded endpoint sees of a video: a few of its frames, as pictures; pure, and on its guard."""

from __future__ import annotations

import cv2

from fer_helpers.frames import evenly_spaced
from fer_helpers.media import Unreadable, shots

SAMPLED = 8  # frames, at the centres of as many equal parts
MOST_FRAMES = 3_600  # two minutes of 30 a second
MOST_PIXELS = 2 * 10**9  # of all frames: 1,000 of full HD
_SIDE = 1024  # pixels of a frame's longer side, at most
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class VideoError(Exception):
    """The bytes are not a video that can be read; the message is fit for the sender."""


def frames_of(data: bytes) -> list[bytes]:
    """SAMPLED frames of the video with these bytes, or all if it has fewer, evenly spaced, as PNG files.

    It is decoded twice, once to count: what a file says of its length may be wrong. The containers are those that
    `media` opens, and no other file is.

    Raises:
        VideoError: it is no video, damaged, or has more frames or pixels than the limits above.
    """
    problems: list[str] = []
    n = pixels = 0
    for n, shot in enumerate(shots(data, problems), 1):
        pixels += shot.frame.width * shot.frame.height
        if n > MOST_FRAMES or pixels > MOST_PIXELS:
            raise VideoError(f"it has more than {MOST_FRAMES:,} frames, or {MOST_PIXELS:,} pixels in all of them")
    if problems or not n:
        raise VideoError("it is damaged, cut off, or no video")
    wanted = set(evenly_spaced(range(n), SAMPLED))
    try:
        return [
            cv2.imencode(".png", shot.bgr(_SIDE), _FAST)[1].tobytes()
            for number, shot in enumerate(shots(data, problems))
            if number in wanted
        ]
    except Unreadable as error:
        raise VideoError(str(error)) from None
