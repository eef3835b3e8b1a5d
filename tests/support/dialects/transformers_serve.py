"""Hugging Face `transformers serve` (read off the wheel, 5.24.0); LitServe's OpenAISpec ignores the same.

- `response_format`, `logprobs`, `top_logprobs`, `store` and `reasoning_effort` are taken and ignored, with a line in
  the server's log (`cli/serving/chat_completion.py`, UNUSED_CHAT_COMPLETION_FIELDS; LitServe issue 196): asked with a
  schema alone it answers in prose as often as not.
- A field OpenAI does not know: 422 `{"detail": "Unexpected fields ..."}`, a string (`utils.py`, _validate_request).
- Pinned to a model, another name is a 400 with the same shape of error (`utils.py`, _resolve_model).
- Both `max_completion_tokens` and `max_tokens` are heeded.
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import Answer, Asked, Dialect, refusal

IGNORED = frozenset({"response_format", "logprobs", "top_logprobs", "store", "reasoning_effort"})
KNOWN = IGNORED | {"model", "messages", "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens", "stream"}


def _error(status: int, message: str, **more: Any) -> Any:
    return {"detail": message}


def _refuse(asked: Asked) -> Answer | None:
    unexpected = asked.body.keys() - KNOWN
    if unexpected:
        return refusal(asked, 422, f"Unexpected fields in the request: {unexpected}")
    if asked.body["model"] != asked.dialect.model:
        pinned = f"Server is pinned to '{asked.dialect.model}'; requested '{asked.body['model']}'."
        return refusal(asked, 400, pinned)
    return None


DIALECT = Dialect(
    model="HuggingFaceTB/SmolVLM2-2.2B-Instruct",
    error=_error,
    refuse=_refuse,
    ignores=IGNORED,
    specials=dict(anywhere.REPLIES),
)
