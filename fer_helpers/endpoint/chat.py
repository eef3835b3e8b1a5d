"""Chat Completions by hand: a request's body becomes a question about pictures, the model's answer a reply."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, collapse
from fer_helpers.endpoint.model import FINGERPRINT, MODEL, PictureError, PictureModel, pool
from fer_helpers.prompting import pricing

MAX_TEXT = 50_000  # characters; the tokenizer takes 200,000 tokens, and a character may be four
NO_REASONS = "A supervised network trained on FER2013 gave this label; it gives no reasons."
_REASON_NAMES = ("rationale", "reasoning", "reason", "explanation")
_DATA_URL = re.compile(r"data:image/[a-z.+-]+;base64,")


class ApiError(Exception):
    """An error for the sender, in the shape of OpenAI's: status, message, and `param` and `code` if they apply."""

    def __init__(self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        self.body = {"error": error}


class _ImageUrl(BaseModel):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class _Image(BaseModel):
    type: Literal["image_url"]
    image_url: _ImageUrl


_Part = Annotated[_Text | _Image, Field(discriminator="type")]


def _as_parts(content: Any) -> Any:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


class _Message(BaseModel):
    role: Literal["developer", "system", "user", "assistant"]
    content: Annotated[list[_Part], BeforeValidator(_as_parts)]


class _JsonSchema(BaseModel):
    schema_: dict[str, Any] = Field(alias="schema")


class _ResponseFormat(BaseModel):
    type: str
    json_schema: _JsonSchema | None = None


class _Request(BaseModel):
    model: str
    messages: list[_Message] = Field(min_length=1)
    n: int | None = 1
    stream: bool | None = False
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: _ResponseFormat | None = None


@dataclass(frozen=True)
class Question:
    """What a request asks: pictures with their detail, the labels to choose from, and the reply's form.

    `properties` are the reply's JSON properties in order, or None for a plain word.
    """

    pictures: list[tuple[bytes, str]]
    texts: list[str]
    labels: tuple[str, ...]
    properties: list[str] | None
    logprobs: bool
    top_logprobs: int


_Body = TypeVar("_Body", bound=BaseModel)


def validated(kind: type[_Body], body: bytes) -> _Body:
    """`body` as a `kind`; ApiError that names the first wrong parameter if it is none."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        param = ".".join(map(str, first["loc"])) or None
        raise ApiError(f"{param or 'body'}: {first['msg'][:300]}", param=param) from None


def parse(body: bytes) -> Question:
    """The question in a request's body.

    Raises:
        ApiError: if the body is not a request that this endpoint can answer; says why.
    """
    request = validated(_Request, body)
    _refuse_unsupported(request)
    pictures, texts = _content(request.messages)
    labels, properties = _form(request.response_format, " ".join(texts))
    return Question(pictures, texts, labels, properties, bool(request.logprobs), request.top_logprobs or 0)


def _refuse_unsupported(request: _Request) -> None:
    if request.model != MODEL:
        message = f"The model {request.model[:100]!r} does not exist: this endpoint serves {MODEL!r}."
        raise ApiError(message, status=404, param="model", code="model_not_found")
    if request.n not in (1, None):
        raise ApiError("n other than 1 is unsupported.", param="n", code="unsupported_value")
    if request.stream:
        raise ApiError("stream: true is unsupported.", param="stream", code="unsupported_value")
    if request.top_logprobs is not None and not request.logprobs:
        raise ApiError("top_logprobs needs logprobs: true.", param="top_logprobs")


def _content(messages: Sequence[_Message]) -> tuple[list[tuple[bytes, str]], list[str]]:
    """All pictures with their detail, and each message's text."""
    rows = [message.content for message in messages]
    texts = ["".join(part.text for part in row if isinstance(part, _Text)) for row in rows]
    if sum(map(len, texts)) > MAX_TEXT:
        message = f"The text is longer than {MAX_TEXT} characters."
        raise ApiError(message, param="messages", code="context_length_exceeded")
    urls = [part.image_url for row in rows for part in row if isinstance(part, _Image)]
    if not urls:
        raise ApiError("There is no picture: send image_url parts with data: URLs.", param="messages")
    return [(_picture(url.url), url.detail or "auto") for url in urls], texts


def _picture(url: str) -> bytes:
    prefix = _DATA_URL.match(url)
    if not prefix:
        message = "Send pictures as data:image/...;base64, URLs: this endpoint fetches nothing."
        raise ApiError(message, param="messages", code="invalid_image_url")
    try:
        return base64.b64decode(url[prefix.end() :], validate=True)
    except (binascii.Error, ValueError):
        message = "A picture's data are not valid base64."
        raise ApiError(message, param="messages", code="invalid_base64") from None


def _form(wanted: _ResponseFormat | None, text: str) -> tuple[tuple[str, ...], list[str] | None]:
    """Labels to choose from and the reply's properties, from the schema or else from the prompt."""
    if wanted is None or wanted.type == "text":
        words = set(re.findall(r"[a-z]+", text.lower()))
        return (TERNARY if {"negative", "positive"} <= words else SEVEN), None
    if wanted.type != "json_schema" or wanted.json_schema is None:
        raise ApiError("response_format may be text, or json_schema with a schema.", param="response_format")
    schema = wanted.json_schema.schema_
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list) or "label" not in properties:
        raise ApiError("The schema has no property `label`.", param="response_format")
    names = [name for name, spec in properties.items() if name == "label" or _fits(name, spec)]
    unknown = [name for name in required if name not in names]
    if unknown:
        message = f"This annotator cannot fill the required property {str(unknown[0])[:100]!r}: it knows label"
        message += f" (enum), confidence (number) and {', '.join(_REASON_NAMES)} (string)."
        raise ApiError(message, param="response_format")
    return _labels(properties["label"]), names


def _fits(name: str, spec: Any) -> bool:
    """Whether this annotator has a value for a property other than the label."""
    kind = spec.get("type") if isinstance(spec, dict) and "enum" not in spec else None
    return (name == "confidence" and kind == "number") or (name in _REASON_NAMES and kind == "string")


def _labels(spec: Any) -> tuple[str, ...]:
    enum = spec.get("enum") if isinstance(spec, dict) else None
    if isinstance(enum, list):
        for labels in TAXONOMIES.values():
            # in the taxonomy's order, whatever the enum's, so that a tie falls the same way
            if len(enum) == len(labels) and all(label in enum for label in labels):
                return labels
    message = f"The enum of `label` must be {', '.join(SEVEN)}, or {', '.join(TERNARY)}, in any order."
    raise ApiError(message, param="response_format")


def complete(body: bytes, model: PictureModel) -> dict[str, Any]:
    """A chat completion for the request in `body`.

    Several pictures are pooled by `model.pool`; a ternary question gets the seven probabilities summed by
    `emotions.collapse`, surprise counted as positive.

    Raises:
        ApiError: if the request cannot be answered; its `body` and `status` are the response.
    """
    question = parse(body)
    answers, sizes = [], []
    for data, _ in question.pictures:  # one at a time: many large pictures would not fit in memory at once
        try:
            probabilities, size = model.read(data)
        except PictureError as error:
            message = f"A picture cannot be used: {error}."
            raise ApiError(message, param="messages", code="invalid_image") from None
        answers.append(probabilities)
        sizes.append(size)
    seven = pool(answers)
    values = seven if question.labels == SEVEN else collapse(seven.tolist())
    shares = {label: float(value) for label, value in zip(question.labels, values, strict=True)}
    return _reply(question, shares, sizes)


def _reply(question: Question, probabilities: dict[str, float], sizes: list[tuple[int, int]]) -> dict[str, Any]:
    label = max(probabilities, key=lambda name: probabilities[name])
    before, after = _around(question.properties, probabilities[label])
    content = before + label + after
    tokens_in = pricing.text_tokens(MODEL, *question.texts) + sum(
        pricing.OURS.image_tokens(MODEL, *size, detail)
        for size, (_, detail) in zip(sizes, question.pictures, strict=True)
    )
    tokens_out = len(pricing.encoding().encode_ordinary(content))
    top = question.top_logprobs
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": content, "refusal": None},
        "logprobs": _logprobs(before, after, probabilities, top) if question.logprobs else None,
        "finish_reason": "stop",
    }
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "system_fingerprint": FINGERPRINT,
        "choices": [choice],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def _around(properties: list[str] | None, confidence: float) -> tuple[str, str]:
    """The reply's text before and after the label."""
    if properties is None:
        return "", ""
    values = dict.fromkeys(properties, NO_REASONS) | {"label": "\0", "confidence": round(confidence, 4)}
    content = json.dumps({name: values[name] for name in properties}, separators=(",", ":"))
    before, after = content.split("\\u0000")
    return before, after


def _logprobs(before: str, after: str, probabilities: dict[str, float], top: int) -> dict[str, Any]:
    """Tokens that add up to the reply; the label is one token, which carries all labels' log-probabilities.

    The tokenizer would cut a label such as "angry" in two; an annotator that chooses among whole labels has
    no honest numbers for the halves. The tokens around it are certain: log-probability 0.
    """
    tokenizer = pricing.encoding()

    def certain(text: str) -> list[dict[str, Any]]:
        words = [tokenizer.decode([token]) for token in tokenizer.encode_ordinary(text)]
        return [_token(word, 0.0) | {"top_logprobs": [_token(word, 0.0)] * min(top, 1)} for word in words]

    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    labels = [_token(name, math.log(value)) for name, value in ranked]
    chosen = labels[0] | {"top_logprobs": labels[:top]}
    return {"content": [*certain(before), chosen, *certain(after)], "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
