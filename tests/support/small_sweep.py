"""The sweep that the committed notebook 07 shows: four cells of the demo, which share its clips and replies."""

from unittest import mock

from fer_helpers import params, pipeline
from fer_helpers.paths import resolve
from tests.support.notebooks import run_here
from tests.support.sweeps import grid

FOLDER = "outputs/sweep"
VARIED = {"model": ["fer2013-cnn", "facs-rules"], "frame_choice": ["uniform", "middle"]}
# Repeats of the same request beside it, so that a choice can be told from noise; the demo's model has none.
SAME = {"strategies": ["multi_frame", "self_consistency"], "n_replicates": 2, "taxonomies": ["seven"]}


def make_sweep(n_clips=240, n_resamples=2000):
    """Make its cells, without kernels, and the cells.csv that `fer-helpers sweep` would write."""
    cells = grid(**VARIED)
    for name, values in cells.iterrows():
        known = {**SAME, **values, "n_clips": n_clips, "n_resamples": n_resamples, "out": f"{FOLDER}/{name}"}
        with mock.patch("fer_helpers.pipeline.steps.run_notebook", run_here):
            pipeline.execute(params.validate(known), lambda line: None)
    table = cells.rename_axis("cell").reset_index().assign(state="done", reason="", hash="")
    table.to_csv(resolve(FOLDER) / "cells.csv", index=False)


if __name__ == "__main__":
    make_sweep()
