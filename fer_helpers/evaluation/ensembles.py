"""Ensembles: one label a clip from the labels of several annotators, by crowd-kit's aggregators; pure.

An ensemble removes the mistakes its annotators make apart, not those they share: models trained on the same
pictures err alike, and the estimated skills of Dawid & Skene (1979) and GLAD (Whitehill et al. 2009) then reward
whoever errs with the crowd. Check an ensemble against true labels before trusting it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.evaluation.naming import annotator_names


def majority(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Share of the votes for each label (plurality vote).

    >>> rows = [("c1", "A", "sad"), ("c1", "B", "sad"), ("c1", "C", "fear"), ("c1", "D", "sad")]
    >>> majority(pd.DataFrame(rows, columns=["clip_id", "rater", "label"]), ["fear", "sad"]).loc["c1"].tolist()
    [0.25, 0.75]
    """
    from crowdkit.aggregation import MajorityVote  # 1.6 s: it imports nltk

    return _aggregated(MajorityVote(), votes, labels)


def dawid_skene(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Probabilities by a confusion matrix for each rater, estimated by EM (Dawid & Skene 1979)."""
    from crowdkit.aggregation import DawidSkene

    return _aggregated(DawidSkene(n_iter=100), votes, labels)


def glad(votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Probabilities by a skill for each rater and a difficulty for each clip (Whitehill et al. 2009)."""
    from crowdkit.aggregation import GLAD

    if votes["label"].nunique() < 2:  # its model spreads errors over the other labels: there must be one
        return majority(votes, labels)
    return _aggregated(GLAD(silent=True), votes, labels)


def _aggregated(aggregator: Any, votes: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Probabilities, clip_id × labels; rows are sorted first, so that their order does not matter."""
    rows = votes.sort_values(["clip_id", "rater"]).rename(columns={"clip_id": "task", "rater": "worker"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit 1.4 uses what pandas 3 deprecates
        probabilities = aggregator.fit_predict_proba(rows[["task", "worker", "label"]].reset_index(drop=True))
    return probabilities.rename_axis("clip_id").reindex(columns=list(labels), fill_value=0.0).fillna(0.0)


ENSEMBLES: dict[str, Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]] = {
    "majority": majority,
    "dawid_skene": dawid_skene,
    "glad": glad,
}


def raters(predictions: pd.DataFrame) -> pd.DataFrame:
    """One strategy's clip-level predictions and all imported ones, with the annotator's name as model.

    Strategies of one model share its mistakes, so only one of them has a vote: a vote over frames, or the first
    there is.
    """
    rows = predictions[predictions["frame_index"].isna()]
    own = [name for name in rows["strategy"].unique() if name != tables.IMPORTED]
    one = "majority_vote" if "majority_vote" in own else next(iter(own), "")
    return rows.assign(model=annotator_names(rows))[rows["strategy"].isin([one, tables.IMPORTED])]


def described(raters: pd.DataFrame) -> str:
    """Whose labels the ensembles of `raters` pool, in a sentence."""
    pairs = raters[["strategy", "model"]].drop_duplicates().itertuples(index=False)
    names = [model if strategy == tables.IMPORTED or model == strategy else f"{strategy} of {model}"
             for strategy, model in pairs]  # fmt: skip
    return f"{', '.join(ENSEMBLES)} pool the labels of {len(names)} annotators: {'; '.join(names)}."


def ensemble(name: str, predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions of the ensemble called `name`: strategy = its name, model = "several", one row a clip and question.

    Each (strategy, model) is a rater, and each question (taxonomy, asked) is pooled by itself. Frames of one
    model are pooled within the model before, by a strategy: pass clip-level predictions, one strategy a model.
    Predictions without a label are no votes; a clip without any keeps its raters' commonest status. Ties go to the
    tied label of greater mean probability, over the raters that give any, then to the earlier in the taxonomy's order.

    Raises:
        ValueError: a model comes with several strategies, or rows are of single frames.
    """
    raters = predictions[["model", "strategy"]].drop_duplicates()
    if predictions["frame_index"].notna().any() or raters["model"].duplicated().any():
        found = ", ".join(sorted(raters["strategy"].unique()))
        raise ValueError(f"an ensemble needs one clip-level strategy per model, found {found}: choose one per model")
    parts = [_pooled(name, part) for _, part in predictions.groupby(["taxonomy", "asked"], sort=False)]
    columns = list(tables.SCHEMAS["predictions"].columns)
    return tables.check("predictions", pd.concat(parts) if parts else pd.DataFrame(columns=columns))


def _pooled(name: str, part: pd.DataFrame) -> pd.DataFrame:
    taxonomy, asked = part.iloc[0][["taxonomy", "asked"]]
    labels = TAXONOMIES[taxonomy]
    votes = part.dropna(subset="label").rename(columns={"model": "rater"})[["clip_id", "rater", "label"]]
    by_clip = part.groupby("clip_id", sort=False)
    clips = by_clip.agg(status=("status", lambda status: status.mode().iloc[0]))
    clips = clips.join(by_clip[["tokens", "cost_usd"]].sum(min_count=1)).reset_index()
    base = {"strategy": name, "model": tables.SEVERAL, "taxonomy": taxonomy, "asked": asked}
    clips = clips.assign(**base, n_votes=0, tie=False)
    if votes.empty:
        return clips
    probabilities = ENSEMBLES[name](votes, labels).reindex(clips["clip_id"])
    surest = np.nan_to_num(probabilities.to_numpy())
    best = surest.max(axis=1)
    tied = np.isclose(surest, best[:, None], rtol=0, atol=1e-12)
    voted = (best > 0).tolist()
    given = votes.groupby("clip_id")["label"]
    mean = part.groupby("clip_id")[[f"prob_{label}" for label in labels]].mean().reindex(clips["clip_id"])
    winner = np.where(tied, np.nan_to_num(mean.to_numpy(float)), -1).argmax(axis=1)
    label = np.where(voted, np.array(labels, dtype=object)[winner], None)
    of_clip = pd.Series(label, index=clips["clip_id"])
    same = (votes["label"] == votes["clip_id"].map(of_clip)).groupby(votes["clip_id"]).mean()
    return clips.assign(
        label=label,
        **{f"prob_{name}": probabilities[name].to_numpy() for name in labels},
        confidence=np.where(voted, best, np.nan),
        n_votes=given.size().reindex(clips["clip_id"], fill_value=0).to_numpy(),
        agreement=same.reindex(clips["clip_id"]).to_numpy(),
        tie=tied.sum(axis=1) * voted > 1,
        status=np.where(voted, "ok", clips["status"]),
    )
