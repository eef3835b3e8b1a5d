"""Small tables of predictions and clips, written by hand."""

import pandas as pd

from fer_helpers import tables
from fer_helpers.evaluation import scores

MODEL = "fer2013-cnn"


def predicted(labels, taxonomy="seven", **more):
    """Predictions from (strategy, model) -> labels of clips a, b, ...; None is missing."""
    rows = [
        {
            "clip_id": clip, "strategy": strategy, "model": model, "taxonomy": taxonomy, "asked": taxonomy,
            "label": label, "n_votes": 1, "tie": False, "status": "ok" if label else "refused", **more,
        }
        for (strategy, model), given in labels.items()
        for clip, label in zip("abcdefgh", given, strict=False)
    ]  # fmt: skip
    return tables.check("predictions", pd.DataFrame(rows))


def clips(labels):
    rows = [
        {"clip_id": clip, "path": clip, "start_s": 0.0, "label": label, "status": "ok"}
        for clip, label in zip("abcdefgh", labels, strict=False)
    ]
    return tables.check("clips", pd.DataFrame(rows))


def joined(labels, truth, **more):
    return scores.join(predicted(labels, **more), clips(truth))
