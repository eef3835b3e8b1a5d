"""Azure OpenAI's v1 API.

- A model is the name of a deployment; the listing has Azure's base models and no deployment (langchain and aider
  reports, aider issue 672; opensre issue 4101). The base model's own name: 404 `DeploymentNotFound`, with no type
  (gpt-researcher issue 980). openai-node docs/azure.md: base_url ends in /openai/v1, the key is a bearer or `api-key`.
- Filters: 400 `content_filter` with `innererror` ResponsibleAIPolicyViolation and the result by category (TinyTroupe
  issue 85, compl-ai issue 20); of the reply: finish reason content_filter, no content, `content_filter_results` (docs
  "Content filtering"). Every reply has `prompt_filter_results`.
- Reasoning deployments refuse `max_tokens` and temperature 0 as OpenAI's do (Cursor-Azure-GPT-5 issue 33).
- Errors of the gateway in front have a code that is a number in quotes, and no type: 401, 429 with retry-after (docs
  "Quotas and limits"). Azure blurs faces: labels of expressions mean nothing there; this is the protocol only.
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere, openai
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, after_schema, refusal

BASE = "gpt-6-luna-2026-09-22"
SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
VIOLENT = {**SAFE, "violence": {"filtered": True, "severity": "medium"}, "jailbreak": {"filtered": False}}


def _error(status: int, message: str, **more: Any) -> Any:
    if status in (401, 404, 429, 503):
        return {"error": {"code": {404: "DeploymentNotFound"}.get(status, str(status)), "message": message}}
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None, **more}}


def _listing(model: str) -> Any:
    able = {"fine_tune": False, "inference": True, "completion": False, "chat_completion": True, "embeddings": False}
    entry = {"object": "model", "created_at": CREATED, "status": "succeeded", "lifecycle_status": "generally-available"}
    ends = {"deprecation": {"inference": 1830000000}}
    return {"data": [{"id": BASE, **entry, "capabilities": able, **ends}], "object": "list"}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body["model"] != asked.dialect.model:
        return refusal(asked, 404, "The API deployment for this resource does not exist.")
    return openai.refuse(asked)


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    filters = [{"prompt_index": 0, "content_filter_results": SAFE}]
    body["choices"][0]["content_filter_results"] = SAFE
    return {**openai.shape(asked, body), "model": BASE, "prompt_filter_results": filters}


def _filtered(asked: Asked) -> Answer:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": VIOLENT}
    message = "The response was filtered due to the prompt."
    error = {"message": message, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return Answer({"error": {**error, "innererror": inner}}, 400)


def _reply_filtered(asked: Asked) -> Answer:
    body = anywhere.changed(asked, finish_reason="content_filter", content_filter_results=VIOLENT, logprobs=None)
    del body["choices"][0]["message"]["content"]
    return Answer(body)


_BUSY = "Requests to the ChatCompletions_Create Operation have exceeded the rate limit. Please retry after 1 second."
_DAY = "Requests have exceeded the call rate limit of your tier. Please retry after 86400 seconds."

DIALECT = Dialect(
    model="gpt-6-luna",
    path="/openai/v1",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    logprobs=after_schema,
    key="fake-key-azure",
    listing_key="fake-key-azure",
    thinks=openai.THINKS,
    specials={
        **anywhere.REPLIES,
        "filtered": _filtered,
        "reply_filtered": _reply_filtered,
        "busy": lambda asked: refusal(asked, 429, _BUSY, {"retry-after": "1"}),
        "per_day": lambda asked: refusal(asked, 429, _DAY, {"retry-after": "86400"}),
    },
)
