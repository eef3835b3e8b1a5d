"""Mosaics: where each key frame lies, and that none is enlarged, turned or lost."""

import cv2
import numpy as np
import pytest

from fer_helpers.frames import mosaic
from fer_helpers.media.images import decode_picture


def jpeg(level, width=40, height=20):
    return cv2.imencode(".jpg", np.full((height, width, 3), level, np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("n", "columns", "rows"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2), (9, 3, 3), (10, 4, 3)]
)
def test_the_grid_is_nearly_square_and_holds_all(n, columns, rows):
    assert mosaic.mosaic_grid([(40, 20)] * n) == (columns, rows, 40, 20)


def test_a_mosaic_of_large_frames_fits_its_side():
    columns, rows, width, height = mosaic.mosaic_grid([(1280, 720)] * 5)
    assert (columns * width, rows * height) == (1023, 384)  # 341 x 192 each, 1280:720 but for rounding


def test_key_frames_lie_in_the_order_of_reading():
    sheet = decode_picture(mosaic.mosaic_of([jpeg(0), jpeg(60), jpeg(250)]))
    assert sheet.shape == (40, 80, 3)
    middles = [int(sheet[y, x].mean()) for y, x in ((10, 20), (10, 60), (30, 20), (30, 60))]
    assert middles == pytest.approx([0, 60, 250, 128], abs=3)  # the fourth cell is empty


def test_a_smaller_frame_is_centred_and_not_enlarged():
    sheet = decode_picture(mosaic.mosaic_of([jpeg(0), jpeg(250, width=20, height=10)]))
    assert sheet.shape == (20, 80, 3)
    right = sheet[:, 40:].mean(axis=2)
    assert right[10, 20] == pytest.approx(250, abs=4)
    assert right[2, 3] == pytest.approx(128, abs=4)


def test_the_same_frames_make_the_same_bytes():
    parts = [jpeg(level) for level in (10, 90, 200)]
    assert mosaic.mosaic_of(parts) == mosaic.mosaic_of(parts)
