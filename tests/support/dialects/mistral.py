"""Mistral's platform.

- Fields it does not know are 422 `{"detail": [{type: extra_forbidden, loc: [body, NAME], ...}]}`, all at once, `store`
  and `max_completion_tokens` among them (openclaude issue 739, eca issue 231); log-probabilities are no fields either.
- Models that reason give content as a list: a `thinking` part, then a `text` part (spring-ai issue 5019).
- 401 `{"detail": "Unauthorized"}`; 429 "Rate limit exceeded", code "1300" (raycast extensions issue 31107), or capacity
  of the tier (continue issue 6185). Context overflow: 400 "Prompt contains N tokens, too large for model" (portkey's
  error library, 13710000; docs "Known limitations").
- Finish reasons `model_length` and `error` beside OpenAI's (docs of the endpoint; inspect_ai pull request 514).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, refusal

KNOWN = {
    *("model", "messages", "temperature", "top_p", "max_tokens", "stream", "stop", "random_seed", "response_format"),
    *("tools", "tool_choice", "presence_penalty", "frequency_penalty", "n", "prediction", "parallel_tool_calls"),
    *("prompt_mode", "safe_prompt", "metadata", "reasoning_effort"),
}


def _error(status: int, message: str, **more: Any) -> Any:
    if status == 401:
        return {"detail": "Unauthorized"}
    body = {"object": "error", "message": message, "type": "invalid_request_error", "param": None, "code": None}
    return {**body, **more, "raw_status_code": status}


def _listing(model: str) -> Any:
    able = {"completion_chat": True, "vision": True, "function_calling": True, "fine_tuning": False}
    entry = {"object": "model", "created": CREATED, "owned_by": "mistralai", "capabilities": able}
    more = {"aliases": ["mistral-small-latest"], "deprecation": None, "max_context_length": 262144, "type": "base"}
    return {"object": "list", "data": [{"id": model, **entry, **more}]}


def _refuse(asked: Asked) -> Answer | None:
    extra = [name for name in asked.body if name not in KNOWN]
    if extra:
        kind = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
        detail = [{**kind, "loc": ["body", name], "input": asked.body[name]} for name in extra]
        return Answer({"detail": detail}, 422)
    if asked.body["model"] not in (asked.dialect.model, "mistral-small-latest"):
        return refusal(asked, 400, f"Invalid model: {asked.body['model']}", type="invalid_model", code="1500")
    return None


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    choice = body["choices"][0]
    del choice["logprobs"]
    choice["message"].update(content=choice["message"]["content"] or "", tool_calls=None)
    return body


def parts(asked: Asked, body: dict[str, Any]) -> Any:
    """`shape` of a model that reasons: its thoughts and its words as parts."""
    message = _shape(asked, body)["choices"][0]["message"]
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": f"Is it {asked.labels[0]}?"}]}
    message["content"] = [thought, {"type": "text", "text": message["content"]}]
    return body


def _overflow(asked: Asked) -> Answer:
    sizes = f"Prompt contains {asked.prompt_tokens} tokens, too large for model with {asked.dialect.context}"
    return refusal(asked, 400, f"{sizes} maximum context length", code="3051")


_BUSY = {"type": "rate_limited", "code": "1300"}
_FULL = "Service tier capacity exceeded for this model."

DIALECT = Dialect(
    model="mistral-small-2603",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    key="fake-key-mistral",
    listing_key="fake-key-mistral",
    overflow=_overflow,
    specials={
        **anywhere.REPLIES,
        "busy": lambda asked: refusal(asked, 429, "Rate limit exceeded", **_BUSY),
        "capacity": lambda asked: refusal(asked, 429, _FULL),
        "model_length": anywhere.ended("model_length"),
    },
)
REASONING = replace(DIALECT, model="magistral-medium-latest", shape=parts)
