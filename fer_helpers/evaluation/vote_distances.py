"""How far an annotator's probabilities are from the shares of people's votes, clip by clip; pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]

from fer_helpers.emotions import TAXONOMIES
from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation.naming import annotator_names

MEASURES = ("Jensen–Shannon", "Brier, to the votes")


def distances(
    predicted: pd.DataFrame,
    counts: pd.DataFrame,
    subjects: pd.Series | None = None,
    n_resamples: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """Mean distances of annotators' probabilities from the votes of the same clips.

    Jensen–Shannon distance, base 2: 0 for the same shares, 1 with nothing in common (Endres & Schindelin 2003). Brier
    to the votes: squared differences of the shares, summed over labels, 0 to 2. A vote for a label outside the label
    set is one that no probability meets. Few votes a clip scatter around what many people would say, so 0 is out of
    reach.

    Args:
        predicted: predictions of one question; frames and clips without probabilities are left out.
        counts: votes by clip and label, of `agreement.counts`, in the same question.
        subjects: of `agreement.people`; the intervals are over them, else over clips.
        n_resamples: bootstrap resamples.
        seed: of the random generator.

    Returns:
        rows with annotator, measure (of MEASURES), value, ci_low, ci_high, n_clips; none of who has no probabilities.
    """
    whole = predicted["frame_index"].isna()
    rows = predicted.assign(annotator=annotator_names(predicted))[whole]
    voted, found = counts[counts.sum(axis=1) > 0], []
    for annotator, part in rows.groupby("annotator", sort=False):
        labels = list(TAXONOMIES[part["taxonomy"].iloc[0]])
        shares = part.set_index("clip_id")[[f"prob_{label}" for label in labels]].dropna().set_axis(labels, axis=1)
        shares = shares[shares.index.isin(voted.index)].reindex(columns=voted.columns, fill_value=0.0)
        if shares.empty:
            continue
        votes = voted.loc[shares.index]
        votes, model = votes.div(votes.sum(axis=1), axis=0).to_numpy(float), shares.to_numpy(float)
        groups = (shares.index if subjects is None else subjects.reindex(shares.index)).to_numpy()
        each = (jensenshannon(votes, model, base=2, axis=1), ((votes - model) ** 2).sum(axis=1))
        for measure, values in zip(MEASURES, each, strict=True):
            values = np.nan_to_num(values)  # of equal shares rounding may leave a root of less than nothing
            ends = mean_interval(values, groups, n_resamples, seed)
            found.append((annotator, measure, values.mean(), *ends, len(values)))
    found.sort(key=lambda row: MEASURES.index(row[1]))
    return pd.DataFrame(found, columns=["annotator", "measure", "value", "ci_low", "ci_high", "n_clips"])
