"""The notebooks through papermill: one run, or the many runs of a sweep."""

from fer_helpers.pipeline.commands import papermill_commands
from fer_helpers.pipeline.run import execute, extract_frames, score
from fer_helpers.pipeline.steps import is_executed
from fer_helpers.pipeline.sweep import execute_sweep

__all__ = ["execute", "execute_sweep", "extract_frames", "is_executed", "papermill_commands", "score"]
