"""How a face moves through a clip: rise and fall of an expression, blinks, and the sway of head and gaze."""

from collections.abc import Iterable

import numpy as np

from fer_helpers.corpora.demo.renderer.portrait import Pose

FPS = 25


def envelope(n_frames: int, course: str, apex: int, rng: np.random.Generator) -> np.ndarray:
    """Strength of the expression in each frame relative to its height, (n_frames,), which begins at frame `apex`.

    The onset takes 0.4 to 0.7 s, and the offset of an expression that is "passing" 0.4 to 0.9 s after up to 0.4 s at
    its height; others stay. Spontaneous smiles rise in about half a second (Schmidt, Cohn & Tian 2003, Biological
    Psychology 65(1), 49-66). A trace is there before and after.
    """
    t = np.arange(n_frames)
    onset, held, offset = rng.uniform(10, 17), rng.uniform(2, 10), rng.uniform(10, 22)
    before, after = rng.uniform(0, 0.15, 2)
    up = before + (1 - before) * _ease((t - apex) / onset + 1)
    return up - (1 - after) * _ease((t - apex - held) / offset) * (course == "passing")


def _ease(t: np.ndarray) -> np.ndarray:
    """From 0 to 1 with no jerk at either end."""
    t = np.clip(t, 0, 1)
    return t**3 * (10 - 15 * t + 6 * t * t)


def blinks(n_frames: int, rng: np.random.Generator) -> np.ndarray:
    """Closure of the lids in each frame, (n_frames,) 0..1: about 17 blinks a minute, of some 0.25 s each."""
    time = np.arange(n_frames) / FPS
    closed = np.zeros(n_frames)
    for at in rng.uniform(0, n_frames / FPS, rng.poisson(17 / 60 * n_frames / FPS)):
        # Lids close about twice as fast as they open.
        blink = np.where(time < at, _ease(1 - (at - time) / 0.09), _ease(1 - (time - at) / 0.17))
        closed = np.maximum(closed, blink)
    return closed


def sway(n_frames: int, rng: np.random.Generator, rest: float, swing: float, limit: float) -> np.ndarray:
    """A slow drift about a resting value, (n_frames,): two sine waves of a fraction of a hertz to about one.

    `rest` and `swing` are standard deviations, of the resting value and of the waves; `limit` bounds the sum.
    """
    time = np.arange(n_frames) / FPS
    waves = sum(
        swing * rng.normal() * np.sin(2 * np.pi * (rng.uniform(*band) * time + rng.random())) * share
        for band, share in (((0.2, 0.5), 1.0), ((0.6, 1.2), 0.3))
    )
    return np.clip(rng.normal(0, rest) + waves, -limit, limit)


def poses(n_frames: int, rng: np.random.Generator) -> list[Pose]:
    """The head's pose in each frame, swaying about a resting one; the eyes may jump once to another point."""
    yaw, pitch, roll, right, down = (
        sway(n_frames, rng, *limits).tolist()
        for limits in ((4.5, 2.5, 11), (2.0, 1.6, 6), (2.0, 1.4, 6), (0.035, 0.018, 0.1), (0.025, 0.018, 0.1))
    )
    (x, y), (later_x, later_y) = rng.normal(0, 0.16, (2, 2)).clip(-0.4, 0.4).tolist()
    jump = rng.integers(0, 2 * n_frames)
    return [
        Pose(yaw[i], pitch[i], roll[i], (right[i], down[i]), (x, y) if i < jump else (later_x, later_y))
        for i in range(n_frames)
    ]


def courses(units: Iterable[int], course: np.ndarray, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """The course of each action unit: the common one, a frame or so early or late, and never quite still."""
    frames = np.arange(len(course))
    found = {}
    for unit in units:
        shifted = np.interp(frames - rng.normal(0, 0.8), frames, course)
        found[unit] = shifted * (1 + sway(len(course), rng, 0.0, 0.04, 0.1))
    return found
