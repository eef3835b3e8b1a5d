"""The finished labels: one row a clip, from a person or the model, with the promise it was accepted under."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_helpers.estimation.acceptance import Acceptance


def finished_labels(
    population: pd.DataFrame, truth: pd.DataFrame, acceptance: Acceptance | None = None
) -> pd.DataFrame:
    """Every clip of the corpus with its label, where it comes from, and whether somebody should still look.

    People's label goes before the model's. A tied clip takes the model's label if that is among the tied; it needs
    a look.

    Args:
        population: of `samples.population`.
        truth: of `people.by_clip` for all votes, whatever the queue.
        acceptance: of `accept` or `accept_audited`.

    Returns:
        clip_id, label, source ("person", "model", "both" for a tie that the model broke, "none"), promise (empty if
        none), n_votes, needs_look (True: no label, a tie, or a model's label without a promise).
    """
    words = [column for column in truth if column not in ("label", "n_votes")]
    said = truth.reindex(population["clip_id"])
    weights, model = said[words].fillna(0).to_numpy(dtype=float), population["label"].to_numpy(dtype=object)
    most = (weights > 0) & (weights == weights.max(axis=1, keepdims=True))
    person, voted = said["label"].to_numpy(dtype=object), said["n_votes"].notna().to_numpy()
    broken = voted & pd.isna(person) & (most & (model[:, None] == np.array(words, dtype=object))).any(axis=1)
    tied = voted & pd.isna(person)
    label = np.where(tied, np.where(broken, model, None), np.where(voted, person, model))
    kinds = [tied & ~broken | pd.isna(label), broken, voted]
    source = np.select(kinds, ["none", "both", "person"], "model")
    promised = population["clip_id"].isin(acceptance.accepted if acceptance else []).to_numpy() & (source == "model")
    return pd.DataFrame(
        {
            "clip_id": population["clip_id"],
            "label": label,
            "source": source,
            "promise": np.where(promised, acceptance.promise if acceptance else "", ""),
            "n_votes": said["n_votes"].fillna(0).astype(int).to_numpy(),
            "needs_look": (source == "none") | tied | ((source == "model") & ~promised),
        }
    )
