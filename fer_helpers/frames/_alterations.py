"""Key frames altered on purpose, to see whether labels withstand it; pure."""

from __future__ import annotations

import cv2
import numpy as np


def altered(picture: np.ndarray, grey: bool, brightness: float, blur: float) -> np.ndarray:
    """`picture` without colour, brighter or darker, and out of focus; itself where nothing is to be altered.

    Args:
        picture: shape (height, width, 3), uint8 BGR sRGB, as large as it will be sent.
        grey: every pixel gets its luma, 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, which JPEG uses).
        brightness: each sRGB value v becomes v × brightness, rounded, at most 255; 1 changes nothing.
        blur: standard deviation of a Gaussian filter as a share of the picture's longer side, so that its effect does
            not depend on the size; cut off at three standard deviations, the picture mirrored at its edge.
    """
    if grey:
        picture = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    if brightness != 1:
        picture = cv2.convertScaleAbs(picture, alpha=brightness)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur * max(picture.shape[:2]))
    return picture
