"""Faces: which one is meant, the steadied box, and what a detector needs."""

from __future__ import annotations

import numpy as np
import pytest

from fer_helpers.corpora.demo.renderer import Identity, Light, Pose, render
from fer_helpers.errors import ParamsError
from fer_helpers.frames import _face_crop as face_crop
from fer_helpers.frames._face_crop import Face, check_detector, crop, find_faces, pick, steadied

LARGE, CENTRAL, SMALL = Face(0, 0, 40, 40, 1), Face(90, 40, 20, 20, 2), Face(180, 80, 10, 10, 3)


@pytest.mark.parametrize(("which", "expected"), [("largest", LARGE), ("central", CENTRAL)])
def test_one_of_several_faces_is_meant(which, expected):
    """In a picture of 200 x 100 the middle one is centred, and the one at the corner largest."""
    for faces in ([LARGE, CENTRAL, SMALL], [SMALL, CENTRAL, LARGE]):
        assert pick(faces, which, 200, 100) == expected
    assert pick([], which, 200, 100) is None


def test_a_box_that_jumps_is_drawn_to_its_neighbours():
    box, before, after = (Face(x, 50, w, w, 1) for x, w in [(50, 100), (40, 120), (44, 104)])
    assert steadied(box, [before, after]) == Face(44, 50, 104, 104, 1)  # medians of 40, 44, 50 and 100, 104, 120
    assert steadied(box, [before]) == Face(45, 50, 110, 110, 1)


def test_another_face_has_no_say():
    """Boxes 100 wide, 60 apart: they share 40 x 100 of 16000, which is .25."""
    box = Face(50, 50, 100, 100, 1)
    assert steadied(box, [Face(110, 50, 100, 100, 1), Face(400, 50, 100, 100, 1)]) == box


@pytest.mark.parametrize(("margin", "expected"), [(0, (40, 40, 3)), (0.25, (60, 60, 3)), (2, (80, 160, 3))])
def test_the_margin_is_of_the_longer_side_and_ends_with_the_picture(margin, expected):
    """A box of 20 x 40 whose middle is 60 from the left of 200, and 40 from the top of 80."""
    assert crop(np.zeros((80, 200, 3), np.uint8), Face(50, 20, 20, 40, 1), margin).shape == expected


def test_all_faces_are_found_in_the_same_order():
    scene = np.full((300, 620, 3), 128, np.uint8)
    scene[:, :300], scene[:, 320:] = (render({}, Identity(seed=seed), Pose(), Light(), 300) for seed in (3, 5))
    found = [find_faces(scene, "haar") for _ in range(5)]
    assert len(found[0]) == 2
    assert found[0][0].x < 300 < found[0][1].x
    assert found == [found[0]] * 5


@pytest.mark.parametrize("weights", ["", "missing.onnx"])
def test_yunet_without_its_weights_says_what_to_give(weights):
    with pytest.raises(ParamsError) as error:
        check_detector("yunet", weights)
    assert str(error.value) == (
        f"face_crop yunet needs face_weights, and {weights!r} is not a file: give the path of "
        "face_detection_yunet_2023mar.onnx from OpenCV's model zoo"
    )


def test_weights_that_are_no_model_are_refused_in_one_line(tmp_path):
    (tmp_path / "w.onnx").write_bytes(b"not a model")
    with pytest.raises(ParamsError, match="cannot be loaded by OpenCV") as error:
        check_detector("yunet", str(tmp_path / "w.onnx"))
    assert "\n" not in str(error.value)


def test_a_box_without_a_place_is_no_face(monkeypatch):
    """YuNet gives such boxes in very small or narrow pictures; only one that is a box can be cropped."""
    box = face_crop.Face(1.0, 2.0, 3.0, 4.0, 0.9)
    odd = [face_crop.Face(*values, 0.9) for values in ((np.nan, 0, 1, 1), (0, 0, np.inf, 1), (-np.inf, 0, 1, 1))]
    monkeypatch.setitem(face_crop._FIND, "haar", lambda *_: [*odd, box])
    assert face_crop.find_faces(np.zeros((85, 32, 3), np.uint8), "haar") == [box]
    monkeypatch.setitem(face_crop._FIND, "haar", lambda *_: odd)
    assert face_crop.find_faces(np.zeros((85, 32, 3), np.uint8), "haar") == []
