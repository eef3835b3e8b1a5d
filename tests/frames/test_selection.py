"""Which frames are key frames, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.errors import ParamsError
from fer_helpers.frames.selection import CHOICES, choose


@pytest.mark.parametrize(
    ("n", "k", "expected"),
    [
        (30, 5, [3, 9, 15, 21, 27]),  # parts of 6 frames, centres 3, 9, ...
        (10, 4, [1, 3, 6, 8]),  # centres 1.25, 3.75, 6.25, 8.75
        (7, 7, [0, 1, 2, 3, 4, 5, 6]),
        (3, 5, [0, 1, 2]),  # fewer frames than asked for: all of them
        (1, 5, [0]),
        (0, 5, []),
        (30, 1, [15]),
    ],
)
def test_uniform_takes_the_centres_of_equal_parts(n, k, expected):
    assert choose("uniform", n, k) == expected


@pytest.mark.parametrize(("n", "expected"), [(0, []), (1, [0]), (2, [1]), (5, [2]), (30, [15])])
def test_middle_is_the_frame_nearest_the_middle(n, expected):
    assert choose("middle", n, 5) == expected


def test_peak_takes_the_strongest_and_keeps_apart():
    motion = np.array([0, 1, 9, 8, 7, 1, 1, 2, 6, 5, 1, 1], float)
    # n/(2k) = 2 frames apart: 2 (9) rules out 3; 4 (7) is far enough and rules out 3 and 5; then 8 (6).
    assert choose("peak", 12, 3, motion) == [2, 4, 8]
    # n/(2k) = 3: 2 (9) rules out 4, so 8 (6) is second.
    assert choose("peak", 12, 2, motion) == [2, 8]


def test_peak_breaks_ties_by_time():
    assert choose("peak", 8, 2, np.zeros(8)) == [0, 2]


@given(choice=st.sampled_from(list(CHOICES)), n=st.integers(0, 200), k=st.integers(1, 64), seed=st.integers(0, 99))
def test_any_choice_is_ascending_unique_within_the_clip_and_as_many_as_asked(choice, n, k, seed):
    rng = np.random.default_rng(seed)
    curve, times = rng.integers(0, 10, n), np.cumsum(rng.integers(1, 500, n)) / 1000
    chosen = choose(choice, n, k, curve, times - times[:1].sum(), per_second=k / 8)
    assert chosen == sorted(set(chosen))
    assert all(0 <= index < n for index in chosen)
    if choice == "fps":
        assert min(n, 1) <= len(chosen)
    else:
        assert len(chosen) == {"middle": min(n, 1), "all": n}.get(choice, min(n, k))
    if choice == "peak" and len(chosen) > 1:
        assert min(np.diff(chosen)) >= max(1, n // (2 * k))


@pytest.mark.parametrize(
    ("times", "per_second", "expected"),
    [
        # 50 frames at 25 a second, two a second: centres .25, .75, 1.25, 1.75 s; a frame is shown for .04 s.
        (np.arange(50) / 25, 2, [6, 18, 31, 43]),
        (np.arange(50) / 25, 1, [12, 37]),  # .5 and 1.5 s: the frames that begin at .48 and 1.48 s
        (np.arange(50) / 25, 0.1, [25]),  # less than half a part: the one at half time
        (np.arange(4) / 4, 100, [0, 1, 2, 3]),  # more than there are: all
        # A frame shown from .1 to 2 s is the one at .25, .75, 1.25 and 1.75 s, and kept once.
        ([0, 0.1, 2.0, 2.3], 2, [1, 2]),
        ([0.0], 2, [0]),
    ],
)
def test_fps_takes_what_is_shown_at_the_centres_of_equal_times(times, per_second, expected):
    assert choose("fps", len(times), times=times, per_second=per_second) == expected


@given(n=st.integers(1, 300), k=st.integers(1, 64))
def test_uniform_is_symmetric_up_to_rounding(n, k):
    chosen = choose("uniform", n, k)
    assert abs(chosen[0] - (n - 1 - chosen[-1])) <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("best", 9, 3), "frame choice 'best' is unknown: use one of middle, uniform, all, fps, peak"),
        (("uniform", 9, 0), "key frames per clip: 0 is below 1; ask for at least one"),
        (("fps", 9, 3), "frame choice fps needs the times of all 9 frames"),
        (("fps", 9, 3, None, None, 0), "key frames per second: 0 is not above 0"),
        (("peak", 9, 3), "frame choice peak needs the motion of all 9 frames"),
        (("peak", 9, 3, np.zeros(8)), "frame choice peak needs the motion of all 9 frames"),
    ],
)
def test_choose_says_what_it_cannot_do(arguments, message):
    with pytest.raises(ParamsError) as error:
        choose(*arguments)
    assert str(error.value) == message
