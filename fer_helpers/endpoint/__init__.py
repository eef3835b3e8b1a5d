"""The embedded OpenAI-compatible endpoint on loopback, and the two small models behind it."""

from fer_helpers.endpoint import faults, students
from fer_helpers.endpoint.batches import BatchFaults
from fer_helpers.endpoint.faults import Faults
from fer_helpers.endpoint.model import FINGERPRINT, MODEL, ConstantModel, ExpressionModel
from fer_helpers.endpoint.room import BOOKS, Limits, Room, read_books
from fer_helpers.endpoint.served import MODELS
from fer_helpers.endpoint.server import create_app, serve, serve_forever

__all__ = [
    "BOOKS",
    "FINGERPRINT",
    "MODEL",
    "MODELS",
    "BatchFaults",
    "ConstantModel",
    "ExpressionModel",
    "Faults",
    "Limits",
    "Room",
    "create_app",
    "faults",
    "read_books",
    "serve",
    "serve_forever",
    "students",
]
