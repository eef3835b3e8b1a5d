"""A LiteLLM proxy in front of other servers (read off the wheel, 1.110.2, and docs "Error reference").

- Listing: the names of its own configuration, with a key as chat (a virtual key or the master key).
- Errors: OpenAI's shape, the code is the status in quotes and the type often null; the message names the exception and
  holds the upstream's body as text (litellm issues 7259, 19328; `ProxyException.to_dict`).
- A field the upstream does not take: 400 UnsupportedParamsError unless `drop_params` is set (techies issue 42).
- Filters: 400 "litellm.ContentPolicyViolationError: ..."; context: "litellm.ContextWindowExceededError: ..."
  (`exceptions.py`; issue 7259).
- Account: 429 (400 in older versions) `budget_exceeded`; 401 or 403 `key_model_access_denied` (docs "Error reference").
- All deployments of a model cooling down: 429 "No deployments available for selected model" (pull request 2493), which
  a wrong key of the upstream causes as well. A dead backend: 500 with "Connection error.", after its own retries.
- Finish reasons it does not know become "stop", and so does "error" (`core_helpers.map_finish_reason`): half a reply
  looks whole.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import Answer, Asked, Dialect, after_schema, refusal


def _error(status: int, message: str, **more: Any) -> Any:
    return {"error": {"message": message, "type": None, "param": None, **more, "code": str(status)}}


def _refuse(asked: Asked) -> Answer | None:
    if asked.body["model"] == asked.dialect.model:
        return None
    message = f"/chat/completions: Invalid model name passed in model={asked.body['model']}. Call `/v1/models`."
    return refusal(asked, 400, message, type="invalid_request_error", param="model")


def strict(asked: Asked) -> Answer | None:
    """`refuse` without drop_params, in front of an upstream that gives no log-probabilities."""
    if "logprobs" not in asked.body:
        return _refuse(asked)
    message = "litellm.UnsupportedParamsError: hosted_vllm does not support parameters: ['logprobs', 'top_logprobs']."
    return refusal(asked, 400, message)


def _overflow(asked: Asked) -> Answer:
    inner = '{"error":{"message":"maximum context length","code":"context_length_exceeded"}}'
    return refusal(asked, 400, f"litellm.ContextWindowExceededError: OpenAIException - {inner}")


_FILTER = "litellm.ContentPolicyViolationError: AzureException - The response was filtered due to the prompt."
_COOLING = "No deployments available for selected model, Try again in 60 seconds"
_DEAD = "litellm.InternalServerError: OpenAIException - Connection error."
_BUDGET = "Budget has been exceeded! Current cost: 5.01, Max budget: 5.0"
_DENIED = "key not allowed to access model. Tried to access faces"

DIALECT = Dialect(
    model="faces",
    error=_error,
    refuse=_refuse,
    logprobs=after_schema,
    key="fake-key-litellm",
    listing_key="fake-key-litellm",
    overflow=_overflow,
    specials={
        **anywhere.REPLIES,
        "filtered": lambda asked: refusal(asked, 400, _FILTER),
        "cooling": lambda asked: refusal(asked, 429, _COOLING, {"retry-after": "60"}),
        "dead_backend": lambda asked: refusal(asked, 500, _DEAD),
        "budget": lambda asked: refusal(asked, 429, _BUDGET, type="budget_exceeded"),
        "budget_400": lambda asked: refusal(asked, 400, _BUDGET, type="budget_exceeded"),
        "denied": lambda asked: refusal(asked, 401, _DENIED, type="key_model_access_denied", param="model"),
        "half_as_stop": anywhere.ended("stop"),
    },
)
STRICT = replace(DIALECT, refuse=strict)
