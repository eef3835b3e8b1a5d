"""The finished labels: one row a clip, from a person or the model, with the promise it was accepted under."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.estimation.acceptance import Acceptance
from fer_helpers.tables import PROBABILITIES

PERSON = "people"  # annotator of labels that people gave


def finished_labels(
    population: pd.DataFrame,
    truth: pd.DataFrame,
    acceptance: Acceptance | None = None,
    worklist: Collection[str] = (),
    raters: str = PERSON,
) -> pd.DataFrame:
    """The table `labels`: every clip of the corpus with its label, who gave it, and under which promise.

    People's label goes before the model's. A clip on which people are tied takes the model's label if that is among
    the tied; it needs a look.

    Args:
        population: of `samples.population`.
        truth: of `people.by_clip` for all votes, whatever the queue.
        acceptance: of `accept` or `accept_audited`.
        worklist: clip_ids of `samples.draw_worklist`; those nobody labelled yet need a look.
        raters: what to call those who labelled.

    Returns:
        the table `labels`, see `tables.SCHEMAS`. `source` is "both" where people and the model say the same; there
        `annotator` is the model's name and `raters`. A promise is given to labels of the model alone.
    """
    words = [column for column in truth if column not in ("label", "n_votes")]
    said = truth.reindex(population["clip_id"])
    weights, model = said[words].fillna(0).to_numpy(dtype=float), population["label"].to_numpy(dtype=object)
    person, voted = said["label"].to_numpy(dtype=object), said["n_votes"].notna().to_numpy()
    same = voted & ((weights > 0) & (model[:, None] == np.array(words, dtype=object))).any(axis=1)
    tied = voted & pd.isna(person)
    label = np.where(tied, np.where(same, model, None), np.where(voted, person, model))
    none = pd.isna(label)
    source = np.select([none, same, voted], ["", "both", "person"], "model")
    clip = population["clip_id"].astype(object)  # pandas takes long to look up many values in Arrow's strings
    promised = clip.isin(acceptance.accepted if acceptance else []).to_numpy() & (source == "model")
    annotator = population["annotator"].to_numpy(dtype=object)
    waiting = clip.isin(list(worklist)).to_numpy() & ~voted
    return tables.check(
        "labels",
        population[["clip_id", "path", *PROBABILITIES]].assign(
            label=label,
            source=pd.Series(source, population.index).where(~none),
            annotator=np.select(
                [source == "both", source == "person"], [annotator + f" and {raters}", raters], annotator
            ),
            promise=pd.Series(acceptance.promise if acceptance else "", population.index).where(promised),
            n_votes=said["n_votes"].fillna(0).astype(int).to_numpy(),
            needs_look=none | tied | waiting,
        ),
    )
