"""From a reply to a status, a label and probabilities; pure, and nothing is guessed."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a reply says: a status, and for "ok" the label and its probabilities where there are any."""

    status: str
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    text: str = ""


def parse(reply: Mapping[str, Any], labels: Sequence[str]) -> Answer:
    """Read one Chat Completions reply; `labels` are the ones that were allowed.

    The order of the tests matters, because a cut or filtered reply may still hold text that looks like an
    answer: finish_reason, then the refusal field, then empty content, then whether it is one of the labels.
    """
    choices = reply.get("choices") or [{}]
    message = choices[0].get("message") or {}
    text = message.get("content") or ""
    if choices[0].get("finish_reason") == "length":
        return Answer("truncated", text=text)
    if choices[0].get("finish_reason") == "content_filter":
        return Answer("filtered", text=text)
    if message.get("refusal"):
        return Answer("refused", text=message["refusal"])
    label = _label(text, labels)
    if label is None:
        return Answer("invalid", text=text)
    entries = (choices[0].get("logprobs") or {}).get("content") or []
    return Answer("ok", label, label_probabilities(entries, label, labels), text)


def _label(text: str, labels: Sequence[str]) -> str | None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    if isinstance(value, dict):
        value = value.get("label")
    word = value.strip().lower() if isinstance(value, str) else None
    return word if word in labels else None


def label_probabilities(entries: Sequence[Mapping[str, Any]], label: str, labels: Sequence[str]) -> dict[str, float]:
    """Probabilities of the labels from the log-probabilities of the tokens of a reply.

    At the token where the label begins, each alternative token that begins exactly one label counts for
    that label ("dis" for disgust; "s" begins both sad and surprise and counts for neither); the rest is
    spread by normalising. Empty if the label's first token is not found or has no alternatives.
    """
    for entry in entries:
        token = _bare(entry.get("token", ""))
        if token and label.startswith(token) and _begun(token, labels):
            break
    else:
        return {}
    mass = dict.fromkeys(labels, 0.0)
    for option in entry.get("top_logprobs") or []:
        begun = _begun(_bare(option.get("token", "")), labels)
        if begun:
            mass[begun] += math.exp(option["logprob"])
    total = sum(mass.values())
    return {name: share / total for name, share in mass.items()} if total > 0 else {}


def _bare(token: str) -> str:
    return token.strip(" \t\n\"'").lower()


def _begun(token: str, labels: Sequence[str]) -> str | None:
    begun = [name for name in labels if token and name.startswith(token)]
    return begun[0] if len(begun) == 1 else None
