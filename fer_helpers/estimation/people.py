"""People's labels by written rules: which rows count, for what, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_helpers.emotions import SEVEN, TERNARY, parse_emotion, valence
from fer_helpers.errors import ListError

CANNOT_TELL, SKIP = "cannot tell", "skip"
RULES = {
    "unknown clip": "the clip is not in the corpus: the row is set aside",
    "unknown word": "the word is none of the labels: the row is set aside",
    "no label": "skipped or cannot tell: no vote, and the clip counts as not labelled",
    "replaced": "the same rater labelled the clip again further down: the last row counts",
    "never drawn": "the clip is not in the queue: a vote for the finished labels, none for this estimate",
    "another queue": "the row says that it was labelled in another queue: likewise; a row that names none counts in "
    "each that its clip was drawn for",
}


@dataclass(frozen=True)
class Labels:
    """People's labels, sorted.

    Attributes:
        votes: clip_id, rater, label and, where given, queue: one row a clip, rater and queue.
        refused: the rows that are no votes, as they were, with `reason` (a key of RULES).
        n_rows: rows given; as many as `votes` and `refused` have together.
    """

    votes: pd.DataFrame
    refused: pd.DataFrame
    n_rows: int


def read_labels(labels: pd.DataFrame, population: pd.DataFrame, words: Sequence[str] = SEVEN) -> Labels:
    """Votes and refused rows of a table clip_id, rater, label; every row is in one of the two.

    Args:
        labels: the table, as text; an optional column `queue` says in which queue a row was labelled, where it is not
            empty. Further columns are kept in `refused` only.
        population: of `samples.population`.
        words: the labels, SEVEN or TERNARY; adjectives and nouns of the seven are understood.

    Raises:
        ListError: a column is missing.
    """
    missing = {"clip_id", "rater", "label"} - set(labels)
    if missing:
        raise ListError(f"people's labels have no column {min(missing)!r}: give clip_id, rater, label")
    said = labels["label"].fillna("").astype(str).str.strip().str.lower()
    label = said.map({word: parse_emotion(word) if set(words) == set(SEVEN) else word for word in said.unique()})
    label = label.where(label.isin(list(words)))
    unknown = ~labels["clip_id"].isin(population["clip_id"])
    empty = said.isin(["", CANNOT_TELL, SKIP])
    usable = ~unknown & (empty | label.notna())
    key = ["clip_id", "rater", *(["queue"] if "queue" in labels else [])]
    again = pd.Series(False, index=labels.index)
    again[usable] = labels[usable].duplicated(key, keep="last")
    reason = np.select(
        [unknown, ~empty & label.isna(), again, empty], ["unknown clip", "unknown word", "replaced", "no label"], ""
    )
    votes = labels.assign(label=label).loc[reason == "", [*key, "label"]]
    return Labels(votes, labels.assign(reason=reason)[reason != ""], len(labels))


def by_clip(votes: pd.DataFrame, words: Sequence[str] = SEVEN) -> pd.DataFrame:
    """What people say of each clip: the plurality of the raters; a tied clip counts by its vote shares.

    Returns:
        index clip_id; a column for each of `words`, the clip's weight of that label (they sum to 1), then `label`
        (empty if tied), `n_votes`.
    """
    votes = votes.drop_duplicates(["clip_id", "rater"], keep="last")  # who saw it in two queues has one vote
    counts = pd.crosstab(votes["clip_id"], pd.Categorical(votes["label"], list(words)), dropna=False)
    counts = counts.reindex(columns=list(words), fill_value=0)
    table = counts.to_numpy(dtype=float)
    most = table == table.max(axis=1, keepdims=True) if len(table) else table > 0
    tied = most.sum(axis=1) > 1
    weights = np.where(tied[:, None], table / np.maximum(table.sum(axis=1, keepdims=True), 1), most)
    names = np.array(list(words), dtype=object)
    result = pd.DataFrame(weights, index=pd.Index(counts.index, name="clip_id"), columns=list(words))
    label = np.where(tied, None, names[most.argmax(axis=1)]) if len(table) else []
    return result.assign(label=label, n_votes=table.sum(axis=1).astype(int))


def drawn_only(labels: Labels, sample: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Votes on the clips of one queue, and the rows that an estimate from it refuses, with `reason`.

    Args:
        labels: of `read_labels`.
        sample: one queue, of `samples.draw_core` or `draw_audit`.

    Raises:
        ListError: `sample` has several queues, or clips without a draw probability (a worklist).
    """
    check_queue(sample)
    votes = labels.votes
    named = votes["queue"].fillna("") if "queue" in votes else pd.Series("", index=votes.index)
    here = named.isin(["", sample["queue"].iloc[0]])
    drawn = votes["clip_id"].isin(sample["clip_id"])
    reason = np.where(drawn, "another queue", "never drawn")
    others = votes.assign(reason=reason)[~(drawn & here)]
    return votes[drawn & here], pd.concat([labels.refused, others]).sort_index()


def waiting(labels: pd.DataFrame, sample: pd.DataFrame) -> pd.Index:
    """The clips of one queue that nobody has decided on in it, by `labels` as they are given to `read_labels`.

    Who cannot tell has decided; a clip that was skipped, or whose row is not filled in, waits.
    """
    queue = labels["queue"].fillna("") if "queue" in labels else pd.Series("", index=labels.index)
    said = labels["label"].fillna("").astype(str).str.strip().str.lower()
    seen = labels.loc[queue.isin(["", *sample["queue"].unique()]) & ~said.isin(["", SKIP]), "clip_id"]
    return pd.Index(sample.loc[~sample["clip_id"].isin(seen), "clip_id"])


def check_queue(sample: pd.DataFrame) -> None:
    """Raise a ListError unless `sample` is one queue with draw probabilities."""
    queues = list(sample["queue"].unique())
    if not queues:
        raise ListError("sample is empty: draw one first")
    if len(queues) > 1:
        raise ListError(f"sample has the queues {', '.join(queues)}: an estimate takes one, never a mixture")
    if sample["probability"].isna().any():
        raise ListError(f"queue {queues[0]!r} was not drawn at random: estimates need core or audit labels")


def valence_of(words: Sequence[str], surprise: str = "left_out") -> np.ndarray | None:
    """−1, 0 or 1 for each of `words`, TERNARY or SEVEN; None where surprise has none, and is among them."""
    sides = [word if word in TERNARY else valence(word, surprise) for word in words]
    return None if None in sides else np.array([TERNARY.index(side) - 1.0 for side in sides])
