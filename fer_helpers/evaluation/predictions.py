"""From answers to predictions: each strategy pools its answers into one label a clip; pure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, valence
from fer_helpers.evaluation import _pooling
from fer_helpers.prompting import STRATEGIES, find, planning

_COLUMNS = list(tables.SCHEMAS["predictions"].columns)


def predict(
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    planned: pd.DataFrame,
    answers: pd.DataFrame,
    strategies: Iterable[str],
    surprise: str = "positive",
    cascade_below: float = 1.0,
) -> pd.DataFrame:
    """The predictions table: every clip under every strategy and taxonomy, missing ones with their status.

    Where seven classes were asked for, the ternary label they collapse to stands beside them
    (`asked` = "seven"); `surprise` is its valence there. A cascade's clip goes on where the probability of its
    label is below `cascade_below` or unknown, as in `planning.due`; both stages are paid for then.
    """
    parts = []
    model = planned["model"].iloc[0] if len(planned) else ""
    stages = {name: planning.stages(name) for name in strategies}
    needed = planning.needed({stage for chain in stages.values() for stage in chain}, planned, frames)
    for asked in planned["taxonomy"].unique():
        labels, mine = TAXONOMIES[asked], (planned["taxonomy"] == asked).to_numpy()
        answered = _pooling.answered(clips, frames, planned[mine], answers, labels)
        of_question = []
        for name, chain in stages.items():
            first, *second = [
                _pooling.pool(answered[needed[stage][mine]], len(clips), find(stage), labels) for stage in chain
            ]
            for then in second:
                first = _pooling.passed_on(first, then, cascade_below)
            of_question.append(_rows(first, clips["clip_id"], strategy=name, model=model, taxonomy=asked, asked=asked))
        if of_question:
            parts.append(tables.check("predictions", pd.concat(of_question)))
    parts += [tables.check("predictions", collapsed(part, surprise)) for part in parts]
    if not parts:
        return tables.check("predictions", pd.DataFrame(columns=_COLUMNS))
    return pd.concat(parts, ignore_index=True)  # a question is checked at a time, which needs less memory


def _rows(pooled: pd.DataFrame, clip_ids: pd.Series, **base: str) -> pd.DataFrame:
    """Rows of the predictions table from those of `_pooling.pool`, numbers put into words."""
    labels = TAXONOMIES[base["taxonomy"]]
    words = pd.array([*labels, None], dtype="str")
    return pooled.assign(
        clip_id=clip_ids.array.take(pooled["clip"]),
        label=words.take(pooled["label"] % len(words)),
        status=pd.array(_pooling.STATUSES, dtype="str").take(pooled["status"]),
        **base,
    ).reindex(columns=_COLUMNS)


def with_others(predicted: pd.DataFrame, others: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """`predicted` and other annotators' predictions below, collapsed by the same valence of `surprise`."""
    if others.empty:
        return predicted
    direct = others[others["taxonomy"] == others["asked"]]
    return tables.check("predictions", pd.concat([predicted, direct, collapsed(direct, surprise)]))


def recollapsed(predicted: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """`predicted` with what was collapsed to three classes collapsed anew, by one valence of `surprise` for all.

    Imported predictions and other runs may have been collapsed by another. Ensembles stay: they pool collapsed votes.
    An annotator without its seven-class rows in `predicted` stays, too; collapsed rows that are new are not added.
    """
    own = predicted["model"] != tables.SEVERAL
    seven, three = (own & (predicted["taxonomy"] == name) & (predicted["asked"] == "seven") for name in TAXONOMIES)
    annotator = predicted.groupby(["strategy", "model"], sort=False).ngroup().to_numpy()
    both = np.intersect1d(annotator[seven], annotator[three])
    again, old = (mask & np.isin(annotator, both) for mask in (seven, three))
    if not old.any():
        return predicted
    return pd.concat([predicted[~old], collapsed(predicted[again], surprise)], ignore_index=True)


def with_missing(predicted: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """`predicted` with a row, without a label, for each clip that an annotator of a question has none of."""
    keys = ["strategy", "model", "taxonomy", "asked"]
    place, parts = pd.Index(clips["clip_id"]).get_indexer(predicted["clip_id"]), [predicted]
    for key, rows in predicted.groupby(keys, sort=False).indices.items():
        absent = np.setdiff1d(np.arange(len(clips)), place[rows])
        status = "no_label" if key[0] == tables.IMPORTED else "not_asked"
        base = {**dict(zip(keys, key, strict=True)), "n_votes": 0, "tie": False, "status": status}
        if len(absent):
            parts.append(pd.DataFrame({"clip_id": clips["clip_id"].array.take(absent)}).assign(**base))
    if len(parts) == 1:
        return predicted
    return pd.concat(parts, ignore_index=True).astype(predicted.dtypes.to_dict())


def over_all_frames(predicted: pd.DataFrame) -> pd.DataFrame:
    """`predicted` without strategies over fewer of the key frames, such as multi_frame:3."""
    return predicted[~predicted["strategy"].str.contains(":", regex=False)]


def collapsed(predicted: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """The seven-class rows of `predicted` as ternary ones: the label's valence, the probabilities summed.

    With surprise "left_out", its share is taken from the whole, and a clip labelled surprise has no label.
    """
    seven = predicted[predicted["taxonomy"] == "seven"].drop(columns="ranking", errors="ignore")  # it ranks no three
    side = {emotion: valence(emotion, surprise) for emotion in SEVEN}
    sums = np.array([[side[emotion] == name for name in TERNARY] for emotion in SEVEN], dtype=float)
    shares = seven[[f"prob_{emotion}" for emotion in SEVEN]].to_numpy(float) @ sums
    totals = shares.sum(axis=1, keepdims=True)
    shares = np.divide(shares, totals, out=np.full(shares.shape, np.nan), where=totals > 0)
    label = seven["label"].map(side, na_action="ignore")
    left_out = seven["label"].notna() & label.isna()
    codes = pd.Categorical(label, TERNARY).codes
    columns = {f"prob_{emotion}": np.nan for emotion in SEVEN}
    columns |= {f"prob_{name}": share for name, share in zip(TERNARY, shares.T, strict=True)}
    confidence = np.where(codes >= 0, shares[np.arange(len(codes)), codes], np.nan)
    return seven.assign(
        **columns,
        taxonomy="ternary",
        label=label,
        confidence=confidence,
        status=seven["status"].mask(left_out, "left_out"),
    )


def spent(predicted: pd.DataFrame, planned: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """What a clip costs under each strategy (rows): key frames looked at, tokens billed, US$; means over clips.

    Args:
        predicted: predictions of one question; imported ones are left out, nobody knows what they cost.
        planned: the requests table the answers came from; a cascade looks at no fixed number of key frames,
            and a clip's video is none of them.
    """
    asked = planned[planned["taxonomy"] == predicted["asked"].iloc[0]]
    known = {stage for stage in predicted["strategy"].unique() if stage.partition(":")[0] in STRATEGIES}
    own = predicted[predicted["strategy"].isin(known)]
    n_clips = own["clip_id"].nunique()
    costs = own.groupby("strategy", sort=False)[["tokens", "cost_usd"]].sum(min_count=1).astype(float) / n_clips
    looks = {
        name: np.nan
        if find(name).then or find(name).video
        else planning.needed_by(name, asked, frames)["frame_indices"].map(len).sum()
        for name in costs.index
    }
    costs.insert(0, "frames", pd.Series(looks, dtype=float) / n_clips)
    return costs.rename(columns={"frames": "frames per clip", "tokens": "tokens per clip", "cost_usd": "US$ per clip"})
