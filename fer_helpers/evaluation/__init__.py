"""Step 04, pure: predictions, scores, paired tests, agreement, other annotators' labels."""

from fer_helpers.evaluation import (
    agreement,
    answers,
    board,
    calibration,
    comparisons,
    confidence,
    ensembles,
    findings,
    groups,
    other_annotators,
    predictions,
    scores,
    summaries,
)
from fer_helpers.evaluation._bootstrap import MIN_GROUPS, interval, smoothed
from fer_helpers.evaluation.metrics import METRICS, Metric, metric_names, metric_of
from fer_helpers.evaluation.naming import annotator_names, display_names, pair_names
from fer_helpers.evaluation.scores import true_label

__all__ = [
    "METRICS",
    "MIN_GROUPS",
    "Metric",
    "agreement",
    "annotator_names",
    "answers",
    "board",
    "calibration",
    "comparisons",
    "confidence",
    "display_names",
    "ensembles",
    "findings",
    "groups",
    "interval",
    "metric_names",
    "metric_of",
    "other_annotators",
    "pair_names",
    "predictions",
    "scores",
    "smoothed",
    "summaries",
    "true_label",
]
