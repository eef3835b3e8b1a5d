"""A run's folder: its tables, key frames, figures and manifest."""

from fer_helpers.runs import draws, people, sweeps
from fer_helpers.runs.busy import hold
from fer_helpers.runs.comparison import Comparison, begin_comparison
from fer_helpers.runs.kernels import kernel, shared_kernel, surroundings
from fer_helpers.runs.lineage import file_hash
from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.notebooks import AUDIT, EVERY, NOTEBOOKS, SWEEP_COMPARISON, declared, source
from fer_helpers.runs.people import human_votes
from fer_helpers.runs.run import Run, folder_of, open_run, start
from fer_helpers.runs.studies import create_study

__all__ = [
    "AUDIT",
    "EVERY",
    "NOTEBOOKS",
    "SWEEP_COMPARISON",
    "Comparison",
    "Run",
    "begin_comparison",
    "create_study",
    "declared",
    "draws",
    "file_hash",
    "folder_of",
    "hold",
    "human_votes",
    "kernel",
    "made_with",
    "open_run",
    "people",
    "read_manifest",
    "shared_kernel",
    "source",
    "start",
    "surroundings",
    "sweeps",
    "write_manifest",
]
