"""The sweep that the committed notebook 07 shows: four cells of the demo, which share its clips and replies."""

from unittest import mock

from fer_helpers import pipeline
from fer_helpers.runs import SWEEP_COMPARISON, sweeps
from tests.support.notebooks import run_here

VARIED = {"model": ["fer2013-cnn", "facs-rules"], "frame_choice": ["uniform", "middle"]}
# Repeats of the same request beside it, so that a choice can be told from noise; the demo's model has none.
SAME = {"strategies": ["multi_frame", "self_consistency"], "n_replicates": 2, "taxonomies": ["seven"], "n_frames": 3}
ALONE = {"human_labels": "", "error_analysis": False}  # cells without notebooks 05 and 06


def make_sweep(n_clips=240, n_resamples=2000):
    """Make its cells, without kernels and without the comparison, which is executed as a notebook of its own."""
    common = {**SAME, **ALONE, "n_clips": n_clips, "n_resamples": n_resamples}
    found = sweeps.of_values({**common, "out": "outputs/sweep", "sweep": VARIED})
    with mock.patch("fer_helpers.pipeline.steps.run_notebook", _a_cells):
        pipeline.execute_sweep(found, lambda line: None, at_once=1)


def _a_cells(notebook, values, out):
    if notebook != SWEEP_COMPARISON:
        run_here(notebook, values, out)


if __name__ == "__main__":
    make_sweep()
