"""Hugging Face `transformers serve` (read off the wheel, 5.24.0); LitServe's OpenAISpec ignores the same.

- `response_format`, `logprobs`, `top_logprobs`, `store` and `reasoning_effort` are taken and ignored, with a line in
  the server's log (`cli/serving/chat_completion.py`, UNUSED_CHAT_COMPLETION_FIELDS; LitServe issue 196): asked with a
  schema alone it answers in prose as often as not, and now and then in JSON of its own (`own_json`), which looks as if
  the schema had been heeded.
- A field OpenAI does not know: 422 `{"detail": "Unexpected fields ..."}`, a string (`utils.py`, _validate_request).
- Pinned to a model, another name is a 400 with the same shape of error (`utils.py`, _resolve_model).
- Both `max_completion_tokens` and `max_tokens` are heeded.
"""

from __future__ import annotations

import json
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


def _own_json(asked: Asked) -> Answer:
    text = json.dumps({"label": asked.label, "because": "The mouth."})
    return Answer(anywhere.changed(asked, content=text))


DIALECT = Dialect(
    model="HuggingFaceTB/SmolVLM2-2.2B-Instruct",
    error=_error,
    refuse=_refuse,
    ignores=IGNORED,
    specials={**anywhere.REPLIES, "own_json": _own_json},
)
