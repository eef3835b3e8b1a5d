"""Step 05: report.html, one self-contained page about a run."""

from fer_helpers.report import exports
from fer_helpers.report.methods import annotator, to_ask
from fer_helpers.report.page import write
from fer_helpers.report.summary import (
    commonest_errors,
    compared_text,
    differing_params,
    outcomes,
    published,
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
    "published",
    "side_by_side",
    "summary",
    "summary_text",
    "to_ask",
    "write",
]
