"""Tables: what was written before a renaming is read under the names of today."""

import pandas as pd
import pytest

from fer_helpers import tables


@pytest.mark.parametrize("name", ["scores", "comparisons"])
def test_metrics_of_older_runs_are_read_under_todays_names(tmp_path, name):
    then = ["WAR", "precision, weighted", "precision, macro", "F1, weighted", "F1, macro", "F1: fear"]
    now = ["WAR", "weighted precision", "macro precision", "weighted F1", "macro F1", "F1: fear"]
    pd.DataFrame({"metric": then}).to_parquet(tmp_path / f"{name}.parquet")
    assert tables.read(name, tmp_path)["metric"].tolist() == now
