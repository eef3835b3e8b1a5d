"""vLLM serving a model from the hub.

- Listing with `max_model_len` and permissions; the name is the hub's, or --served-model-name (source
  `entrypoints/openai/engine/protocol.py`). With --api-key everything under /v1 wants it. The port opens when the
  model is loaded, so there is no 503.
- Unknown fields are taken, and noted in the server's log only (`extra="allow"`, same file).
- Errors: `{"error": {message, type, param, code}}` with a number as code; before 0.10 the same fields at the top beside
  `"object": "error"` (vllm issues 13513 and 17092).
- Too many pictures: 400 "At most 1 image(s) may be provided in one prompt." by --limit-mm-per-prompt (issue 13513).
- A video is a `video_url` part; a model without: 400 "At most 0 video(s) may be provided in one prompt." (issue 23638).
- Log-probabilities are raw by default, before the schema (docs "Engine arguments", --logprobs-mode): the label's own
  token can be far down, and in older engines is not among its alternatives; current ones put it first there, and
  -inf is -9999 (source `chat_completion/serving.py`, _get_top_logprobs).
- Context overflow 400, in two wordings (nano-rlm pull request 162). Finish reason `abort` when the engine drops it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, after_schema, before_schema, refusal

ROOM = 8192  # --max-model-len


def _error(status: int, message: str, **more: Any) -> Any:
    kinds = {400: "BadRequestError", 401: "UnauthorizedError", 404: "NotFoundError"}
    kind = kinds.get(status, "InternalServerError")
    return {"error": {"message": message, "type": kind, "param": None, **more, "code": status}}


def flat_error(status: int, message: str, **more: Any) -> Any:
    """The error body of versions before 0.10."""
    return {"object": "error", **_error(status, message, **more)["error"]}


def _listing(model: str) -> Any:
    permission = {"id": "modelperm-1", "object": "model_permission", "allow_logprobs": True, "organization": "*"}
    entry = {"id": model, "object": "model", "created": CREATED, "owned_by": "vllm", "root": model, "parent": None}
    return {"object": "list", "data": [{**entry, "max_model_len": ROOM, "permission": [permission]}]}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body["model"] == asked.dialect.model:
        return None
    return refusal(asked, 404, f"The model `{asked.body['model']}` does not exist.", param="model")


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    choice = body["choices"][0]
    choice["message"].update(refusal=None, tool_calls=[], reasoning=None)
    choice.update(stop_reason=None, token_ids=None)
    usage = {**body["usage"], "prompt_tokens_details": None}
    return {**body, "usage": usage, "prompt_logprobs": None, "kv_transfer_params": None}


def raw_logprobs(asked: Asked, written: Sequence[str]) -> list[dict[str, Any]]:
    """Before the schema; the token written stands first among its alternatives and pushes the last one out."""
    entries = before_schema(asked, written)
    for entry in entries:
        own = {name: entry[name] for name in ("token", "logprob", "bytes")}
        entry["top_logprobs"] = [own, *entry["top_logprobs"]][: asked.body.get("top_logprobs", 0)]
    return entries


def processed_logprobs(asked: Asked, written: Sequence[str]) -> list[dict[str, Any]]:
    """--logprobs-mode processed_logprobs: after the schema; what it forbids has -9999."""
    entries = after_schema(asked, written)
    for entry in entries:
        entry["top_logprobs"].append({"token": "The", "logprob": -9999.0, "bytes": list(b"The")})
    return entries


def _too_many(asked: Asked) -> Answer:
    message = f"At most {asked.dialect.max_pictures} image(s) may be provided in one prompt."
    return refusal(asked, 400, message, param="image")


def _overflow(asked: Asked) -> Answer:
    message = f"Input length ({asked.prompt_tokens}) exceeds model's maximum context length ({asked.dialect.context})."
    return refusal(asked, 400, message, param="input_tokens")


DIALECT = Dialect(
    model="Qwen/Qwen2.5-VL-7B-Instruct",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    logprobs=raw_logprobs,
    ignores=frozenset({"store"}),
    too_many=_too_many,
    video="video_url",
    no_video=lambda asked: refusal(asked, 400, "At most 0 video(s) may be provided in one prompt."),
    context=ROOM,
    overflow=_overflow,
    specials={
        **anywhere.REPLIES,
        "engine_dead": lambda asked: refusal(asked, 500, "EngineCore encountered an issue."),
    },
)
OLD = replace(DIALECT, error=flat_error, logprobs=before_schema)
PROCESSED = replace(DIALECT, logprobs=processed_logprobs)
ONE_PICTURE = replace(DIALECT, max_pictures=1)
NO_VIDEO = replace(DIALECT, video="")
