"""A home-made gateway: `"error": null` beside every good reply, and listings of odd shapes.

- The null: some gateways serialise every field of their reply type (tried on the project; octollm pull request 107 is
  about the same want of one error form).
- Listings: none, empty, a bare list (Together's), names without ids, one that wants a key though chat wants none,
  HTML. Kinds from the project's own issue about servers.
- In front of xAI's models reasoning tokens are outside completion_tokens (`reasoning_outside`, see anywhere.py).
- In front of Kimi any temperature but 1 is a 400 with neither code nor param (CountBot issue 61): ONLY_ONE.
- A dead backend: 502 or 504 after a while, for every request; a redirect to another machine, which must not be
  followed with a picture.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.dialects import anywhere
from tests.support.dialects.base import Answer, Asked, Dialect, after_schema, listed, refusal


def _shape(asked: Asked, body: dict[str, Any]) -> Any:
    return {**body, "error": None, "success": True}


def only_one(asked: Asked) -> Answer | None:
    """`refuse` of models that take only temperature 1, and say so in words alone."""
    if asked.body.get("temperature", 1) == 1:
        return None
    kind = {"type": "invalid_request_error"}
    return Answer({"error": {"message": "invalid temperature: only 1 is allowed for this model", **kind}}, 400)


def redirect(to: str) -> Any:
    """A special: 307 to another address."""
    return lambda asked: Answer("", 307, {"Location": to})


DIALECT = Dialect(
    model="faces",
    shape=_shape,
    logprobs=after_schema,
    specials={
        **anywhere.REPLIES,
        "dead_backend": lambda asked: refusal(asked, 502, "upstream connect error or disconnect/reset before headers"),
        "slow_backend": lambda asked: refusal(asked, 504, "upstream request timeout"),
        "null_error_null_choices": lambda asked: Answer({"error": None, "choices": None}),
    },
)
ONLY_ONE = replace(DIALECT, refuse=only_one)
LISTINGS = {
    "missing": replace(DIALECT, listing=None),
    "empty": replace(DIALECT, listing=lambda model: {"object": "list", "data": []}),
    "null": replace(DIALECT, listing=lambda model: {"object": "list", "data": None}),
    "bare": replace(DIALECT, listing=lambda model: listed(model)["data"]),
    "names": replace(DIALECT, listing=lambda model: {"models": [{"name": model}]}),
    "html": replace(DIALECT, listing=lambda model: Answer(anywhere.HTML, kind="text/html")),
    "keyed": replace(DIALECT, listing_key="fake-key-for-the-list"),
    "loading": replace(DIALECT, loading=1),
}
