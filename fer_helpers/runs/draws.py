"""Which clips were drawn for people to look at: a stand-in for reading, until drawing is here too."""

from __future__ import annotations

import pandas as pd

from fer_helpers.runs.run import Run

COLUMNS = ["clip_id", "queue", "stratum", "probability", "order"]


def read(run: Run) -> pd.DataFrame:
    """The table `draws`; empty if nothing was drawn."""
    path = run.folder / "draws.parquet"
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=COLUMNS)
