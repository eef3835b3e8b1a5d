"""Step 05: report.html, one self-contained page about a run; its labels as a data set."""

from fer_helpers.report import exports
from fer_helpers.report.methods import annotator
from fer_helpers.report.page import write
from fer_helpers.report.summary import (
    commonest_errors,
    compared_text,
    differing_params,
    outcomes,
    side_by_side,
    summary,
    summary_text,
)

__all__ = [
    "annotator",
    "commonest_errors",
    "compared_text",
    "differing_params",
    "exports",
    "outcomes",
    "side_by_side",
    "summary",
    "summary_text",
    "write",
]
