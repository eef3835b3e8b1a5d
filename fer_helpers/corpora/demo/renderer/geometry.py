"""The form of a face: a height field over the head, and how the action units raise, fold and shift it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from fer_helpers.corpora.demo.renderer.actions import (
    FOLD_DEPTH,
    FURROWS,
    JAW_DROP,
    NASOLABIAL,
    SHIFTS,
    SWELLINGS,
    Point,
)
from fer_helpers.corpora.demo.renderer.identity import Identity

# Lengths are in units of half the head's height (about 112 mm): crown at y = -1, eyes at 0, chin at +1; x to
# the viewer's right. Adults have about 63 mm between the pupils, a mouth of 50 mm and a nose of 35 mm.
EYE_X, EYE_Y, EYE_HALF = 0.285, 0.0, 0.135
BROW_Y, NOSE_Y, MOUTH_Y, MOUTH_HALF, CHIN_Y = -0.165, 0.41, 0.615, 0.215, 1.0

# Outline of the head: height, half-width.
OUTLINE = np.array([
    (-1.0, 0.0), (-0.985, 0.12), (-0.94, 0.255), (-0.85, 0.395), (-0.7, 0.525), (-0.5, 0.61), (-0.25, 0.645),
    (0.0, 0.64), (0.2, 0.62), (0.42, 0.565), (0.6, 0.495), (0.75, 0.405), (0.87, 0.3), (0.945, 0.2),
    (0.985, 0.1), (1.0, 0.0),
])  # fmt: skip

# Smooth swellings of the resting face, as x, y, spread x, spread y, height; x > 0 is mirrored.
RELIEF = [
    (0.0, -0.55, 0.38, 0.26, 0.05),      # forehead
    (0.25, -0.15, 0.17, 0.06, 0.05),     # brow ridge
    (0.0, -0.13, 0.08, 0.07, 0.03),      # glabella
    (0.27, 0.02, 0.15, 0.095, -0.11),    # eye socket
    (0.11, 0.0, 0.05, 0.07, -0.05),      # corner of the eye beside the nose
    (0.29, 0.0, 0.105, 0.075, 0.075),    # eyeball under its lids
    (0.43, 0.2, 0.15, 0.12, 0.05),       # cheekbone
    (0.3, 0.36, 0.13, 0.14, 0.03),       # front of the cheek
    (0.42, 0.55, 0.13, 0.16, -0.03),     # hollow of the cheek
    (0.0, 0.6, 0.22, 0.15, 0.08),        # muzzle
    (0.0, 0.49, 0.024, 0.045, -0.009),   # philtrum
    (0.04, 0.49, 0.018, 0.045, 0.004),   # its crests
    (0.0, 0.765, 0.15, 0.04, -0.04),     # groove above the chin
    (0.0, 0.88, 0.14, 0.09, 0.06),       # chin
    (0.57, -0.3, 0.07, 0.16, -0.04),     # temple
]  # fmt: skip


@dataclass(frozen=True)
class Plane:
    """A grid of pixels laid over the head: `scale` pixels a unit, its top left corner at (`left`, `top`)."""

    left: float
    top: float
    columns: int
    rows: int
    scale: float

    @cached_property
    def x(self) -> np.ndarray:
        return ((np.arange(self.columns, dtype=np.float32) + 0.5) / self.scale + self.left)[None, :]

    @cached_property
    def y(self) -> np.ndarray:
        return ((np.arange(self.rows, dtype=np.float32) + 0.5) / self.scale + self.top)[:, None]

    def window(self, x0: float, x1: float, y0: float, y1: float) -> tuple[slice, slice]:
        """Rows and columns of a rectangle in units, clipped to the grid."""
        cut = lambda low, high, start, n: slice(  # noqa: E731
            max(0, int((low - start) * self.scale)), min(n, int((high - start) * self.scale) + 1)
        )
        return cut(y0, y1, self.top, self.rows), cut(x0, x1, self.left, self.columns)

    def blob(self, x: float, y: float, spread_x: float, spread_y: float) -> np.ndarray:
        """A Gaussian of height one; a pair of them, mirrored, when x > 0."""
        across = np.exp(-0.5 * ((self.x - x) / spread_x) ** 2)
        if x > 0:
            across = across + np.exp(-0.5 * ((self.x + x) / spread_x) ** 2)
        return across * np.exp(-0.5 * ((self.y - y) / spread_y) ** 2)

    def polygon(self, points: np.ndarray) -> np.ndarray:
        """Antialiased coverage, 0..1, of the polygon through (n, 2) points in units."""
        mask = np.zeros((self.rows, self.columns), np.uint8)
        cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def strokes(self, curves: Iterable[np.ndarray], width: float, taper: bool = True) -> np.ndarray:
        """Antialiased curves, 0..1, each an (n, 2) array in units; fading towards both ends when `taper`."""
        mask = np.zeros((self.rows, self.columns), np.uint8)
        thickness = max(1, round(width * self.scale))
        for curve in curves:
            points = self._fixed(curve)
            for i in range(len(points) - 1):
                tone = 255 * np.sin(np.pi * (i + 1) / len(points)) ** 0.7 if taper else 255
                cv2.line(mask, points[i].tolist(), points[i + 1].tolist(), float(tone), thickness, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / 255

    def soften(self, field: np.ndarray, spread: float) -> np.ndarray:
        """Gaussian blur by `spread` units."""
        return cv2.GaussianBlur(field, (0, 0), max(0.3, spread * self.scale))

    def _fixed(self, points: np.ndarray) -> np.ndarray:
        return np.round(((np.asarray(points) - (self.left, self.top)) * self.scale - 0.5) * 16).astype(np.int32)


def sigmoid(value: np.ndarray) -> np.ndarray:
    """The logistic function, by tanh so that large values do not overflow."""
    return 0.5 * (1 + np.tanh(0.5 * value))


def bezier(points: Sequence[Point], n: int = 20) -> np.ndarray:
    """`n` points on the Bezier curve with any number of control points (de Casteljau's construction)."""
    levels = np.repeat(np.asarray(points, np.float64)[None], n, axis=0)
    t = np.linspace(0, 1, n)[:, None, None]
    while levels.shape[1] > 1:
        levels = (1 - t) * levels[:, :-1] + t * levels[:, 1:]
    return levels[:, 0]


def mirrored(curve: np.ndarray) -> list[np.ndarray]:
    """A curve and its mirror image."""
    return [curve, curve * (-1, 1)]


def place(identity: Identity, x: float, y: float) -> Point:
    """Where a point of the average face lies on this one."""
    spread = (
        identity.face_width,
        identity.eye_spacing,
        identity.nose_width,
        identity.mouth_width,
        identity.jaw,
    )
    nose = NOSE_Y + 0.4 * (identity.nose_length - 1)
    return (
        x * float(np.interp(y, (-0.5, EYE_Y, NOSE_Y, MOUTH_Y, CHIN_Y), spread)),
        float(np.interp(y, (-1, EYE_Y, NOSE_Y, MOUTH_Y, CHIN_Y), (-1, EYE_Y, nose, MOUTH_Y, CHIN_Y))),
    )


def half_width(identity: Identity, y: np.ndarray) -> np.ndarray:
    """Half the head's width at each height."""
    jaw = np.interp(OUTLINE[:, 0], (0.1, 0.55, 0.9), (1.0, identity.jaw, identity.chin * identity.jaw))
    # By the angle whose negative cosine is the height, the width runs smoothly even over crown and chin.
    angle = np.linspace(0, np.pi, 601)
    widths = np.interp(angle, np.arccos(-OUTLINE[:, 0]), OUTLINE[:, 1] * identity.face_width * jaw)
    window = np.hanning(61)
    widths = np.convolve(np.pad(widths, 30, "reflect", reflect_type="odd"), window / window.sum(), "valid")
    return np.interp(y, -np.cos(angle), widths).astype(np.float32)


def outline(identity: Identity) -> np.ndarray:
    """The head's outline as a (802, 2) polygon; dense at crown and chin, where it turns."""
    y = -np.cos(np.linspace(0, np.pi, 401))
    w = half_width(identity, y)
    return np.concatenate([np.stack([w, y], 1), np.stack([-w, y], 1)[::-1]])


def resting_surface(plane: Plane, identity: Identity) -> np.ndarray:
    """Height towards the viewer of the face at rest, (rows, columns) float32 in units; zero off the head."""
    across = np.clip(np.abs(plane.x) / np.maximum(half_width(identity, plane.y), 1e-3), 0, 1)
    above = np.where(plane.y < 0, np.abs(plane.y) ** 2.8, np.abs(plane.y) ** 6)
    z = 0.62 * np.sqrt(np.clip(1 - above, 0, 1)) * np.sqrt(1 - across**2.3)
    for x, y, spread_x, spread_y, height in RELIEF:
        z = z + height * plane.blob(*place(identity, x, y), spread_x, spread_y)
    return (z + _nose(plane, identity)).astype(np.float32)


def _nose(plane: Plane, identity: Identity) -> np.ndarray:
    wide, base = identity.nose_width, place(identity, 0, NOSE_Y)[1]
    ridge = np.zeros((plane.rows, plane.columns), np.float32)
    for t in np.linspace(0, 1, 9):
        ridge += (0.019 + 0.042 * t) * plane.blob(0, -0.08 + t * (base + 0.01), 0.054 + 0.018 * t, 0.05)
    ridge += 0.075 * plane.blob(0, base - 0.07, 0.078 * wide, 0.06)
    ridge += 0.09 * plane.blob(0.112 * wide, base - 0.045, 0.04 * wide, 0.045)
    # The nose ends abruptly below; the cut is what throws its shadow on the lip.
    return ridge * sigmoid((base + 0.012 - 0.6 * plane.x**2 - plane.y) / 0.019)


@dataclass(frozen=True)
class Movement:
    """What an action unit does to one side, at full strength, inside `window`: heights; shifts in x and y."""

    window: tuple[slice, slice]
    height: np.ndarray
    shift: np.ndarray


def movements(plane: Plane, identity: Identity, skin: np.ndarray) -> dict[int, tuple[Movement, Movement]]:
    """For every action unit that moves skin, its movement on the viewer's left and right half of the face.

    `skin`, (rows, columns) 0..1, is where skin shows: hair that hangs over it stays still.
    """
    right = sigmoid(plane.x / 0.03)
    found = {}
    for unit in sorted({*SWELLINGS, *FURROWS, *FOLD_DEPTH, *SHIFTS}):
        height, shift = _height(plane, identity, unit), _shift(plane, identity, unit)
        found[unit] = (_cropped(height, shift, (1 - right) * skin), _cropped(height, shift, right * skin))
    return found


def _cropped(height: np.ndarray, shift: np.ndarray, side: np.ndarray) -> Movement:
    height, shift = height * side, shift * side[..., None]
    used = (np.abs(height) > 2e-4) | (np.abs(shift).max(2) > 2e-4)
    rows, columns = np.flatnonzero(used.any(1)), np.flatnonzero(used.any(0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Movement(window, height[window].astype(np.float32), shift[window].astype(np.float32))


def _height(plane: Plane, identity: Identity, unit: int) -> np.ndarray:
    z = np.zeros((plane.rows, plane.columns), np.float32)
    for x, y, spread_x, spread_y, height in SWELLINGS.get(unit, []):
        z += height * plane.blob(*place(identity, x, y), spread_x, spread_y)
    for points, width, depth in FURROWS.get(unit, []):
        z += furrow(plane, identity, points, width, depth * (0.75 + 0.6 * identity.age))
    if unit in FOLD_DEPTH:
        z += FOLD_DEPTH[unit] * (0.85 + 0.4 * identity.age) * nasolabial_fold(plane, identity)
    return z


def furrow(plane: Plane, identity: Identity, points: Sequence[Point], width: float, depth: float) -> np.ndarray:
    """A furrow along a curve, mirrored, with the skin pushed up on both its banks."""
    line = plane.strokes(mirrored(bezier([place(identity, *p) for p in points])), 0.012)
    narrow, broad = plane.soften(line, width), plane.soften(line, 2.2 * width)
    return -depth * (narrow / narrow.max() - 0.6 * broad / broad.max())


def nasolabial_fold(plane: Plane, identity: Identity) -> np.ndarray:
    """The cheek's edge over the fold from nose to mouth, peak about 1: steep there, gentle outwards."""
    curve = bezier([place(identity, *p) for p in NASOLABIAL])
    cheek = np.concatenate([curve, [(0.75, 0.72), (0.75, 0.2), (0.2, 0.2)]])
    left, right = (plane.polygon(shape) for shape in mirrored(cheek))
    near = plane.soften(plane.strokes(mirrored(curve), 0.02), 0.07)
    return plane.soften(left + right, 0.014) * near / near.max()


def _shift(plane: Plane, identity: Identity, unit: int) -> np.ndarray:
    shift = np.zeros((plane.rows, plane.columns, 2), np.float32)
    mirror = np.sign(plane.x)
    for x, y, spread_x, spread_y, dx, dy in SHIFTS.get(unit, []):
        at = plane.blob(*place(identity, x, y), spread_x, spread_y)
        shift += np.stack([at * dx * mirror, at * dy], 2)
    return shift


def jaw_shift(plane: Plane) -> np.ndarray:
    """Downward shift of the skin when the jaw drops fully (AU 26), (rows, columns): none above the lips."""
    t = np.clip((plane.y - 0.42) / 0.36, 0, 1)
    return (JAW_DROP * t * t * (3 - 2 * t) * (1 - 0.45 * np.clip(np.abs(plane.x) / 0.6, 0, 1) ** 2)).astype(np.float32)
