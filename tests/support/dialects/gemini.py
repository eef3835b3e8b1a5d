"""Gemini's OpenAI-compatible endpoint.

- Listing: ids with a prefix, `models/gemini-...`; chat takes them with and without it (docs "OpenAI compatibility").
- Errors come as a list of one: `[{"error": {code, message, status, details}}]` (page-assist issue 406).
- Unknown fields are 400 INVALID_ARGUMENT "Unknown name", `store` and `metadata` among them, all in one message
  (ed-donner/agents issue 45, routstr-core issue 505). Log-probabilities: 400 "Logprobs is not enabled for models/..."
  (mscraftsman/generative-ai issue 135; GoogleCloudPlatform/generative-ai issue 2947).
- Flash models think by default: content can be missing with `length`; thoughts are in total_tokens only (inspect_ai
  issue 5528, on both Google and xAI).
- Filters: finish reasons in Google's own words, SAFETY, PROHIBITED_CONTENT, RECITATION (Vibe-Trading pull request 308),
  or "content_filter: PROHIBITED_CONTENT" with a choice that has no message at all (reported by several clients).
- A video goes as an image_url with `data:video/...` (Vertex AI's page on the OpenAI library: data of any medium); that
  video_url is refused, and how, is assumed.
- Per day: 429 RESOURCE_EXHAUSTED with quotaId GenerateRequestsPerDayPerProjectPerModel-FreeTier, beside a retryDelay
  of seconds that does not help (gemini-cli issue 8437).
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, refusal

UNKNOWN = ("store", "metadata", "service_tier", "safety_identifier")
RPC = "type.googleapis.com/google.rpc."
STATUS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


def _error(status: int, message: str, **more: Any) -> Any:
    details = {"details": more["details"]} if "details" in more else {}
    error = {"code": status, "message": message, "status": STATUS.get(status, "UNAVAILABLE"), **details}
    return [{"error": error}]


def _listing(model: str) -> Any:
    names = [f"models/{model}", "models/gemini-embedding-001"]
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "google"} for name in names]}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body["model"].removeprefix("models/") != asked.dialect.model:
        return refusal(asked, 404, f"models/{asked.body['model']} is not found for API version v1main.")
    unknown = [name for name in UNKNOWN if name in asked.body]
    if unknown:
        said = [f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.' for name in unknown]
        violations = [{"description": one} for one in said]
        details = [{"@type": RPC + "BadRequest", "fieldViolations": violations}]
        return refusal(asked, 400, "\n".join(said), details=details)
    if asked.body.get("logprobs"):
        return refusal(asked, 400, f"Logprobs is not enabled for models/{asked.dialect.model}")
    return None


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    """Thoughts out of completion_tokens; no content at all where they ate the limit."""
    thoughts = min(asked.thinks, asked.limit)
    usage = {**body["usage"], "completion_tokens": body["usage"]["completion_tokens"] - thoughts}
    choice = body["choices"][0]
    del choice["logprobs"]
    if choice["message"]["content"] is None:
        del choice["message"]["content"]
    return {**body, "created": CREATED, "usage": usage}


def _prohibited(asked: Asked) -> Answer:
    choice = {"index": 0, "finish_reason": "content_filter: PROHIBITED_CONTENT"}
    usage = {"prompt_tokens": asked.prompt_tokens, "completion_tokens": 0, "total_tokens": asked.prompt_tokens}
    return Answer({**anywhere.changed(asked), "choices": [choice], "usage": usage})


def _per_day(asked: Asked) -> Answer:
    quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier"
    violation = {"quotaMetric": "generate_content_free_tier_requests", "quotaId": quota, "quotaValue": "20"}
    retry = {"@type": RPC + "RetryInfo", "retryDelay": "45s"}
    details = [{"@type": RPC + "QuotaFailure", "violations": [violation]}, retry]
    message = "You exceeded your current quota. Please retry in 45.578s."
    return refusal(asked, 429, message, details=details)


DIALECT = Dialect(
    model="gemini-3.8-flash",
    path="/v1beta/openai",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    key="fake-key-gemini",
    listing_key="fake-key-gemini",
    video="image_url",
    no_video=lambda asked: refusal(asked, 400, "Invalid content part type: video_url"),
    thinks=24,
    specials={
        **anywhere.REPLIES,
        "prohibited": _prohibited,
        "recitation": anywhere.filtered("RECITATION"),
        "per_day": _per_day,
        "overloaded": lambda asked: refusal(asked, 503, "The model is overloaded."),
    },
)
