"""The largest face in a picture, found by OpenCV's frontal Haar cascade, and the square around it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import cv2
import numpy as np

from fer_helpers.media import fitted

MARGIN = 0.25  # of the face's side, on each side: brows, chin and cheeks are often outside the detector's box
_LONGEST = 640  # pixels; larger pictures are searched in a smaller copy, for speed
_LOCAL = threading.local()  # a cascade keeps state while it searches: one a thread


@dataclass(frozen=True)
class Face:
    """A face box in pixels of the picture searched, and the detector's score (larger is surer)."""

    x: float
    y: float
    w: float
    h: float
    score: float


def largest_face(picture: np.ndarray) -> Face | None:
    """The largest frontal face in `picture` (uint8 BGR), or None.

    Viola & Jones 2001 ("Rapid object detection using a boosted cascade of simple features", CVPR), as
    trained by Lienhart and shipped with OpenCV (haarcascade_frontalface_default, scale 1.1, 5 neighbours).
    The score is the sum of the cascade's last stage over its threshold: good to rank, no probability.
    """
    if not hasattr(_LOCAL, "cascade"):
        folder = cv2.data.haarcascades  # type: ignore[attr-defined]
        _LOCAL.cascade = cv2.CascadeClassifier(f"{folder}haarcascade_frontalface_default.xml")
    height, width = picture.shape[:2]
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, fitted(width, height, _LONGEST), interpolation=cv2.INTER_AREA)
    boxes, _, scores = _LOCAL.cascade.detectMultiScale3(grey, scaleFactor=1.1, minNeighbors=5, outputRejectLevels=True)
    # The whole box decides between faces of one size: OpenCV's threads find them in any order.
    found = max(zip(map(tuple, boxes), map(float, scores), strict=True), key=lambda f: (f[0][2:], f), default=None)
    if found is None:
        return None
    (x, y, w, h), score = found
    across, down = width / grey.shape[1], height / grey.shape[0]
    return Face(x * across, y * down, w * across, h * down, score)


def crop(picture: np.ndarray, face: Face) -> np.ndarray:
    """The square around `face` with a margin of 25 % of its side on every side, as far as the picture goes."""
    half = max(face.w, face.h) * (0.5 + MARGIN)
    middle_x, middle_y = face.x + face.w / 2, face.y + face.h / 2
    left, top = max(0, round(middle_x - half)), max(0, round(middle_y - half))
    return picture[top : round(middle_y + half), left : round(middle_x + half)]
