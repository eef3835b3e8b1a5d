"""What surrounds a face: hair, brows, beard and glasses on the head, neck and clothes below it."""

import cv2
import numpy as np

from fer_helpers.corpora.demo.renderer.features import lay_over, linear
from fer_helpers.corpora.demo.renderer.geometry import (
    BROW_Y,
    EYE_X,
    EYE_Y,
    MOUTH_Y,
    Plane,
    bezier,
    half_width,
    mirrored,
    place,
    sigmoid,
)
from fer_helpers.corpora.demo.renderer.hairstyles import HAIRLINE, VOLUME
from fer_helpers.corpora.demo.renderer.identity import CLOTHES, CLOTHS, COVERINGS, HAIR_COLOURS, Identity


def noise(rng: np.random.Generator, shape: tuple[int, int], spread: float) -> np.ndarray:
    """Smooth noise of mean about zero and standard deviation one; `spread` in pixels."""
    field = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), spread)
    return field / field.std()


def hair(plane: Plane, identity: Identity, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coverage, height and tone of the hair on the head, (rows, columns) each; tone multiplies its colour."""
    shape = (plane.rows, plane.columns)
    if identity.hair == "bald":
        return (np.zeros(shape, np.float32),) * 3
    volume, line = np.array(VOLUME[identity.hair]), np.array(HAIRLINE[identity.hair])
    strand, fine = _strands(plane, identity, rng)
    rough = 0.03 if identity.hair == "curly" else 0.012
    lumps = noise(rng, shape, 0.03 * plane.scale)
    wide = identity.face_width
    outer = np.interp(plane.y, volume[:, 0], volume[:, 1] * wide, left=-1, right=-1)
    inner = np.interp(plane.y, line[:, 0], line[:, 1] * wide, left=-1, right=9)
    away = np.abs(plane.x)
    inside = np.clip((outer - away + rough * lumps) / 0.02 + 0.5, 0, 1)
    top = plane.polygon(_outline(volume, wide))
    inside = np.minimum(plane.soften(top, 0.02 if identity.hair == "curly" else 0.008) * 1.4, inside + 0.3 * top).clip(
        0, 1
    )
    inside = inside * np.clip((volume[-1, 0] - plane.y) / 0.1, 0, 1)
    edge = np.where(plane.y < -0.2, 0.035, 0.02)
    loose = float(identity.hair not in COVERINGS)
    # The hairline is no edge but a thinning: single strands reach further than others.
    grown = np.clip((away - inner + edge * loose * (0.14 * strand + 0.16 * fine + 0.12 * lumps)) / edge + 0.5, 0, 1)
    cover = plane.soften((inside * grown).astype(np.float32), 0.009)
    dome = (
        0.62
        * np.sqrt(np.clip(1 - (away / np.maximum(outer, 0.05)) ** 2.2, 0, 1))
        * np.sqrt(np.clip(1 - np.clip(-plane.y / 1.12, 0, 1) ** 2.6, 0, 1))
    )
    bumps = 0.03 * lumps if identity.hair == "curly" else 0.004 * strand + 0.006 * lumps
    if not loose:
        bumps = 0.008 * (folds := _folds(plane, identity, strand))
        return cover, (dome + 0.05 + bumps).astype(np.float32), (0.92 + 0.12 * folds).astype(np.float32)
    sheen = np.exp(-(((plane.y + 0.62 - 0.35 * plane.x**2) / 0.13) ** 2))
    contrast = 1 - 0.6 * float(hair_colour(identity).mean()) ** 0.5
    tone = np.clip(
        0.85
        + contrast * (0.18 * strand + 0.16 * fine + 0.4 * sheen * (0.6 + 0.4 * strand) * (identity.hair != "curly")),
        0.25,
        2.2,
    )
    return cover, (dome + 0.05 + bumps).astype(np.float32), tone.astype(np.float32)


def _folds(plane: Plane, identity: Identity, strand: np.ndarray) -> np.ndarray:
    """Height, about -1 to 1, of the folds of a head covering: wound, knitted, or draped."""
    match identity.hair:
        case "turban":
            return np.sin(24 * (plane.y + 0.6 * np.abs(plane.x))) * np.ones_like(strand)
        case "beanie":
            return np.sin(75 * plane.x) * np.where(plane.y > -0.68, 1, 0.4)
    return 0.5 * strand


def _outline(profile: np.ndarray, wide: float) -> np.ndarray:
    y = np.linspace(profile[0, 0], profile[-1, 0], 160)
    w = np.interp(y, profile[:, 0], profile[:, 1] * wide)
    return np.concatenate([np.stack([w, y], 1), np.stack([-w, y], 1)[::-1]])


def _strands(plane: Plane, identity: Identity, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coarse and fine strands, out from the parting over the crown and straight down beside the face."""
    part = rng.uniform(-0.3, 0.3) if identity.hair in ("short", "long") else 0.0
    # Below the temples the depth under the crown levels off smoothly, and the strands hang straight.
    below = np.maximum(0.9 - 0.15 * np.log1p(np.exp((-0.35 - plane.y) / 0.15)), 0.02)
    turn = np.arctan2(plane.x - part, below).astype(np.float32)
    wave = (0.02 if identity.hair == "curly" else 0.007) * noise(rng, (plane.rows, plane.columns), 0.1 * plane.scale)
    grid = np.linspace(-2, 2, 4000)
    coarse = cv2.GaussianBlur(rng.standard_normal((1, 4000), np.float32), (0, 0), 14)[0]
    thin = cv2.GaussianBlur(rng.standard_normal((1, 4000), np.float32), (0, 0), 5)[0]
    return (
        np.interp(turn + wave, grid, coarse / coarse.std()).astype(np.float32),
        np.interp(turn + wave, grid, thin / thin.std()).astype(np.float32),
    )


def brows(plane: Plane, identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Coverage of both brows, drawn hair by hair: upwards near the nose, then along the brow."""
    height = BROW_Y + identity.brow_height
    arch = 0.028 + 0.035 * identity.brow_arch
    path = bezier(
        [(0.1, height + 0.012), (0.2, height - arch), (0.33, height - 1.25 * arch), (0.47, height + 0.022)],
        60,
    )
    path[:, 0] *= identity.eye_spacing
    thick = 0.030 * identity.brow_thickness
    mask = np.zeros((plane.rows, plane.columns), np.float32)
    for curve in mirrored(path):
        hairs = []
        for _ in range(210):
            i = int(rng.integers(0, 58))
            s = i / 58
            taper = min(1.0, 0.45 + 2.2 * s) * (1 - 0.72 * max(0.0, s - 0.3) / 0.7)
            start = curve[i] + np.array((0, rng.uniform(-0.75, 1.0) * thick * taper))
            along = (curve[i + 1] - curve[i]) / np.linalg.norm(curve[i + 1] - curve[i])
            along[1] -= np.clip(0.9 - 2.4 * s, -0.15, 0.9)
            hairs.append(np.stack([start, start + along * rng.uniform(0.028, 0.05)]))
        mask = np.maximum(mask, plane.strokes(hairs, 0.006, taper=False))
    return np.clip(1.15 * plane.soften(mask, 0.008) + 0.25 * mask, 0, 1) * 0.88


def beard(plane: Plane, identity: Identity, rng: np.random.Generator) -> np.ndarray:
    """Where a beard would grow, 0..1: moustache, chin, and jaw up to the ears."""
    wide = half_width(identity, plane.y)
    edge = 0.50 + 0.22 * np.exp(-((plane.x / 0.36) ** 2)) - 0.55 * np.clip(np.abs(plane.x) - 0.36, 0, 1)
    low = sigmoid((plane.y - edge) / 0.025)
    lip = plane.y - MOUTH_Y + 0.105 - 0.35 * plane.x**2
    moustache = np.exp(-((lip / 0.042) ** 2) - (plane.x / 0.25) ** 4)
    link = np.exp(-(((np.abs(plane.x) - 0.29) / 0.05) ** 2) - ((plane.y - 0.68) / 0.13) ** 2)
    patch = np.exp(-((plane.x / 0.13) ** 4) - ((plane.y - 0.76) / 0.05) ** 2) * 0.5
    grown = np.maximum.reduce([low * (plane.y > 0.05), moustache, link, patch])
    grown = (grown * (np.abs(plane.x) < wide + 0.02)).astype(np.float32)
    return np.clip(plane.soften(grown, 0.012) + 0.08 * noise(rng, grown.shape, 1.2) * grown, 0, 1)


def glasses(plane: Plane, identity: Identity, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coverage of the frame where no hair hides it (`skin`, 0..1), of the lenses, of the frame's shadow."""
    cx = place(identity, EYE_X, EYE_Y)[0]
    turn = np.linspace(0, 2 * np.pi, 80)
    # A superellipse: between round and square, as most frames are.
    circle = np.stack([np.cos(turn), np.sin(turn)], 1)
    rim = np.sign(circle) * np.abs(circle) ** 0.75 * (0.205, 0.155)
    rims = mirrored(rim + np.array((cx, EYE_Y + 0.03)))
    inner = cx - 0.205
    bridge = bezier([(-inner, -0.01), (0.0, -0.06), (inner, -0.01)])
    arms = mirrored(np.array([(cx + 0.2, -0.04), (0.64 * identity.face_width, -0.055)]))
    frame = plane.strokes([*rims, bridge, *arms], 0.02, taper=False) * skin
    lens = np.maximum(*(plane.polygon(r) for r in rims))
    shadow = plane.soften(np.roll(frame, round(0.03 * plane.scale), axis=0), 0.018)
    return plane.soften(frame, 0.004), lens, shadow


def body(plane: Plane, identity: Identity, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Albedo, coverage and height of the hair behind, the neck and the clothes, on the camera's plane."""
    shape = (plane.rows, plane.columns)
    away = np.abs(plane.x)
    albedo = np.ones((*shape, 3), np.float32) * (0.35 * cover_colour(identity))
    cover = np.zeros(shape, np.float32)
    if identity.hair in ("long", "fringe", "headscarf"):
        volume = np.array(VOLUME[identity.hair]) * (1, 0.94)
        cover = plane.soften(plane.polygon(_outline(volume, identity.face_width)), 0.012)
    neck_half = 0.36 * identity.face_width * identity.jaw**1.5 + 0.25 * np.clip(plane.y - 1.0, 0, 1) ** 2
    neck = np.clip((neck_half - away) / 0.02 + 0.5, 0, 1) * (plane.y > 0.3)
    # The head keeps the light off the neck just below the chin.
    shade = 0.92 - 0.46 * np.exp(-(((plane.y - 0.95) / 0.22) ** 2) - (plane.x / 0.5) ** 2)
    cover = lay_over(albedo, cover, skin * shade[..., None], neck)
    shoulder = 1.18 + 0.16 * np.clip(away - 0.3, 0, 2) + 0.35 * np.clip(away - 0.85, 0, 2) ** 2
    collar = 1.19 + 0.16 * np.sqrt(np.clip(1 - (plane.x / 0.47) ** 2, 0, 1))
    cloth = np.clip((plane.y - np.maximum(shoulder, collar)) / 0.02 + 0.5, 0, 1)
    seam = 1 - 0.25 * np.exp(-(((plane.y - collar - 0.03) / 0.02) ** 2))
    cover = lay_over(albedo, cover, linear(CLOTHES[identity.clothes]) * seam[..., None], cloth)
    z = np.sqrt(np.clip(1 - (plane.x / (neck_half + 0.03)) ** 2, 0, 1)) * 0.3
    z_cloth = 0.35 + 0.35 * np.sqrt(np.clip(1 - (plane.x / 1.5) ** 2, 0, 1)) + 0.4 * np.clip(plane.y - 1.1, 0, 0.6)
    z = z + (z_cloth - z) * cloth
    return albedo, cover.astype(np.float32), plane.soften(z.astype(np.float32), 0.02)


def cover_colour(identity: Identity) -> np.ndarray:
    """The colour of what is on the head, hair or cloth, in linear light, (3,)."""
    return linear(CLOTHS[identity.cloth]) if identity.hair in COVERINGS else hair_colour(identity)


def hair_colour(identity: Identity) -> np.ndarray:
    """The hair's colour in linear light, (3,)."""
    return linear(HAIR_COLOURS[identity.hair_colour])
