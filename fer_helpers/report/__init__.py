"""Step 05: report.html, one self-contained page about a run."""

from fer_helpers.report.page import (
    annotator,
    commonest_errors,
    differing_params,
    outcomes,
    side_by_side,
    summary,
    summary_text,
    to_ask,
    write,
)

__all__ = [
    "annotator",
    "commonest_errors",
    "differing_params",
    "outcomes",
    "side_by_side",
    "summary",
    "summary_text",
    "to_ask",
    "write",
]
