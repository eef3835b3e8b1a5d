"""Eyes and mouth: their curves under the action units, their relief, and what shows between lids and lips."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fer_helpers.corpora.demo.renderer.geometry import (
    EYE_HALF,
    EYE_X,
    EYE_Y,
    MOUTH_HALF,
    MOUTH_Y,
    Plane,
    place,
    sigmoid,
)
from fer_helpers.corpora.demo.renderer.identity import EYE_COLOURS, Identity

# Strength of each action unit on the viewer's left and right.
Sides = Mapping[int, tuple[float, float]]

TEETH = np.array((0.66, 0.62, 0.54), np.float32)
CAVITY = np.array((0.030, 0.008, 0.008), np.float32)
TONGUE = np.array((0.30, 0.085, 0.080), np.float32)
SCLERA = np.array((0.50, 0.465, 0.445), np.float32)


def linear(colour: tuple[int, int, int] | np.ndarray) -> np.ndarray:
    """sRGB 0..255 to linear light 0..1 (IEC 61966-2-1, by its 2.2 power approximation)."""
    return (np.asarray(colour, np.float32) / 255) ** 2.2


def blend(picture: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> None:
    """Lay `colour`, (3,) or like `picture`, over `picture` in place with coverage `alpha`."""
    picture += (colour - picture) * alpha[..., None]


def lay_over(albedo: np.ndarray, cover: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Lay a material over another of coverage `cover`; changes `albedo` in place, returns the joint coverage.

    Where nothing lies below, a thinly covered pixel takes the new material's colour alone, so that no rim of
    the hidden colour shows against the background.
    """
    joint = alpha + cover * (1 - alpha)
    blend(albedo, colour, alpha / np.maximum(joint, 1e-3))
    return joint


def ridge(distance: np.ndarray, width: float) -> np.ndarray:
    """A smooth ridge of height one along distance zero."""
    return np.exp(-((distance / width) ** 2))


def between(y: np.ndarray, upper: np.ndarray, lower: np.ndarray, edge: float) -> np.ndarray:
    """Coverage of the band from `upper` to `lower` (heights of a column), with edges `edge` units soft."""
    return np.clip((y - upper) / edge + 0.5, 0, 1) * np.clip((lower - y) / edge + 0.5, 0, 1)


@dataclass(frozen=True)
class Eye:
    """One eye's window on the plane and, for each column, the heights of its curves; `t`: -1..1 outwards."""

    window: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray
    centre: tuple[float, float]
    t: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    crease: np.ndarray


def shape_eye(plane: Plane, identity: Identity, aus: Sides, side: int) -> Eye:
    """Curves of the eye on one side (0 viewer's left, 1 right) under AU 1, 2, 4-7, 9, 15 and 45 (blink)."""

    def au(k: int) -> float:
        return aus.get(k, (0.0, 0.0))[side]

    outwards = (-1, 1)[side]
    cx, half = outwards * place(identity, EYE_X, EYE_Y)[0], EYE_HALF * identity.eye_size
    window = plane.window(cx - 1.75 * half, cx + 1.75 * half, EYE_Y - 0.17, EYE_Y + 0.15)
    x, y = plane.x[:, window[1]], plane.y[window[0]]
    t = outwards * (x - cx) / half
    arc = np.clip(1 - t * t, 0, 1)
    base = EYE_Y + 0.004 - t * (0.008 + identity.eye_tilt - 0.010 * au(15))
    # The inner brow's raise pulls the lid up near the nose; brows drawn together press it down there.
    lean = 1 + t * (0.10 - 0.22 * au(1) + 0.12 * au(2) + 0.16 * au(4))
    # A lowered brow limits how far the upper lid can rise.
    raised = 0.42 * au(5) * (1 - 0.35 * au(4) * (1 - au(1))) + 0.06 * au(2)
    drooping = 0.10 * au(1) * (1 - au(5)) + 0.10 * au(4)
    upper = 0.056 * identity.eye_size * (1 + raised - drooping) * (1 - 0.24 * au(7) - 0.14 * au(6) - 0.30 * au(9))
    lower = 0.036 * identity.eye_size * (1 - 0.45 * au(7) - 0.50 * au(6) - 0.35 * au(9) + 0.10 * au(5))
    bottom = base + lower * arc**0.75
    open_top = base - upper * arc**0.62 * lean
    top = open_top + min(1.0, au(45)) * (bottom + 0.004 - open_top)
    fold = 0.034 * identity.lid_fold * (1 - 0.35 * au(5)) - 0.028 * au(4) * (1 - au(1)) + 0.012 * au(1)
    crease = base - 0.060 * identity.eye_size * np.clip(1.25 - t * t, 0, 1.25) ** 0.62 * (1 + 0.3 * au(5)) - fold
    return Eye(window, x, y, (cx, EYE_Y - 0.006), t, top, bottom, crease)


def sculpt_eye(eye: Eye, z: np.ndarray, albedo: np.ndarray, identity: Identity) -> None:
    """Cut the lid's crease and the lids' rims into height and albedo, in place."""
    z, albedo = z[eye.window], albedo[eye.window]
    along = np.clip(1.35 - np.abs(eye.t), 0, 0.4) / 0.4
    crease, rim = ridge(eye.y - eye.crease, 0.013) * along, ridge(eye.y - eye.bottom - 0.016, 0.012) * along
    pouch = ridge(eye.y - eye.bottom - 0.052, 0.02) * along
    z += -0.014 * crease + 0.009 * rim - (0.004 + 0.012 * identity.age) * pouch
    under = ridge(eye.y - eye.bottom - 0.004, 0.010) * along
    shadow = 0.34 * crease + 0.10 * under + (0.06 + 0.12 * identity.age) * pouch
    albedo *= 1 - shadow[..., None] * np.array((0.75, 1.0, 1.0), np.float32)


def paint_eye(
    eye: Eye,
    picture: np.ndarray,
    identity: Identity,
    gaze: tuple[float, float],
    light: np.ndarray,
    level: np.ndarray,
    pixel: float,
) -> None:
    """Paint the eyeball between the lids, the lid's shadow, catch-light and lashes, in place.

    `gaze` is (right, down) -1..1; `light` the direction towards the light; `level` its (3,) linear colour on
    the eye; `pixel` the size of a pixel in units.
    """
    picture = picture[eye.window]
    cx, cy = eye.centre
    opening = between(eye.y, eye.top, eye.bottom, 1.3 * pixel) * (np.abs(eye.t) < 1)
    ball = 1 - 0.9 * ((eye.x - cx) ** 2 + (eye.y - cy) ** 2) / 0.02
    ix, iy = cx + 0.05 * gaze[0], cy + 0.03 * gaze[1]
    radius = np.hypot(eye.x - ix, eye.y - iy) / (0.057 * (0.6 + 0.4 * identity.eye_size))
    colour = SCLERA * np.clip(ball, 0.45, 1)[..., None]
    corners = 0.45 * np.clip((np.abs(eye.t) - 0.72) / 0.3, 0, 1) * np.ones_like(eye.y)
    blend(colour, np.array((0.55, 0.22, 0.18), np.float32), corners)
    soft = 1.2 * pixel / 0.057
    iris = linear(EYE_COLOURS[identity.eye_colour])
    lit = np.clip(0.75 + 0.55 * ((eye.y - iy) / 0.057) - 0.9 * np.clip(radius - 0.72, 0, 1), 0.2, 1.4)
    blend(colour, iris * lit[..., None], np.clip((1 - radius) / soft + 0.5, 0, 1))
    blend(colour, np.full(3, 0.004, np.float32), np.clip((0.42 - radius) / soft + 0.5, 0, 1))
    colour *= (1 - 0.62 * ridge(np.maximum(eye.y - eye.top, 0), 0.030))[..., None] * level
    glint = np.hypot(eye.x - ix - 0.026 * light[0] - 0.006, eye.y - iy - 0.030 * light[1])
    colour += 0.8 * ridge(glint, 0.0125)[..., None] * level
    blend(picture, colour, opening)
    outer = np.clip(eye.t, -0.4, 1)
    thick = pixel * 0.75 + (0.004 + 0.007 * identity.lashes) * (1 + 0.6 * outer)
    reach = np.clip((1.08 - np.abs(eye.t)) / 0.2, 0, 1)
    lash = ridge((eye.y - eye.top + 0.3 * thick) / thick, 1.0) * reach
    blend(picture, np.array((0.012, 0.009, 0.008), np.float32), (0.62 + 0.3 * identity.lashes) * lash)
    rim = ridge(eye.y - eye.bottom, 0.009) * reach * (0.22 + 0.2 * identity.lashes)
    blend(picture, np.array((0.03, 0.012, 0.010), np.float32), rim * np.clip(0.6 + 0.5 * eye.t, 0, 1))


@dataclass(frozen=True)
class Mouth:
    """The mouth's window and, for each column, its curves: both lips' outer and inner edge, their seam."""

    window: tuple[slice, slice]
    x: np.ndarray
    y: np.ndarray
    t: np.ndarray
    seam: np.ndarray
    outer_top: np.ndarray
    inner_top: np.ndarray
    inner_bottom: np.ndarray
    outer_bottom: np.ndarray
    upper_teeth: np.ndarray
    lower_teeth: np.ndarray
    tongue: float


def shape_mouth(plane: Plane, identity: Identity, aus: Sides) -> Mouth:
    """Curves of the mouth under AU 9, 10, 12, 15, 16, 17, 20 and 23 to 26."""
    centre = place(identity, 0.0, MOUTH_Y)[1]
    window = plane.window(-0.42, 0.42, centre - 0.19, centre + 0.38)
    x, y = plane.x[:, window[1]], plane.y[window[0]]
    right = sigmoid(x / 0.05)

    def au(k: int) -> np.ndarray:
        on_left, on_right = aus.get(k, (0.0, 0.0))
        return on_left + (on_right - on_left) * right

    narrowed = 0.10 * au(23) + 0.05 * au(24) + 0.14 * au(26) * (1 - au(20)) * (1 - au(12))
    half = MOUTH_HALF * identity.mouth_width * (1 - narrowed)
    half += 0.088 * au(12) + 0.055 * au(20) + 0.012 * au(15)
    t = np.clip(np.abs(x) / half, 0, 1)
    corner = centre - 0.010 - 0.116 * au(12) + 0.056 * au(15) + 0.012 * au(20) + 0.055 * au(26)
    middle = centre + 0.012 * au(12) - 0.024 * au(17) - 0.012 * au(15) - 0.012 * au(24) - 0.020 * (au(9) + au(10))
    seam = middle + (corner - middle) * t ** (1.75 + 0.5 * au(15))
    pressed = (1 - 0.8 * au(24)) * (1 - 0.5 * au(17))
    parting = au(25)
    rise = (0.008 * parting + 0.022 * au(26) + 0.030 * au(10) + 0.010 * au(9) + 0.012 * au(12) * parting) * pressed
    parted = parting * (0.024 * (1 - 0.6 * au(26)) + 0.045 * au(12) + 0.026 * au(20))
    drop = (parted + 0.165 * au(26) + 0.030 * au(16)) * pressed
    square = 2.0 + 1.2 * au(20) + 0.6 * au(12) + 0.8 * au(10) + au(16)
    arc = np.clip(1 - t**square, 0, 1)
    thin = (1 - 0.45 * au(23)) * (1 - 0.55 * au(24)) * (1 - 0.20 * au(20)) * (1 - 0.15 * au(26))
    bow = np.clip(1 - t**2.3, 0, 1) * (1 + 0.20 * ridge(t - 0.26, 0.17) - 0.16 * ridge(t, 0.12))
    top_lip = 0.060 * identity.lip_fullness * thin * (1 - 0.25 * au(12) - 0.15 * au(10)) * bow
    roll = np.clip(1 - t**2.2, 0, 1) ** 0.85
    bottom_lip = 0.082 * identity.lip_fullness * thin * (1 - 0.15 * au(12) + 0.12 * au(17)) * roll
    inner_top, inner_bottom = seam - rise * arc, seam + drop * arc ** (1 - 0.45 * au(26))
    bare = np.clip(0.25 * parting + au(12) + 1.1 * au(10) + 0.5 * au(20) + 0.3 * au(9), 0, 1)
    return Mouth(
        window, x, y, np.abs(x) / half, seam,
        inner_top - top_lip, inner_top, inner_bottom, inner_bottom + bottom_lip,
        upper_teeth=inner_top + (0.018 + 0.055 * bare) * arc**0.5,
        lower_teeth=inner_bottom - 0.05 * np.clip(au(16) + 0.6 * au(20) - 0.3 * au(26), 0, 1) * arc**0.5,
        tongue=float(np.clip(au(26).max() * 1.2 - 0.2, 0, 1)),
    )  # fmt: skip


def sculpt_mouth(mouth: Mouth, z: np.ndarray, albedo: np.ndarray, gloss: np.ndarray, lips: np.ndarray) -> None:
    """Raise the lips out of the skin and give them their colour (`lips`, (3,) linear) and sheen, in place."""
    z, albedo, gloss = z[mouth.window], albedo[mouth.window], gloss[mouth.window]
    upper = np.clip((mouth.y - mouth.outer_top) / np.maximum(mouth.inner_top - mouth.outer_top, 0.006), 0, 1)
    lower = np.clip((mouth.outer_bottom - mouth.y) / np.maximum(mouth.outer_bottom - mouth.inner_bottom, 0.006), 0, 1)
    ends = np.clip((1.0 - mouth.t) / 0.12, 0, 1)
    cover = between(mouth.y, mouth.outer_top, mouth.outer_bottom, 0.018) * ends
    # The upper lip recedes from its border to the seam and lies in shade; the lower one rolls into the light.
    rolled = 0.034 * np.sin(np.pi * lower**0.8) - 0.022 * lower**3
    z += np.where(mouth.y < mouth.seam, -0.024 * upper**1.5, rolled) * ends
    corners = ridge(np.hypot((mouth.t - 1.03) * 0.2, mouth.y - mouth.seam), 0.026)
    z -= 0.016 * corners
    blend(albedo, lips, 0.88 * cover)
    albedo *= 1 - 0.42 * corners[..., None]
    gloss += 0.35 * cover * lower


def paint_mouth(mouth: Mouth, picture: np.ndarray, level: np.ndarray, pixel: float) -> None:
    """Paint the dark, the teeth and the tongue between the lips, and the seam where they meet, in place."""
    picture = picture[mouth.window]
    gap = mouth.inner_bottom - mouth.inner_top
    opening = (
        between(mouth.y, mouth.inner_top, mouth.inner_bottom, 1.5 * pixel)
        * np.clip(gap / (1.5 * pixel), 0, 1)
        * (mouth.t < 1)
    )
    depth = np.clip(1 - 0.75 * mouth.t**2, 0, 1)
    colour = np.broadcast_to(CAVITY, (*opening.shape, 3)).copy()
    if mouth.tongue:
        tip = mouth.inner_bottom - 0.055
        blend(
            colour,
            TONGUE * (0.55 * depth[..., None]),
            mouth.tongue * np.clip((mouth.y - tip) / 0.05, 0, 1) * np.clip(1.5 - 2 * mouth.t, 0, 1),
        )
    # Teeth about 8 mm wide, narrower and darker towards the corners of the mouth.
    gaps = 1 - 0.22 * ridge(np.sin(np.pi * (mouth.x / 0.072)), 0.16) * (mouth.t < 0.9)
    enamel = TEETH * (depth * gaps)[..., None]
    shade = np.clip(0.45 + (mouth.y - mouth.inner_top) / 0.035, 0.45, 1)[..., None]
    below = between(mouth.y, mouth.lower_teeth, mouth.inner_bottom, 1.6 * pixel) * np.clip(
        (mouth.inner_bottom - mouth.lower_teeth) / 0.02, 0, 1
    )
    blend(colour, 0.75 * enamel, below)
    blend(colour, enamel * shade, between(mouth.y, mouth.inner_top - 0.02, mouth.upper_teeth, 1.6 * pixel))
    blend(picture, colour * level, opening)
    closed = np.clip(1 - gap / 0.03, 0, 1)
    line = ridge(mouth.y - mouth.seam, 0.010) * np.clip((1.04 - mouth.t) / 0.1, 0, 1)
    blend(picture, picture * 0.22, (0.25 + 0.55 * closed) * line * closed)
    edge = ridge(mouth.y - mouth.inner_top, 0.010) * np.clip(gap / 0.03, 0, 1) * np.clip((1.02 - mouth.t) / 0.1, 0, 1)
    blend(picture, picture * 0.35, 0.6 * edge)
