"""Every plot of the notebooks and the report, in one style: a tidy table and an `ax` in, the `ax` out."""

from fer_helpers.figures import sweeps
from fer_helpers.figures.comparisons import differences, pareto, pareto_front, reliability
from fer_helpers.figures.corpus import blurred, counts, decoded, distribution, motion, strips
from fer_helpers.figures.estimates import estimated, redrawn
from fer_helpers.figures.order import label_order
from fer_helpers.figures.panels import (
    all_differences,
    by_group,
    caption_of,
    confusion_of,
    labels_given,
    metric_by_annotator,
    pairwise_agreement,
    price,
    recall_by_annotator,
    reliability_by_annotator,
)
from fer_helpers.figures.scores import confusion, forest, heatmap, label_shares
from fer_helpers.figures.style import COLUMN, PAGE, plain, set_style, show

__all__ = [
    "COLUMN",
    "PAGE",
    "all_differences",
    "blurred",
    "by_group",
    "caption_of",
    "confusion",
    "confusion_of",
    "counts",
    "decoded",
    "differences",
    "distribution",
    "estimated",
    "forest",
    "heatmap",
    "label_order",
    "label_shares",
    "labels_given",
    "metric_by_annotator",
    "motion",
    "pairwise_agreement",
    "pareto",
    "pareto_front",
    "plain",
    "price",
    "recall_by_annotator",
    "redrawn",
    "reliability",
    "reliability_by_annotator",
    "set_style",
    "show",
    "strips",
    "sweeps",
]
