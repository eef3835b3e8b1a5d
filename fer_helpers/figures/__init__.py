"""Every plot of the notebooks and the report, in one style: a tidy table and an `ax` in, the `ax` out."""

from fer_helpers.figures.comparisons import curve, differences, pareto, pareto_front, reliability
from fer_helpers.figures.corpus import counts, decoded, distribution, motion, strips
from fer_helpers.figures.scores import confusion, forest, heatmap, label_shares
from fer_helpers.figures.style import plain, set_style

__all__ = [
    "confusion",
    "counts",
    "curve",
    "decoded",
    "differences",
    "distribution",
    "forest",
    "heatmap",
    "label_shares",
    "motion",
    "pareto",
    "pareto_front",
    "plain",
    "reliability",
    "set_style",
    "strips",
]
