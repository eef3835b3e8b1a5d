"""Who is drawn: the lasting traits of one invented face, and how a new one is drawn by lot within its groups."""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

# sRGB skin tones from light to deep; an identity lies anywhere between two neighbours.
SKIN_TONES = np.array(
    [
        (245, 216, 198),
        (233, 193, 167),
        (217, 170, 138),
        (190, 138, 104),
        (154, 104, 76),
        (118, 77, 56),
        (86, 56, 44),
    ],
    np.float32,
)
HAIR_COLOURS = {
    "black": (26, 22, 22), "brown": (66, 43, 30), "chestnut": (98, 58, 36), "auburn": (124, 60, 32),
    "blond": (186, 148, 98), "grey": (140, 137, 134), "white": (208, 205, 200),
}  # fmt: skip
EYE_COLOURS = {"dark": (58, 36, 24), "brown": (98, 62, 36), "hazel": (122, 98, 54),
               "green": (100, 118, 82), "blue": (92, 124, 152), "grey": (122, 130, 136)}  # fmt: skip
# Hair and head coverings: their shares among feminine and masculine faces. Coverings are of cloth.
HAIR_SHARES = {
    "feminine": {
        "short": 0.12,
        "long": 0.28,
        "fringe": 0.16,
        "curly": 0.14,
        "tied": 0.14,
        "headscarf": 0.12,
        "beanie": 0.04,
    },
    "masculine": {
        "short": 0.44,
        "curly": 0.14,
        "receding": 0.12,
        "bald": 0.12,
        "long": 0.02,
        "turban": 0.08,
        "beanie": 0.08,
    },
}
COVERINGS = ("headscarf", "turban", "beanie")
CLOTHS = ((38, 44, 66), (122, 40, 44), (58, 84, 74), (186, 170, 146), (44, 42, 46), (150, 112, 60), (96, 70, 112))
# What an identity is balanced over (`plan`); skin by the individual typology angle, in degrees, that bounds it.
SKIN_GROUPS = {"light": (41.0, 68.0), "medium": (10.0, 41.0), "deep": (-60.0, 10.0)}
AGE_GROUPS = {"young": (0.0, 0.25), "middle": (0.35, 0.6), "old": (0.75, 1.0)}
PRESENTATIONS = tuple(HAIR_SHARES)
CLOTHES = (
    (52, 60, 78),
    (112, 48, 48),
    (70, 84, 66),
    (196, 188, 172),
    (40, 40, 44),
    (120, 104, 136),
    (66, 108, 120),
)


@dataclass(frozen=True)
class Identity:
    """Traits that stay the same through every clip of a subject.

    Factors are relative to an average adult face (1.0); `skin` runs from 0 (light) to 1 (deep); `age`,
    `stubble`, `beard`, `freckles` and `lipstick` from 0 (none) to 1. `seed` fixes the texture: pores, hairs,
    strands.
    """

    seed: int = 0
    skin: float = 0.25
    undertone: float = 0.0
    face_width: float = 1.0
    jaw: float = 1.0
    chin: float = 1.0
    eye_spacing: float = 1.0
    eye_size: float = 1.0
    eye_tilt: float = 0.0
    eye_colour: str = "brown"
    lid_fold: float = 1.0
    lashes: float = 0.3
    brow_thickness: float = 1.0
    brow_arch: float = 0.5
    brow_height: float = 0.0
    nose_length: float = 1.0
    nose_width: float = 1.0
    mouth_width: float = 1.0
    lip_fullness: float = 1.0
    lipstick: float = 0.0
    hair: str = "short"
    hair_colour: str = "brown"
    glasses: bool = False
    stubble: float = 0.0
    beard: float = 0.0
    freckles: float = 0.0
    age: float = 0.2
    clothes: int = 0
    cloth: int = 0


def skin_tone(skin: float) -> np.ndarray:
    """The sRGB colour, (3,) 0..255, of a skin from 0 (light) to 1 (deep), without undertone."""
    tone = skin * (len(SKIN_TONES) - 1)
    return np.array([np.interp(tone, range(len(SKIN_TONES)), SKIN_TONES[:, c]) for c in range(3)], np.float32)


def typology_angle(skin: float) -> float:
    """Individual typology angle of a skin, in degrees: atan2(L* - 50, b*) of its CIELAB colour.

    Chardon, Cretois & Hourseau 1991, International Journal of Cosmetic Science 13(4), 191-208; the usual bands are
    very light above 55, light above 41, intermediate above 28, tan above 10, brown above -30, and dark.
    """
    lightness, _, yellow = cv2.cvtColor(skin_tone(skin)[None, None] / 255, cv2.COLOR_RGB2LAB)[0, 0]
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


@cache
def _angles() -> tuple[np.ndarray, np.ndarray]:
    skins = np.linspace(1, 0, 501)
    return np.array([typology_angle(float(skin)) for skin in skins]), skins


def draw_identity(
    rng: np.random.Generator, style_place: float, skin_group: str, age_group: str, presentation: str
) -> Identity:
    """Draw one identity by lot within its groups; skin and age evenly between the bounds of theirs.

    `style_place`, 0..1, says what is on the head: the place among the shares of `HAIR_SHARES`.

    Presentation goes with hair, jaw, brows, lashes and beards, so that most faces look coherent; the traits stay
    independent otherwise, of expression above all.
    """
    soft = presentation == "feminine"
    skin = float(np.interp(rng.uniform(*SKIN_GROUPS[skin_group]), *_angles()))
    age = float(rng.uniform(*AGE_GROUPS[age_group]))
    bearded = not soft and rng.random() < 0.35
    bounds = np.cumsum(list(HAIR_SHARES[presentation].values()))
    style = list(HAIR_SHARES[presentation])[int(np.searchsorted(bounds, style_place * bounds[-1]))]

    def around(spread: float, mean: float = 1.0) -> float:
        return float(np.clip(rng.normal(mean, spread), mean - 2 * spread, mean + 2 * spread))

    return Identity(
        seed=int(rng.integers(2**31)),
        skin=skin,
        undertone=around(0.4, 0.0),
        face_width=around(0.035, 0.97 if soft else 1.01),
        jaw=around(0.045, 0.95 if soft else 1.05),
        chin=around(0.03, 0.98 if soft else 1.02),
        eye_spacing=around(0.03),
        eye_size=around(0.04, 1.03 if soft else 0.98),
        eye_tilt=around(0.008, 0.004),
        eye_colour=_eye_colour(rng, skin),
        lid_fold=float(rng.choice((0.25, 1.0), p=(0.2, 0.8))),
        lashes=float(rng.uniform(0.5, 1.0) if soft else rng.uniform(0.0, 0.3)),
        brow_thickness=around(0.12, 0.8 if soft else 1.1),
        brow_arch=float(rng.uniform(0.4, 1.0) if soft else rng.uniform(0.1, 0.6)),
        brow_height=around(0.01, -0.004 if soft else 0.012),
        nose_length=around(0.05),
        nose_width=around(0.07, (0.94 if soft else 1.0) + 0.16 * skin),
        mouth_width=around(0.05),
        lip_fullness=around(0.13, (1.08 if soft else 0.9) + 0.25 * skin),
        lipstick=float(rng.uniform(0.3, 1.0)) if soft and rng.random() < 0.45 else 0.0,
        hair=style,
        hair_colour=_hair_colour(rng, skin, age),
        glasses=bool(rng.random() < 0.2),
        stubble=float(rng.uniform(0.2, 1.0)) if not soft and not bearded and rng.random() < 0.6 else 0.0,
        beard=float(rng.uniform(0.6, 1.0)) if bearded else 0.0,
        freckles=float(rng.uniform(0.3, 1.0)) if skin < 0.35 and rng.random() < 0.3 else 0.0,
        age=age,
        clothes=int(rng.integers(len(CLOTHES))),
        cloth=int(rng.integers(len(CLOTHS))),
    )


def _eye_colour(rng: np.random.Generator, skin: float) -> str:
    if skin > 0.45:
        return str(rng.choice(("dark", "brown"), p=(0.7, 0.3)))
    return str(rng.choice(tuple(EYE_COLOURS), p=(0.15, 0.27, 0.16, 0.14, 0.18, 0.10)))


def _hair_colour(rng: np.random.Generator, skin: float, age: float) -> str:
    if rng.random() < (age - 0.4) * 2.2:
        return "white" if rng.random() < age - 0.4 else "grey"
    if skin > 0.45:
        return str(rng.choice(("black", "brown"), p=(0.75, 0.25)))
    return str(rng.choice(("black", "brown", "chestnut", "auburn", "blond"), p=(0.22, 0.3, 0.2, 0.1, 0.18)))
