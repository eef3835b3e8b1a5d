"""Who is asked: the endpoint's address, the key from the environment, and consent; local means local."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fer_helpers import endpoint
from fer_helpers.annotation import _failures
from fer_helpers.errors import AccountError, EndpointError
from fer_helpers.prompting import prompts, sources

if TYPE_CHECKING:
    import openai

    from fer_helpers.params import Params

OPENAI_KEY = "OPENAI_API_KEY"
EMBEDDED = "embedded"  # a base_url: the project's own endpoint, started for the run
REPLAY = "replay"  # a base_url: nothing is sent, and only what the archive holds is answered
_QUOTES = "\"'“”‘’«»„`"


@dataclass(frozen=True)
class Access:
    """An address, and the one variable of the environment whose key goes there.

    Attributes:
        base_url: "embedded", "replay", or an address ending in /v1 or the like.
        key_variable: name of the environment's variable; empty: OPENAI_API_KEY for OpenAI's own host, else no key.
        timeout_s: without a byte; a whole exchange may take twice as long.
    """

    base_url: str = EMBEDDED
    key_variable: str = ""
    timeout_s: float = 120.0

    @property
    def local(self) -> bool:
        return is_local(self.base_url)

    @property
    def variable(self) -> str:
        """The variable that holds the key; empty: no key is sent."""
        if self.base_url in (EMBEDDED, REPLAY):
            return ""
        return self.key_variable or (OPENAI_KEY if _is_openai(self.base_url) else "")

    @property
    def key(self) -> str:
        """The key for this address, empty if there is none.

        Raises:
            EndpointError: the variable that was named is not set, or holds what can be no key.
        """
        if not self.variable:
            return ""
        key = os.environ.get(self.variable, "").strip().strip(_QUOTES).strip()
        if not key:
            raise EndpointError(f"{self.base_url} needs a key: set the environment variable {self.variable}")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise EndpointError(
                f"the environment variable {self.variable} contains a character that is invalid in a key"
            )
        return key

    def masked(self, text: str) -> str:
        """`text` of a server without the key, which it may repeat; keys of under 8 characters are no secrets."""
        try:
            key = self.key
        except EndpointError:
            return text
        return text.replace(key, "***") if len(key) >= 8 else text

    def client(self, retries: int = 0, timeout: Any = None) -> openai.OpenAI:
        """A client for this address alone."""
        import httpx2
        import openai

        timeout = timeout or self.timeout_s
        http = httpx2.Client(timeout=timeout, trust_env=not self.local, follow_redirects=False)
        return openai.OpenAI(**self._settings(retries, timeout), http_client=http)

    def async_client(self, connections: int) -> openai.AsyncOpenAI:
        """A client for a whole run, with a connection for each worker; retries are left to `_transport`."""
        import httpx2
        import openai

        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30)
        http = openai.DefaultAioHttpClient(
            timeout=self.timeout_s, limits=limits, trust_env=not self.local, follow_redirects=False
        )
        return openai.AsyncOpenAI(**self._settings(0, self.timeout_s), http_client=http)

    def _settings(self, retries: int, timeout: Any) -> dict[str, Any]:
        """What a client is made with; OpenAI's organisation, project and extra headers go to OpenAI alone.

        The client takes them from the environment whatever the address, so they are named here to be left out.
        """
        import openai

        extra = [line.partition(":")[0].strip() for line in os.environ.get("OPENAI_CUSTOM_HEADERS", "").splitlines()]
        names = [] if _is_openai(self.base_url) else ["OpenAI-Organization", "OpenAI-Project", *filter(None, extra)]
        headers = dict.fromkeys(names, openai.Omit())
        return {
            "base_url": self.base_url,
            "api_key": self.key or "none",  # the client wants some text even where the server wants none
            "max_retries": retries,
            "timeout": timeout,
            "default_headers": headers,
        }

    @contextmanager
    def reachable(self) -> Iterator[Access]:
        """This access with a server behind it: starts the embedded endpoint if that is what it names."""
        if self.base_url != EMBEDDED:
            yield self
            return
        with endpoint.serve() as own:
            yield Access(own, "", self.timeout_s)


def of(params: Params) -> Access:
    """The access that a run's parameters name."""
    return Access(params.base_url.rstrip("/"), params.api_key_env, params.timeout_s)


def is_local(base_url: str) -> bool:
    """Whether frames sent to `base_url` stay on this machine: the embedded endpoint, a loopback address, a replay."""
    host = (urlsplit(base_url).hostname or "").rstrip(".")
    if base_url in (EMBEDDED, REPLAY) or host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _is_openai(base_url: str) -> bool:
    host = (urlsplit(base_url).hostname or "").lower()
    return urlsplit(base_url).scheme == "https" and (host == "openai.com" or host.endswith(".openai.com"))


def check(params: Params, corpus_allows: bool) -> list[str]:
    """Make sure, before anything is sent, that the model may be asked.

    Returns:
        what the user should know beforehand, e.g. that the model is about to be shut down.

    Raises:
        EndpointError: a wrong address, no consent to upload, no key or no answer; one line with the remedy.
    """
    access = of(params)
    if access.base_url == EMBEDDED:
        if params.model not in endpoint.MODELS:
            has = " and ".join(endpoint.MODELS)
            raise EndpointError(f"model is {params.model!r}, but the embedded endpoint has only {has}")
        endpoint.MODELS[params.model].weights.path()  # fetched now, and not in the middle of a run
    if access.base_url in (EMBEDDED, REPLAY):
        return _of_prompt(params)
    _check_address(access.base_url)
    if not access.local:
        host = urlsplit(access.base_url).hostname
        if not (corpus_allows or params.allow_upload):
            raise EndpointError(
                f"frames would be sent from this machine to {host}, and the terms of the "
                "corpus are not known to allow it: if you may upload them, set allow_upload: true"
            )
        if urlsplit(access.base_url).scheme == "http" and not params.allow_plain_http:
            raise EndpointError(
                f"frames would be sent to {host} over http, where anyone on the way can read them: use https, or set "
                "allow_plain_http: true on your own network"
            )
    _ = access.key
    return [*_of_prompt(params), *_listed(access, params.model)]


def _of_prompt(params: Params) -> list[str]:
    n_frames = {"middle": 1, "uniform": params.n_frames, "peak": params.n_frames}.get(params.frame_choice)
    return sources.differences(prompts.named(params.prompt), params.strategies, n_frames, params.label_order)


def _check_address(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EndpointError(f"base_url is {base_url!r}: give an http(s) address, or 'embedded'")
    if parts.username or parts.password or parts.query or parts.fragment:
        # What was found is not repeated: it may be a key.
        raise EndpointError(
            f"base_url for {parts.hostname} contains a user, key or option: give the address alone; the key is read "
            "from the environment variable that api_key_env names"
        )
    if parts.hostname in ("0.0.0.0", "::"):
        raise EndpointError(f"base_url is {base_url!r}, an address to listen on, not to call: use 127.0.0.1")
    if parts.path.rstrip("/").endswith(("/completions", "/responses", "/models")):
        shorter = base_url[: base_url.rindex("/v1") + 3] if "/v1" in base_url else base_url.rpartition("/")[0]
        raise EndpointError(f"base_url is {base_url!r}: remove what follows {shorter}")


def _listed(access: Access, model: str) -> list[str]:
    """What the server's list of models lets one know; only a server that is not there ends a run here.

    Lists come in many forms, some servers have none, and some list a model under another name than they take.
    """
    import openai

    try:
        with access.client(retries=1, timeout=10) as client:
            listing = client.get("/models", cast_to=object)
    except openai.APIStatusError as error:
        failure = _failures.judge(error)
        if error.status_code in (401, 407) or 300 <= error.status_code < 400:
            if error.status_code == 401 and not access.variable:
                return []  # some lists want a key where chat does not: the first request will tell
            raise ends_run(failure, error, access, model) from None
        return []  # no list, or not yet: the first request will tell
    except Exception as error:  # whatever a list that is none makes of the client
        failure = _failures.judge(error)
        if failure.kind == "account":
            raise ends_run(failure, error, access, model) from error
        return []
    return _about(listing, model)


def _about(listing: object, model: str) -> list[str]:
    entries = listing.get("data") or listing.get("models") if isinstance(listing, dict) else listing
    entries = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    known = {str(name): entry for entry in entries if (name := entry.get("id") or entry.get("name"))}
    alike = next((name for name in known if name.partition(":")[0] == model.partition(":")[0]), None)
    if model not in known and known and not alike:
        names = ", ".join(sorted(known)[:8])
        return [
            f"{model!r} is not in the server's list of models ({names}): a first request will show if it is served."
        ]
    ends = known.get(model, {}).get("shutdown_date")
    if ends is None:
        return []
    day = datetime.fromtimestamp(ends, UTC).date().isoformat() if isinstance(ends, int | float) else str(ends)
    return [f"Model {model} is shut down on {day}: its replies cannot be reproduced after that."]


def ends_run(failure: _failures.Failure, error: Exception, access: Access, model: str) -> EndpointError:
    """The error that ends a run because no other request can fare better; an `AccountError` if none at that address."""
    where, variable = access.base_url, access.variable
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    if _failures.untrusted(error):
        return AccountError(
            f"the certificate of {where} is not trusted on this machine ({failure.reason[:120]}): set "
            "the environment variable SSL_CERT_FILE to the file of its authority"
        )
    if status is None:
        return AccountError(f"{where} does not respond: start the server, or correct base_url; run again to resume")
    if 300 <= status < 400:
        there = getattr(error, "response", None)
        to = there.headers.get("location", "another address") if there is not None else "another address"
        return AccountError(f"{where} redirects to {to}, which was not followed: set base_url to it if you trust it")
    if status == 401:
        key = f"rejected the key: check {variable}" if variable else "needs a key: name its variable in api_key_env"
        return AccountError(f"{where} {key} (401: {access.masked(failure.reason)})")
    if status in (404, 405):
        said = access.masked(failure.reason)
        hint = "" if urlsplit(where).path.strip("/") else "; most addresses end in /v1"
        return EndpointError(
            f"model {model!r} is not served at {where} ({status}: {said}): correct model or base_url{hint}"
        )
    if status == 402 or (status in (400, 403, 429) and _failures.is_about_money(failure.reason + failure.sign)):
        said = access.masked(failure.reason)
        return AccountError(f"the account at {where} has no quota or money left ({said}): top it up and run again")
    return AccountError(
        f"{where} returns status {status} for every request: {access.masked(failure.reason)}; replies are kept"
    )
