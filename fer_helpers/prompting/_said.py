"""What the words of a reply say: a label, a ranking or a distribution; pure, and nothing is guessed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fer_helpers.emotions import names_another, parse_emotion

KINDS = ("label", "ranking", "distribution")  # what a prompt may ask for
_BESIDE = ("reasoning", "confidence", "label")  # names that may stand beside the labels of a distribution
_MOST_OBJECTS = 100  # looked for in a reply: what a model writes is untrusted
_FENCE = re.compile(r"^```[a-z]*\s*(.*?)\s*```$", re.IGNORECASE | re.DOTALL)
_THOUGHT = re.compile(
    r"^\s*(?:<(think|thinking|reasoning|thought)>)?.*</(?:think|thinking|reasoning|thought)>", re.DOTALL
)
_NUMBERED = re.compile(r"(?:^|(?<=\s))\(?(\d{1,2})[.):]\s+")  # where an item of a numbered list begins
_REMARK = re.compile(r"[\n:(,;–—]|\s-\s|\.(?:\s|$)")  # where what is said of an item begins
_BETWEEN = re.compile(r"[\n,;>→\[\]]+")  # items of a list without numbers
# A German reply has decimal commas. A number after a mere space may belong to the word after it ("60 % happy 40 %").
_PAIR = re.compile(r"(?<!\w)([^\W\d_]{1,20})[\"'*]*(?:\s*[:=|]|\s+[–—-](?=\s))[\s\"'*]*(-?\d+(?:[.,]\d+)?)")
_NUMBER = re.compile(r"\s*(\d+(?:[.,]\d+)?)\s*%?\s*")


@dataclass(frozen=True)
class Said:
    """What a reply says.

    Attributes:
        label: the label; of a ranking the first, of a distribution the largest.
        word: what the reply called it.
        where: the JSON object that it stood in; empty for mere words.
        ranking: labels, the best first, as far as they were ranked.
        shares: label -> share, sum 1, of a distribution.
        listed: read from a list among other words, which may be those of a refusal.
    """

    label: str
    word: str
    where: Mapping[str, Any] = field(default_factory=dict)
    ranking: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    listed: bool = False


def read(text: str, labels: Sequence[str], kind: str) -> tuple[bool, Said | None]:
    """Whether `text` holds a whole JSON object of the kind asked for, and what it says, if it says one thing.

    The object may stand after thoughts, in a code fence or between words of explanation. Two objects that differ,
    or a name twice in one, leave open what was meant.

    Args:
        text: of a reply.
        labels: all that were allowed, in the taxonomy's order.
        kind: one of KINDS.
    """
    text = _THOUGHT.sub("", text).strip()
    fenced = _FENCE.match(text)
    text = fenced[1] if fenced else text
    found = [
        (thing, said) for said in _objects(text) for thing in [_answer_in(said, kind, labels)] if thing is not None
    ]
    if not found:
        return False, _in_words(text, labels, kind)
    read_all = [_understood(thing, said, labels, kind) for thing, said in found]
    last = read_all[-1]
    same = last is not None and all(one and _meaning(one) == _meaning(last) for one in read_all)
    return True, last if same else None


def _meaning(said: Said) -> tuple[Any, ...]:
    return said.label if not said.ranking and not said.shares else "", said.ranking, dict(said.shares)


def _answer_in(said: Mapping[str, Any], kind: str, labels: Sequence[str]) -> object:
    """The part of a JSON object that answers; None if nothing in it does. A distribution may be the object itself."""
    if kind in said:
        return said[kind] if said[kind] is not None else ""
    if kind == "distribution" and any(_label(name, labels) for name in said):
        return {name: value for name, value in said.items() if name not in _BESIDE}
    return None


def _understood(thing: object, said: Mapping[str, Any], labels: Sequence[str], kind: str) -> Said | None:
    if kind == "ranking":
        return _ranked(thing, labels, said) if isinstance(thing, list) else _in_words(str(thing), labels, kind, said)
    if kind == "distribution":
        return _shared(thing.items(), labels, said) if isinstance(thing, dict) else None
    label = _label(thing, labels)
    return Said(label, str(thing), said) if label else None


def _in_words(text: str, labels: Sequence[str], kind: str, said: Mapping[str, Any] | None = None) -> Said | None:
    """What mere words say: a bare label; a list, numbered or separated; or "label: number" for each label."""
    if kind == "distribution":
        pairs = [pair for pair in _PAIR.findall(text) if _label(pair[0], labels) or _is_another(pair[0])]
        return _shared(pairs, labels, said or {}, listed=True)
    if kind == "label":
        label = _label(text, labels)
        return Said(label, text) if label else None
    marks = list(_NUMBERED.finditer(text))
    if [int(mark[1]) for mark in marks] != list(range(1, len(marks) + 1)) or len(marks) < 2:
        parts = [re.sub(r"^\s*[-•*]\s", "", part).strip(" \"'") for part in _BETWEEN.split(text)]
        return _ranked([part for part in parts if part], labels, said or {})
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    return _ranked([_REMARK.split(item)[0] for item in items], labels, said or {}, listed=True)


def _is_another(word: str) -> bool:
    return names_another(word) and word.lower() not in _BESIDE


def _ranked(
    items: Sequence[object], labels: Sequence[str], said: Mapping[str, Any], listed: bool = False
) -> Said | None:
    """A ranking, which may leave labels out; none with a word that is no label, or a label twice."""
    ranking = [_label(item, labels) for item in items]
    if not ranking or None in ranking or len(set(ranking)) < len(ranking):
        return None
    named = tuple(label for label in ranking if label)
    return Said(named[0], str(items[0]).strip(" \t\r\n.\"'*"), said, ranking=named, listed=listed)


def _shared(
    pairs: Iterable[tuple[str, object]], labels: Sequence[str], said: Mapping[str, Any], listed: bool = False
) -> Said | None:
    """A distribution from pairs of word and number, each 0 to 100; the label is the largest, of equal ones the first.

    Labels left out are 0 where the others add up to the whole, 100 or 1. There is none with a word that is no label,
    a label twice, a number that is none or lies outside, or nothing above 0.
    """
    pairs = list(pairs)
    names, numbers = [_label(word, labels) for word, _ in pairs], [_number(value) for _, value in pairs]
    if not names or None in names or None in numbers or len(set(names)) < len(names):
        return None
    given = {name: number for name, number in zip(names, numbers, strict=True) if name and number is not None}
    total = sum(given.values())
    whole = 98 <= total <= 102 or 0.98 <= total <= 1.02
    if total <= 0 or (len(given) < len(labels) and not whole):
        return None
    shares = {label: given.get(label, 0.0) / total for label in labels}
    label = max(labels, key=lambda name: shares[name])
    return Said(label, label, said, shares=shares, listed=listed)


def _number(value: object) -> float | None:
    """A number from 0 to 100, also as text with a decimal comma or a per cent sign; None for anything else."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        value = float(match[1].replace(",", ".")) if match else None
    known = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
    return float(value) if known else None  # type: ignore[arg-type]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in `text`, keys in lower case."""
    decoder, place = json.JSONDecoder(object_pairs_hook=_pairs), text.find("{")
    for _ in range(_MOST_OBJECTS):
        if place < 0:
            return
        try:
            found, end = decoder.raw_decode(text, place)
        except ValueError:
            end = place + 1
        except RecursionError:
            return
        else:
            yield found
        place = text.find("{", end)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name.strip().lower() for name, _ in pairs]
    times = Counter(names)
    return {name: None if times[name] > 1 else value for name, (_, value) in zip(names, pairs, strict=True)}


def _label(word: object, labels: Sequence[str]) -> str | None:
    """The label that `word` is, or that it names by another form of the same word ("anger" for angry)."""
    if not isinstance(word, str):
        return None
    word = word.strip(" \t\r\n.\"'*").lower()
    if word in labels:
        return word
    emotion = parse_emotion(word)
    return emotion if emotion in labels else None
