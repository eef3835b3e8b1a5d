"""Which clips people look at: a core drawn at random, an audit of what would be accepted, a worklist; three queues."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

import numpy as np
import pandas as pd

from fer_helpers import statuses
from fer_helpers.errors import ListError
from fer_helpers.evaluation import annotator_names
from fer_helpers.tables import PROBABILITIES, QUEUES

CORE, AUDIT, WORKLIST = QUEUES
FLOOR = 4  # clips of a stratum at least, so that its variance can be estimated
ACCEPTED = "accepted"  # the one stratum of an audit
UNANSWERED = "no label"  # the stratum of clips that the model gave no answer
NOT_ASKED = "not_asked"
COLUMNS = ["clip_id", "queue", "stratum", "probability", "order"]


def population(clips: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The clips that are estimated for: every readable clip, with what one annotator says of it.

    Args:
        clips: the clips table.
        predictions: rows of the predictions table of one strategy, model and question.

    Returns:
        a row a clip: clip_id, path, subject, annotator, label (empty if the model gave none), confidence,
        prob_<label>, status (as in predictions; "not_asked" where there is no row).

    Raises:
        ListError: the predictions are of several annotators or questions, or label no whole clips.
    """
    rows = predictions[predictions["frame_index"].isna()]
    one = rows[["strategy", "model", "taxonomy", "asked"]].drop_duplicates()
    if len(one) != 1:
        raise ListError(
            f"predictions: clips labelled by {len(one)} annotators; choose one strategy, model, taxonomy and `asked`"
        )
    kept = clips.loc[clips["status"] == statuses.OK, ["clip_id", "path", "subject"]]
    kept = kept.assign(annotator=annotator_names(one).iloc[0])
    given = rows[["clip_id", "label", "confidence", *PROBABILITIES, "status"]]
    return kept.merge(given, on="clip_id", how="left").fillna({"status": NOT_ASKED})


def strata(population: pd.DataFrame) -> pd.Series:
    """The stratum of each clip: the model's label, statuses.OUTSIDE, or UNANSWERED.

    A column `stratum` of `population` goes before: the strata that a core was drawn by stay its strata, whatever is
    predicted later, and whoever's labels are estimated with it.
    """
    if "stratum" in population:
        return population["stratum"].astype(str)
    without = population["status"].where(population["status"] == statuses.OUTSIDE, UNANSWERED)
    return population["label"].fillna(without).astype(str)


def draw_core(population: pd.DataFrame, n: int, seed: int, stratified: bool = True) -> pd.DataFrame:
    """A random sample of `n` clips that feeds estimates; a larger `n` adds rows and changes none of those before.

    Each clip has a fixed random number, made of seed and clip_id (permanent random numbers: Ohlsson 1995). Strata are
    the model's labels; after the first FLOOR of each, every further clip goes to the stratum that is furthest behind
    its proportion (Webster's divisors, which never take a place back). People who stop early, in the
    order given, leave a smaller sample of the same kind.

    Args:
        population: of `population`.
        n: clips to draw; all of them at most.
        seed: any integer; another one gives another sample.
        stratified: by the model's label; False draws a simple random sample, which `accept` can use as it is.

    Returns:
        COLUMNS, a row a clip in the order of labelling; `probability` is that of being drawn with this `n`.

    Raises:
        ListError: `n` is smaller than the strata need, or less than 1.
    """
    stratum = strata(population) if stratified else pd.Series("all", index=population.index)
    rows = pd.DataFrame({"clip_id": population["clip_id"], "stratum": stratum})
    rows["number"] = random_numbers(rows["clip_id"], f"{seed}/{CORE}")
    rows = rows.sort_values(["number", "clip_id"])
    place, size = rows.groupby("stratum").cumcount(), rows.groupby("stratum")["stratum"].transform("size")
    first = place < (FLOOR if stratified else 0)
    if n < max(1, first.sum()):
        raise ListError(f"n is {n}: {FLOOR} clips of each of {stratum.nunique()} strata need {max(1, first.sum())}")
    rows["turn"] = np.where(first, -1.0, (2 * place + 1) / size)
    drawn = rows.sort_values(["turn", "number"], kind="stable").head(n)
    share = drawn["stratum"].map(drawn["stratum"].value_counts() / rows["stratum"].value_counts())
    return _queue(drawn.assign(probability=share), CORE)


def draw_audit(population: pd.DataFrame, accepted: Collection[str], n: int, seed: int) -> pd.DataFrame:
    """A simple random sample of `n` of the clips that would be `accepted`; extended like the core.

    Args:
        population: of `population`.
        accepted: clip_ids, chosen before and without any label of this audit.
        n: clips to draw; all accepted ones at most.
        seed: as of the core, whose random numbers are others.

    Returns:
        COLUMNS, `stratum` ACCEPTED.
    """
    rows = population.loc[population["clip_id"].astype(object).isin(list(accepted)), ["clip_id"]]
    rows = rows.assign(number=random_numbers(rows["clip_id"], f"{seed}/{AUDIT}")).sort_values(["number", "clip_id"])
    drawn = rows.head(n)
    return _queue(drawn.assign(stratum=ACCEPTED, probability=len(drawn) / max(1, len(rows))), AUDIT)


def draw_worklist(
    population: pd.DataFrame, n: int, labelled: Collection[str] = (), others: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The `n` clips most in need of a look: without a label, then strategies apart, then least confident; no estimate.

    Args:
        population: of `population`.
        n: clips to list.
        labelled: clip_ids that people have labelled.
        others: clip-level predictions of other strategies on the same question.

    Returns:
        COLUMNS, `stratum` the reason ("no label", "strategies apart", "low confidence"), `probability` empty.
    """
    rows = population[~population["clip_id"].isin(list(labelled))]
    apart = pd.Series(False, index=rows.index)
    if others is not None:
        both = others.loc[others["frame_index"].isna() & others["label"].notna(), ["clip_id", "label"]]
        both = both.merge(rows[["clip_id", "label"]], on="clip_id", suffixes=("", "_own"))
        apart = rows["clip_id"].isin(both.loc[both["label"] != both["label_own"], "clip_id"])
    why = np.select([rows["label"].isna(), apart], [UNANSWERED, "strategies apart"], "low confidence")
    rank = np.select([rows["label"].isna(), apart], [0, 1], 2)
    rows = rows.assign(stratum=why, rank=rank, probability=np.nan)
    return _queue(rows.sort_values(["rank", "confidence", "clip_id"], na_position="first").head(n), WORKLIST)


def random_numbers(clip_ids: pd.Series, key: str) -> np.ndarray:
    """A number in [0, 1) for each clip, the same on every machine and whatever other clips there are."""
    salt = blake2b(key.encode(), digest_size=16).digest()
    digests = [blake2b(clip.encode(), key=salt, digest_size=8).digest() for clip in clip_ids]
    return (np.frombuffer(b"".join(digests), dtype=">u8") >> np.uint64(11)).astype(float) / 2**53


def _queue(rows: pd.DataFrame, queue: str) -> pd.DataFrame:
    return rows.assign(queue=queue, order=np.arange(len(rows)))[COLUMNS].reset_index(drop=True)
