"""What batches are made of: requests as lines of a file, cut into shards, and replies read back; pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, NamedTuple

import pandas as pd

from fer_helpers.annotation import _transport
from fer_helpers.annotation.archive import Entry
from fer_helpers.errors import RunError
from fer_helpers.prompting import content, planning, pricing, prompts, replies

URL: Final = "/v1/chat/completions"
NOT_RUN = ("batch_expired", "batch_cancelled")


class Line(NamedTuple):
    """A request as a line of a batch's input file; `tokens` is the estimate of what it sends, `usd` of its price."""

    key: str
    asked: str  # taxonomy, and what the reply is to be if not a label
    model: str
    data: bytes
    tokens: int
    usd: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What one shard may hold; `tokens` is also what all shards under way may hold together.

    `usd` is what all shards of a run may cost together, as estimated; 0 is no cap.

    A batch has at most 50,000 requests and 200 MB. The tokens an account may have waiting in batches depend on
    the model and on the account's tier; 2 million is the lowest tier's for GPT-4o-mini.
    """

    requests: int = 50_000
    bytes: int = 200_000_000
    tokens: int = 2_000_000
    usd: float = 0.0


DEFAULT_LIMITS = Limits()


def lines(rows: pd.DataFrame, picture: content.Picture) -> Iterator[Line]:
    """The requests in `rows` of the requests table; `picture` gives the bytes of what is shown."""
    for _, row in rows.iterrows():
        body = planning.body_of(row, content.urls_of(row, picture))
        line = {"custom_id": row["key"], "method": "POST", "url": URL, "body": body}
        data = json.dumps(line).encode() + b"\n"
        usd = 0.0 if pd.isna(row["cost_usd"]) else row["cost_usd"] * pricing.BATCH_DISCOUNT
        asked = f"{row['taxonomy']} {prompts.find(row['prompt']).reply}"
        yield Line(row["key"], asked.removesuffix(" label"), row["model"], data, int(row["tokens_in"]), usd)


def cut(lines: Iterable[Line], limits: Limits) -> Iterator[Iterator[Line]]:
    """`lines` in shards, in their order, each within `limits` and with one model; use up one before the next.

    Raises:
        RunError: a single request is above a limit.
    """
    for _, part in groupby(_numbered(lines, limits), key=lambda pair: pair[0]):
        yield (line for _, line in part)


def _numbered(lines: Iterable[Line], limits: Limits) -> Iterator[tuple[int, Line]]:
    number, count, size, tokens, model = 0, 0, 0, 0, None
    for line in lines:
        if len(line.data) > limits.bytes or line.tokens > limits.tokens:
            raise RunError(
                f"request {line.key[:12]} has {len(line.data)} bytes and about {line.tokens} tokens, but a shard may "
                f"have at most {limits.bytes} and {limits.tokens}: use a smaller frame_size or fewer frames"
            )
        count, size, tokens = count + 1, size + len(line.data), tokens + line.tokens
        above = count > limits.requests or size > limits.bytes or tokens > limits.tokens
        if above or model not in (None, line.model):
            number, count, size, tokens = number + 1, 1, len(line.data), line.tokens
        model = line.model
        yield number, line


def entry(
    item: Mapping[str, Any],
    key: str,
    asked: replies.Asked,
    model: str,
    created: str,
    prices: pricing.PriceBook = pricing.OURS,
) -> Entry | None:
    """What the archive keeps of a line of an output or error file, as for an online reply; None if it was not run.

    A request that was refused has a response with its status and error; one that failed otherwise has an error
    and no response.
    """
    response, error = _object(item.get("response")), _object(item.get("error"))
    body, status = _object(response.get("body")), response.get("status_code")
    if error.get("code") in NOT_RUN:
        return None
    if "raw" in response:
        text, usd = str(response["raw"]), None
    elif status == 200 and body:
        text, usd = json.dumps(body), _transport.cost_usd(model, body, "batch", prices)
    else:
        said = error or _object(body.get("error")) or body
        words = replies.error_text(said) or f"status {status}"
        text, usd = replies.error_entry(status, words, str(said.get("code") or ""), json.dumps(said)), None
    found = replies.read(text, *asked).status
    return Entry(key, found, text, model, latency_s=0.0, created=created, via="batch", usd=usd, reader=replies.READER)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
