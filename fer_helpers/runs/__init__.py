"""A run's folder: its tables, key frames, figures and manifest."""

from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.notebooks import NOTEBOOKS, declared, source
from fer_helpers.runs.run import Run, open_run, start

__all__ = [
    "NOTEBOOKS",
    "Run",
    "declared",
    "made_with",
    "open_run",
    "read_manifest",
    "source",
    "start",
    "write_manifest",
]
