"""The demo's renderer: a face drawn from FACS action units, an identity, a pose and a light; nobody's picture."""

from fer_helpers.corpora.demo.renderer.identity import Identity, draw_identity
from fer_helpers.corpora.demo.renderer.portrait import Pose, render
from fer_helpers.corpora.demo.renderer.scenes import SCENES, Light, draw_light

__all__ = ["SCENES", "Identity", "Light", "Pose", "draw_identity", "draw_light", "render"]
