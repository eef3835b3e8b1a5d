"""Step 04, pure: predictions, scores, paired tests, agreement, other annotators' labels."""

from fer_helpers.evaluation import agreement, calibration, comparisons, ensembles, other_annotators, predictions, scores
from fer_helpers.evaluation.naming import annotator_names, pair_names
from fer_helpers.evaluation.scores import true_label

__all__ = [
    "agreement",
    "annotator_names",
    "calibration",
    "comparisons",
    "ensembles",
    "other_annotators",
    "pair_names",
    "predictions",
    "scores",
    "true_label",
]
