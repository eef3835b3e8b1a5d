"""Notebooks 04 and 05 with few strategies, many imported annotators, labels outside, or no labels: none stops."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import params, tables
from fer_helpers.evaluation import predictions
from fer_helpers.runs.run import NOTEBOOKS, write_manifest
from tests.support import explorer_runs
from tests.support.notebooks import run_here

IMPORTS = ["paper", "multi_frame", "per_frame", "single_frame"]


def imported(clips):
    """Four annotators, each of a clip fewer than the one before; the first once outside of the label set."""
    rng, parts = np.random.default_rng(0), []
    for number, name in enumerate(IMPORTS):
        seen = clips["clip_id"].iloc[: len(clips) - number]
        label = rng.choice(["happy", "sad", "surprise"], len(seen))
        same = {"strategy": tables.IMPORTED, "model": name, "taxonomy": "seven", "asked": "seven", "n_votes": 1}
        parts.append(pd.DataFrame({"clip_id": seen, "label": label}).assign(**same, tie=False, status="ok"))
    parts[0].loc[2, ["status", "label"]] = ["outside", None]
    direct = tables.check("predictions", pd.concat(parts))
    return tables.check("predictions", pd.concat([direct, predictions.collapsed(direct)]))


@pytest.mark.parametrize(
    ("strategies", "others", "labelled"),
    [(["per_frame"], False, True), (["per_frame"], True, True), (["single_frame", "majority_vote"], True, False)],
    ids=["per_frame alone", "per_frame and imports", "without labels"],
)
def test_notebook_04_ends_whatever_was_asked(tmp_path, strategies, others, labelled):
    run = explorer_runs.make_run(tmp_path / "run", 14, labelled=labelled, n_frames=2)
    (run.folder / "notebooks").mkdir()
    (run.folder / "predictions.parquet").unlink()
    if others:
        (run.folder / tables.IMPORTED).mkdir()
        tables.write("predictions", imported(run.read("clips")), run.folder / tables.IMPORTED)
    known = params.Params(
        out=str(run.folder), strategies=strategies, taxonomies=["seven"], strategy_shown=strategies[0], n_resamples=100
    )
    write_manifest(run.folder, {"params": known.model_dump(), "started": list(NOTEBOOKS)})
    run_here("04_strategy_comparison", known, run.folder)
    found = run.read("predictions")
    assert set(found["strategy"]) == {*strategies, *([tables.IMPORTED] if others else [])}
    scored = run.read("scores").set_index(["model", "metric"])["n_missing"]
    if others and labelled:
        assert [scored[name, "WAR"].iloc[0] for name in IMPORTS] == [0, 1, 2, 3]
