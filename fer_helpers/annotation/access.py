"""Who is asked: the endpoint's address, the key from the environment, consent, and errors that end a run."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import pandas as pd

from fer_helpers import endpoint
from fer_helpers.errors import EndpointError
from fer_helpers.prompting import planning, prompts

KEY_VARIABLE = "OPENAI_API_KEY"
REPLAY = "replay"  # a base_url: nothing is sent, and only what the archive holds is answered


def is_local(base_url: str) -> bool:
    """Whether frames sent to `base_url` stay on this machine: the embedded endpoint, a loopback address, a replay."""
    host = urlsplit(base_url).hostname or ""
    if base_url in ("embedded", REPLAY) or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_access(base_url: str, model: str, corpus_allows: bool, allow_upload: bool) -> list[str]:
    """Make sure, before anything is sent, that `model` at `base_url` may and can be asked.

    Returns:
        what the user should know beforehand, e.g. that the model is about to be shut down.

    Raises:
        EndpointError: no consent to upload, no key, no answer, or no such model; one line with the remedy.
    """
    if base_url == "embedded":
        if model != endpoint.MODEL:
            raise EndpointError(f"model is {model!r}, but the embedded endpoint has only {endpoint.MODEL!r}")
        return []
    if base_url == REPLAY:
        return []
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise EndpointError(f"base_url is {base_url!r}: give an http(s) address, or 'embedded'")
    if not is_local(base_url):
        if not (corpus_allows or allow_upload):
            raise EndpointError(
                f"frames would leave this machine for {urlsplit(base_url).hostname}, and the corpus does not "
                "say that its terms allow it: if you may upload them, set allow_upload: true"
            )
        if not os.environ.get(KEY_VARIABLE):
            raise EndpointError(f"{base_url} needs a key: set the environment variable {KEY_VARIABLE}")
    return _check_model(base_url, model)


def _check_model(base_url: str, model: str) -> list[str]:
    import openai

    client = openai.OpenAI(base_url=base_url, api_key=api_key(base_url), timeout=10, max_retries=1)
    try:
        known = {item.id: item for item in client.models.list()}
    except openai.APIConnectionError as error:
        raise EndpointError(f"{base_url} does not answer: start the server, or correct base_url") from error
    except openai.APIStatusError as error:
        raise fatal(error, base_url, model) or EndpointError(
            f"{base_url}/models answers {error.status_code}: is this an OpenAI-compatible address?"
        ) from error
    if model not in known:
        raise EndpointError(
            f"model {model!r} is not served at {base_url}: it has {', '.join(sorted(known)[:8]) or 'none'}"
        )
    ends = getattr(known[model], "shutdown_date", None)
    if ends is None:
        return []
    day = datetime.fromtimestamp(ends, UTC).date().isoformat() if isinstance(ends, int | float) else str(ends)
    return [f"Model {model} is shut down on {day}: what it answers cannot be asked again after that."]


def probe(base_url: str, asking: planning.Asking) -> str:
    """The best of prompts.FORMS that the server takes, found out by asking about a grey square.

    One request where the server takes a schema and log-probabilities or passes over what it does not know; one
    more for each thing that it refuses with an error.

    Raises:
        EndpointError: it refuses even a plain request with a picture, or any request would fail.
    """
    import openai

    if base_url in ("embedded", REPLAY):
        return prompts.FORMS[0]
    data = cv2.imencode(".jpg", np.full((64, 64), 128, np.uint8))[1].tobytes()
    picture = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    square = pd.DataFrame({"clip_id": ["probe"], "frame_index": [0], "status": ["ok"], "sha256": [""]})
    square = square.assign(width=64, height=64)
    said = ""
    with openai.OpenAI(base_url=base_url, api_key=api_key(base_url), timeout=120, max_retries=2) as client:
        for form in prompts.FORMS:
            request = planning.plan(square, ["single_frame"], ["ternary"], replace(asking, form=form)).iloc[0]
            try:
                reply = client.chat.completions.create(**planning.body_of(request, [picture])).to_dict()
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                said = error.message
                continue
            except openai.APIError as error:
                raise fatal(error, base_url, asking.model) or EndpointError(
                    f"{base_url} fails at a first request: {error}"
                ) from error
            return _understood(form, reply)
    raise EndpointError(f"model {asking.model!r} at {base_url} refuses a request with a picture: {said}")


def _understood(form: str, reply: Mapping[str, Any]) -> str:
    """What of `form` the reply shows: a server may take a setting and pass over it."""
    choice = reply["choices"][0]
    try:
        as_schema = "label" in json.loads(choice["message"].get("content") or "")
    except (json.JSONDecodeError, TypeError):
        as_schema = bool(choice["message"].get("refusal"))  # the field only comes with structured output
    logprobs = form.endswith("logprobs") and bool((choice.get("logprobs") or {}).get("content"))
    schema = form.startswith("schema") and as_schema
    return {(True, True): "schema+logprobs", (True, False): "schema", (False, True): "logprobs"}.get(
        (schema, logprobs), "text"
    )


def api_key(base_url: str) -> str:
    """The key for `base_url` from the environment; the client wants some text even where the server wants none."""
    return "none" if base_url == "embedded" else os.environ.get(KEY_VARIABLE) or "none"


@contextmanager
def reachable(base_url: str) -> Iterator[str]:
    """`base_url` with a server behind it: starts the embedded endpoint if that is what it names."""
    if base_url == "embedded":
        with endpoint.serve() as own:
            yield own
    else:
        yield base_url


def fatal(error: Exception, base_url: str, model: str) -> EndpointError | None:
    """The error that ends a run because no other request can fare better, or None."""
    import openai

    if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
        return EndpointError(f"{base_url} refuses the key ({error.status_code}): check {KEY_VARIABLE}")
    if isinstance(error, openai.NotFoundError):
        return EndpointError(f"model {model!r} is not served at {base_url}: correct model or base_url")
    if getattr(error, "code", None) == "insufficient_quota":
        return EndpointError(f"the account behind {KEY_VARIABLE} has no quota left: top it up and run again")
    if unreachable(error):
        return EndpointError(f"{base_url} does not answer any more: start it and run again to go on")
    return None


def unreachable(error: BaseException | None) -> bool:
    """Whether no connection came about: refused, no route, no such name, or nobody took it in time.

    A connection that broke is another thing: the next may hold. The client's aiohttp transport reports both as
    a time-out to connect, so what counts is what aiohttp said, which stands among the causes.
    """
    import aiohttp
    import httpx2

    causes = []
    while error:
        causes.append(error)
        error = error.__cause__
    if any(isinstance(cause, aiohttp.ClientError) for cause in causes):
        never = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
        return any(isinstance(cause, never) for cause in causes)
    return any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) for cause in causes)
