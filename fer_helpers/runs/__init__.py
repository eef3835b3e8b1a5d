"""A run's folder: its tables, key frames, figures and manifest."""

from fer_helpers.runs.busy import hold
from fer_helpers.runs.kernels import surroundings
from fer_helpers.runs.lineage import file_hash
from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.notebooks import NOTEBOOKS, declared, source
from fer_helpers.runs.run import Run, folder_of, open_run, start
from fer_helpers.runs.studies import create_study

__all__ = [
    "NOTEBOOKS",
    "Run",
    "create_study",
    "declared",
    "file_hash",
    "folder_of",
    "hold",
    "made_with",
    "open_run",
    "read_manifest",
    "source",
    "start",
    "surroundings",
    "write_manifest",
]
