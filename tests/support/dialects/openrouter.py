"""OpenRouter, one address for many providers.

- Listing: public, without a key though chat wants one; no "object", entries with architecture and prices (docs "List
  available models").
- Errors: `{"error": {code: number, message, metadata}}`; 402 without credits, 403 moderation with `reasons`,
  `flagged_input`, `provider_name`, `model_slug`; 429; 502; the provider's own words in `metadata.raw` (docs "Errors and
  debugging"; open-webui/computer issue 293). A failure while the model writes: 200, with an `error` inside the choice
  and `finish_reason` "error" (same docs page), or at the top of the body.
- Free models: 429 "free-models-per-day" with the reset in `metadata.headers` (openclaude issue 936); a limit that the
  credits do not cover: 402 "requires more credits" (forall issue 76). No provider with eyes: 404 "No endpoints found
  that support image input" (oai-compatible-copilot issue 229).
- Fields a provider does not know are dropped without a word, log-probabilities among them (docs "Parameters";
  openrouter-runner issue 97).
- Choices carry `native_finish_reason`; usage has `cost` (docs "Usage accounting").
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, after_schema, refusal

PROVIDER = {"provider_name": "Fake", "model_slug": "google/gemma-4-31b-it"}


def _error(status: int, message: str, **more: Any) -> Any:
    metadata = {"metadata": more["metadata"]} if "metadata" in more else {}
    return {"error": {"message": message, "code": status, **metadata}, "user_id": "user_1"}


def _listing(model: str) -> Any:
    looks = {"modality": "text+image->text", "input_modalities": ["text", "image"], "output_modalities": ["text"]}
    prices = {"prompt": "0.0000001", "completion": "0.0000004", "image": "0"}
    entry = {"id": model, "name": "Fake", "created": CREATED, "context_length": 131072}
    return {"data": [{**entry, "architecture": looks, "pricing": prices, "supported_parameters": ["max_tokens"]}]}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body["model"] == asked.dialect.model:
        return None
    return refusal(asked, 400, f"{asked.body['model']} is not a valid model ID")


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    choice = body["choices"][0]
    choice["native_finish_reason"] = "STOP" if choice["finish_reason"] == "stop" else "MAX_TOKENS"
    choice["message"].update(refusal=None, reasoning=None)
    usage = {**body["usage"], "cost": 0.00012, "completion_tokens_details": {"reasoning_tokens": 0}}
    return {**body, "id": f"gen-{asked.number}", "provider": "Fake", "usage": usage}


def _inside(asked: Asked) -> Answer:
    error = {
        "code": 502,
        "message": "Provider returned error",
        "metadata": {"raw": "overloaded"},
    }
    text = anywhere.half(asked)
    ends = {"finish_reason": "error", "native_finish_reason": "error", "error": error}
    return Answer(anywhere.changed(asked, content=text, logprobs=None, **ends))


def _moderated(asked: Asked) -> Answer:
    flagged = {"reasons": ["violence"], "flagged_input": "You label facial expressions...", **PROVIDER}
    message = "The model requires moderation, and the input was flagged."
    return refusal(asked, 403, message, metadata=flagged)


def _per_day(asked: Asked) -> Answer:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795046400000"}
    message = "Rate limit exceeded: free-models-per-day"
    return refusal(asked, 429, message, headers, metadata={"headers": headers})


_POOR = "Insufficient credits. Add more using the settings page."
_NOT_ENOUGH = "This request requires more credits, or fewer max_tokens."
_UPSTREAM = {"raw": "the model is temporarily rate-limited upstream", "provider_name": "Fake"}

DIALECT = Dialect(
    model="google/gemma-4-31b-it",
    path="/api/v1",
    listing=_listing,
    error=_error,
    refuse=_refuse,
    shape=_shape,
    ignores=frozenset({"store", "logprobs", "top_logprobs"}),
    key="fake-key-openrouter",
    specials={
        **anywhere.REPLIES,
        "inside": _inside,
        "moderated": _moderated,
        "guardrail": lambda asked: refusal(asked, 403, "Blocked by a guardrail", metadata={"patterns": ["face"]}),
        "poor": lambda asked: refusal(asked, 402, _POOR),
        "not_enough": lambda asked: refusal(asked, 402, _NOT_ENOUGH, metadata={"provider_name": None}),
        "per_day": _per_day,
        "upstream_429": lambda asked: refusal(asked, 429, "Provider returned error", metadata=_UPSTREAM),
        "upstream_502": lambda asked: refusal(asked, 502, "Provider returned error", metadata=_UPSTREAM),
        "blind": lambda asked: refusal(asked, 404, "No endpoints found that support image input"),
    },
)
WITH_LOGPROBS = replace(DIALECT, logprobs=after_schema, ignores=frozenset({"store"}))  # a provider that gives them
