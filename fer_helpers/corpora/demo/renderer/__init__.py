"""The demo's renderer: a face drawn from FACS action units, an identity, a pose and a light; nobody's picture."""

from fer_helpers.corpora.demo.renderer.head import metered
from fer_helpers.corpora.demo.renderer.identity import (
    AGE_GROUPS,
    PRESENTATIONS,
    SKIN_GROUPS,
    Identity,
    draw_identity,
)
from fer_helpers.corpora.demo.renderer.portrait import Pose, render
from fer_helpers.corpora.demo.renderer.scenes import SCENES, Light, draw_light

__all__ = [
    "AGE_GROUPS",
    "PRESENTATIONS",
    "SCENES",
    "SKIN_GROUPS",
    "Identity",
    "Light",
    "Pose",
    "draw_identity",
    "draw_light",
    "metered",
    "render",
]
