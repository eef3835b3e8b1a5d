"""OpenAI's own endpoint, with a model that reasons unless told not to.

- Listing: `shutdown_date` of models that end (openai client 3.54; probed).
- Refuses `max_tokens` and, while it reasons, log-probabilities and any temperature but 1: qwen-code issue 921,
  llmcomp issue 69 (400, `unsupported_parameter` and `unsupported_value`). Effort "none" ends that. Whole families
  (o4-mini, gpt-5) refuse log-probabilities with a 403 in plain words (reported by several clients).
- Reasoning tokens count against the limit: null content with `length` (OpenAI guide "Reasoning models").
- Account: 429 `insufficient_quota`; `billing_not_active`; `billing_hard_limit_reached` (400): guide "Error codes".
  Per day: "on requests per day (RPD)". One request: "Request too large" (continue issues 11717 and 10602), 429 too.
- Filters: 400 `invalid_prompt` (guide "Safety checks"), 200 with `refusal`; region: 403 with its own code.
"""

from __future__ import annotations

from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import CREATED, Answer, Asked, Dialect, after_schema, refusal

THINKS = 128
LOGPROBS_REFUSED = "You are not allowed to request logprobs from this model"


def _listing(model: str) -> Any:
    known = [(model, None), ("gpt-4o-mini", 1799884800)]  # 2027-01-14
    entries = [{"id": name, "object": "model", "created": CREATED, "owned_by": "system"} for name, _ in known]
    dates = [{} if date is None else {"shutdown_date": date} for _, date in known]
    return {"object": "list", "data": [{**entry, **date} for entry, date in zip(entries, dates, strict=True)]}


def _unsupported(asked: Asked, kind: str, name: str, text: str) -> Answer:
    return refusal(asked, 400, f"Unsupported {kind}: '{name}' {text}", param=name, code=f"unsupported_{kind}")


def refuse(asked: Asked) -> Answer | None:
    body = asked.body
    if asked.body["model"] not in (asked.dialect.model, "gpt-4o-mini"):
        message = f"The model `{body['model']}` does not exist or you do not have access to it."
        return refusal(asked, 404, message, code="model_not_found")
    if "max_tokens" in body:
        return _unsupported(asked, "parameter", "max_tokens", "is not supported with this model. Use another.")
    if asked.thinks and "logprobs" in body:
        return _unsupported(asked, "parameter", "logprobs", "is not supported with this model.")
    if asked.thinks and body.get("temperature", 1) != 1:
        return _unsupported(asked, "value", "temperature", "does not support 0 with this model. Only the default (1).")
    return None


def no_logprobs(asked: Asked) -> Answer | None:
    """`refuse` of the families that give no log-probabilities."""
    return refusal(asked, 403, LOGPROBS_REFUSED) if "logprobs" in asked.body else refuse(asked)


def shape(asked: Asked, body: dict[str, Any]) -> Any:
    details = {"reasoning_tokens": min(asked.thinks, asked.limit)}
    usage = {**body["usage"], "completion_tokens_details": details}
    body["choices"][0]["message"]["refusal"] = None
    return {**body, "usage": usage, "service_tier": "default", "system_fingerprint": "fp_1"}


def _refusal_field(asked: Asked) -> Answer:
    body = anywhere.changed(asked, content=None, logprobs=None)
    body["choices"][0]["message"]["refusal"] = "I'm sorry, I can't help with that."
    return Answer(body)


def _overflow(asked: Asked) -> Answer:
    message = f"This model's maximum context length is {asked.dialect.context} tokens. Your messages are longer."
    return refusal(asked, 400, message, param="messages", code="context_length_exceeded")


def _limited(asked: Asked, message: str, code: str, kind: str, after: str = "") -> Answer:
    return refusal(asked, 429, message, {"retry-after": after} if after else {}, type=kind, code=code)


_OVER = "You exceeded your current quota."
_RPD = "Rate limit reached for m on requests per day (RPD): Limit 200, Used 200, Requested 1."
_RPM = "Rate limit reached for m on requests per min (RPM): Limit 3, Used 3, Requested 1."
_TPM = "Request too large for m on tokens per min (TPM): Limit 30000, Requested 37313. Reduce the input."

SPECIALS = {
    **anywhere.REPLIES,
    "quota": lambda asked: _limited(asked, _OVER, "insufficient_quota", "insufficient_quota"),
    "billing": lambda asked: _limited(asked, "Your account is not active.", "billing_not_active", "billing_not_active"),
    "hard_limit": lambda asked: refusal(
        asked, 400, "Billing hard limit has been reached", code="billing_hard_limit_reached"
    ),
    "per_minute": lambda asked: _limited(asked, _RPM, "rate_limit_exceeded", "requests", "1"),
    "per_day": lambda asked: _limited(asked, _RPD, "rate_limit_exceeded", "requests", "432"),
    "too_large": lambda asked: _limited(asked, _TPM, "rate_limit_exceeded", "tokens"),
    "invalid_prompt": lambda asked: refusal(
        asked,
        400,
        "Invalid prompt: your prompt was flagged.",
        code="invalid_prompt",
    ),
    "refusal": _refusal_field,
    "region": lambda asked: refusal(
        asked, 403, "Country, region, or territory not supported", code="unsupported_country_region_territory"
    ),
    "bad_picture": lambda asked: refusal(asked, 400, "You uploaded an unsupported image.", code="invalid_image_format"),
}

DIALECT = Dialect(
    model="gpt-6-luna",
    listing=_listing,
    refuse=refuse,
    shape=shape,
    logprobs=after_schema,
    key="fake-key-openai",
    listing_key="fake-key-openai",
    thinks=THINKS,
    overflow=_overflow,
    specials=SPECIALS,
)
