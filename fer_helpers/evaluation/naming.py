"""What an annotator is called: in tables, figures, sentences and the report; decided here alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fer_helpers.tables import IMPORTED, NOBODY, SEVERAL


def annotator_names(table: pd.DataFrame) -> pd.Series:
    """What to call the annotator of each row of predictions or scores: the model, the strategy, or both.

    The strategy alone says enough where one model was asked; who was imported has no other name than its own.
    """
    outside = table["strategy"] == IMPORTED
    asked = table.loc[~outside & ~table["model"].isin([NOBODY, SEVERAL]), "model"].nunique()
    own = table["strategy"] if asked <= 1 else (table["model"] + ", " + table["strategy"])
    own = own.mask(table["model"].isin([NOBODY, SEVERAL]), table["strategy"])
    return own.mask(outside, table["model"])


def pair_names(row: Mapping[str, Any]) -> tuple[str, str]:
    """What to call the two annotators of a comparison: their strategies, with the models where those differ."""
    if row["model_a"] == row["model_b"]:
        return row["strategy_a"], row["strategy_b"]
    pairs = [(row[f"strategy_{x}"], row[f"model_{x}"]) for x in "ab"]
    a, b = (model if strategy == IMPORTED else f"{strategy} ({model})" for strategy, model in pairs)
    return a, b
