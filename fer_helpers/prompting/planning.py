"""From strategies and key frames to requests: the body, its key, its tokens and price; pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import LABELS, TAXONOMIES
from fer_helpers.prompting import content, pricing, prompts
from fer_helpers.prompting.orders import ordered
from fer_helpers.prompting.strategies import Strategy, find

TOKENS_OUT = {"label": 6, "ranking": 26, "distribution": 50}  # {"label":"happy"}; seven labels in JSON
TOKENS_REASONS = 74  # a sentence or two before it
TOP_LOGPROBS = 10
_OF_ASKING = (  # columns of a request
    "model", "prompt", "detail", "form", "temperature", "reasoning_effort", "max_tokens", "limit_field", "omitted",
)  # fmt: skip


@dataclass(frozen=True)
class Asking:
    """How a model is asked: everything about a request but its pictures and labels.

    Args:
        model: name of the model.
        prompt: one that prompts.find knows.
        detail: resolution the model looks at: low, high, auto.
        form: what the server can do, one of prompts.FORMS.
        label_order: "fixed", the taxonomy's; "rotated:K", K places to the left; or "shuffled", drawn anew for each
            request from `seed`.
        seed: of the shuffled order.
        replicates: how often a request is asked for the strategies that pool its askings.
        repeat: which time all this is asked: another number makes requests of their own, not answered before.
        temperature: of sampling; 0 for one answer, above 0 for replicates that may differ.
        reasoning_effort: sent if not empty; models that reason by default want "none" here.
        max_tokens: most tokens of a reply, reasoning included; 0: the prompt's own.
        limit_field: the field that this limit is sent in; servers know one name or the other.
        omitted: fields that the server refuses and that are left out, with spaces between.
        prices: what it is expected to cost.
    """

    model: str
    prompt: str = "labels"
    detail: str = "low"
    form: str = prompts.FORMS[0]
    label_order: str = "fixed"
    seed: int = 1
    replicates: int = 1
    repeat: int = 0
    temperature: float = 0.0
    reasoning_effort: str = ""
    max_tokens: int = 0
    limit_field: str = "max_completion_tokens"
    omitted: str = ""
    prices: pricing.PriceBook = pricing.OURS


def body_of(request: Mapping[str, Any], pictures: Sequence[str]) -> dict[str, Any]:
    """Chat Completions request body for a row of the requests table.

    Args:
        request: a row (or a mapping with its columns).
        pictures: URLs of its key frames in the order of time, of their mosaic, or of the clip; see `content.urls_of`.
    """
    prompt, labels, form = request["prompt"], list(request["labels"]), request["form"]
    text = prompts.text(prompt, labels, len(request["frame_indices"]), form, request["mosaic"])
    words = {"type": "text", "text": text}
    body = {
        "model": request["model"],
        "messages": [{"role": "user", "content": [words, *content.parts(request, pictures)]}],
        "temperature": request["temperature"],
        request["limit_field"]: request["max_tokens"] or prompts.find(prompt).max_tokens,
        "store": False,  # providers keep nothing of a face longer than they must
    }
    if form.startswith("schema"):
        body["response_format"] = prompts.schema(prompt, labels, form)
    if form.endswith("logprobs") and prompts.find(prompt).reply != "distribution":  # which is its own
        body |= {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    if request["reasoning_effort"]:
        body["reasoning_effort"] = request["reasoning_effort"]
    omitted = request["omitted"].split()
    return {name: value for name, value in body.items() if name not in omitted}


def key_of(request: Mapping[str, Any], sha256s: Sequence[str]) -> str:
    """Name of a request: SHA-256 of its body as canonical JSON, pictures by their bytes' hash, and replicate.

    A mosaic goes by the hashes of its parts, so that a plan need not make it; a video by that of its pixels, so that
    it keeps its name when it is encoded anew.
    """
    names = [f"sha256:{digest}" for digest in sha256s]
    body = body_of(request, [f"mosaic {' '.join(names)}"] if request["mosaic"] else names)
    return sha256(_json([body, int(request["replicate"])])).hexdigest()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


Group = tuple[tuple[int, ...], bool]  # frames asked about together (none: the clip itself), and whether as a mosaic


def groups(strategy: Strategy, frames: Sequence[int]) -> set[Group]:
    """What `strategy` asks about a clip; a mosaic of one frame is that frame."""
    return {(tuple(group), strategy.mosaic and len(group) > 1) for group in strategy.groups(frames)}


def stages(strategy: str) -> list[str]:
    """The strategy, and after it the one that unsure clips go on to."""
    then = find(strategy).then
    return [strategy, then] if then else [strategy]


def plan(
    frames: pd.DataFrame,
    strategies: Iterable[str],
    taxonomies: Iterable[str],
    asking: Asking,
    videos: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The requests table: what may have to be asked about `frames` so that every strategy can be pooled.

    Strategies share requests: a vote over key frames needs nothing that judging each frame did not ask.
    Clips without a usable frame have no request, and without a video (`videos`) none about the clip itself. A
    cascade's second stage is planned for every clip; `due` says what is asked in the end.
    """
    rows = []
    wanted = [find(stage) for name in strategies for stage in stages(name)]
    taxonomies, of_clip = list(taxonomies), content.clips(videos)
    for clip_id, clip in frames[frames["status"] == "ok"].groupby("clip_id", sort=False):
        facts = zip(clip["sha256"], clip["width"].astype(int), clip["height"].astype(int), strict=True)
        pictures = dict(zip(clip["frame_index"].astype(int), facts, strict=True))
        askings: dict[Group, int] = {}
        for strategy in wanted:
            for group in groups(strategy, list(pictures)) - (set() if clip_id in of_clip else {((), False)}):
                askings[group] = max(askings.get(group, 1), asking.replicates if strategy.replicates else 1)
        for taxonomy in taxonomies:
            for group in sorted(askings, key=lambda group: (len(group[0]), group)):
                video = None if group[0] else of_clip[str(clip_id)]
                of_group = {index: pictures[index] for index in group[0]}
                one = _row(str(clip_id), of_group, group[1], taxonomy, asking, video)
                sha256s = [video.sha256] if video else [pictures[index][0] for index in group[0]]
                numbers = range(asking.repeat * asking.replicates, asking.repeat * asking.replicates + askings[group])
                numbered = [{**one, "replicate": number} for number in numbers]
                rows += [{**row, "key": key_of(row, sha256s)} for row in numbered]
    return tables.check("requests", pd.DataFrame(rows, columns=list(tables.SCHEMAS["requests"].columns)))


def _row(
    clip_id: str,
    pictures: Mapping[int, tuple[str, int, int]],
    as_mosaic: bool,
    taxonomy: str,
    asking: Asking,
    video: content.Clip | None,
) -> dict[str, Any]:
    """The request about one group of pictures, frame index -> (sha256, width, height), or about the clip's video."""
    sha256s = [video.sha256] if video else [picture[0] for picture in pictures.values()]
    drawn_by = f"{asking.seed} {' '.join(sha256s)}"
    labels = ordered(prompts.find(asking.prompt).ordered(TAXONOMIES[taxonomy]), asking.label_order, drawn_by)
    sizes = [(width, height) for _, width, height in pictures.values()]
    counted = (asking.model, asking.detail, asking.prices)
    tokens_image, priced = (
        content.tokens_of_clip(video, *counted) if video else (content.tokens(sizes, as_mosaic, *counted), True)
    )
    tokens_text = _text_tokens(asking.model, asking.prompt, labels, len(pictures), asking.form, as_mosaic)
    tokens_out = _tokens_out(asking)
    usd = asking.prices.cost_usd(asking.model, tokens_image + tokens_text, tokens_out)
    return {
        **{name: getattr(asking, name) for name in _OF_ASKING},
        "clip_id": clip_id,
        "frame_indices": list(pictures),
        "mosaic": as_mosaic,
        "taxonomy": taxonomy,
        "labels": list(labels),
        "prompt_sha256": prompts.fingerprint(asking.prompt, labels, asking.form),
        "tokens_image": tokens_image,
        "tokens_in": tokens_image + tokens_text,
        "tokens_out": tokens_out,
        "cost_usd": usd if priced or not usd else None,
    }


def _tokens_out(asking: Asking) -> int:
    """Estimated tokens of a reply; a model that reasons may use all that it is given."""
    prompt = prompts.find(asking.prompt)
    if asking.reasoning_effort not in ("", "none"):
        return asking.max_tokens or prompt.max_tokens
    return TOKENS_OUT[prompt.reply] + TOKENS_REASONS * prompt.reasoning


@lru_cache(maxsize=10_000)
def _text_tokens(model: str, prompt: str, labels: tuple[str, ...], n_pictures: int, form: str, as_mosaic: bool) -> int:
    return pricing.text_tokens(model, prompts.text(prompt, labels, n_pictures, form, as_mosaic))


def needed_by(strategy: str, requests: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Rows of `requests` that `strategy` pools; of a cascade, those of its first stage."""
    return requests[needed([strategy], requests, frames)[strategy]]


def needed(strategies: Iterable[str], requests: pd.DataFrame, frames: pd.DataFrame) -> dict[str, np.ndarray]:
    """Which of `requests` each strategy pools, as in `needed_by`: its name -> shape (n_requests,).

    Clips whose key frames have the same indices are asked about alike, so each kind of clip is looked at once.
    """
    usable = frames[frames["status"] == "ok"].groupby("clip_id")["frame_index"].agg(list)
    kinds: dict[tuple[int, ...], int] = {}
    kind_of = [kinds.setdefault(tuple(indices), len(kinds)) for indices in usable]
    asked: dict[Group, int] = {}
    pairs = zip(requests["frame_indices"], requests["mosaic"], strict=True)
    asked_of = np.array([asked.setdefault((tuple(group), one), len(asked)) for group, one in pairs], dtype=int)
    kind = np.array([*kind_of, -1])[usable.index.get_indexer(requests["clip_id"])]  # -1: no frame, so the last
    found, same = np.unique(kind * len(asked) + asked_of, return_inverse=True)
    looks = [(k, a) for k, a in zip(found // max(len(asked), 1), found % max(len(asked), 1), strict=True)]
    frames_of, groups_of, once = list(kinds), list(asked), is_first(requests).to_numpy()
    masks = {}
    for name in strategies:
        strategy = find(name)
        wanted = [groups(strategy, indices) for indices in frames_of]
        mine = np.array([k >= 0 and groups_of[a] in wanted[k] for k, a in looks], dtype=bool)
        masks[name] = mine[same] & (strategy.replicates | once)
    return masks


def is_first(requests: pd.DataFrame) -> pd.Series:
    """Which `requests` of a run are the first of their replicates."""
    return requests["replicate"] == requests["replicate"].min()


def due(
    planned: pd.DataFrame,
    frames: pd.DataFrame,
    strategies: Iterable[str],
    answers: pd.DataFrame | None = None,
    below: float = 1.0,
) -> pd.DataFrame:
    """Rows of `planned` to ask, as far as can be told: first stages, and second ones of clips known to be unsure.

    Args:
        planned: as `plan` gives it.
        answers: what is answered; none yet if None.
        below: a clip goes on where its label's probability is below this or unknown, or it has no label.
    """
    now: set[int] = set()
    for first, *second in map(stages, strategies):
        asked = needed_by(first, planned, frames)
        now.update(asked.index)
        for stage in second if answers is not None else ():
            going_on = unsure(asked.merge(answers, on="key", suffixes=("_estimated", "")), below)
            more = needed_by(stage, planned, frames)
            pairs = zip(more["clip_id"], more["taxonomy"], strict=True)
            now.update(more.index[[pair in going_on for pair in pairs]])
    return planned.loc[sorted(now)]


def unsure(answered: pd.DataFrame, below: float) -> set[tuple[str, str]]:
    """(clip_id, taxonomy) of answers without a label, or with one of unknown or too small a probability."""
    shares = answered[[f"prob_{label}" for label in LABELS]].to_numpy(float)
    said = pd.Categorical(answered["label"], LABELS).codes
    sure = (answered["status"] == "ok").to_numpy() & (shares[np.arange(len(said)), said] >= below)
    return set(answered.loc[~sure, ["clip_id", "taxonomy"]].itertuples(index=False, name=None))


def summary(
    requests: pd.DataFrame, frames: pd.DataFrame, strategies: Iterable[str], known: Iterable[str] = ()
) -> pd.DataFrame:
    """The plan by strategy: requests, pictures, tokens, US$, and how many answers are kept already.

    A last row "all together" counts shared requests once. A cascade is counted as if every clip went on: at most.
    `known` are the keys the archive answers.
    """
    known = set(known)
    parts = {name: pd.concat([needed_by(stage, requests, frames) for stage in stages(name)]) for name in strategies}
    rows = [
        {
            "strategy": name,
            "requests": len(part),
            "in archive": int(part["key"].isin(known).sum()),
            "pictures": int(part["frame_indices"].map(len).sum()),
            "tokens in": int(part["tokens_in"].sum()),
            "tokens out": int(part["tokens_out"].sum()),
            "US$": part["cost_usd"].sum(min_count=len(part) or 1),
            "US$ as a batch": part["cost_usd"].sum(min_count=len(part) or 1) / 2,
        }
        for name, part in {**parts, "all together": requests}.items()
        for part in [part.drop_duplicates("key")]
    ]
    return pd.DataFrame(rows).set_index("strategy")
