"""LM Studio's server.

- Listing: every model that was downloaded, embeddings too, loaded or not (docs "OpenAI compatibility endpoints").
- Errors: a string, `{"error": "..."}` (lmstudio-bug-tracker issues 189, 307; openclaude issue 353).
- `response_format` of type json_object: 400; json_schema is enforced (issues 189 and 2403). With a model that reasons
  the JSON can land in `reasoning_content`, and content is empty (issue 1773).
- `max_tokens` is its field (docs); `max_completion_tokens`, `store` and `logprobs` are taken and do nothing.
- No eyes: "Model does not support images." (issue 362).
- Context overflow: 400 in words (openclaude issue 353), or a 200 with nothing in it (issue 2339).
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, refusal


def _error(status: int, message: str, **more: Any) -> Any:
    return {"error": message}


def _listing(model: str) -> Any:
    names = ["text-embedding-nomic-embed-text-v1.5", "qwen/qwen3-8b", model]
    return {"data": [{"id": name, "object": "model", "owned_by": "organization_owner"} for name in names]}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body.get("response_format", {}).get("type", "text") not in ("json_schema", "text"):
        return refusal(asked, 400, "'response_format.type' must be 'json_schema' or 'text'")
    return None


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    message = body["choices"][0]["message"]
    message.update(content=message["content"] or "", tool_calls=[], reasoning_content="")
    return {**body, "created": CREATED, "stats": {}, "system_fingerprint": asked.dialect.model}


def _overflow(asked: Asked) -> Answer:
    sizes = f"(n_keep: {asked.prompt_tokens} >= n_ctx: {asked.dialect.context})"
    return refusal(asked, 400, f"The number of tokens to keep from the prompt exceeds the context length {sizes}.")


def _in_reasoning(asked: Asked) -> Answer:
    body = anywhere.changed(asked)
    message = body["choices"][0]["message"]
    message.update(reasoning_content=message["content"], content="")
    return Answer(body)


DIALECT = Dialect(
    model="google/gemma-4-26b-a4b",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    ignores=frozenset({"max_completion_tokens", "store", "logprobs", "top_logprobs"}),
    context=4096,
    overflow=_overflow,
    specials={
        **anywhere.REPLIES,
        "blind": lambda asked: refusal(asked, 400, "Model does not support images."),
        "in_reasoning": _in_reasoning,
        "silent_overflow": lambda asked: Answer(anywhere.changed(asked, content="")),
    },
)
