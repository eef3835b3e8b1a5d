"""The explorer's first matrix as plain HTML, for viewers that cannot run it; it holds counts, no frame and no reply."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fer_helpers.explorer._table import NO_LABEL, Columns
from fer_helpers.statuses import OUTSIDE

_WORDS = (
    "The interactive explorer needs a running kernel: run this cell, or open "
    '<a href="../explorer.html">explorer.html</a> in the run\'s folder, which needs none.'
)


def still(data: Columns, view: Mapping[str, Any]) -> str:
    """A table of counts with a caption; rows and columns that are neither labels nor used are left out."""
    names, counts = data.names(view), data.counts(view, {})
    columns = [at for at, name in enumerate(names) if name not in (OUTSIDE, NO_LABEL) or counts[:, at].any()]
    rows = [at for at, name in enumerate(names) if name not in (OUTSIDE, NO_LABEL) or counts[at].any()]
    head = "".join(f'<th scope="col">{names[at]}</th>' for at in columns)
    body = "".join(
        f'<tr><th scope="row">{names[i]}</th>{"".join(f"<td>{counts[i, j]}</td>" for j in columns)}</tr>' for i in rows
    )
    of_rows = (
        f"label of {data.title(data.series[rows_of])}" if isinstance(rows_of := view["rows"], int) else "true label"
    )
    caption = f"Clips by {of_rows} (rows) and label predicted by {data.title(data.series[view['a']])} (columns)."
    return f"<p>{escape(caption)}</p><table><tr><td></td>{head}</tr>{body}</table><p>{_WORDS}</p>"
