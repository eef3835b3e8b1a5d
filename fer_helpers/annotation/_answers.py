"""A kept reply as a row of the answers table."""

from __future__ import annotations

from typing import Any

from fer_helpers.annotation import books
from fer_helpers.annotation.archive import Entry
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.prompting import pricing, prompts, replies


def asked(taxonomy: str, prompt: str) -> replies.Asked:
    """What the reply to a request with these columns may say."""
    return replies.Asked(TAXONOMIES[taxonomy], prompts.find(prompt).reply)


def row_of(entry: Entry, wanted: replies.Asked, prices: pricing.PriceBook) -> dict[str, Any]:
    """The columns of the answers table, from `entry` as today's reader reads it."""
    answer, reply = replies.read(entry.reply, *wanted), books.loaded(entry)
    tokens_in, tokens_out = replies.billed(reply)
    return {
        "key": entry.key,
        "status": answer.status,
        "label": answer.label,
        **{f"prob_{label}": share for label, share in answer.probabilities.items()},
        "ranking": " ".join(answer.ranking) or None,
        "prob_source": answer.source,
        "prob_doubt": answer.doubt or None,
        "raw": answer.text.encode("utf-8", "replace").decode(),  # half a surrogate pair is JSON, but no Parquet
        "model_requested": entry.model,
        "model_returned": _word(reply.get("model")),
        "fingerprint": _word(reply.get("system_fingerprint")),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost_usd": books.price(entry, prices),
        "latency_s": entry.latency_s if entry.via == "online" else None,
        "created": entry.created,
    }


def _word(value: object) -> str | None:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None
