"""Key frames altered on purpose: by Pillow's and SciPy's formulas, as sent, and not at all unless asked."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from fer_helpers.corpora.demo.renderer import Identity, Light, Pose, render
from fer_helpers.frames._alterations import altered
from fer_helpers.frames.extraction import extract
from tests.support.corpora import load_folder
from tests.support.media import read_jpeg, write_picture

PICTURE = np.random.default_rng(1).integers(0, 256, (80, 120, 3), np.uint8)


def pillow():
    return Image.fromarray(PICTURE[..., ::-1])


def assert_alike(found, expected, levels):
    assert np.abs(found.astype(float) - expected).max() <= levels


def test_grey_is_pillows_luma_in_all_three_channels():
    found = altered(PICTURE, True, 1.0, 0.0)
    assert_alike(found, np.asarray(pillow().convert("L"))[..., None], 1)
    assert (found == found[..., :1]).all()


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.5, 3.0])
def test_brightness_is_pillows(factor):
    expected = np.asarray(ImageEnhance.Brightness(pillow()).enhance(factor))[..., ::-1]
    assert_alike(altered(PICTURE, False, factor, 0.0), expected, 1)


@pytest.mark.parametrize("share", [0.003, 0.01, 0.05])
def test_blur_is_scipys_gaussian_in_shares_of_the_longer_side(share):
    """120 pixels wide, so 0.01 is a standard deviation of 1.2 pixels."""
    sigma = share * 120
    expected = gaussian_filter(PICTURE.astype(float), (sigma, sigma, 0), mode="mirror", truncate=3)
    assert_alike(altered(PICTURE, False, 1.0, share), expected, 2)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """One face as PNG, once more as JPEG."""
    folder = tmp_path_factory.mktemp("corpus")
    face = render({}, Identity(seed=3), Pose(), Light(), 400)
    write_picture(folder / "a.png", face)
    write_picture(folder / "b.jpg", face)
    return folder


def key_frames(corpus, out, **how):
    table = extract(load_folder(corpus, pictures_as="clips"), corpus, out, **how)
    assert set(table["status"]) == {"ok"}
    return [(out / path).read_bytes() for path in table["path"]]


def test_by_default_key_frames_are_the_bytes_they_were(corpus, tmp_path):
    """OpenCV's JPEG of quality 90, and a JPEG picture's own bytes."""
    expected = cv2.imencode(".jpg", cv2.imread(str(corpus / "a.png")), [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()
    assert key_frames(corpus, tmp_path) == [expected, (corpus / "b.jpg").read_bytes()]


@pytest.mark.parametrize("how", [{"grey": True}, {"brightness": 0.5}, {"blur": 0.02}, {"quality": 20}], ids=str)
@pytest.mark.parametrize(("size", "face_crop"), [(512, "none"), (64, "haar")])
def test_every_kind_of_key_frame_is_altered(corpus, tmp_path, how, size, face_crop):
    """A JPEG picture is passed on as it is only where nothing is to be altered; else a sweep would find no effect."""
    plain = key_frames(corpus, tmp_path / "plain", size=size, face_crop=face_crop)
    changed = key_frames(corpus, tmp_path / "changed", size=size, face_crop=face_crop, **how)
    for before, after in zip(plain, changed, strict=True):
        assert before != after
        first, second = (cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in (before, after))
        assert first.shape == second.shape
        if "quality" not in how:
            expected = altered(first, how.get("grey", False), how.get("brightness", 1), how.get("blur", 0))
            assert np.abs(second.astype(float) - expected).mean() < 2


def test_the_same_blur_of_a_smaller_key_frame_is_the_smaller_picture_of_the_blurred_one(corpus, tmp_path):
    large, small = (
        read_jpeg(next((tmp_path / str(size)).rglob("*.jpg")))
        for size in (512, 128)
        if key_frames(corpus, tmp_path / str(size), blur=0.03, quality=95, size=size)
    )
    assert_alike(cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA), small, 12)
