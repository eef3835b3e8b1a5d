"""What the tables' schemas share: words that columns may hold, and how a column and a schema are written."""

from __future__ import annotations

from collections.abc import Iterable

import pandera.pandas as pa

from fer_helpers import statuses
from fer_helpers.emotions import LABELS

# Values that stand where an ordinary row names what was asked.
IMPORTED = "imported"  # strategy of predictions that were not asked for here
NOBODY = "none"  # model of the baselines that look at no picture
SEVERAL = "several"  # model of an ensemble
GROUP = "group_"  # how the columns of clips begin that say to which group of people a subject belongs
GROUPED = f"^{GROUP}"

QUEUES = ("core", "audit", "worklist")
SOURCES = ("model", "person", "both")  # both: the model's label, and people said the same
TARGETS = ("this corpus", "people like these")  # what an estimate is of
BY_WHOM = ("model", "people", "both")  # whose labels it is made of
PROBABILITIES = [f"prob_{label}" for label in LABELS]
_LABELLED = "status ok without a label, or a label without status ok"


def column(dtype: type | str, meaning: str, nullable: bool = False, isin: Iterable[str] | None = None) -> pa.Column:
    checks = pa.Check.isin(list(isin)) if isin else None
    return pa.Column(dtype, checks, nullable=nullable, description=meaning, coerce=True)


def probabilities() -> dict[str, pa.Column]:
    return {
        name: column(float, "probability of the label, 0-1; empty where it was not asked for", nullable=True)
        for name in PROBABILITIES
    }


def schema(columns: dict[str, pa.Column], unique: list[str], labelled: bool = False) -> pa.DataFrameSchema:
    """The schema of a table; with `labelled`, a row has a label if and only if its status is ok."""
    fits = pa.Check(lambda table: (table["status"] == statuses.OK) == table["label"].notna(), error=_LABELLED)
    return pa.DataFrameSchema(columns, checks=[fits] if labelled else [], strict=True, unique=unique, ordered=True)
