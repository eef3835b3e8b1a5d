"""From a kept reply to a status, a label and probabilities; pure, and nothing is guessed.

What is kept is the reply as it came. Statuses and labels are read from it by this module whenever they are needed,
so a better reader costs no request; `READER` tells one reader's verdicts from another's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from fer_helpers import emotions, statuses
from fer_helpers.prompting import _logprobs, _said
from fer_helpers.prompting._said import KINDS

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
# What vendors call a filter, in a finish reason or in an error's code, type or message.
_FILTER = re.compile(
    r"content[ _-]?(?:filter|policy|management)|filtered\b|responsible ?ai|moderat|flagged|safety|guardrail|blocklist"
    r"|prohibited|recitation|\bspii\b|(?<!case[ -])sensitive|invalid_prompt|inspection_failed|usage polic",
    re.IGNORECASE,
)
_FILTERING = (400, 403, 409, 422, 451, None)  # HTTP statuses of errors whose words may mean a filter; None: not said
# Ends of a whole reply, by the words of the servers that have them.
_WHOLE = (
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "complete",
    "completed",
    "tool_calls",
    "function_call",
)
_CUT = ("length", "max_tokens", "model_length", "max_output_tokens")


@dataclass(frozen=True)
class Answer:
    """What a reply says: a status, and for "ok" the label and its probabilities where there are any.

    `source` is where the probabilities come from: "logprobs", "confidence", "distribution" or "none"; `doubt` says
    why there are none. `ranking` has the labels of a ranked answer, the best first. An ok answer has a label, and no
    other has one.
    """

    status: str
    label: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    source: str = "none"
    text: str = ""
    doubt: str = ""
    ranking: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.status == statuses.OK) != (self.label is not None):
            raise ValueError(f"status {self.status!r} with label {self.label!r}")


def _version() -> str:
    """Hash of all that reading depends on."""
    sources = [Path(str(module.__file__)) for module in (_logprobs, _said, emotions)]
    sources.insert(0, Path(__file__))
    return sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]


READER = _version()


class Asked(NamedTuple):
    """What a reply may say: the labels allowed, in the taxonomy's order, and one of `KINDS`, what was asked for."""

    labels: Sequence[str]
    kind: str = KINDS[0]


def read(kept: str, labels: Sequence[str], kind: str = KINDS[0]) -> Answer:
    """Read what the archive keeps of a request: a reply, or what an error said; see `Asked`."""
    try:
        content = json.loads(kept)
    except (ValueError, RecursionError):
        return Answer("invalid", text=kept)  # paid for, and no reader can make more of it
    return parse(content, labels, kind) if isinstance(content, dict) else Answer("invalid", text=kept)


def parse(reply: Mapping[str, Any], labels: Sequence[str], kind: str = KINDS[0]) -> Answer:
    """Read one Chat Completions reply, or an error as `error_entry` keeps it.

    The order of the tests matters, because a cut or filtered reply may still hold text that looks like an
    answer: errors, finish_reason, the refusal field, then whether it says what was asked for, or a refusal in prose.
    A reply cut at its limit, or that does not say how it ended, is an answer only where its JSON is whole: some
    servers write white space after the JSON up to the limit, others never name an end.
    """
    choice = _first(reply.get("choices"))
    error = reply.get("error") or choice.get("error")
    if error or not choice:
        return Answer(_status_of_error(error), text=error_text(error) or "a reply without choices")
    message = _object(choice.get("message"))
    text = _text(message)
    finish = str(choice.get("finish_reason") or "").lower()
    whole, said = _said.read(text, labels, kind)
    if _FILTER.search(finish):
        return Answer("filtered", text=text)
    if message.get("refusal"):
        return Answer("refused", text=str(message["refusal"]))
    if finish in _CUT and not whole:
        return Answer("truncated", text=text)
    if finish not in (*_WHOLE, *_CUT) and not (finish == "" and whole):
        return Answer("error", text=f"the reply ended with {finish or 'no finish reason'}: {text}")
    if said is None or said.listed:
        refused = _REFUSAL.search(text)
        if refused or said is None:
            return Answer("refused" if refused else "invalid", text=text)
    probabilities, source, doubt = _probabilities(choice, said, labels)
    return Answer("ok", said.label, probabilities, source, text, doubt, said.ranking)


def _first(choices: object) -> Mapping[str, Any]:
    return _object(choices[0]) if isinstance(choices, list) and choices else {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(message: Mapping[str, Any]) -> str:
    """The words of a message: its content, its text parts without thoughts, or the arguments of a tool it calls."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict) and part.get("type") in ("text", "output_text")]
        content = "".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    if isinstance(content, str) and content:
        return content
    call = _object(_first(message.get("tool_calls")).get("function")) or _object(message.get("function_call"))
    arguments = call.get("arguments")
    return arguments if isinstance(arguments, str) else ""


def _probabilities(
    choice: Mapping[str, Any], said: _said.Said, labels: Sequence[str]
) -> tuple[Mapping[str, float], str, str]:
    """Probabilities, where they come from, and why there are none; of the log-probabilities first.

    A distribution is its own. Of a ranking they are those of its first label. Where the numbers favour another label
    than the one given, they are not of this answer: none.
    """
    if said.shares:
        return said.shares, "distribution", ""
    entries = _object(choice.get("logprobs")).get("content")
    doubt = "none given"
    if entries and not said.listed:
        shares, doubt = _logprobs.label_probabilities(entries, said.label, said.word, labels)
        if shares:
            return shares, "logprobs", ""
    confidence = said.where.get("confidence")
    if isinstance(confidence, int | float) and not isinstance(confidence, bool) and 0 <= confidence <= 1:
        rest = (1 - confidence) / (len(labels) - 1)
        if confidence < rest:
            return {}, "none", "the stated confidence contradicts the label"
        return {name: float(confidence) if name == said.label else rest for name in labels}, "confidence", ""
    return {}, "none", doubt


def error_entry(status: int | None, message: str, code: str = "", body: str = "") -> str:
    """What the archive keeps of an error: JSON that `read` understands.

    Args:
        status: of HTTP; None where there was no response, or a good one without an answer.
        message: the error in one line.
        code: the server's own code or type.
        body: the response as it came, cut.
    """
    return json.dumps(
        {"error": {"status": status, "message": message[:2000], "code": code[:200], "body": body[:20_000]}}
    )


def error_text(error: object) -> str:
    """The words of an error, whatever its form."""
    if isinstance(error, dict):
        return str(error.get("message") or error.get("detail") or error.get("code") or json.dumps(error)[:2000])
    return str(error) if error else ""


def error_code(reply: Mapping[str, Any]) -> tuple[int | None, str]:
    """The HTTP status and the code that an error inside a reply names; (None, "") if it names none."""
    error = reply.get("error") or _first(reply.get("choices")).get("error")
    code = _object(error).get("code") or _object(error).get("type") or ""
    try:
        status = int(code)
    except (TypeError, ValueError):
        return None, str(code)
    return (status if 400 <= status < 600 else None), str(code)


def _status_of_error(error: object) -> str:
    """filtered, where the words of an error are those of a safety filter, else error."""
    known = _object(error)
    status = known.get("status")
    words = json.dumps(known) if known else str(error)
    return "filtered" if error and is_filter(status if isinstance(status, int) else None, words) else "error"


def is_filter(status: int | None, words: str) -> bool:
    """Whether an error of this HTTP status (None: not said) in these words is a safety filter's."""
    return status in _FILTERING and bool(_FILTER.search(words))


def billed(reply: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens in and out that a reply says were billed; None where it says nothing that could be.

    Some servers leave the tokens of reasoning out of completion_tokens; the total holds them.
    """
    usage = _object(reply.get("usage"))
    first, second, total = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens"))
    if first is not None and second is not None:
        reasoning = _count(_object(usage.get("completion_tokens_details")).get("reasoning_tokens")) or 0
        outside = second + reasoning if reasoning > second else second
        second = max(outside, (total or 0) - first)
    return first, second


def _count(value: object) -> int | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value)
    return int(value) if known else None  # type: ignore[call-overload]
