"""What an error means: for this request, for the account, or for the moment; pure, from what servers say."""

from __future__ import annotations

import json
import math
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from fer_helpers.prompting import replies

_PER_MINUTE = re.compile(r"per[ _-]?min|rpm|tpm|/min", re.IGNORECASE)
_PER_DAY = re.compile(
    r"per[ _-]?day|\bdaily\b|\brpd\b|\btpd\b|/day|per[ _-]?month|monthly|per[ _-]?week", re.IGNORECASE
)
_MONEY = re.compile(
    r"insufficient[ _]?(?:quota|credit|fund|balance)|billing|credit|payment|balance|budget|spend|current quota"
    r"|top[ -]?up|arrear|exceeded your (?:current )?quota",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api[ _-]?key|\btoken\b|credential|permission|unauthori[sz]ed|authentication|not authori[sz]ed|region|country"
    r"|territory|organi[sz]ation|project|account|suspended|deactivated",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(r"too large|too long|exceeds? .*context|context.*exceed|maximum context", re.IGNORECASE)
_NOT_SUPPORTED = re.compile(
    r"not support|unsupported|no support|does not accept image|image input|cannot (?:read|process) image|multimodal",
    re.IGNORECASE,
)

Kind = Literal["request", "account", "transient", "limited"]


class BadReply(Exception):
    """Status 200 and yet no answer: cut JSON, a proxy's page, an error in disguise, a reply cut off in the middle.

    Attributes:
        status: of HTTP that the body itself speaks of; None if it does not.
        code: its code.
        body: the response as it came.
    """

    def __init__(self, message: str, body: str = "", status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.body, self.status, self.code = body, status, code


@dataclass(frozen=True)
class Failure:
    """What an error means.

    Attributes:
        kind: "request": true of this request, asking again is no use; "account": true of every request, the run
            ends; "transient": may pass; "limited": refused by rate, which says nothing about the request.
        reason: what the server said, in one line.
        after_s: when the server says to ask again, s.
        lost: the request may have been billed although no reply came.
        timed_out: nobody answered in time.
        sign: the same for failures of the same cause.
    """

    kind: Kind
    reason: str
    after_s: float | None = None
    lost: bool = False
    timed_out: bool = False
    sign: str = ""


def judge(error: Exception) -> Failure:
    """What an error of an attempt means, by its status, its code and its words."""
    import openai

    if isinstance(error, openai.APIStatusError):
        reason, code = said(error)
        kind = _of_status(error.status_code, f"{code} {reason} {body_of(error)}")
        sign = f"{error.status_code} {code or reason[:60]}"
        return Failure(kind, reason, retry_after(error.response.headers), sign=sign)
    if isinstance(error, BadReply):
        kind = _of_status(error.status, str(error)) if error.status else "transient"
        return Failure(kind, str(error), lost=True, sign=f"200 {error.code or str(error)[:60]}")
    name = type(error).__name__
    if untrusted(error):
        return Failure("account", str(_cause(error, ssl.SSLError)), sign=name)
    if unreachable(error):
        return Failure("account", "no connection", sign=name)
    timed_out = _is_time_out(error)
    reason = "no reply in time" if timed_out else _line(str(error)) or name
    return Failure("transient", reason, lost=True, timed_out=timed_out, sign="time-out" if timed_out else name)


def _of_status(status: int, words: str) -> Kind:
    """The kind of an HTTP status with these words; what is not known to be otherwise is true of the request."""
    if status in (401, 404, 405, 407) or 300 <= status < 400:
        return "account"
    if replies.is_filter(status, words):
        return "request"
    if status == 429:
        return _of_limit(words)
    if status in (408, 409, 425) or status >= 500:
        return "request" if _NOT_SUPPORTED.search(words) else "transient"
    if status == 402 or (status in (400, 403) and _MONEY.search(words)):
        return "account"
    if status == 403 or "API_KEY" in words.upper().replace(" ", "_"):
        return "account" if _KEY.search(words) else "request"
    return "request"


def _of_limit(words: str) -> Kind:
    if re.search(r"request(?:ed)? too large|too large for", words, re.IGNORECASE):
        return "request"
    if _PER_DAY.search(words):
        return "account"
    if _PER_MINUTE.search(words):
        return "limited"
    return "account" if _MONEY.search(words) else "limited"


def is_about_money(words: str) -> bool:
    """Whether an error's words are about quota, credit or billing."""
    return bool(_MONEY.search(words))


def said(error: Any) -> tuple[str, str]:
    """What a response with an error status says, in one line, and its code or type; whatever form its body has."""
    text = body_of(error)
    try:
        body: Any = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    body = body[0] if isinstance(body, list) and body else body
    inner = body.get("error", body) if isinstance(body, dict) else None
    if isinstance(inner, dict):
        detail = inner.get("message") or inner.get("detail") or inner.get("msg") or inner
        raw = (inner.get("metadata") or {}).get("raw") if isinstance(inner.get("metadata"), dict) else None
        words = detail if isinstance(detail, str) else json.dumps(detail)
        words += f" ({raw})" if isinstance(raw, str) else ""
        codes = [inner.get(name) for name in ("code", "type", "status")]
        code = next((str(one) for one in codes if one and str(one) != str(error.status_code)), "")
        return _line(words), code[:80]
    if isinstance(inner, str):
        return _line(inner), ""
    title = re.search(r"<title>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return _line(title[1] if title else text) or f"status {error.status_code}", ""


def body_of(error: Any) -> str:
    """The body of the response behind an error, cut; its message where there is none."""
    try:
        return str(error.response.text)[:20_000]
    except Exception:  # the body was not read, or is no text
        return str(getattr(error, "message", ""))


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by `retry-after-ms`, or by `Retry-After` in seconds or as an HTTP date; None if not said."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def _cause(error: BaseException, kind: type[BaseException]) -> BaseException:
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), error)


def untrusted(error: BaseException) -> bool:
    """Whether the server's certificate is not trusted here."""
    return any(isinstance(cause, ssl.SSLError) or "CERTIFICATE_VERIFY" in str(cause) for cause in _causes(error))


def unreachable(error: BaseException) -> bool:
    """Whether no connection came about: refused, no route, no such name, or nobody took it in time.

    A connection that broke is another thing: the next may hold. The client's aiohttp transport reports both as
    a time-out to connect, so what counts is what aiohttp said, which stands among the causes.
    """
    import aiohttp
    import httpx2

    causes = _causes(error)
    if any(isinstance(cause, aiohttp.ClientError) for cause in causes):
        never = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
        return any(isinstance(cause, never) for cause in causes)
    return any(isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout) for cause in causes)


def _is_time_out(error: BaseException) -> bool:
    import httpx2
    import openai

    kinds = (openai.APITimeoutError, TimeoutError, httpx2.TimeoutException)
    return any(isinstance(cause, kinds) for cause in _causes(error))
