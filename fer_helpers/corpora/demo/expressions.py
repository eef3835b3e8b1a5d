"""Which action units an expression is made of, and how it varies from clip to clip."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prototype:
    """The action units of an expression: those that make it, and neighbours that often come along."""

    core: tuple[int, ...]
    optional: tuple[int, ...] = ()


# EMFACS prototypes (Friesen & Ekman, "EMFACS-7: Emotional Facial Action Coding System", 1983). An optional
# neighbour takes part in about two clips of three, at OPTIONAL_WEIGHT of the strength of the core.
EMFACS = {
    "angry": Prototype((4, 5, 7, 23), (24,)),
    "disgust": Prototype((9, 15, 16), (10, 17)),
    "fear": Prototype((1, 2, 4, 5, 20, 26)),
    "happy": Prototype((6, 12), (25,)),
    "neutral": Prototype(()),
    "sad": Prototype((1, 4, 15), (17,)),
    "surprise": Prototype((1, 2, 5, 26)),
}
OPTIONAL_WEIGHT = 0.6

# What an expression is at times mixed with, at low strength.
NEIGHBOURS = {
    "angry": ("disgust", "sad"), "disgust": ("angry",), "fear": ("surprise",), "happy": ("surprise",),
    "neutral": ("sad",), "sad": ("neutral", "fear"), "surprise": ("fear", "happy"),
}  # fmt: skip


def expression(
    label: str, intensity: float, second_label: str, rng: np.random.Generator
) -> dict[int, tuple[float, float]]:
    """Action units at the apex, each for the viewer's left and right: the prototype, varied, with any blend.

    A blend with another expression adds it at 0.15 to 0.35; a blend with neutral weakens the expression.
    """
    parts = [(label, intensity * (0.55 if second_label == "neutral" else 1.0))]
    if second_label:
        parts.append((second_label, float(rng.uniform(0.15, 0.35))))
    weights: dict[int, float] = {}
    for name, strength in parts:
        prototype = EMFACS[name]
        optional = [unit for unit in prototype.optional if rng.random() < 2 / 3]
        for unit in (*prototype.core, *optional):
            weight = strength * rng.uniform(0.85, 1.1) * (1 if unit in prototype.core else OPTIONAL_WEIGHT)
            weights[unit] = max(weight, weights.get(unit, 0.0))
    # Faces lean to one side as a whole, and each muscle a little by itself.
    lean = rng.normal(0, 0.07)
    tilts = {unit: lean + rng.normal(0, 0.04) for unit in weights}
    return {
        unit: (min(1.0, weight * (1 - tilts[unit])), min(1.0, weight * (1 + tilts[unit])))
        for unit, weight in weights.items()
    }
