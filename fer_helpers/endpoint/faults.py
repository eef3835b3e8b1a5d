"""Faults on purpose, for tests and teaching: which request meets which fault, and what its reply becomes; pure.

`Faults` is the plan. What carries it out, and keeps the books, is `faulty`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from statistics import NormalDist
from typing import Annotated, Any

import numpy as np
from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from fer_helpers import params
from fer_helpers.emotions import LABELS, SEVEN
from fer_helpers.endpoint.chat import text_of, with_text
from fer_helpers.endpoint.model import PictureModel
from fer_helpers.errors import ParamsError
from fer_helpers.prompting import pricing

PASSING = ("rate_limited", "server_error", "unavailable", "reset", "stall", "truncated_json")
CONTENT = ("refusal", "prose_refusal", "length", "content_filter", "filtered_400", "wrong_label", "empty")
STATUS = {  # what a client must make of each: the status in the answers table
    **dict.fromkeys(PASSING, "error"),  # if it lasts; otherwise the request is asked again, and answered
    "refusal": "refused",
    "prose_refusal": "refused",
    "length": "truncated",
    "content_filter": "filtered",
    "filtered_400": "filtered",
    "wrong_label": "invalid",
    "empty": "invalid",
}
WRONG_LABEL = "contempt"  # an expression, but in neither taxonomy
REFUSALS = (  # how hosted models decline in plain words; some name labels, some have typographic apostrophes
    "I'm sorry, but I can't help with identifying the emotions of people in images.",
    "I’m sorry, I can’t assist with that.",
    "Sorry, I cannot tell whether this person is happy or sad.",
    "I'm unable to analyze facial expressions of real people.",
    "I don't have the ability to identify emotions from images.",
)

_Share = Annotated[float, Field(ge=0, le=1)]
_Seconds = Annotated[float, Field(ge=0, le=3600)]
_PerMinute = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))
class Faults:
    """A plan of faults: shares of requests from 0 to 1, one a kind; all zero is an endpoint in good health.

    Which request meets which fault depends on the seed, on what is asked, and on how often it was asked
    before; not on order or time. So a run meets the same faults again, however many requests are under way.

    Passing faults strike an attempt; the first `passes_after` attempts at a request are in danger, and asking
    again helps. With `lasting` they strike a request, at every attempt. A client asks again, and gives the
    status "error" to what is never answered.

    - `rate_limited`: 429 with code rate_limit_exceeded, and retry-after if `retry_after_s` is given. Not billed.
    - `server_error`: 500 in OpenAI's shape. Not billed.
    - `unavailable`: 503 with a proxy's HTML page instead of JSON. Not billed.
    - `reset`: the connection ends in the middle of the reply. Billed, for the answer was made.
    - `stall`: no byte for `stall_s` seconds, then the answer, if anybody still waits. Billed.
    - `truncated_json`: 200, the announced length is right, but the JSON stops half-way. Billed; an error is never cut.
      A stream ends in good order, but half-way: without finish_reason and [DONE].

    Content faults are the fate of a request: every attempt ends alike, and asking again only costs. All but
    `filtered_400` are billed as any answer is. In a function's call they befall its arguments.

    - `refusal`: the text is in message.refusal, content is null. Status "refused".
    - `prose_refusal`: plain words with finish_reason stop, whatever the schema. Status "refused".
    - `length`: cut in the middle of the label, finish_reason length. Status "truncated".
    - `content_filter`: nothing left of the content, finish_reason content_filter. Status "filtered".
    - `filtered_400`: 400 with code content_filter. Status "filtered".
    - `wrong_label`: well-formed, but the label was not among those allowed. Status "invalid".
    - `empty`: finish_reason stop and no content. Status "invalid".

    Not drawn, but reached:

    - `insufficient_quota_after`: answers until the account is empty; then 429 with code insufficient_quota to
      everything. It ends a run; what was answered is kept.
    - `requests_per_minute`, `tokens_per_minute`: a limit that is really kept: 429, as `rate_limited`, with a
      retry-after that suffices. A whole minute's worth may be used at once; refused requests do not count.

    - `swapped_after`: so many answers are the model's own; then another one answers under the same name and
      fingerprint, to which a share `swapped` of the pictures looks like what the first held for second likeliest.

    No failure, but a bias:

    - `order_bias`: in this share of requests the label that is named at `order_place` (from 1) changes places with the
      likeliest one, in the answer and in its probabilities. Where no words list the labels, nothing happens.

    `latency_s` is the median time to a reply in seconds, and `latency_sigma` the standard deviation of its
    logarithm; an attempt's latency is drawn like its faults. Refusals to serve (429) come at once.

    Raises:
        pydantic.ValidationError: a share is not one, or the shares of passing or of content faults add up to
            more than 1: a request can meet one of each.
    """

    seed: int = 1
    latency_s: _Seconds = 0.0
    latency_sigma: Annotated[float, Field(ge=0, le=3)] = 0.0

    passes_after: Annotated[int, Field(ge=1)] = 2
    lasting: bool = False
    rate_limited: _Share = 0.0
    retry_after_s: _Seconds | None = None
    server_error: _Share = 0.0
    unavailable: _Share = 0.0
    reset: _Share = 0.0
    stall: _Share = 0.0
    stall_s: _Seconds = 600.0
    truncated_json: _Share = 0.0

    refusal: _Share = 0.0
    prose_refusal: _Share = 0.0
    length: _Share = 0.0
    content_filter: _Share = 0.0
    filtered_400: _Share = 0.0
    wrong_label: _Share = 0.0
    empty: _Share = 0.0

    swapped_after: Annotated[int, Field(ge=0)] | None = None
    swapped: _Share = 0.1
    order_bias: _Share = 0.0
    order_place: Annotated[int, Field(ge=1, le=len(SEVEN))] = 1
    insufficient_quota_after: Annotated[int, Field(ge=0)] | None = None
    requests_per_minute: _PerMinute | None = None
    tokens_per_minute: _PerMinute | None = None

    @model_validator(mode="after")
    def _shares_fit(self) -> Faults:
        for kinds in (PASSING, CONTENT):
            if math.fsum(getattr(self, kind) for kind in kinds) > 1 + 1e-9:
                raise ValueError(f"the shares of {', '.join(kinds)} add up to more than 1")
        return self

    def passing(self, digest: str, attempt: int) -> str | None:
        """The passing fault that attempt number `attempt` (from 1) at the request `digest` meets, if any."""
        if attempt > self.passes_after and not self.lasting:
            return None
        return self._pick(PASSING, f"passing {digest} {1 if self.lasting else attempt}")

    def content(self, digest: str) -> str | None:
        """The content fault that is the fate of the request `digest`, if any."""
        return self._pick(CONTENT, f"content {digest}")

    def latency(self, digest: str, attempt: int) -> float:
        """Seconds until attempt number `attempt` at the request `digest` is answered."""
        if not self.latency_s or not self.latency_sigma:
            return self.latency_s
        share = min(max(self._uniform(f"latency {digest} {attempt}"), 1e-9), 1 - 1e-9)
        return self.latency_s * math.exp(NormalDist(0, self.latency_sigma).inv_cdf(share))

    def looks_different(self, picture: bytes) -> bool:
        """Whether the model that comes `swapped_after` sees another expression in `picture`."""
        return self._uniform(f"swapped {sha256(picture).hexdigest()}") < self.swapped

    def prefers(self, digest: str, words: str, labels: Sequence[str]) -> str | None:
        """The label that the request `digest` is answered with because of its place among `labels` in its words."""
        if self._uniform(f"order {digest}") >= self.order_bias:
            return None
        return dict(enumerate(named(words, labels), 1)).get(self.order_place)

    def _pick(self, kinds: tuple[str, ...], what: str) -> str | None:
        left = self._uniform(what)
        for kind in kinds:
            left -= getattr(self, kind)
            if left < 0:
                return kind
        return None

    def _uniform(self, what: str) -> float:
        """A number from [0, 1) that depends on nothing but the seed and `what`."""
        return int.from_bytes(sha256(f"{self.seed} {what}".encode()).digest()[:6]) / 2**48


class Successor:
    """Another model behind the same name: for some pictures the two likeliest of `model`'s labels change places."""

    def __init__(self, model: PictureModel, faults: Faults) -> None:
        self._model, self._faults = model, faults

    def read(self, data: bytes) -> tuple[np.ndarray, tuple[int, int]]:
        probabilities, size = self._model.read(data)
        if self._faults.looks_different(data):
            second, first = np.argsort(probabilities)[-2:]
            probabilities = probabilities.copy()
            probabilities[[first, second]] = probabilities[[second, first]]
        return probabilities, size


def load(path: Path) -> Faults:
    """The plan in a flat YAML file with the names of `Faults`.

    Raises:
        ParamsError: one line that names the file and each wrong name or value.
    """
    try:
        return Faults(**params.flat_yaml(path))
    except OSError as error:
        raise ParamsError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        known = Faults.__dataclass_fields__
        raise ParamsError(f"{path}: {params.problems_in(error, known)}") from error


def digest(body: bytes) -> str:
    """Name of a request by what it asks: SHA-256 of its body as canonical JSON, however a client wrote it."""
    with suppress(ValueError, RecursionError):  # what is not JSON counts as it is
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return sha256(body).hexdigest()


def named(words: str, labels: Sequence[str]) -> list[str]:
    """`labels` in the order in which `words` list them, one beside the other; empty if they do not.

    >>> named("No sad faces. Choose one: happy, sad or neutral.", ["happy", "neutral", "sad"])
    ['happy', 'sad', 'neutral']
    """
    label = rf"\b(?:{'|'.join(labels)})\b"
    lists = re.findall(rf"{label}(?:\W+(?:or\W+|and\W+)?{label}){{{len(labels) - 1}}}", words)
    found = [re.findall(label, one) for one in lists]
    return next((one for one in found if len(set(one)) == len(labels)), [])


def altered(reply: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    """A whole chat completion as the content fault `kind` leaves it, `usage` counted anew.

    `name` is the request's digest: which wording a refusal has depends on it.
    """
    (choice,) = reply["choices"]
    message = {"role": "assistant", "content": None, "refusal": None}
    finish, said = "stop", text_of(choice["message"])
    match kind:
        case "refusal":
            message["refusal"] = REFUSALS[0]
        case "prose_refusal":
            message["content"] = REFUSALS[int(name, 16) % len(REFUSALS)]
        case "length":
            message, finish = with_text(choice["message"], said[: said.rfind(_label(said)) + 2]), "length"
        case "content_filter":
            message["content"], finish = "", "content_filter"
        case "wrong_label":
            before, _, after = said.rpartition(_label(said))
            message, finish = with_text(choice["message"], before + WRONG_LABEL + after), choice["finish_reason"]
    # The log-probabilities belonged to another text; a reply that kept them would bear false witness.
    changed = choice | {"message": message, "logprobs": None, "finish_reason": finish}
    tokens_in = reply["usage"]["prompt_tokens"]
    tokens_out = len(pricing.encoding().encode_ordinary(text_of(message)))
    usage = {**reply["usage"], "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return {**reply, "choices": [changed], "usage": usage}


def _label(said: str) -> str:
    """The first label in a reply's text: all of it, or in its JSON one of the values, or in a list or object there."""
    values = json.loads(said).values() if said.startswith("{") else [said]
    inside = (one for value in values for one in (value if isinstance(value, list | dict) else [value]))
    return next(one for one in inside if one in LABELS)
