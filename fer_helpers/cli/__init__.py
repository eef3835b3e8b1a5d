"""The command line, `fer-helpers`; each command a few lines."""

from fer_helpers.cli import (
    archives,
    audit,
    batches,
    classroom,
    installation,
    runs,
    studies,
    supplements,
    sweeps,
)
from fer_helpers.cli._base import main

__all__ = [
    "archives",
    "audit",
    "batches",
    "classroom",
    "installation",
    "main",
    "runs",
    "studies",
    "supplements",
    "sweeps",
]
