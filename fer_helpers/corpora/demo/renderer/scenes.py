"""The places a clip can be set in: an out-of-focus background, and the light that belongs there."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Light:
    """The light on a face and the place it falls in.

    `azimuth` and `elevation` in degrees (azimuth positive from the viewer's right), `level` the exposure (1
    is normal), `warmth` -1 (blue) to 1 (amber), `fill` the share of light from all around, `scene` a name in
    `SCENES`; `seed` fixes the background.
    """

    azimuth: float = -25.0
    elevation: float = 30.0
    level: float = 1.0
    warmth: float = 0.1
    fill: float = 0.45
    scene: str = "plain"
    seed: int = 0

    def direction(self) -> np.ndarray:
        """Unit vector towards the light: x to the viewer's right, y down, z towards the viewer."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        return np.array(
            [np.cos(elevation) * np.sin(azimuth), -np.sin(elevation), np.cos(elevation) * np.cos(azimuth)],
            np.float32,
        )

    def colours(self) -> tuple[np.ndarray, np.ndarray]:
        """Linear RGB of the key light and of the fill; the fill is a little cooler than the key."""
        key = np.array([1 + 0.16 * self.warmth, 1.0, 1 - 0.26 * self.warmth], np.float32)
        fill = np.array([1 + 0.05 * self.warmth - 0.02, 1.0, 1 - 0.08 * self.warmth + 0.04], np.float32)
        return self.level * (1 - self.fill) * 1.35 * key, self.level * self.fill * 0.95 * fill


# Paints a place from a generator and x (-1 to 1, growing towards the light) and y (0 to 1, down) of its pixels.
Painter = Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]


def _wall(colour: tuple[float, float, float], fall: float) -> Painter:
    def paint(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        tilt = rng.uniform(-1, 1)
        shade = 1 - fall * (0.5 * (x * tilt + 1) * 0.6 + 0.4 * y)
        return shade[..., None] * np.array(colour) * rng.uniform(0.8, 1.2)

    return paint


def _window(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    picture = np.ones(x.shape)[..., None] * np.array((0.20, 0.18, 0.16)) * (1 - 0.3 * y)[..., None]
    left = rng.uniform(0.25, 0.5)
    pane = ((x > left) & (y < 0.65) & (np.abs(x - left - 0.42) > 0.03)).astype(float)
    return picture + pane[..., None] * np.array((0.75, 0.85, 0.95))


def _lamps(wall: tuple[float, float, float], lamps: tuple[tuple[float, float, float], ...], n: int) -> Painter:
    def paint(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        picture = np.ones(x.shape)[..., None] * np.array(wall) * (1.1 - 0.4 * y)[..., None]
        for _ in range(n):
            cx, cy, radius = rng.uniform(-1, 1), rng.uniform(-0.1, 0.9), rng.uniform(0.05, 0.2)
            disc = np.clip((radius - np.hypot(x - cx, 2 * (y - cy))) / 0.02, 0, 1)
            picture += disc[..., None] * np.array(lamps[rng.integers(len(lamps))]) * rng.uniform(0.25, 0.8)
        return picture

    return paint


def _shelves(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    picture = np.ones(x.shape)[..., None] * np.array((0.22, 0.19, 0.16))
    for row in range(4):
        left = -1.1
        while left < 1.1:
            wide, tall = rng.uniform(0.05, 0.14), rng.uniform(0.14, 0.2)
            book = (x > left) & (x < left + wide) & (y > 0.25 * row + 0.22 - tall) & (y < 0.25 * row + 0.22)
            picture[book] = (rng.uniform(0.05, 0.25) + rng.uniform(-0.05, 0.05, 3)) * (0.75, 0.55, 0.42)
            left += wide + 0.01
    return picture


# Each scene: its painter, the blur of its background in shares of the picture's width, and the ranges its
# light is drawn from: azimuth to either side, elevation, level, warmth, fill.
SCENES: dict[str, tuple[Painter, float, tuple[tuple[float, float], ...]]] = {
    "plain": (
        _wall((0.42, 0.40, 0.36), 0.45),
        0.03,
        ((5, 40), (15, 40), (0.85, 1.15), (-0.1, 0.3), (0.40, 0.60)),
    ),
    "studio": (
        _wall((0.10, 0.13, 0.17), 0.6),
        0.03,
        ((25, 50), (25, 45), (0.9, 1.15), (-0.2, 0.2), (0.28, 0.42)),
    ),
    "window": (_window, 0.035, ((25, 55), (5, 25), (0.8, 1.15), (-0.6, -0.1), (0.35, 0.50))),
    "evening": (
        _lamps((0.05, 0.035, 0.03), ((1.0, 0.6, 0.22), (1.0, 0.42, 0.15), (0.9, 0.75, 0.5)), 9),
        0.008,
        ((15, 50), (0, 30), (0.7, 0.95), (0.5, 1.0), (0.30, 0.45)),
    ),
    "garden": (
        _lamps((0.08, 0.15, 0.05), ((0.25, 0.5, 0.12), (0.5, 0.6, 0.25), (0.7, 0.8, 0.6)), 26),
        0.02,
        ((10, 45), (35, 55), (0.95, 1.2), (-0.1, 0.4), (0.45, 0.62)),
    ),
    "library": (_shelves, 0.018, ((10, 40), (25, 45), (0.8, 1.05), (0.1, 0.5), (0.40, 0.55))),
}


def draw_light(rng: np.random.Generator, scene: str) -> Light:
    """Draw by lot a light that fits the scene, from either side."""
    azimuth, elevation, level, warmth, fill = (float(rng.uniform(*limits)) for limits in SCENES[scene][2])
    side = float(rng.choice((-1.0, 1.0)))
    return Light(side * azimuth, elevation, level, warmth, fill, scene, int(rng.integers(2**31)))


def background(light: Light, size: int) -> np.ndarray:
    """The place behind the face, (size, size, 3) float32 in linear light, out of focus."""
    paint, blur, _ = SCENES[light.scene]
    y, x = np.mgrid[0 : 1 : size * 1j, -1 : 1 : size * 1j]
    picture = paint(np.random.default_rng(light.seed), x * np.sign(light.azimuth), y).astype(np.float32)
    _, fill = light.colours()
    return cv2.GaussianBlur(np.clip(picture, 0.01, 1.5), (0, 0), blur * size) * (
        0.5 * light.level + 0.5 * fill / fill.mean()
    )
