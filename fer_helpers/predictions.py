"""From answers to predictions: each strategy pools its answers into one label a clip; pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import requests, tables
from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, collapse, valence
from fer_helpers.strategies import STRATEGIES, Strategy


def predict(
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    planned: pd.DataFrame,
    answers: pd.DataFrame,
    strategies: Iterable[str],
    surprise: str = "positive",
) -> pd.DataFrame:
    """The predictions table: every clip under every strategy and taxonomy, missing ones with their status.

    Where seven classes were asked for, the ternary label they collapse to stands beside them
    (`asked` = "seven"); `surprise` is its valence there.
    """
    rows = []
    planned = planned[planned["replicate"] == 0]  # several askings of the same are pooled by no strategy here yet
    for asked in planned["taxonomy"].unique():
        for name in strategies:
            part = requests.needed_by(name, planned[planned["taxonomy"] == asked], frames)
            joined = part.merge(answers, on="key", how="left", suffixes=("_estimated", ""))
            base = {"strategy": name, "model": planned["model"].iloc[0], "taxonomy": asked, "asked": asked}
            rows += [{**base, **row} for row in _by_clip(clips["clip_id"], joined, STRATEGIES[name], asked)]
    rows += [_collapsed(row, surprise) for row in rows if row["asked"] == "seven"]
    columns = list(tables.SCHEMAS["predictions"].columns)
    return tables.check("predictions", pd.DataFrame(rows, columns=columns))


def _by_clip(clip_ids: Iterable[str], joined: pd.DataFrame, strategy: Strategy, taxonomy: str) -> list[dict[str, Any]]:
    of_clip = dict(iter(joined.groupby("clip_id")))
    rows = []
    for clip_id in clip_ids:
        part = of_clip.get(clip_id)
        if part is None:
            rows.append({"clip_id": clip_id, **_nothing("no_frame")})
        elif strategy.per_frame:
            for position, indices in enumerate(part["frame_indices"]):
                one = _pool(part.iloc[[position]], strategy, taxonomy)
                rows.append({"clip_id": clip_id, "frame_index": indices[0], **one})
        else:
            rows.append({"clip_id": clip_id, **_pool(part, strategy, taxonomy)})
    return rows


def _nothing(status: str) -> dict[str, Any]:
    return {"label": None, "n_votes": 0, "tie": False, "status": status}


def _pool(part: pd.DataFrame, strategy: Strategy, taxonomy: str) -> dict[str, Any]:
    """One prediction from the answers of one clip; failures are left out of the vote and counted."""
    labels = TAXONOMIES[taxonomy]
    spent = {
        "tokens": (part["tokens_in"] + part["tokens_out"]).sum(min_count=1),
        "cost_usd": part["cost_usd"].sum(min_count=1),
    }
    ok = part[part["status"] == "ok"]
    if ok.empty:
        return {**_nothing(part["status"].fillna("not_asked").mode().iloc[0]), **spent}
    votes = pd.Categorical(ok["label"], labels).codes.astype(int)
    pooled = strategy.pool(votes, ok[[f"prob_{label}" for label in labels]].to_numpy(float))
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


def _collapsed(row: dict[str, Any], surprise: str) -> dict[str, Any]:
    """A seven-class prediction as a ternary one: its label's valence, the probabilities summed."""
    kept = {name: value for name, value in row.items() if not name.startswith("prob_")}
    label = valence(row["label"], surprise) if row["label"] else None
    shares = collapse([row.get(f"prob_{emotion}", np.nan) for emotion in SEVEN], surprise)
    total = sum(shares)
    ternary = {name: share / total for name, share in zip(TERNARY, shares, strict=True)} if total else {}
    return {
        **kept,
        **{f"prob_{name}": share for name, share in ternary.items()},
        "taxonomy": "ternary",
        "label": label,
        "confidence": ternary.get(label) if label else None,
        "status": "left_out" if row["label"] and not label else row["status"],
    }
