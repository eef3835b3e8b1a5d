"""A run's folder: its tables, key frames, figures and manifest."""

from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.run import NOTEBOOKS, Run, open_run, start

__all__ = ["NOTEBOOKS", "Run", "made_with", "open_run", "read_manifest", "start", "write_manifest"]
