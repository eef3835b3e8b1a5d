"""Chat Completions by hand: a question about pictures becomes the model's answer, in OpenAI's shape."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Mapping
from typing import Any

from fer_helpers.emotions import SEVEN, collapse
from fer_helpers.endpoint.errors import ApiError
from fer_helpers.endpoint.forms import Form
from fer_helpers.endpoint.model import PictureError, PictureModel, pool
from fer_helpers.endpoint.questions import Question
from fer_helpers.endpoint.served import MODELS
from fer_helpers.prompting import pricing


def complete(question: Question, model: PictureModel, preferred: str | None = None) -> dict[str, Any]:
    """A chat completion that answers `question`.

    Several pictures are pooled by `model.pool`; a ternary question gets the seven probabilities summed by
    `emotions.collapse`, surprise counted as positive. A label that is `preferred` changes places with the likeliest.

    Raises:
        ApiError: if a picture cannot be read; its `body` and `status` are the response.
    """
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
    values = seven if question.form.labels == SEVEN else collapse(seven.tolist())
    shares = {label: float(value) for label, value in zip(question.form.labels, values, strict=True)}
    if preferred:
        likeliest = max(shares, key=lambda name: shares[name])
        shares[preferred], shares[likeliest] = shares[likeliest], shares[preferred]
    return _reply(question, shares, sizes)


def _reply(question: Question, probabilities: dict[str, float], sizes: list[tuple[int, int]]) -> dict[str, Any]:
    ranked = sorted(probabilities, key=lambda name: -probabilities[name])  # of equal ones the taxonomy's first
    label = ranked[0] if question.form.kind != "distribution" else ""
    name, about = question.model, MODELS[question.model]
    before, after = _around(question.form, about.reasons, probabilities, ranked)
    tokens_in = pricing.text_tokens(name, *question.texts) + sum(
        pricing.OURS.image_tokens(name, *size, detail)
        for size, (_, detail) in zip(sizes, question.pictures, strict=True)
    )
    tokens_out = len(pricing.encoding().encode_ordinary(before + label + after))
    # OpenAI's are log-probabilities of the content's tokens, and a call has no content.
    told = question.logprobs and not question.form.function
    logprobs = _logprobs(before, label, after, probabilities, question.top_logprobs) if told else None
    message, finish_reason = _message(question.form, before + label + after)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "system_fingerprint": about.fingerprint,
        "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish_reason}],
        "usage": {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def _message(form: Form, text: str) -> tuple[dict[str, Any], str]:
    """The message that says `text`, as content or as a function's arguments, and its finish_reason."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": None}
    if not form.function:
        return message | {"content": text}, "stop"
    call = {"name": form.function, "arguments": text}
    if form.legacy:
        return message | {"function_call": call}, "function_call"
    tool_call = {"id": f"call_{uuid.uuid4().hex}", "type": "function", "function": call}
    return message | {"tool_calls": [tool_call]}, "tool_calls"


def text_of(message: Mapping[str, Any]) -> str:
    """What a reply's message says: its content, its refusal, or the arguments of its call; "" if nothing."""
    match message:
        case {"tool_calls": [{"function": call}]} | {"function_call": call}:
            return call["arguments"]
    return message["refusal"] or message["content"] or ""


def with_text(message: Mapping[str, Any], text: str) -> dict[str, Any]:
    """`message` with `text` in the place of what it says."""
    match message:
        case {"tool_calls": [{"function": call} as tool_call]}:
            return {**message, "tool_calls": [{**tool_call, "function": {**call, "arguments": text}}]}
        case {"function_call": call}:
            return {**message, "function_call": {**call, "arguments": text}}
    return {**message, "refusal" if message["refusal"] else "content": text}


def _around(form: Form, reasons: str, probabilities: Mapping[str, float], ranked: list[str]) -> tuple[str, str]:
    """The reply's text before and after the label; all of it is before where no label is chosen.

    A ranking is by probability, a distribution the probabilities in per cent.
    """
    if form.properties is None:
        return "", ""
    answer: Any = "\0"
    if form.kind == "ranking":
        answer = ["\0", *ranked[1:]]
    elif form.kind == "distribution":
        answer = {label: round(100 * share, 2) for label, share in probabilities.items()}
    values: dict[str, Any] = dict.fromkeys(form.properties, reasons)
    values |= {"confidence": round(probabilities[ranked[0]], 4), form.label: answer}
    content = json.dumps({name: values[name] for name in form.properties}, separators=(",", ":"))
    before, _, after = content.rpartition("\\u0000")  # the last: a property's name may hold one too
    return (before, after) if form.kind != "distribution" else (content, "")


def _logprobs(before: str, label: str, after: str, probabilities: dict[str, float], top: int) -> dict[str, Any]:
    """Tokens that add up to the reply; the label, if any, is one token with all labels' log-probabilities.

    The tokenizer would cut a label such as "angry" in two; an annotator that chooses among whole labels has
    no honest numbers for the halves. The tokens around it are certain: log-probability 0.
    """
    tokenizer = pricing.encoding()

    def certain(text: str) -> list[dict[str, Any]]:
        words = [tokenizer.decode([token]) for token in tokenizer.encode_ordinary(text)]
        return [_token(word, 0.0) | {"top_logprobs": [_token(word, 0.0)] * min(top, 1)} for word in words]

    ranked = sorted(probabilities.items(), key=lambda item: -item[1])
    labels = [_token(name, math.log(value)) for name, value in ranked]
    chosen = [labels[0] | {"top_logprobs": labels[:top]}] if label else []
    return {"content": [*certain(before), *chosen, *certain(after)], "refusal": None}


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
