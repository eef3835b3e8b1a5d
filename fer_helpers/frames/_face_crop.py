"""The face in a picture, found by OpenCV's Haar cascade or YuNet, and the square around it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import cv2
import numpy as np

from fer_helpers.errors import ParamsError, one_line
from fer_helpers.media import fitted
from fer_helpers.paths import resolve

DETECTORS = ("none", "haar", "yunet")
FACES = ("largest", "central")
_LONGEST = 640  # pixels; larger pictures are searched in a smaller copy, for speed
_SAME = 0.5  # intersection over union from which boxes in neighbouring key frames are one face's
_LOCAL = threading.local()  # a detector keeps state while it searches: one a thread


@dataclass(frozen=True)
class Face:
    """A face box in pixels of the picture searched, and the detector's score (larger is surer)."""

    x: float
    y: float
    w: float
    h: float
    score: float


def check_detector(detector: str, weights: str) -> None:
    """See that `detector` can be used before any work.

    Raises:
        ParamsError: it is unknown, or YuNet's weights are missing or no model.
    """
    if detector not in DETECTORS:
        raise ParamsError(f"face crop {detector!r} is unknown: use one of {', '.join(DETECTORS)}")
    if detector == "yunet":
        if not weights or not resolve(weights).is_file():
            raise ParamsError(
                f"face_crop yunet needs face_weights, and {weights!r} is not a file: give the path of "
                "face_detection_yunet_2023mar.onnx from OpenCV's model zoo"
            )
        try:
            _yunet(weights)
        except cv2.error as error:
            raise ParamsError(f"face_weights {weights!r} cannot be loaded by OpenCV: {one_line(error)}") from error


def _yunet(weights: str) -> cv2.FaceDetectorYN:
    if getattr(_LOCAL, "weights", None) != weights:
        # The threshold of the model's own demonstration, 0.9, misses faces at an angle.
        _LOCAL.yunet = cv2.FaceDetectorYN.create(str(resolve(weights)), "", (_LONGEST, _LONGEST), score_threshold=0.7)
        _LOCAL.weights = weights
    return _LOCAL.yunet


def _by_yunet(picture: np.ndarray, weights: str) -> list[Face]:
    detector = _yunet(weights)
    detector.setInputSize(picture.shape[1::-1])
    _, found = detector.detect(picture)
    # A row: x, y, width, height, five landmarks, score.
    return [Face(*map(float, (*row[:4], row[-1]))) for row in ([] if found is None else found)]


def _by_haar(picture: np.ndarray, _: str) -> list[Face]:
    if not hasattr(_LOCAL, "cascade"):
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        _LOCAL.cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_default.xml"))
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    boxes, _, scores = _LOCAL.cascade.detectMultiScale3(grey, scaleFactor=1.1, minNeighbors=5, outputRejectLevels=True)
    return [Face(*map(float, (*box, score))) for box, score in zip(boxes, scores, strict=True)]


_FIND = {"haar": _by_haar, "yunet": _by_yunet}


def find_faces(picture: np.ndarray, detector: str, weights: str = "") -> list[Face]:
    """All faces in `picture` (uint8 BGR), in its own pixels, in an order that is always the same.

    Args:
        detector: "haar" (Viola & Jones 2001, "Rapid object detection using a boosted cascade of simple
            features", CVPR, as trained by Lienhart and shipped with OpenCV: haarcascade_frontalface_default,
            scale 1.1, 5 neighbours), whose score is the sum of the last stage over its threshold, good to
            rank and no probability; or "yunet" (Wu et al. 2023, "YuNet: a tiny millisecond-level face
            detector", Machine Intelligence Research 20:656-665), whose score is 0-1 and kept from 0.7.
        weights: YuNet's ONNX file.
    """
    height, width = picture.shape[:2]
    small = cv2.resize(picture, fitted(width, height, _LONGEST), interpolation=cv2.INTER_AREA)
    across, down = width / small.shape[1], height / small.shape[0]
    found = [
        Face(face.x * across, face.y * down, face.w * across, face.h * down, face.score)
        for face in _FIND[detector](small, weights)
    ]
    # YuNet gives boxes of infinities and NaN in very small or narrow pictures: no faces.
    found = [face for face in found if np.isfinite(astuple(face)).all()]
    # OpenCV's threads find them in any order.
    return sorted(found, key=lambda face: (face.x, face.y, face.w, face.h))


def pick(faces: Sequence[Face], which: str, width: int, height: int) -> Face | None:
    """The largest of `faces`, or the one whose middle is nearest to that of a `width` x `height` picture."""

    def off_centre(face: Face) -> float:
        return (face.x + face.w / 2 - width / 2) ** 2 + (face.y + face.h / 2 - height / 2) ** 2

    if which == "central":
        return min(faces, key=off_centre, default=None)
    return max(faces, key=lambda face: face.w * face.h, default=None)


def steadied(face: Face, neighbours: Sequence[Face]) -> Face:
    """`face` with the median box of its own and those of its neighbouring key frames that show the same face.

    A detector's box jumps from frame to frame more than a head does. A box that overlaps by less than half
    (intersection over union) is another face or a real movement, and has no say.
    """
    boxes = [(face.x, face.y, face.w, face.h)]
    boxes += [(other.x, other.y, other.w, other.h) for other in neighbours if _overlap(face, other) >= _SAME]
    x, y, w, h = np.median(boxes, axis=0).tolist()
    return Face(x, y, w, h, face.score)


def _overlap(one: Face, other: Face) -> float:
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one.w * one.h + other.w * other.h - shared)


def crop(picture: np.ndarray, face: Face, margin: float) -> np.ndarray:
    """The square around `face` with `margin` of its longer side on every side, as far as the picture goes."""
    return crop_to_all(picture, [face], margin)


def crop_to_all(picture: np.ndarray, faces: Sequence[Face], margin: float) -> np.ndarray:
    """The smallest part of the picture that holds the squares of all `faces`: one window for a clip that moves."""
    squares = np.array([_square(face, margin) for face in faces])
    (left, top), (right, bottom) = squares[:, :2].min(axis=0).clip(0), squares[:, 2:].max(axis=0)
    return picture[top : max(top + 1, bottom), left : max(left + 1, right)]


def _square(face: Face, margin: float) -> tuple[int, int, int, int]:
    """Left, top, right and bottom, pixels; they may lie outside of the picture."""
    half = max(face.w, face.h) * (0.5 + margin)
    middle_x, middle_y = face.x + face.w / 2, face.y + face.h / 2
    return round(middle_x - half), round(middle_y - half), round(middle_x + half), round(middle_y + half)
