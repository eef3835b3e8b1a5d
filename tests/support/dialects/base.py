"""What the fakes of servers have in common: a dialect's data and hooks, a request, and a good reply to it.

A `Dialect` says how one server lists its models, what it refuses and how its replies look. Labels hang on the
pictures' bytes alone, so that a test can work out what must come back (`label_of`).
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

from aiohttp import web

CREATED = 1795000000  # 2026-11-18, of every model and reply
CONFIDENCE = 0.8  # stated where the schema or the words ask for a number
SEVEN = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
TERNARY = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Answer:
    """A whole HTTP reply: JSON, or text or bytes as they are; `seconds` later, or never if `hang_up`."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    seconds: float = 0.0
    hang_up: bool = False

    def response(self) -> web.Response:
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        data = self.body if isinstance(self.body, bytes) else text.encode()
        return web.Response(body=data, status=self.status, headers=dict(self.headers), content_type=self.kind)


@dataclass(frozen=True)
class Asked:
    """A chat request as it came in: its number from 1, headers (names in lower case) and body."""

    dialect: Dialect
    number: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @cached_property
    def parts(self) -> list[Mapping[str, Any]]:
        contents = [message["content"] for message in self.body["messages"]]
        listed = [[{"type": "text", "text": one}] if isinstance(one, str) else one for one in contents]
        return [part for parts in listed for part in parts]

    @cached_property
    def text(self) -> str:
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")

    @cached_property
    def pictures(self) -> list[bytes]:
        return [data for _, url, data in self._media if not url.startswith("data:video/")]

    @cached_property
    def videos(self) -> list[tuple[str, bytes]]:
        """The type of part that each video came as, and its bytes."""
        return [(kind, data) for kind, url, data in self._media if url.startswith("data:video/")]

    @cached_property
    def _media(self) -> list[tuple[str, str, bytes]]:
        urls = [(part["type"], part[part["type"]]["url"]) for part in self.parts if part["type"] != "text"]
        return [(kind, url, base64.b64decode(url.partition(",")[2])) for kind, url in urls]

    @cached_property
    def key(self) -> str:
        return key_in(self.headers)

    @cached_property
    def schema(self) -> Mapping[str, Any]:
        """Properties of the JSON schema that the server heeds; none if none was sent or it takes no notice."""
        sent = {} if "response_format" in self.dialect.ignores else self.body.get("response_format", {})
        properties: Mapping[str, Any] = sent.get("json_schema", {}).get("schema", {}).get("properties", {})
        return properties

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The labels to choose from: those of the schema, or the ones the words name."""
        listed = [tuple(rule["enum"]) for rule in self.schema.values() if "enum" in rule]
        words = set(re.findall(r"\w+", self.text.lower()))
        named = [known for known in (SEVEN, TERNARY) if words.issuperset(known)]
        return (listed + named + [("unclear",)])[0]

    @cached_property
    def label(self) -> str:
        return label_of([*self.pictures, *(data for _, data in self.videos)], self.labels)

    @cached_property
    def prompt_tokens(self) -> int:
        """Four characters a token, 256 tokens a picture or video."""
        return math.ceil(len(self.text) / 4) + 256 * (len(self.pictures) + len(self.videos))

    @cached_property
    def limit(self) -> int:
        """The most tokens of a reply, by the fields that the server heeds."""
        names = ("max_completion_tokens", "max_tokens")
        return next((self.body[name] for name in names if name in self.body and name not in self.dialect.ignores), 4096)

    @cached_property
    def thinks(self) -> int:
        """Tokens of reasoning before the first word, unless the request wants none."""
        heeded = "reasoning_effort" not in self.dialect.ignores
        return 0 if heeded and self.body.get("reasoning_effort") == "none" else self.dialect.thinks


def _nothing(asked: Asked) -> Answer | None:
    return None


def openai_error(status: int, message: str, **more: Any) -> Any:
    """OpenAI's error body; `more` overrides its type, param and code."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def listed(model: str) -> Any:
    """OpenAI's listing with the one model."""
    return {"object": "list", "data": [{"id": model, "object": "model", "created": CREATED, "owned_by": "fake"}]}


@dataclass(frozen=True)
class Dialect:
    """How one server speaks; vary it with `dataclasses.replace`.

    Args:
        model: the model it serves, as a user would write it.
        path: what a base_url ends in.
        listing: model -> body of GET /models, or an Answer; None: it has no listing (404).
        error: (status, message, **more) -> body of an error.
        refuse: a request -> the error it deserves, or None.
        shape: (request, plain completion) -> the reply's body.
        logprobs: (request, tokens written) -> entries; None: it gives none.
        ignores: fields it takes and pays no attention to.
        key: the key that chat wants; empty: none. `listing_key`: the one that the listing wants.
        max_pictures: of a request, 0: any number; `too_many` makes the error.
        video: the type of part that it takes a video as; empty: it takes none, and `no_video` makes the error.
        context: most tokens in and out, 0: any number; `overflow` makes the error.
        thinks: tokens a model spends on reasoning before it writes; they count against the limit.
        loading: so many first requests, listings included, are answered 503.
        slots: requests worked on at once, 0: any number; each takes `seconds`.
        specials: replies by name that `serve` can be told to give.
    """

    model: str
    path: str = "/v1"
    listing: Callable[[str], Any] | None = listed
    error: Callable[..., Any] = openai_error
    refuse: Callable[[Asked], Answer | None] = _nothing
    shape: Callable[[Asked, dict[str, Any]], Any] = lambda asked, body: body
    logprobs: Callable[[Asked, Sequence[str]], Any] | None = None
    ignores: frozenset[str] = frozenset()
    key: str = ""
    listing_key: str = ""
    max_pictures: int = 0
    too_many: Callable[[Asked], Answer] = lambda asked: refusal(asked, 400, "too many images")
    video: str = ""
    no_video: Callable[[Asked], Answer] = lambda asked: refusal(asked, 400, f"Invalid value: '{asked.videos[0][0]}'.")
    context: int = 0
    overflow: Callable[[Asked], Answer] = lambda asked: refusal(asked, 400, "context length exceeded")
    thinks: int = 0
    loading: int = 0
    slots: int = 0
    seconds: float = 0.0
    specials: Mapping[str, Callable[[Asked], Answer]] = field(default_factory=dict)


def key_in(headers: Mapping[str, str]) -> str:
    """The key a request carries, as a bearer or in Azure's header."""
    return headers.get("authorization", "").removeprefix("Bearer ") or headers.get("api-key", "")


def refusal(asked: Asked, status: int, message: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
    """An error in the dialect's own form."""
    return Answer(asked.dialect.error(status, message, **more), status, headers or {})


def label_of(pictures: Sequence[bytes], labels: Sequence[str]) -> str:
    """What every fake says about these pictures together."""
    return labels[sha256(b"".join(pictures)).digest()[0] % len(labels)]


def said(asked: Asked) -> str:
    """What the model writes: JSON by the schema or as the words ask; else a sentence or the bare word.

    A sentence in 5 of 12 requests: transformers serve, asked with a schema it ignored, gave 30 of 72 replies that
    were no label.
    """
    names = list(asked.schema) or (re.findall(r'"(\w+)":', asked.text) if "JSON" in asked.text else [])
    if not names:
        wordy = sha256(b"".join(asked.pictures)).digest()[1] % 12 < 5
        return f"The person in the picture looks {asked.label}." if wordy else asked.label
    numbers = {name for name in names if asked.schema.get(name, {}).get("type") == "number" or name == "confidence"}
    values = {name: CONFIDENCE if name in numbers else asked.label for name in names}
    values |= {"reasoning": "The mouth."} if "reasoning" in names else {}
    return json.dumps(values, separators=(",", ":"))


def pieces(text: str) -> list[str]:
    """The tokens of a reply: words, and what stands between them."""
    return re.findall(r"\w+|\W+", text)


def completion(asked: Asked) -> dict[str, Any]:
    """A good reply as OpenAI would give it, cut at the request's limit, before the dialect's `shape`."""
    tokens = pieces(said(asked))
    room = max(asked.limit - asked.thinks, 0)
    written = tokens[:room]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "".join(written) or None},
        "logprobs": None,
        "finish_reason": "length" if len(tokens) > room else "stop",
    }
    if asked.body.get("logprobs") and asked.dialect.logprobs and "logprobs" not in asked.dialect.ignores:
        choice["logprobs"] = {"content": asked.dialect.logprobs(asked, written)}
    out = len(written) + min(asked.thinks, asked.limit)
    usage = {"prompt_tokens": asked.prompt_tokens, "completion_tokens": out, "total_tokens": asked.prompt_tokens + out}
    head = {"id": f"chatcmpl-{asked.number}", "object": "chat.completion", "created": CREATED}
    return {**head, "model": asked.body.get("model"), "choices": [choice], "usage": usage}


def reply(asked: Asked) -> dict[str, Any]:
    """A good reply in the dialect's form; specials change it where they need to."""
    body: dict[str, Any] = asked.dialect.shape(asked, completion(asked))
    return body


def _entry(token: str, share: float, others: Mapping[str, float]) -> dict[str, Any]:
    made = [(name, math.log(value)) for name, value in [(token, share), *others.items()]]
    own, *top = [{"token": name, "logprob": value, "bytes": list(name.encode())} for name, value in made]
    return {**own, "top_logprobs": top}


def after_schema(asked: Asked, written: Sequence[str]) -> list[dict[str, Any]]:
    """Log-probabilities among the labels: 0.7 for the one said, 0.3 shared by the others; other tokens are sure."""
    others = [name for name in asked.labels if name != asked.label]
    top = {asked.label: 0.7, **dict.fromkeys(others, 0.3 / max(len(others), 1))}
    return _entries(asked, written, 0.7, top)


def before_schema(asked: Asked, written: Sequence[str]) -> list[dict[str, Any]]:
    """Log-probabilities before the schema: what the model would rather have said; the label is not among the top.

    The label has 0.02 of its own, prose and a single letter lead, another label has more than the one said.
    """
    other = next(name for name in (*asked.labels, "other") if name != asked.label)
    return _entries(asked, written, 0.02, {"The": 0.4, "a": 0.2, other: 0.1, "I": 0.05})


def _entries(asked: Asked, written: Sequence[str], share: float, top: Mapping[str, float]) -> list[dict[str, Any]]:
    """An entry a token: `share` and `top` where the label stands, certainty without alternatives elsewhere."""
    at_label = _entry(asked.label, share, dict(list(top.items())[: asked.body.get("top_logprobs", 0)]))
    return [at_label if token == asked.label else _entry(token, 0.99, {}) for token in written]
