"""From strategies and key frames to requests: the body, its key, its tokens and price; pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

import pandas as pd

from fer_helpers import pricing, prompts, tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.strategies import STRATEGIES

MAX_TOKENS_OUT = 64  # a label in JSON takes about ten
TOKENS_OUT = 6  # {"label":"happy"}
TOP_LOGPROBS = 10


def body(model: str, prompt: str, taxonomy: str, pictures: Sequence[str], detail: str = "low") -> dict[str, Any]:
    """Chat Completions request body that asks for one label of `taxonomy`.

    Args:
        pictures: URLs of the key frames in the order of time, usually `data:image/jpeg;base64,...`.
        detail: resolution the model looks at, "low", "high" or "auto".
    """
    labels = TAXONOMIES[taxonomy]
    words = {"type": "text", "text": prompts.text(prompt, labels, len(pictures))}
    images = [{"type": "image_url", "image_url": {"url": url, "detail": detail}} for url in pictures]
    return {
        "model": model,
        "messages": [{"role": "user", "content": [words, *images]}],
        "response_format": prompts.schema(labels),
        "temperature": 0,
        "max_completion_tokens": MAX_TOKENS_OUT,
        "logprobs": True,
        "top_logprobs": TOP_LOGPROBS,
        "store": False,  # providers keep nothing of a face longer than they must
    }


def key(model: str, prompt: str, taxonomy: str, sha256s: Sequence[str], detail: str = "low") -> str:
    """Name of a request: SHA-256 of its body as canonical JSON, each picture by the hash of its bytes."""
    canonical = body(model, prompt, taxonomy, [f"sha256:{digest}" for digest in sha256s], detail)
    return sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def plan(
    frames: pd.DataFrame,
    strategies: Iterable[str],
    taxonomies: Iterable[str],
    model: str,
    prompt: str = "labels",
    detail: str = "low",
) -> pd.DataFrame:
    """The requests table: what has to be asked about `frames` so that every strategy can be pooled.

    Strategies share requests: a vote over key frames needs nothing that judging each frame did not ask.
    Clips without a usable frame have no request.
    """
    rows = []
    groups_of = [STRATEGIES[name].groups for name in strategies]
    for clip_id, clip in frames[frames["status"] == "ok"].groupby("clip_id", sort=False):
        pictures = clip.set_index("frame_index")
        indices = list(pictures.index)
        groups = sorted({tuple(group) for groups in groups_of for group in groups(indices)}, key=lambda g: (len(g), g))
        for taxonomy in taxonomies:
            for group in groups:
                rows.append(_row(str(clip_id), pictures.loc[list(group)], taxonomy, model, prompt, detail))
    return tables.check("requests", pd.DataFrame(rows, columns=list(tables.SCHEMAS["requests"].columns)))


def _row(clip_id: str, pictures: pd.DataFrame, taxonomy: str, model: str, prompt: str, detail: str) -> dict[str, Any]:
    labels = TAXONOMIES[taxonomy]
    tokens_image = sum(
        pricing.image_tokens(model, int(width), int(height), detail)
        for width, height in zip(pictures["width"], pictures["height"], strict=True)
    )
    tokens_in = tokens_image + pricing.text_tokens(model, prompts.text(prompt, labels, len(pictures)))
    return {
        "key": key(model, prompt, taxonomy, list(pictures["sha256"]), detail),
        "clip_id": clip_id,
        "frame_indices": [int(index) for index in pictures.index],
        "taxonomy": taxonomy,
        "model": model,
        "prompt": prompt,
        "prompt_sha256": prompts.fingerprint(prompt, labels),
        "tokens_image": tokens_image,
        "tokens_in": tokens_in,
        "tokens_out": TOKENS_OUT,
        "cost_usd": pricing.cost_usd(model, tokens_in, TOKENS_OUT),
    }


def needed_by(strategy: str, requests: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Rows of `requests` that `strategy` pools."""
    groups_of = STRATEGIES[strategy].groups
    usable = frames[frames["status"] == "ok"].groupby("clip_id")["frame_index"].apply(list)
    wanted = {(clip_id, tuple(group)) for clip_id, indices in usable.items() for group in groups_of(indices)}
    pairs = zip(requests["clip_id"], requests["frame_indices"], strict=True)
    return requests[[(clip_id, tuple(indices)) in wanted for clip_id, indices in pairs]]


def summary(
    requests: pd.DataFrame, frames: pd.DataFrame, strategies: Iterable[str], known: Iterable[str] = ()
) -> pd.DataFrame:
    """The plan by strategy: requests, pictures, tokens, US$, and how many answers are kept already.

    A last row "all together" counts shared requests once. `known` are the keys the archive answers.
    """
    known = set(known)
    parts = {name: needed_by(name, requests, frames) for name in strategies}
    rows = [
        {
            "strategy": name,
            "requests": len(part),
            "in archive": int(part["key"].isin(known).sum()),
            "pictures": int(part["frame_indices"].map(len).sum()),
            "tokens in": int(part["tokens_in"].sum()),
            "tokens out": int(part["tokens_out"].sum()),
            "US$": part["cost_usd"].sum(min_count=1),
            "US$ as a batch": part["cost_usd"].sum(min_count=1) / 2,
        }
        for name, part in {**parts, "all together": requests.drop_duplicates("key")}.items()
    ]
    return pd.DataFrame(rows).set_index("strategy")
