"""The embedded OpenAI-compatible endpoint on loopback, and the FER2013 network behind it."""

from fer_helpers.endpoint.batches import BatchFaults
from fer_helpers.endpoint.model import FINGERPRINT, MODEL, ExpressionModel
from fer_helpers.endpoint.server import create_app, serve, serve_forever

__all__ = ["FINGERPRINT", "MODEL", "BatchFaults", "ExpressionModel", "create_app", "serve", "serve_forever"]
