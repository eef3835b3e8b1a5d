"""From strategies and key frames to requests: the body, its key, its tokens and price; pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from random import Random
from typing import Any

import pandas as pd

from fer_helpers import pricing, prompts, tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.strategies import STRATEGIES

TOKENS_OUT = {False: 6, True: 80}  # {"label":"happy"}; with a sentence or two of reasons before it
TOP_LOGPROBS = 10


@dataclass(frozen=True)
class Asking:
    """How a model is asked: everything about a request but its pictures and labels.

    Args:
        model: name of the model.
        prompt: one of prompts.PROMPTS.
        detail: resolution the model looks at: low, high, auto.
        form: what the server can do, one of prompts.FORMS.
        label_order: "fixed", the taxonomy's, or "shuffled", drawn anew for each request from `seed`.
        seed: of the shuffled order.
        replicates: how often each request is asked (self-consistency, Wang et al. 2023).
        temperature: of sampling; 0 for one answer, above 0 for replicates that may differ.
        reasoning_effort: sent if not empty; models that reason by default want "none" here.
    """

    model: str
    prompt: str = "labels"
    detail: str = "low"
    form: str = prompts.FORMS[0]
    label_order: str = "fixed"
    seed: int = 1
    replicates: int = 1
    temperature: float = 0.0
    reasoning_effort: str = ""


def body_of(request: Mapping[str, Any], pictures: Sequence[str]) -> dict[str, Any]:
    """Chat Completions request body for a row of the requests table.

    Args:
        request: a row (or a mapping with its columns).
        pictures: URLs of its key frames in the order of time, usually `data:image/jpeg;base64,...`.
    """
    prompt, labels, form = request["prompt"], list(request["labels"]), request["form"]
    words = {"type": "text", "text": prompts.text(prompt, labels, len(pictures), form)}
    images = [{"type": "image_url", "image_url": {"url": url, "detail": request["detail"]}} for url in pictures]
    body = {
        "model": request["model"],
        "messages": [{"role": "user", "content": [words, *images]}],
        "temperature": request["temperature"],
        "max_completion_tokens": prompts.PROMPTS[prompt].max_tokens,
        "store": False,  # providers keep nothing of a face longer than they must
    }
    if form.startswith("schema"):
        body["response_format"] = prompts.schema(prompt, labels, form)
    if form.endswith("logprobs"):
        body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    if request["reasoning_effort"]:
        body["reasoning_effort"] = request["reasoning_effort"]
    return body


def key_of(request: Mapping[str, Any], sha256s: Sequence[str]) -> str:
    """Name of a request: SHA-256 of its body as canonical JSON, pictures by their bytes' hash, and replicate."""
    body = body_of(request, [f"sha256:{digest}" for digest in sha256s])
    return sha256(_json([body, int(request["replicate"])])).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def plan(frames: pd.DataFrame, strategies: Iterable[str], taxonomies: Iterable[str], asking: Asking) -> pd.DataFrame:
    """The requests table: what has to be asked about `frames` so that every strategy can be pooled.

    Strategies share requests: a vote over key frames needs nothing that judging each frame did not ask.
    Clips without a usable frame have no request.
    """
    rows = []
    groups_of = [STRATEGIES[name].groups for name in strategies]
    taxonomies = list(taxonomies)
    for clip_id, clip in frames[frames["status"] == "ok"].groupby("clip_id", sort=False):
        facts = zip(clip["sha256"], clip["width"].astype(int), clip["height"].astype(int), strict=True)
        pictures = dict(zip(clip["frame_index"].astype(int), facts, strict=True))
        groups = {tuple(group) for groups in groups_of for group in groups(list(pictures))}
        for taxonomy in taxonomies:
            for group in sorted(groups, key=lambda group: (len(group), group)):
                rows += _rows(str(clip_id), {index: pictures[index] for index in group}, taxonomy, asking)
    return tables.check("requests", pd.DataFrame(rows, columns=list(tables.SCHEMAS["requests"].columns)))


def _rows(
    clip_id: str, pictures: Mapping[int, tuple[str, int, int]], taxonomy: str, asking: Asking
) -> list[dict[str, Any]]:
    """The requests about one group of pictures: frame index -> (sha256, width, height)."""
    sha256s = [picture[0] for picture in pictures.values()]
    labels = _ordered(TAXONOMIES[taxonomy], sha256s, asking)
    tokens_image = sum(pricing.image_tokens(asking.model, w, h, asking.detail) for _, w, h in pictures.values())
    tokens_text = _text_tokens(asking.model, asking.prompt, labels, len(pictures), asking.form)
    tokens_out = TOKENS_OUT[prompts.PROMPTS[asking.prompt].reasoning]
    row = {
        **{name: value for name, value in asdict(asking).items() if name not in ("label_order", "seed", "replicates")},
        "clip_id": clip_id,
        "frame_indices": list(pictures),
        "taxonomy": taxonomy,
        "labels": list(labels),
        "prompt_sha256": prompts.fingerprint(asking.prompt, labels, asking.form),
        "tokens_image": tokens_image,
        "tokens_in": tokens_image + tokens_text,
        "tokens_out": tokens_out,
        "cost_usd": pricing.cost_usd(asking.model, tokens_image + tokens_text, tokens_out),
    }
    numbered = [{**row, "replicate": number} for number in range(asking.replicates)]
    return [{**one, "key": key_of(one, sha256s)} for one in numbered]


def _ordered(labels: tuple[str, ...], sha256s: Sequence[str], asking: Asking) -> tuple[str, ...]:
    """The labels as they are named to the model: the order biases answers, so it can be drawn per request."""
    if asking.label_order == "fixed":
        return labels
    return tuple(Random(f"{asking.seed} {' '.join(sha256s)}").sample(labels, len(labels)))


@lru_cache(maxsize=10_000)
def _text_tokens(model: str, prompt: str, labels: tuple[str, ...], n_pictures: int, form: str) -> int:
    return pricing.text_tokens(model, prompts.text(prompt, labels, n_pictures, form))


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
