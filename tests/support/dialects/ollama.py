"""Ollama on one's own machine.

- Listing: names carry their tag, `gemma3:latest` for `gemma3` (source `openai/openai.go`, ToListCompletion).
- Heeds `max_tokens` only; `max_completion_tokens` is taken and does nothing (ollama issue 7125, tried there on 0.32.5;
  issue 18575 says 0.34.0 heeds neither). `store` and `detail` are no fields of its request (same source file); any
  key is taken and ignored (docs "OpenAI compatibility").
- `response_format` with a JSON schema is enforced. Log-probabilities (docs: supported; older versions leave them out)
  are computed on the raw logits, before the schema (source `runner/common/logprob.go`).
- Finish reason is null where the runner gives none; reasoning stands in `message.reasoning` (openai.go).
- A model without eyes: "this model is missing data required for image input" (500); unknown model 404; a full queue
  503 (source `server/sched.go`, `openai.go` NewError). One request at a time unless OLLAMA_NUM_PARALLEL says more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, before_schema, refusal


def _tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _listing(model: str) -> Any:
    names = [_tagged(model), "nomic-embed-text:latest"]
    entries = [{"id": name, "object": "model", "created": CREATED, "owned_by": "library"} for name in names]
    return {"object": "list", "data": entries}


def _refuse(asked: Asked) -> Answer | None:
    if _tagged(asked.body["model"]) == _tagged(asked.dialect.model):
        return None
    return refusal(asked, 404, f"model '{asked.body['model']}' not found", type="not_found_error")


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    choice = body["choices"][0]
    choice["message"]["content"] = choice["message"]["content"] or ""
    if asked.thinks:
        choice["message"]["reasoning"] = "The corners of the mouth are raised."
    if choice["logprobs"] is None:
        del choice["logprobs"]
    return {**body, "system_fingerprint": "fp_ollama"}


_BLIND = "this model is missing data required for image input"
_BUSY = "server busy, please try again.  maximum pending requests exceeded"

DIALECT = Dialect(
    model="gemma3",
    listing=_listing,
    refuse=_refuse,
    shape=_shape,
    logprobs=before_schema,
    ignores=frozenset({"max_completion_tokens", "store", "detail"}),
    specials={
        **anywhere.REPLIES,
        "blind": lambda asked: refusal(asked, 500, _BLIND, type="api_error"),
        "busy": lambda asked: refusal(asked, 503, _BUSY, type="api_error"),
    },
)
OLD = replace(DIALECT, logprobs=None)  # before 0.12.11
