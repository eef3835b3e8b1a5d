"""From answers to predictions: each strategy pools its answers into one label a clip; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, valence
from fer_helpers.prompting import STRATEGIES, Strategy, find, planning

Motion = Mapping[tuple[str, int], float]  # (clip_id, frame_index) -> grey levels


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
    motion = frames.set_index(["clip_id", "frame_index"])["motion"].to_dict()
    rows = []
    for asked, of_taxonomy in planned.groupby("taxonomy", sort=False):
        for name in strategies:
            first, *second = [
                _of_stage(clips["clip_id"], planning.needed_by(stage, of_taxonomy, frames), answers, stage, motion)
                for stage in planning.stages(name)
            ]
            for then in second:
                first = [_passed_on(one, other, cascade_below) for one, other in zip(first, then, strict=True)]
            base = {"strategy": name, "model": planned["model"].iloc[0], "taxonomy": asked, "asked": asked}
            rows += [{**base, **row} for row in first]
    columns = list(tables.SCHEMAS["predictions"].columns)
    predicted = tables.check("predictions", pd.DataFrame(rows, columns=columns))
    return tables.check("predictions", pd.concat([predicted, collapsed(predicted, surprise)]))


def with_others(predicted: pd.DataFrame, others: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """`predicted` and other annotators' predictions below, collapsed by the same valence of `surprise`."""
    if others.empty:
        return predicted
    direct = others[others["taxonomy"] == others["asked"]]
    return tables.check("predictions", pd.concat([predicted, direct, collapsed(direct, surprise)]))


def over_all_frames(predicted: pd.DataFrame) -> pd.DataFrame:
    """`predicted` without strategies over fewer of the key frames, such as multi_frame:3."""
    return predicted[~predicted["strategy"].str.contains(":", regex=False)]


def _of_stage(
    clip_ids: Iterable[str], part: pd.DataFrame, answers: pd.DataFrame, stage: str, motion: Motion
) -> list[dict[str, Any]]:
    """One row a clip, or a frame where the strategy judges each by itself."""
    strategy = find(stage)
    joined = part.merge(answers, on="key", how="left", suffixes=("_estimated", ""))
    joined["motion"] = [motion[clip, indices[0]] for clip, indices in joined[["clip_id", "frame_indices"]].to_numpy()]
    of_clip = dict(iter(joined.groupby("clip_id")))
    rows = []
    for clip_id in clip_ids:
        mine = of_clip.get(clip_id)
        if mine is None:
            rows.append({"clip_id": clip_id, **_nothing("no_frame")})
        elif strategy.per_frame:
            for position, indices in enumerate(mine["frame_indices"]):
                rows.append({"clip_id": clip_id, "frame_index": indices[0], **_pool(mine.iloc[[position]], strategy)})
        else:
            rows.append({"clip_id": clip_id, **_pool(mine, strategy)})
    return rows


def _nothing(status: str) -> dict[str, Any]:
    return {"label": None, "n_votes": 0, "tie": False, "status": status}


def _pool(part: pd.DataFrame, strategy: Strategy) -> dict[str, Any]:
    """One prediction from the answers of one clip; failures are left out of the vote and counted."""
    labels = TAXONOMIES[part["taxonomy"].iloc[0]]
    spent = {
        "tokens": (part["tokens_in"] + part["tokens_out"]).sum(min_count=1),
        "cost_usd": part["cost_usd"].sum(min_count=1),
    }
    good = (part["status"] == "ok").to_numpy()
    if not good.any():
        return {**_nothing(part["status"].fillna("not_asked").mode().iloc[0]), **spent}
    ok = part[good]
    votes = pd.Categorical(ok["label"], labels).codes.astype(int)
    weights = strategy.weigh(part["motion"].to_numpy(float))[good]
    pooled = strategy.pool(votes, ok[[f"prob_{label}" for label in labels]].to_numpy(float), weights)
    return {
        "label": labels[pooled.label],
        **{f"prob_{label}": share for label, share in zip(labels, pooled.probabilities, strict=True)},
        "confidence": pooled.probabilities[pooled.label],
        "n_votes": pooled.n_votes,
        "agreement": pooled.agreement,
        "tie": pooled.tie,
        "status": "ok",
        **spent,
    }


def _passed_on(first: Mapping[str, Any], then: Mapping[str, Any], below: float) -> dict[str, Any]:
    """A cascade's prediction: the first stage's label where that is sure or the second gave none; all that was paid."""
    if first.get("confidence", np.nan) >= below or "tokens" not in then:  # the second stage was not asked
        return dict(first)
    spent = {name: pd.Series([first[name], then[name]]).sum(min_count=1) for name in ("tokens", "cost_usd")}
    return {**(then if then["label"] or not first["label"] else first), **spent}


def collapsed(predicted: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """The seven-class rows of `predicted` as ternary ones: the label's valence, the probabilities summed.

    With surprise "left_out", its share is taken from the whole, and a clip labelled surprise has no label.
    """
    seven = predicted[predicted["taxonomy"] == "seven"]
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
        planned: the requests table the answers came from; a cascade looks at no fixed number of frames.
    """
    asked = planned[planned["taxonomy"] == predicted["asked"].iloc[0]]
    known = {stage for stage in predicted["strategy"].unique() if stage.partition(":")[0] in STRATEGIES}
    own = predicted[predicted["strategy"].isin(known)]
    n_clips = own["clip_id"].nunique()
    costs = own.groupby("strategy", sort=False)[["tokens", "cost_usd"]].sum(min_count=1).astype(float) / n_clips
    looks = {
        name: np.nan if find(name).then else planning.needed_by(name, asked, frames)["frame_indices"].map(len).sum()
        for name in costs.index
    }
    costs.insert(0, "frames", pd.Series(looks, dtype=float) / n_clips)
    return costs.rename(columns={"frames": "frames per clip", "tokens": "tokens per clip", "cost_usd": "US$ per clip"})
