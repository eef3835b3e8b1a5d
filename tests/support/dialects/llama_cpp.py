"""llama.cpp's `llama-server` with one model.

- While the model is loading, every path answers 503 `unavailable_error` "Loading model" (README of tools/server).
- Listing: one entry, whatever the file or --alias is called, with `meta`; beside `data` a second list `models`. The
  model's name in a request is not looked at: one model is all there is.
- A text-only model (no --mmproj): 500 `server_error` "image input is not supported" (llama.cpp issues 13566, 15377).
- Context overflow: 400 `exceed_context_size_error` with n_prompt_tokens and n_ctx (pull request 15780).
- The schema becomes a grammar, and is enforced; but a small model may fill the limit with white space that the
  grammar allows (tried on the project). Log-probabilities are from before the grammar, so the token written can be
  missing from its own alternatives (pull requests 10783 and 12643; 111 tokens in 60 replies, tried).
- Replies carry `timings`. A key only with --api-key, and not for /v1/models (source, public endpoints).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, before_schema, refusal

KINDS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error", 503: "unavailable_error"}


def _error(status: int, message: str, **more: Any) -> Any:
    return {"error": {"code": status, "message": message, "type": KINDS.get(status, "server_error"), **more}}


def _listing(model: str) -> Any:
    meta = {"vocab_type": 1, "n_vocab": 262144, "n_ctx_train": 131072, "n_embd": 2560, "n_params": 3880099328}
    entry = {"id": model, "object": "model", "created": CREATED, "owned_by": "llamacpp", "meta": meta}
    also = {"name": model, "model": model, "capabilities": ["completion", "multimodal"]}
    return {"models": [also], "object": "list", "data": [entry]}


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    if body["choices"][0]["logprobs"] is None:
        del body["choices"][0]["logprobs"]
    timings = {"prompt_n": asked.prompt_tokens, "predicted_n": body["usage"]["completion_tokens"]}
    return {**body, "model": asked.dialect.model, "system_fingerprint": "b9688", "timings": timings}


def _overflow(asked: Asked) -> Answer:
    sizes = {"n_prompt_tokens": asked.prompt_tokens, "n_ctx": asked.dialect.context}
    message = f"request ({asked.prompt_tokens} tokens) exceeds the available context size"
    return refusal(asked, 400, message, type="exceed_context_size_error", **sizes)


def _white_space(asked: Asked) -> Answer:
    text = "{" + "\n" * (asked.limit - 1)
    return Answer(anywhere.changed(asked, content=text, finish_reason="length"))


_BLIND = "image input is not supported - hint: you may need to provide the mmproj"

DIALECT = Dialect(
    model="gemma-3-4b-it",
    listing=_listing,
    error=_error,
    shape=_shape,
    logprobs=before_schema,
    context=4096,
    overflow=_overflow,
    specials={
        **anywhere.REPLIES,
        "blind": lambda asked: refusal(asked, 500, _BLIND),
        "white_space": _white_space,
    },
)
LOADING = replace(DIALECT, loading=2)
KEYED = replace(DIALECT, key="fake-key-llama")
