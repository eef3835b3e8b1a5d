"""The tables that pass from notebook to notebook: their columns, types and meaning, one Parquet file each.

`None`, `NaN` and `<NA>` all mean "not known"; they are never a class of their own.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from fer_helpers.errors import RunError
from fer_helpers.files import whole_file
from fer_helpers.paths import shown
from fer_helpers.tables._columns import GROUP, GROUPED, IMPORTED, NOBODY, PROBABILITIES, QUEUES, SEVERAL, TARGETS
from fer_helpers.tables._schemas import SCHEMAS, WRITTEN_BY

__all__ = [
    "GROUP", "IMPORTED", "NOBODY", "PROBABILITIES", "QUEUES", "SCHEMAS", "SEVERAL", "TARGETS", "WRITTEN_BY",
    "check", "empty", "page", "read", "write",
]  # fmt: skip

_RENAMED = {  # metrics in runs made before: their names of then and of today
    "precision, weighted": "weighted precision",
    "precision, macro": "macro precision",
    "F1, weighted": "weighted F1",
    "F1, macro": "macro F1",
}


def check(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the columns and types of the table called `name`, in their order.

    Columns the schema knows and the table lacks are added empty where they may be empty; those that a table need not
    have are left out where they are empty.

    Raises:
        RunError: if a value does not fit the schema; the message names the column and the value.
    """
    schema = SCHEMAS[name]
    strange = [c for c in table if c not in schema.columns and not (GROUPED in schema.columns and c.startswith(GROUP))]
    if strange:
        raise RunError(f"table {name} has no column {strange[0]!r}: it has {', '.join(schema.columns)}")
    missing = [c for c, column in schema.columns.items() if c not in table and column.nullable and column.required]
    idle = [c for c, column in schema.columns.items() if c in table and not column.required and table[c].isna().all()]
    table = table.assign(**dict.fromkeys(missing, None)).drop(columns=idle)
    ordered = [c for c in schema.columns if c in table] + [c for c in table if c not in schema.columns]
    try:
        return schema.validate(table[ordered].reset_index(drop=True))
    except pa.errors.SchemaError as error:
        found = " ".join(str(error).split())[:300]
        raise RunError(f"table {name} does not fit its schema: {found}") from error


def empty(name: str) -> pd.DataFrame:
    """The table called `name`, without rows."""
    return check(name, pd.DataFrame(columns=[c for c, column in SCHEMAS[name].columns.items() if not column.regex]))


def write(name: str, table: pd.DataFrame, folder: Path) -> Path:
    """Check `table` and write it to `folder`/`name`.parquet, whole or not at all."""
    path = folder / f"{name}.parquet"
    with whole_file(path) as beside:
        check(name, table).to_parquet(beside, index=False)
    return path


def read(name: str, folder: Path) -> pd.DataFrame:
    """The table called `name` from `folder`; what has been renamed since is called as it is today.

    Raises:
        RunError: if it is not there; the message names the notebook that writes it.
    """
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise RunError(f"{shown(path)} is missing: run notebook {WRITTEN_BY[name]} with the same `out` first")
    table = pd.read_parquet(path)
    return table.replace({"metric": _RENAMED}) if "metric" in table else table


_TYPES = {"str": "text", "flo": "number", "int": "integer", "boo": "true or false", "obj": "list"}


def page() -> str:
    """docs/tables.md: every table's columns, types and meanings, in Markdown."""
    parts = [
        "# Tables",
        "One Parquet file each in a run's folder. `tables.page()` writes this page, and a test holds it.",
    ]
    for name, schema in SCHEMAS.items():
        rows = [
            f"| {f'{GROUP}…' if spec.regex else column} | {_TYPES[str(spec.dtype).lower()[:3]]} "
            f"| {'yes' if spec.nullable else ''} | {spec.description} |"
            for column, spec in schema.columns.items()
        ]
        head = ["| column | type | may be empty | meaning |", "|---|---|---|---|"]
        by = f"notebook {WRITTEN_BY[name]}" if name in WRITTEN_BY else "`fer-helpers sample`"
        written = f"Written by {by}; a row for each {', '.join(schema.unique)}."
        parts += [f"## {name}", written, "\n".join([*head, *rows])]
    return "\n\n".join(parts) + "\n"
