"""Finds out what one server takes and gives, by a few requests about grey squares: nobody's picture."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd

from fer_helpers import statuses
from fer_helpers.annotation import _failures, access
from fer_helpers.emotions import TERNARY
from fer_helpers.errors import EndpointError
from fer_helpers.prompting import FORMS, planning, prompts, replies

if TYPE_CHECKING:
    import openai

_OTHER = "grey"  # a label that the words ask for and only a schema can forbid
_MOST_REFUSALS = 8  # of fields, until it is clear that the request itself is refused
_DEAD = 3  # forms that fail with the same 5xx: it is not the form
_IMAGES = "(?:image|picture)"
OPTIONAL = ("store", "temperature", "detail", "seed", "reasoning_effort")


@dataclass(frozen=True)
class Capabilities:
    """What a server takes and gives.

    Attributes:
        form: one of prompts.FORMS, the best that it really does.
        limit_field: the name under which it takes the most tokens of a reply.
        omitted: fields that it refuses, with spaces between.
        schema: "enforced", "ignored", or "refused".
        logprobs: "after the schema", "before the schema", "given" (no schema), "ignored", or "refused".
        limit: "kept" or "ignored": whether a reply ends at its most tokens; empty: not known.
        pictures: most pictures of a request that it was seen to take; 0: not tried.
        video: it was seen to take a video.
        learned: when, ISO 8601, UTC; empty: assumed.
    """

    form: str = FORMS[0]
    limit_field: str = "max_completion_tokens"
    omitted: str = ""
    schema: str = ""
    logprobs: str = ""
    limit: str = ""
    pictures: int = 0
    video: bool = False
    learned: str = ""

    @property
    def asking(self) -> dict[str, str]:
        """What of it is part of a request; see `Run.asking`."""
        return {"form": self.form, "limit_field": self.limit_field, "omitted": self.omitted}


class Probe:
    """Finds out what one server takes and gives."""

    def __init__(self, client: openai.OpenAI, to: access.Access, asking: planning.Asking, pictures: int) -> None:
        self._client = client
        self._to = to
        self._asking = asking
        self._pictures = pictures

    def run(self) -> Capabilities:
        found, reply = self._accepted(Capabilities(pictures=self._pictures))
        found = _understood(found, reply)
        if self._asking.reasoning_effort in ("", "none"):
            self._check_reasoning(reply)
        found = self._limited(found)
        return replace(found, learned=datetime.now(UTC).isoformat(timespec="seconds"))

    def more_pictures(self, known: Capabilities) -> Capabilities:
        """What is known, of a server that takes this many pictures as well.

        Raises:
            EndpointError: it does not.
        """
        self._accepted(known)
        return replace(known, pictures=self._pictures)

    def _accepted(self, found: Capabilities) -> tuple[Capabilities, dict[str, Any]]:
        """The first request that the server does not refuse, and its reply; of each refusal one field is learned.

        Some servers answer 500 to a field they cannot serve, and some fail in passing: after a 5xx, what was dropped
        is asked once more before anything is concluded.
        """
        said, doubted, signs = "", None, Counter[str]()
        for _ in range(_MOST_REFUSALS):
            try:
                reply = self._ask(found)
            except Exception as error:
                failure = _failures.judge(error)
                if failure.kind == "account":
                    raise access.ends_run(failure, error, self._to, self._asking.model) from None
                said = self._to.masked(failure.reason)
                if failure.kind != "request" and getattr(error, "status_code", 0) < 500:
                    raise EndpointError(f"{self._to.base_url} fails at a first request: {said}; run again") from None
                most = _picture_limit(said)
                if most is not None and most < self._pictures:
                    raise too_many(self._to, self._asking.model, self._pictures, most) from None
                if failure.kind != "request":
                    doubted = doubted or found
                    signs[failure.sign] += 1
                    if signs[failure.sign] == _DEAD:
                        raise EndpointError(f"{self._to.base_url} fails whatever is asked: {said}; run again") from None
                changed = _without_refused(found, failure)
                if changed is None:
                    break
                found = changed
            else:
                return self._doubted(doubted) or (found, reply)
        some = "a request with a picture" if self._pictures == 1 else f"a request with {self._pictures} pictures"
        raise EndpointError(f"model {self._asking.model!r} at {self._to.base_url} rejected {some}: {said}")

    def _doubted(self, found: Capabilities | None) -> tuple[Capabilities, dict[str, Any]] | None:
        """What failed before with a 5xx, if it goes through now."""
        try:
            return (found, self._ask(found)) if found else None
        except Exception:
            return None

    def _ask(self, found: Capabilities, most: int = 0) -> dict[str, Any]:
        """One request about grey squares; its words ask for a label that its schema, if any, forbids."""
        row = _row(replace(self._asking, **found.asking), self._pictures)  # type: ignore[arg-type]
        body = planning.body_of(row, _squares(self._pictures))
        wanted = f'Reply with JSON and nothing else: {{"label": "{_OTHER}"}}'
        body["messages"][0]["content"][0]["text"] = f"Every picture here is grey. {wanted}"
        if most:
            body[found.limit_field] = most
        return dict(self._client.post("/chat/completions", body=body, cast_to=object))  # type: ignore[call-overload]

    def _check_reasoning(self, reply: Mapping[str, Any]) -> None:
        """A model whose reasoning takes all the tokens it is given will never come to its label."""
        choice = (reply.get("choices") or [{}])[0]
        spent = replies.billed(reply)[1] or 0
        details = (reply.get("usage") or {}).get("completion_tokens_details") or {}
        message = choice.get("message") or {}
        thought = message.get("reasoning") or message.get("reasoning_content") or details.get("reasoning_tokens")
        if choice.get("finish_reason") == "length" and not message.get("content") and thought:
            raise EndpointError(
                f"model {self._asking.model!r} spent all {spent} tokens of its reply on reasoning: set "
                "reasoning_effort: none if the server obeys it, or max_tokens_out to a few thousand"
            )

    def _limited(self, found: Capabilities) -> Capabilities:
        """Whether the limit of tokens is kept; where it is not, the field's other name is tried."""
        other = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}[found.limit_field]
        for name in (found.limit_field, other):
            tried = replace(found, limit_field=name)
            try:
                reply = self._ask(tried, most=1)
            except Exception:  # so small a limit may be refused: nothing is learned
                return found
            written = replies.billed(reply)[1]
            if written is None:
                return found
            if written <= 1:
                return replace(tried, limit="kept")
        return replace(found, limit="ignored")


def _row(asking: planning.Asking, pictures: int) -> dict[str, Any]:
    if prompts.find(asking.prompt).reply != "label":  # what is learned holds for every prompt
        asking = replace(asking, prompt="labels")
    frames = pd.DataFrame({"clip_id": "probe", "frame_index": range(pictures), "status": "ok", "sha256": ""})
    frames = frames.assign(width=64, height=64)
    return dict(planning.plan(frames, ["multi_frame"], ["ternary"], asking).iloc[0])


def _squares(n: int) -> list[str]:
    shades = np.linspace(112, 144, n).astype(np.uint8) if n > 1 else [128]
    jpegs = [cv2.imencode(".jpg", np.full((64, 64), shade, np.uint8))[1].tobytes() for shade in shades]
    return ["data:image/jpeg;base64," + base64.b64encode(jpeg).decode() for jpeg in jpegs]


def _without_refused(found: Capabilities, failure: _failures.Failure) -> Capabilities | None:
    """`found` without the field that a refusal names, or without the next that servers are known to refuse."""
    words = failure.reason.lower()
    if "logprobs" in words and found.form.endswith("logprobs"):
        return _no_logprobs(found)
    if re.search(r"response_format|json_schema|schema|grammar|structured", words) and found.form.startswith("schema"):
        return _no_schema(found)
    if "max_completion_tokens" in words and found.limit_field == "max_completion_tokens":
        return replace(found, limit_field="max_tokens")
    if "max_tokens" in words and found.limit_field == "max_tokens":
        return replace(found, limit_field="max_completion_tokens")
    for name in OPTIONAL:
        if re.search(rf"\b{name}\b", words) and name not in found.omitted.split():
            return replace(found, omitted=f"{found.omitted} {name}".strip())
    # No field was named: log-probabilities are what most servers lack, then schemas, then the newer names.
    if found.form.endswith("logprobs"):
        return _no_logprobs(found)
    if found.form == "schema":
        return replace(_no_schema(found), form="logprobs", logprobs="")
    if "store" not in found.omitted.split():
        return replace(found, omitted=f"{found.omitted} store".strip())
    if found.limit_field == "max_completion_tokens":
        return replace(found, limit_field="max_tokens")
    return None


def _no_logprobs(found: Capabilities) -> Capabilities:
    return replace(found, form="schema" if found.form.startswith("schema") else "text", logprobs="refused")


def _no_schema(found: Capabilities) -> Capabilities:
    return replace(found, form="logprobs" if found.form.endswith("logprobs") else "text", schema="refused")


def _understood(found: Capabilities, reply: Mapping[str, Any]) -> Capabilities:
    """What the reply shows of a form that was taken: a server may take a setting and pass over it.

    A refused, filtered or cut reply shows nothing, unless it was cut inside the JSON that only a schema makes.
    """
    answer = replies.parse(reply, [*TERNARY, _OTHER])
    choice = (reply.get("choices") or [{}])[0]
    text = answer.text.strip()
    if answer.status in ("refused", "filtered", statuses.ERROR):
        return found
    entries = (choice.get("logprobs") or {}).get("content") if isinstance(choice.get("logprobs"), dict) else None
    schema, logprobs = found.form.startswith("schema"), found.form.endswith("logprobs")
    if schema:
        cut = answer.status == "truncated" and _OTHER not in text and (not text or text.startswith("{"))
        enforced = answer.label in TERNARY or cut
        found = replace(found, schema="enforced" if enforced else "ignored")
        schema = enforced
    if logprobs:
        after = "after the schema" if _after_schema(entries) else "before the schema"
        found = replace(found, logprobs=(after if schema else "given") if entries else "ignored")
        logprobs = bool(entries)
    names = {(True, True): "schema+logprobs", (True, False): "schema", (False, True): "logprobs"}
    return replace(found, form=names.get((schema, logprobs), "text"))


def _after_schema(entries: Any) -> bool:
    """Whether log-probabilities are of what the schema left: then the token that was written is the likeliest.

    That holds without sampling (temperature 0), and no alternative is the word that the schema forbids.
    """
    try:
        for entry in entries:
            options = [(str(option["token"]), float(option["logprob"])) for option in entry.get("top_logprobs") or []]
            if any(token.strip(" \"'\n").lower()[:2] == _OTHER[:2] for token, _ in options):
                return False
            if any(logprob > float(entry["logprob"]) + 1e-3 for _, logprob in options):
                return False
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return True


def _picture_limit(reason: str) -> int | None:
    """The most pictures that a refusal names ("At most 1 image(s) may be provided"); None if it names none."""
    found = re.search(rf"(?:at most|limit|maximum|max)\D{{0,30}}?(\d+) {_IMAGES}", reason, re.IGNORECASE)
    return int(found[1]) if found else None


def too_many(to: access.Access, model: str, wanted: int, most: int) -> EndpointError:
    return EndpointError(
        f"model {model!r} at {to.base_url} takes at most {most} picture(s) per request, and {wanted} are needed: "
        "leave out multi_frame and similar strategies, use mosaic, or raise the server's limit"
    )
