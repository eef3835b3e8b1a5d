"""SGLang serving a model from the hub (read off the wheel, 0.5.23).

- Errors lie flat: `{"object": "error", message, type, param, code}` (`openai/serving_base.py`, create_error_response).
- Listing with `max_model_len` (`http_server.available_models`); the model's name in a chat request is not looked at.
- Both `max_completion_tokens` and `max_tokens` are heeded; more than the context is a 400 (`serving_chat.py`).
- Context overflow: "The input (N tokens) is longer than the model's context length" (`tokenizer_manager.py`); too many
  pictures: "Image count N exceeds limit M per request." (same file), by --limit-mm-data-per-request.
- A video is a `video_url` part with a URL, `data:` among them (`protocol.py`).
- Choices carry `matched_stop`; usage has `reasoning_tokens` at its top level; finish reason `abort` (`protocol.py`).
- Log-probabilities are of the distribution sampled from, after the grammar. What it forbids has -inf, which the
  JSON writer makes null (inferred from the two sources, not seen).
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, after_schema, refusal

ROOM = 32768


def _error(status: int, message: str, **more: Any) -> Any:
    kind = "BadRequestError" if status == 400 else "InternalServerError"
    return {"object": "error", "message": message, "type": kind, "param": None, **more, "code": status}


def _listing(model: str) -> Any:
    entry = {"id": model, "object": "model", "created": CREATED, "owned_by": "sglang", "root": model, "parent": None}
    return {"object": "list", "data": [{**entry, "max_model_len": ROOM}]}


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    choice = body["choices"][0]
    choice["message"].update(reasoning_content=None, tool_calls=None)
    choice["matched_stop"] = 151645 if choice["finish_reason"] == "stop" else None
    usage = {**body["usage"], "prompt_tokens_details": None, "reasoning_tokens": min(asked.thinks, asked.limit)}
    return {**body, "usage": usage, "metadata": {"weight_version": "default"}}


def _too_many(asked: Asked) -> Answer:
    most = asked.dialect.max_pictures
    return refusal(asked, 400, f"Image count {len(asked.pictures)} exceeds limit {most} per request.")


def _overflow(asked: Asked) -> Answer:
    sizes = f"The input ({asked.prompt_tokens} tokens) is longer than the model's context length"
    return refusal(asked, 400, f"{sizes} ({asked.dialect.context} tokens).")


def _null_logprobs(asked: Asked) -> Answer:
    body = anywhere.changed(asked)
    for entry in (body["choices"][0]["logprobs"] or {}).get("content") or []:
        entry["top_logprobs"].append({"token": anywhere.other(asked).capitalize(), "logprob": None, "bytes": None})
    return Answer(body)


DIALECT = Dialect(
    model="Qwen/Qwen3-VL-8B-Instruct",
    listing=_listing,
    error=_error,
    shape=_shape,
    logprobs=after_schema,
    ignores=frozenset({"store"}),
    too_many=_too_many,
    video="video_url",
    context=ROOM,
    overflow=_overflow,
    specials={**anywhere.REPLIES, "null_logprobs": _null_logprobs},
)
