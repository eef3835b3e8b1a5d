"""Tables: what was written before a renaming is read under the names of today."""

import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.errors import RunError


@pytest.mark.parametrize("name", ["scores", "comparisons"])
def test_metrics_of_older_runs_are_read_under_todays_names(tmp_path, name):
    then = ["WAR", "precision, weighted", "precision, macro", "F1, weighted", "F1, macro", "F1: fear"]
    now = ["WAR", "weighted precision", "macro precision", "weighted F1", "macro F1", "F1: fear"]
    pd.DataFrame({"metric": then}).to_parquet(tmp_path / f"{name}.parquet")
    assert tables.read(name, tmp_path)["metric"].tolist() == now


def test_groups_are_any_number_of_text_columns():
    base = {"clip_id": ["a", "b"], "path": ["a", "b"], "start_s": [0.0, 0.0], "status": ["ok", "ok"]}
    table = tables.check("clips", pd.DataFrame(base | {"group_age": [30, None], "group_skin": ["dark", "light"]}))
    assert [name for name in table if name.startswith(tables.GROUP)] == ["group_age", "group_skin"]
    assert "group_skin" not in tables.check("clips", pd.DataFrame(base))
    with pytest.raises(RunError, match="skin"):
        tables.check("clips", pd.DataFrame(base | {"skin": ["dark", "light"]}))
