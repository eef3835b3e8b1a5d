"""Probabilities of the labels from the log-probabilities of a reply's tokens; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any


def label_probabilities(entries: object, label: str, word: str, labels: Sequence[str]) -> tuple[dict[str, float], str]:
    """Probabilities of the labels at the token where the label begins, or why there are none.

    Each alternative token that begins exactly one label counts for that label ("dis" for disgust; "s" begins both
    sad and surprise and counts for neither, a single letter is more often a word of its own); the token that was
    written counts by its own log-probability, which some servers leave out of its alternatives. The rest is spread
    by normalising. Where another label comes out likelier than the one given, as with log-probabilities from before
    a schema was enforced, the numbers are not of this answer.

    Args:
        entries: of logprobs.content.
        label: the label given.
        word: what the reply called it.
        labels: all that were allowed.
    """
    try:
        found = _at_the_label(entries, word.strip().lower(), label)
        if found is None:
            return {}, "no token of the label"
        own = _bare(found["token"])
        mass = dict.fromkeys(labels, 0.0)
        options = [(str(option["token"]), float(option["logprob"])) for option in found.get("top_logprobs") or []]
        if not options:
            return {}, "no alternatives"
        if own not in {_bare(token) for token, _ in options}:
            options.append((found["token"], float(found["logprob"])))
        for token, logprob in options:
            begun = _begun(_bare(token), labels)
            if begun and (len(_bare(token)) > 1 or _bare(token) == own):
                mass[begun] += math.exp(min(logprob, 0.0))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return {}, "malformed log-probabilities"
    total = sum(mass.values())
    if not total > 0 or _begun(own, labels) is None:
        return {}, "the label's first token begins several labels"
    if mass[label] < max(mass.values()):
        return {}, "the log-probabilities contradict the label"
    return {name: share / total for name, share in mass.items()}, ""


def _at_the_label(entries: Any, word: str, label: str) -> Mapping[str, Any] | None:
    """The entry in which the last mention of the label begins: reasons may name labels before."""
    tokens = [str(entry["token"]) for entry in entries]
    place = "".join(tokens).lower().rfind(word or label)
    if place < 0:
        return None
    end = 0
    for entry, token in zip(entries, tokens, strict=True):
        end += len(token)
        if place < end:
            return entry if label.startswith(_bare(token)) and _bare(token) else None
    return None


def _bare(token: str) -> str:
    return token.strip(" \t\n\r\"'{:").lower()


def _begun(token: str, labels: Sequence[str]) -> str | None:
    begun = [name for name in labels if token and name.startswith(token)]
    return begun[0] if len(begun) == 1 else None
