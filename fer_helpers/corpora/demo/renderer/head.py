"""One identity's head at rest: form, colours and coverage that no expression, pose or light changes."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from fer_helpers.corpora.demo.renderer import features, geometry, surroundings
from fer_helpers.corpora.demo.renderer.geometry import Plane
from fer_helpers.corpora.demo.renderer.identity import Identity, skin_tone
from fer_helpers.corpora.demo.renderer.scenes import Light


@dataclass(frozen=True)
class Head:
    """Everything about an identity's head that no frame changes, on the head's own plane."""

    plane: Plane
    height: np.ndarray
    albedo: np.ndarray
    cover: np.ndarray
    gloss: np.ndarray
    depth: np.ndarray
    jaw: np.ndarray
    movements: dict[int, tuple[geometry.Movement, geometry.Movement]]
    lips: np.ndarray
    glasses: tuple[np.ndarray, np.ndarray, np.ndarray] | None


@lru_cache(maxsize=2)
def build_head(identity: Identity, scale: float) -> Head:
    """The head of an identity on a plane of `scale` pixels a unit; the last two are kept."""
    plane = Plane(-0.92, -1.25, round(1.84 * scale), round(2.57 * scale), scale)
    rng = np.random.default_rng(identity.seed)
    skin = skin_colour(identity)
    # A little inside the outline, where the height field is still not too steep to shade.
    face = np.clip(1.6 * plane.soften(plane.polygon(geometry.outline(identity)), 0.008) - 0.6, 0, 1)
    z = geometry.resting_surface(plane, identity)
    z = z + _age_lines(plane, identity)
    albedo = _complexion(plane, identity, skin, rng)
    gloss = (
        0.10
        + 0.16 * plane.blob(0, -0.5, 0.25, 0.15)
        + 0.28 * plane.blob(0, 0.3, 0.07, 0.14)
        + 0.1 * plane.blob(0.4, 0.2, 0.12, 0.1)
    )
    gloss *= 1 - 0.85 * identity.beard * plane.blob(0, 0.53, 0.2, 0.07)  # a moustache does not shine like skin
    if identity.hair not in ("long", "fringe", "headscarf"):  # those cover them
        z, face = _with_ears(plane, identity, z, face, albedo)
    cover, hair_z, tone = surroundings.hair(plane, identity, rng)
    joint = features.lay_over(albedo, face, surroundings.cover_colour(identity) * tone[..., None], cover)
    # A little of the hair's shadow falls on the brow and temples.
    albedo *= (1 - 0.35 * plane.soften(cover, 0.05) * (1 - cover))[..., None]
    z = z + (hair_z - z) * plane.soften(cover, 0.015)
    return Head(
        plane=plane,
        height=z.astype(np.float32),
        albedo=albedo.astype(np.float32),
        cover=joint.astype(np.float32),
        gloss=(gloss * (1 - 0.6 * cover)).astype(np.float32),
        depth=plane.soften(z.astype(np.float32), 0.06),
        jaw=geometry.jaw_shift(plane),
        movements=geometry.movements(plane, identity, 1 - plane.soften(cover, 0.01)),
        lips=_lip_colour(identity, skin),
        glasses=surroundings.glasses(plane, identity, 1 - cover) if identity.glasses else None,
    )


def metered(light: Light, identity: Identity, share: float) -> Light:
    """`light` exposed for a face: fixed (`share` 0), so that all skins are equally bright (1), or between.

    Cameras meter the face among other things. The exposure a skin needs is relative to a fairly light one's.
    """
    weights = np.array((0.2126, 0.7152, 0.0722))
    own, usual = (float(features.linear(skin_tone(skin)) @ weights) for skin in (identity.skin, 0.2))
    return replace(light, level=light.level * (usual / own) ** share)


def skin_colour(identity: Identity) -> np.ndarray:
    """The skin's colour in linear light, (3,)."""
    return features.linear(skin_tone(identity.skin)) * np.array(
        (1 + 0.05 * identity.undertone, 1.0, 1 - 0.06 * identity.undertone)
    )


def _lip_colour(identity: Identity, skin: np.ndarray) -> np.ndarray:
    # Lips differ less from a deep skin, and lipstick on them is as much darker as the skin below it.
    bare = skin * (np.array((0.72, 0.44, 0.46)) * (1 - identity.skin) + np.array((0.82, 0.62, 0.66)) * identity.skin)
    painted = np.array((0.34, 0.035, 0.05)) * (1 - 0.62 * identity.skin)
    return bare + (painted - bare) * 0.65 * identity.lipstick


def _complexion(plane: Plane, identity: Identity, skin: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Albedo of the resting face, (rows, columns, 3) linear: skin, nostrils, brows and beard."""
    albedo = np.ones((plane.rows, plane.columns, 1), np.float32) * skin.astype(np.float32)
    blush = (
        0.5 * plane.blob(0.38, 0.26, 0.16, 0.13)
        + 0.5 * plane.blob(0, 0.36, 0.1, 0.07)
        + 0.2 * plane.blob(0, 0.9, 0.15, 0.1)
    )
    albedo *= 1 - np.clip(blush, 0, 1)[..., None] * np.array((0.02, 0.24, 0.22)) * (1 - 0.5 * identity.skin)
    socket = plane.blob(0.26, 0.03, 0.14, 0.08)
    albedo *= 1 - socket[..., None] * np.array((0.16, 0.2, 0.17))
    shape = (plane.rows, plane.columns)
    mottle = 0.025 * surroundings.noise(rng, shape, 0.05 * plane.scale) + 0.018 * surroundings.noise(rng, shape, 0.9)
    albedo *= 1 + mottle[..., None] * np.array((0.7, 1.0, 1.0))
    if identity.freckles:
        spots = np.clip(surroundings.noise(rng, shape, 0.011 * plane.scale) - 1.3, 0, 1)
        spots = np.clip(spots * plane.blob(0.2, 0.2, 0.22, 0.16), 0, 1)
        albedo *= 1 - 0.5 * identity.freckles * spots[..., None] * np.array((0.6, 0.9, 1.0))
    x, y = geometry.place(identity, 0.058, geometry.NOSE_Y)
    nostrils = np.clip(plane.blob(x, y - 0.004, 0.024, 0.012), 0, 1)
    albedo *= 1 - 0.8 * nostrils[..., None]
    _grow_hairs(albedo, plane, identity, skin, rng)
    return albedo


def _grow_hairs(
    albedo: np.ndarray, plane: Plane, identity: Identity, skin: np.ndarray, rng: np.random.Generator
) -> None:
    """Paint stubble, beard and brows into the skin's albedo, in place."""
    hair = surroundings.hair_colour(identity)
    grown = surroundings.beard(plane, identity, rng)
    strands = np.clip(1 + 0.3 * surroundings.noise(rng, grown.shape, 1.0), 0.4, 2)
    shaven = 0.42 * identity.stubble * grown * np.minimum(strands / 1.3, 1)
    features.blend(albedo, 0.5 * (hair + 0.02) + 0.35 * skin, shaven)
    features.blend(albedo, hair * 0.9 * strands[..., None], np.clip(1.1 * identity.beard * grown, 0, 0.96))
    # Brows are darker than the hair, the lighter the hair the more.
    brow = hair * (0.8 - 0.65 * float(hair.mean()) ** 0.5)
    features.blend(albedo, brow.astype(np.float32), surroundings.brows(plane, identity, rng))


def _age_lines(plane: Plane, identity: Identity) -> np.ndarray:
    lines = 0.004 + 0.032 * identity.age
    z = lines * geometry.nasolabial_fold(plane, identity)
    for unit, share in ((1, 0.6), (2, 0.6), (6, 0.7), (15, 0.6)):
        for points, width, depth in geometry.FURROWS[unit]:
            z = z + geometry.furrow(plane, identity, points, width, depth * share * max(0.0, identity.age - 0.25))
    return z


def _with_ears(
    plane: Plane, identity: Identity, z: np.ndarray, face: np.ndarray, albedo: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ears beside the head, set behind its outline; their albedo, redder, is painted in place."""
    x = 0.655 * identity.face_width
    turn = np.linspace(0, 2 * np.pi, 60)
    ear = np.stack(
        [
            x + 0.07 * np.cos(turn) + 0.02 * np.sin(-turn),
            0.14 + 0.185 * np.sin(turn) * (1 - 0.1 * np.cos(turn)),
        ],
        1,
    )
    cover = plane.soften(np.maximum(*(plane.polygon(e) for e in geometry.mirrored(ear))), 0.006) * (1 - face)
    bowl = 0.06 * plane.blob(x + 0.04, 0.08, 0.035, 0.12) - 0.05 * plane.blob(x + 0.012, 0.12, 0.022, 0.07)
    albedo *= 1 - cover[..., None] * np.array((0.06, 0.2, 0.2))
    albedo *= (1 - 0.45 * cover * plane.blob(x + 0.01, 0.13, 0.022, 0.075))[..., None]
    return z + (0.05 + bowl) * cover, face + cover
