"""Chat Completions by hand: the body of a request becomes a question about pictures; pure."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from fer_helpers.endpoint import clips, forms
from fer_helpers.endpoint.errors import ApiError, validated
from fer_helpers.endpoint.forms import Form
from fer_helpers.endpoint.served import MODELS

MAX_TEXT = 50_000  # characters; the tokenizer takes 200,000 tokens, and a character may be four
# Fields that change what a reply is, and their one value here; others that are unknown make no difference to a label.
ONLY: dict[str, Any] = {"n": 1, "modalities": ["text"], "audio": None, "web_search_options": None, "logit_bias": {}}

_DATA_URL = re.compile(r"data:(image|video)/[a-z0-9.+-]+;base64,")


class _ImageUrl(BaseModel):
    url: str
    detail: Literal["auto", "low", "high"] | None = None


class _Text(BaseModel):
    type: Literal["text"]
    text: str


class _Image(BaseModel):
    type: Literal["image_url"]
    image_url: _ImageUrl


class _VideoUrl(BaseModel):
    url: str


class _Video(BaseModel):
    type: Literal["video_url"]
    video_url: _VideoUrl


_Part = Annotated[_Text | _Image | _Video, Field(discriminator="type")]


def _as_parts(content: Any) -> Any:
    return [{"type": "text", "text": content or ""}] if isinstance(content, str | None) else content


class _Message(BaseModel):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    # an assistant's message that calls a function has none
    content: Annotated[list[_Part], BeforeValidator(_as_parts)] = []


class _Tool(BaseModel):
    type: Literal["function"]
    function: forms.Function


class StreamOptions(BaseModel):
    include_usage: bool | None = False


class _Request(BaseModel):
    model: str
    messages: list[_Message] = Field(min_length=1)
    n: int | None = 1
    modalities: Any = None
    audio: Any = None
    web_search_options: Any = None
    logit_bias: Any = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = Field(None, ge=0, le=20)
    response_format: forms.ResponseFormat | None = None
    tools: list[_Tool] | None = None
    tool_choice: Any = None
    functions: list[forms.Function] | None = None
    function_call: Any = None


@dataclass(frozen=True)
class Question:
    """What a request asks of which model: pictures with their detail, the prompt's words, and the reply's form.

    Of a video there are some of its frames, see `clips`.

    `stream` is None for a reply in one piece.
    """

    model: str
    pictures: list[tuple[bytes, str]]
    texts: list[str]
    form: Form
    logprobs: bool
    top_logprobs: int
    stream: StreamOptions | None


def parse(body: bytes) -> Question:
    """The question in a request's body.

    Raises:
        ApiError: if the body is not a request that this endpoint can answer; says why.
    """
    request = validated(_Request, body)
    _refuse_unsupported(request)
    pictures, texts = _content(request.messages)
    stream = (request.stream_options or StreamOptions()) if request.stream else None
    form = _form(request, " ".join(texts))
    return Question(request.model, pictures, texts, form, bool(request.logprobs), request.top_logprobs or 0, stream)


def _refuse_unsupported(request: _Request) -> None:
    if request.model not in MODELS:
        message = f"The model {request.model[:100]!r} does not exist: this endpoint serves {' and '.join(MODELS)}."
        raise ApiError(message, status=404, param="model", code="model_not_found")
    for name, only in ONLY.items():
        if getattr(request, name) not in (None, only):
            message = f"{name} other than {json.dumps(only)} is unsupported."
            raise ApiError(message, param=name, code="unsupported_value")
    if request.top_logprobs is not None and not request.logprobs:
        raise ApiError("top_logprobs needs logprobs: true.", param="top_logprobs")
    if request.stream_options is not None and not request.stream:
        raise ApiError("stream_options needs stream: true.", param="stream_options")


def _form(request: _Request, text: str) -> Form:
    functions, choice, legacy = [tool.function for tool in request.tools or []], request.tool_choice, False
    if not functions and request.functions:
        functions, choice, legacy = request.functions, request.function_call, True
    if choice in (None, "auto") and request.messages[-1].role in ("tool", "function"):
        choice = "none"  # the call was made and answered; to call again and again would never end
    return forms.call_form(functions, choice, legacy) or forms.content_form(request.response_format, text)


def _content(messages: Sequence[_Message]) -> tuple[list[tuple[bytes, str]], list[str]]:
    """All pictures and frames of videos with their detail, and each message's text."""
    rows = [message.content for message in messages]
    texts = ["".join(part.text for part in row if isinstance(part, _Text)) for row in rows]
    if sum(map(len, texts)) > MAX_TEXT:
        message = f"The text is longer than {MAX_TEXT} characters."
        raise ApiError(message, param="messages", code="context_length_exceeded")
    parts = [part for row in rows for part in row if not isinstance(part, _Text)]
    if not parts:
        raise ApiError("There is no picture: send image_url or video_url parts with data: URLs.", param="messages")
    return [picture for part in parts for picture in _pictures(part)], texts


def _pictures(part: _Image | _Video) -> list[tuple[bytes, str]]:
    if isinstance(part, _Image):
        return [(_data(part.image_url.url, "image"), part.image_url.detail or "auto")]
    try:
        return [(frame, "low") for frame in clips.frames_of(_data(part.video_url.url, "video"))]
    except clips.VideoError as error:
        message = f"The video cannot be used: {error}."
        raise ApiError(message, param="messages", code="invalid_video") from None


def _data(url: str, kind: str) -> bytes:
    prefix = _DATA_URL.match(url)
    if not prefix or prefix[1] != kind:
        message = f"Send an {kind} as data:{kind}/...;base64, URL: this endpoint fetches nothing."
        raise ApiError(message.replace("an video", "a video"), param="messages", code=f"invalid_{kind}_url")
    try:
        return base64.b64decode(url[prefix.end() :], validate=True)
    except (binascii.Error, ValueError):
        message = f"The data of an {kind}_url are not valid base64."
        raise ApiError(message, param="messages", code="invalid_base64") from None
