"""The notebooks through papermill: one run, the many runs of a sweep, a supplement opened; and a run's supplement."""

from fer_helpers.pipeline import opening, supplement
from fer_helpers.pipeline.commands import papermill_commands
from fer_helpers.pipeline.run import execute, extract_frames, score
from fer_helpers.pipeline.steps import is_executed
from fer_helpers.pipeline.sweep import execute_sweep

__all__ = [
    "execute",
    "execute_sweep",
    "extract_frames",
    "is_executed",
    "opening",
    "papermill_commands",
    "score",
    "supplement",
]
