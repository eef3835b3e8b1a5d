"""The embedded OpenAI-compatible endpoint on loopback, and the FER2013 network behind it."""

from fer_helpers.endpoint import faults
from fer_helpers.endpoint.batches import BatchFaults
from fer_helpers.endpoint.faults import Faults
from fer_helpers.endpoint.model import FINGERPRINT, MODEL, ConstantModel, ExpressionModel
from fer_helpers.endpoint.server import create_app, serve, serve_forever
from fer_helpers.endpoint.weights import check_place_for_weights

__all__ = [
    "FINGERPRINT",
    "MODEL",
    "BatchFaults",
    "ConstantModel",
    "ExpressionModel",
    "Faults",
    "check_place_for_weights",
    "create_app",
    "faults",
    "serve",
    "serve_forever",
]
