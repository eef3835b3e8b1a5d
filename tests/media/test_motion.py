"""Motion energy and distance from the start, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fer_helpers.media.motion import Curve, of_clip
from tests.support.media import write_picture, write_video


def flat(*levels: int) -> Curve:
    curve = Curve()
    for index, level in enumerate(levels):
        curve.add(index, np.full((64, 64), level, np.uint8))
    return curve


def test_motion_energy_by_hand(tmp_path):
    """Grey levels 10, 10, 40, 40: differences 0, 0, 30, 0; means over three frames 0, 10, 10, 15."""
    for index, level in enumerate([10, 10, 40, 40]):
        write_picture(tmp_path / f"{index}.png", np.full((20, 30, 3), level, np.uint8))
    assert of_clip(tmp_path, tmp_path, 0, 4).energy(4).tolist() == pytest.approx([0, 10, 10, 15])
    assert flat(10, 10, 40, 40).energy(4).tolist() == pytest.approx([0, 10, 10, 15])


def test_motion_energy_of_a_video(tmp_path):
    video = write_video(tmp_path / "v.mp4", [np.full((64, 64, 3), level, np.uint8) for level in [50] * 5 + [150] * 5])
    energy = of_clip(video, tmp_path, 0, 10).energy(10)
    assert energy.shape == (10,)
    assert energy[[4, 5, 6]] == pytest.approx(100 / 3, abs=2)
    assert energy[[0, 1, 2, 8, 9]] == pytest.approx(0, abs=1)


def test_a_piece_of_a_video_does_not_move_against_the_piece_before(tmp_path):
    video = write_video(tmp_path / "v.mp4", [np.full((64, 64, 3), level, np.uint8) for level in [50] * 5 + [150] * 5])
    assert of_clip(video, tmp_path, 5, 5).energy(5) == pytest.approx(np.zeros(5), abs=1)


def test_key_frames_apart_move_by_the_mean_of_both_sides():
    """Levels 10, 30, 90: differences 20 and 60."""
    assert flat(10, 30, 90).beside() == {0: 20.0, 1: 40.0, 2: 60.0}
    assert flat(10).beside() == {}


def test_frames_that_were_not_added_are_still():
    curve = Curve()
    curve.add(1, np.full((64, 64), 10, np.uint8))
    curve.add(3, np.full((64, 64), 40, np.uint8))
    assert curve.energy(5).tolist() == pytest.approx([0, 0, 10, 10, 15])
