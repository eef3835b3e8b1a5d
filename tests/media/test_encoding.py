"""A clip as a small video of its own: what other decoders see in it, and that nothing else is in it."""

import io
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers.media import Unreadable, mp4
from tests.support.media import HEIGHT, WIDTH, coded, read_code


def by_opencv(data, path):
    """The frames as OpenCV's own libav decodes them, which passes over what a file says of its colours."""
    path.write_bytes(data)
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    return [frame for _, frame in iter(capture.read, (False, None))]


def by_pyav(data):
    """The frames as PyAV converts them, and their times, s."""
    with av.open(io.BytesIO(data)) as file:
        frames = list(file.decode(video=0))
        return [frame.to_ndarray(format="bgr24") for frame in frames], [frame.time for frame in frames]


def flat(bgr, height=64, width=64):
    return np.full((height, width, 3), bgr, np.uint8)


def test_the_same_frames_at_the_same_times_in_order(tmp_path):
    times = [0.5, 0.54, 0.62, 1.5, 1.6]
    video = mp4(((at, coded(number)) for number, at in enumerate(times)), 0)
    assert (video.width, video.height, video.n_frames) == (WIDTH, HEIGHT, 5)
    data = video.data
    seen, shown = by_pyav(data)
    assert [read_code(frame) for frame in seen] == [0, 1, 2, 3, 4]
    assert [read_code(frame) for frame in by_opencv(data, tmp_path / "a.mp4")] == [0, 1, 2, 3, 4]
    assert shown == pytest.approx([0, 0.04, 0.12, 1.0, 1.1])


def test_frames_at_one_time_follow_each_other():
    _, shown = by_pyav(mp4(((at, coded(number)) for number, at in enumerate([0, 0, 0, 0.001])), 0).data)
    assert shown == pytest.approx([0, 0.001, 0.002, 0.003])


def made(*numbers, size=64, step=0.1):
    return mp4(((place * step, coded(number)) for place, number in enumerate(numbers)), size)


def test_the_hash_is_of_what_is_shown_and_when():
    """Made at once on several threads, beside other work: x264's bytes would not always be the same then."""
    with ThreadPoolExecutor(4) as threads:
        hashes = {video.sha256 for video in threads.map(lambda _: made(1, 2, 3), range(12))}
    others = [made(1, 3, 2), made(1, 2), made(1, 2, 3, size=48), made(1, 2, 3, step=0.2)]
    assert len(hashes) == 1
    assert len(hashes | {video.sha256 for video in others}) == 5


def test_nothing_is_in_it_but_pictures():
    data = made(*range(20)).data
    assert not any(name in data for name in (b"x264", b"Lavc", b"Lavf"))
    with av.open(io.BytesIO(data)) as file:
        (stream,) = file.streams
        assert (stream.codec.canonical_name, stream.pix_fmt) == ("h264", "yuv420p")
        assert "creation_time" not in {**file.metadata, **stream.metadata}
        assert file.metadata.keys() == {"major_brand", "minor_version", "compatible_brands"}


@pytest.mark.parametrize(
    "colour", [(128, 128, 128), (255, 255, 255), (0, 0, 0), (40, 80, 200), (172, 140, 224), (30, 160, 60)]
)
def test_colours_are_kept_by_decoders_that_read_the_tags_and_by_those_that_do_not(tmp_path, colour):
    """Eight bits of Y, Cb and Cr hold an RGB colour to within 2; libswscale's own conversion takes off up to 3."""
    data = mp4([(0, flat(colour)), (0.1, flat(colour))], 0).data
    for seen in (by_opencv(data, tmp_path / "a.mp4")[1], by_pyav(data)[0][1]):
        picture = seen[8:-8, 8:-8].astype(int)
        assert abs(picture - colour).max() <= 6
    with av.open(io.BytesIO(data)) as file:
        planes = next(file.decode(video=0)).to_ndarray()
    assert abs(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)[32, 32].astype(int) - colour).max() <= 2


@given(
    st.lists(st.tuples(st.integers(2, 70), st.integers(2, 70)), min_size=1, max_size=3),
    st.integers(2, 64),
)
@settings(max_examples=15, deadline=None)
def test_any_sizes_make_a_video_of_the_first_ones_shape(sizes, size):
    """Longest side at most `size`, both sides even; never enlarged."""
    pictures = [flat((90, 120, 150), height, width) for width, height in sizes]
    scale = min(1.0, size / max(sizes[0]))
    width, height = (max(1, round(side * scale)) // 2 * 2 for side in sizes[0])
    if not width or not height:
        with pytest.raises(Unreadable, match="narrower"):
            mp4(enumerate(pictures), size)
        return
    video = mp4(enumerate(pictures), size)
    assert (video.width, video.height, video.n_frames) == (width, height, len(pictures))
    assert {frame.shape for frame in by_pyav(video.data)[0]} == {(height, width, 3)}


def test_a_picture_of_another_shape_is_fitted_in_whole(tmp_path):
    video = mp4([(0, flat(200, 64, 96)), (1, flat(200, 96, 48))], 0)
    assert (video.width, video.height) == (96, 64)
    seen = by_opencv(video.data, tmp_path / "a.mp4")[1]
    assert seen[32, 48].mean() == pytest.approx(200, abs=5)  # 32 × 64 pixels in the middle
    assert seen[32, [10, 85]].mean() == pytest.approx(0, abs=5)


def test_no_picture_is_no_video():
    with pytest.raises(Unreadable, match="no frame came out"):
        mp4([], 64)


def test_bytes_grow_with_the_size():
    noise = np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8)
    sizes = [len(mp4([(0, noise), (1, noise[::-1])], size).data) for size in (16, 32, 64, 96)]
    assert all(small < large for small, large in pairwise(sizes))
