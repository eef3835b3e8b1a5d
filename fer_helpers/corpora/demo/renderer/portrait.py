"""One picture of one synthetic face: FACS action units, an identity, a pose and a light become an RGB array.

These are drawings of nobody. The head is a height field (its swellings, folds and furrows displaced by the
action units) shaded in linear light, with eyes and mouth painted into it and the whole turned by parallax.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians, sin, tan

import cv2
import numpy as np

from fer_helpers.corpora.demo.renderer import features, surroundings
from fer_helpers.corpora.demo.renderer.actions import LOWERING
from fer_helpers.corpora.demo.renderer.geometry import Plane
from fer_helpers.corpora.demo.renderer.head import Head, build_head, skin_colour
from fer_helpers.corpora.demo.renderer.identity import Identity
from fer_helpers.corpora.demo.renderer.scenes import Light, background

# A strength for both sides of the face, or one for the viewer's left and one for the right.
ActionUnits = Mapping[int, float | tuple[float, float]]

FACE_SHARE = 0.66  # of the picture's height, from crown to chin
CENTRE = (0.5, 0.47)  # where the point between the eyes lies in the picture
FINER = 1.35  # pixels of the head's own plane for each pixel of the picture
SCATTER = (0.34, 0.20, 0.16)  # how far red, green and blue light reach round the terminator in skin
PIVOT_Y = 0.75  # the head rolls about the top of the neck


@dataclass(frozen=True)
class Pose:
    """Where the head is and looks.

    Yaw (positive to the viewer's right), pitch (up) and roll (clockwise) in degrees; a shift (right, down) in
    units of half the head's height; the gaze (right, down) from -1 to 1.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)


def render(aus: ActionUnits, identity: Identity, pose: Pose, light: Light, size: int = 224) -> np.ndarray:
    """Draw one face: (size, size, 3) uint8 sRGB, the same for the same arguments.

    `aus` maps FACS numbers (1, 2, 4-7, 9, 10, 12, 15-17, 20, 23-26, and 45 for the blink) to strengths 0..1,
    each a number or a (viewer's left, right) pair; others are ignored. Raises ValueError for a strength
    outside 0..1.
    """
    sides = {unit: _both(unit, strength) for unit, strength in aus.items()}
    head = build_head(identity, FINER * FACE_SHARE * size / 2)
    colour, cover = _draw_head(head, identity, sides, pose, light)
    picture = _behind(identity, light, size, pose.shift)
    to_head = _view(head, pose, size)
    colour *= cv2.merge([cover] * 3)
    picture *= 1 - cv2.merge([cv2.remap(cover, *to_head, cv2.INTER_LINEAR)] * 3)
    picture += cv2.remap(colour, *to_head, cv2.INTER_LINEAR)
    return _develop(picture)


def _both(unit: int, strength: float | tuple[float, float]) -> tuple[float, float]:
    pair = strength if isinstance(strength, tuple) else (strength, strength)
    if not all(0 <= value <= 1 for value in pair):
        raise ValueError(f"AU {unit} has strength {strength}; use 0 to 1, or a pair of such numbers (left, right)")
    return float(pair[0]), float(pair[1])


def _draw_head(
    head: Head, identity: Identity, aus: features.Sides, pose: Pose, light: Light
) -> tuple[np.ndarray, np.ndarray]:
    """The head in linear light on its own plane, and its coverage."""
    plane, pixel = head.plane, 1 / head.plane.scale
    z, albedo, cover = _moved(head, aus)
    gloss = head.gloss.copy()
    eyes = [features.shape_eye(plane, identity, aus, side) for side in (0, 1)]
    mouth = features.shape_mouth(plane, identity, aus)
    for eye in eyes:
        features.sculpt_eye(eye, z, albedo, identity)
    features.sculpt_mouth(mouth, z, albedo, gloss, head.lips)
    toward = _turned(light.direction(), pose)
    colour = _shade(albedo, z, gloss, toward, light, plane.scale)
    key, fill = light.colours()
    level = key * max(0.3, float(toward[2])) + fill
    for eye in eyes:
        features.paint_eye(eye, colour, identity, pose.gaze, toward, level, pixel)
    features.paint_mouth(mouth, colour, 0.85 * level, pixel)
    if head.glasses:
        _wear(head.glasses, colour, level, plane)
    return colour, cover


def _moved(head: Head, aus: features.Sides) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Height, albedo and coverage of the head once the action units have folded and shifted its skin."""
    z, shift = head.height.copy(), np.zeros((*head.height.shape, 2), np.float32)
    none = (0.0, 0.0)
    lowering = tuple(four * (1 - 0.85 * one) for one, four in zip(aus.get(1, none), aus.get(4, none), strict=True))
    for unit, strengths in {**aus, LOWERING: lowering}.items():
        for movement, strength in zip(head.movements.get(unit, ()), strengths, strict=False):
            if strength:
                z[movement.window] += strength * movement.height
                shift[movement.window] += strength * movement.shift
    shift[..., 1] += head.jaw * max(aus.get(26, none))
    columns = np.arange(z.shape[1], dtype=np.float32)[None, :] - shift[..., 0] * head.plane.scale
    rows = np.arange(z.shape[0], dtype=np.float32)[:, None] - shift[..., 1] * head.plane.scale
    z, albedo, cover = (
        cv2.remap(layer, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for layer in (z, head.albedo, head.cover)
    )
    return z, albedo, cover


def _wear(worn: tuple[np.ndarray, np.ndarray, np.ndarray], colour: np.ndarray, level: np.ndarray, plane: Plane) -> None:
    frame, lens, shadow = worn
    colour *= 1 - 0.35 * shadow[..., None]
    glare = lens * np.clip(np.sin(9 * (plane.x + 0.7 * plane.y)) - 0.55, 0, 1)
    colour += (0.008 * lens + 0.04 * glare)[..., None] * level
    features.blend(colour, np.array((0.02, 0.018, 0.018), np.float32) * level, 0.94 * frame)


def _turned(direction: np.ndarray, pose: Pose) -> np.ndarray:
    """The light's direction as the turned head sees it."""
    yaw, pitch, roll = radians(pose.yaw), radians(pose.pitch), radians(pose.roll)
    x, y, z = direction
    x, y = x * cos(roll) + y * sin(roll), y * cos(roll) - x * sin(roll)
    y, z = y * cos(pitch) + z * sin(pitch), z * cos(pitch) - y * sin(pitch)
    return np.array([x * cos(yaw) - z * sin(yaw), y, z * cos(yaw) + x * sin(yaw)], np.float32)


def _shade(
    albedo: np.ndarray, z: np.ndarray, gloss: np.ndarray, toward: np.ndarray, light: Light, scale: float
) -> np.ndarray:
    """Light on a height field, (rows, columns, 3) linear.

    Wrapped Lambert, light from the sky and from below, occlusion in hollows (height below the blurred
    height), and Blinn-Phong sheen.
    """
    zx = cv2.Sobel(z, cv2.CV_32F, 1, 0, scale=scale / 8)
    zy = cv2.Sobel(z, cv2.CV_32F, 0, 1, scale=scale / 8)
    up = 1 / np.sqrt(zx * zx + zy * zy + 1)
    zx, zy = zx * up, zy * up
    facing = toward[2] * up - toward[0] * zx - toward[1] * zy
    hollow = cv2.GaussianBlur(z, (0, 0), 0.05 * scale) - z
    open_sky = np.clip(1 - 6 * hollow, 0.3, 1)
    around, direct = (0.80 + 0.22 * zy) * open_sky, 0.4 + 0.6 * open_sky
    half = toward + np.array((0, 0, 1), np.float32)
    half = half / np.linalg.norm(half)
    sheen = np.maximum(half[2] * up - half[0] * zx - half[1] * zy, 0)
    for _ in range(4):
        sheen *= sheen
    sheen *= gloss * open_sky
    key, fill = (colour.tolist() for colour in light.colours())
    wrapped = [np.maximum(facing * (k / (1 + w)) + k * w / (1 + w), 0) for k, w in zip(key, SCATTER, strict=True)]
    lit = cv2.merge([direct * w + f * around for w, f in zip(wrapped, fill, strict=True)])
    lit *= albedo
    lit += cv2.merge([sheen * (0.9 * k) for k in key])
    return lit


def _view(head: Head, pose: Pose, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The place on the head's plane that each pixel shows: roll and shift, then parallax by depth."""
    unit = FACE_SHARE * size / 2
    pixels = np.arange(size, dtype=np.float32) + 0.5
    x = (pixels[None, :] - CENTRE[0] * size) / unit - pose.shift[0]
    y = (pixels[:, None] - CENTRE[1] * size) / unit - pose.shift[1] - PIVOT_Y
    roll, yaw, pitch, plane = radians(pose.roll), radians(pose.yaw), radians(pose.pitch), head.plane
    u, v = x * cos(roll) + y * sin(roll), y * cos(roll) - x * sin(roll) + PIVOT_Y
    columns = (u / cos(yaw) - plane.left) * plane.scale - 0.5
    rows = (v / cos(pitch) - plane.top) * plane.scale - 0.5
    at = columns, rows
    for _ in range(2):
        depth = cv2.remap(head.depth, *at, cv2.INTER_LINEAR) * plane.scale
        at = columns - tan(yaw) * depth, rows + tan(pitch) * depth
    return at


@lru_cache(maxsize=2)
def _static_behind(identity: Identity, light: Light, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    unit = FACE_SHARE * size / 2
    plane = Plane(-CENTRE[0] * size / unit, -CENTRE[1] * size / unit, size, size, unit)
    albedo, cover, z = surroundings.body(plane, identity, skin_colour(identity))
    colour = _shade(albedo, z, np.full_like(z, 0.02), light.direction(), light, unit)
    cover = cv2.merge([cover] * 3)
    return background(light, size), colour * cover, 1 - cover


def _behind(identity: Identity, light: Light, size: int, shift: tuple[float, float]) -> np.ndarray:
    """Background and body without the head; the body moves with the head's shift."""
    place, body, clear = _static_behind(identity, light, size)
    move = np.array([[1, 0, shift[0] * FACE_SHARE * size / 2], [0, 1, shift[1] * FACE_SHARE * size / 2]])
    body, clear = (
        np.asarray(cv2.warpAffine(layer, move, (size, size), borderMode=cv2.BORDER_REPLICATE))
        for layer in (body, clear)
    )
    return place * clear + body


_LIGHT = np.linspace(0, 2, 4096)
_SRGB = (255 * np.clip(1.06 * _LIGHT / (1 + 0.18 * _LIGHT), 0, 1) ** (1 / 2.2) + 0.5).astype(np.uint8)


def _develop(picture: np.ndarray) -> np.ndarray:
    """Linear light to 8-bit sRGB through a table, with a soft shoulder for the highlights."""
    return _SRGB[np.clip(picture * 2047.5, 0, 4095).astype(np.int32)]
