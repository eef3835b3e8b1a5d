"""From a reply to a status, a label and probabilities; pure, and nothing is guessed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fer_helpers.emotions import parse_emotion

# Refusals that come as ordinary text, with finish_reason "stop" and billed as usual. Only a reply that is none
# of the labels is held against them.
_DEEDS = "help|tell|say|assist|identify|determine|analy[sz]e|infer|label|comply|provide|describe|classify|recogni[sz]e"
_REFUSAL = re.compile(
    r"\bi(?:['’]m| am) (?:sorry|unable|not able|not comfortable)\b"
    rf"|\b(?:can['’]?t|cannot|can not|won['’]?t|will not|unable to) (?:{_DEEDS})\b"
    r"|\b(?:do not|don['’]?t) have the ability to\b|\bas an ai\b"
    r"|\bagainst (?:my|the|our) (?:policy|policies|guidelines)\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^```[a-z]*\s*\n(.*)\n\s*```$", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a reply says: a status, and for "ok" the label and its probabilities where there are any.

    `source` is where the probabilities come from: "logprobs", "confidence" or "none".
    """

    status: str
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    source: str = "none"
    text: str = ""


def parse(reply: Mapping[str, Any], labels: Sequence[str]) -> Answer:
    """Read one Chat Completions reply; `labels` are the ones that were allowed.

    The order of the tests matters, because a cut or filtered reply may still hold text that looks like an
    answer: finish_reason, then the refusal field, then whether it is one of the labels, or a refusal in prose.
    """
    choice = (reply.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    text = message.get("content") or ""
    if choice.get("finish_reason") == "length":
        return Answer("truncated", text=text)
    if choice.get("finish_reason") == "content_filter":
        return Answer("filtered", text=text)
    if message.get("refusal"):
        return Answer("refused", text=message["refusal"])
    said = _said(text)
    label = _label(said.get("label"), labels)
    if label is None:
        return Answer("refused" if _REFUSAL.search(text) else "invalid", text=text)
    entries = (choice.get("logprobs") or {}).get("content") or []
    probabilities = label_probabilities(entries, label, labels)
    if probabilities:
        return Answer("ok", label, probabilities, "logprobs", text)
    probabilities = _from_confidence(said.get("confidence"), label, labels)
    return Answer("ok", label, probabilities, "confidence" if probabilities else "none", text)


def _said(text: str) -> dict[str, Any]:
    """The reply's JSON object, out of a code fence if it stands in one; a bare word counts as its label."""
    fenced = _FENCE.match(text.strip())
    text = fenced[1] if fenced else text
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {"label": value}


def _label(word: object, labels: Sequence[str]) -> str | None:
    """The label that `word` is, or that it names by another form of the same word ("anger" for angry)."""
    if not isinstance(word, str):
        return None
    word = word.strip(" \t\r\n.\"'*").lower()
    if word in labels:
        return word
    emotion = parse_emotion(word)
    return emotion if emotion in labels else None


def _from_confidence(confidence: object, label: str, labels: Sequence[str]) -> dict[str, float]:
    """The confidence a reply states for its label, the rest spread evenly; empty if it states none from 0 to 1."""
    if not isinstance(confidence, int | float) or isinstance(confidence, bool) or not 0 <= confidence <= 1:
        return {}
    rest = (1 - confidence) / (len(labels) - 1)
    return {name: float(confidence) if name == label else rest for name in labels}


def label_probabilities(entries: Sequence[Mapping[str, Any]], label: str, labels: Sequence[str]) -> dict[str, float]:
    """Probabilities of the labels from the log-probabilities of the tokens of a reply.

    At the token where the label begins, each alternative token that begins exactly one label counts for
    that label ("dis" for disgust; "s" begins both sad and surprise and counts for neither); the rest is
    spread by normalising. The last such token counts, since reasons may name labels before. Empty if none is
    found or it has no alternatives.
    """
    for entry in reversed(entries):
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
