"""Sends one request until it is answered or hopeless: the one retry layer of online annotation."""

from __future__ import annotations

import asyncio
import json
import math
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from fer_helpers.annotation import access
from fer_helpers.annotation._limits import Budget, Concurrency, Rates
from fer_helpers.errors import EndpointError
from fer_helpers.prompting import pricing

if TYPE_CHECKING:
    import openai

ATTEMPTS = 6  # at what fails in passing, such as a server error
ATTEMPTS_LIMITED = 20  # at what is refused by rate, which says nothing about the request
MAX_WAIT_S = 600.0  # between the attempts at one request, together
TIMEOUT_S = 120.0  # without a byte; a whole exchange may take twice as long


class BadReply(Exception):
    """Status 200 and yet no completion: cut JSON, a proxy's page, an error in disguise."""


@dataclass(frozen=True)
class Reply:
    """What came of a request: a reply, or the error that its last attempt ended with."""

    text: str  # JSON as it came
    content: dict[str, Any]  # the same, read; empty if there is an error
    error: Exception | None
    request_id: str
    latency_s: float  # of the last attempt, from sending to the reply's end
    attempts: int


@dataclass(frozen=True)
class Failure:
    """What an error means: may asking again help, when does the server say to, may it have been billed."""

    kind: Literal["no", "transient", "limited"]
    after_s: float | None = None
    lost: bool = False


def judge(error: Exception) -> Failure:
    """What an error of an attempt means, by its status and code.

    408, 409 and 5xx pass, and so do broken connections, time-outs and replies that are cut; 429 is a refusal by
    rate, except for an empty purse (`insufficient_quota`), which waiting does not fill.
    """
    import openai

    if isinstance(error, openai.APIStatusError):
        after = retry_after(error.response.headers)
        if error.status_code == 429 and error.code != "insufficient_quota":
            return Failure("limited", after)
        passing = error.status_code in (408, 409) or error.status_code >= 500
        return Failure("transient" if passing else "no", after)
    return Failure("transient", lost=not access.unreachable(error))


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


def _backoff(attempt: int) -> float:
    """Seconds after failed attempt number `attempt`: exponential with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0, min(30.0, 0.5 * 2**attempt))


def cost_usd(
    model: str, content: Mapping[str, Any], via: str = "online", prices: pricing.PriceBook = pricing.OURS
) -> float | None:
    """Price of a reply by the tokens it says were billed, US$; None if it does not say, or has no price."""
    tokens = billed(content)
    return None if None in tokens else prices.cost_usd(model, *tokens, batch=via == "batch")  # type: ignore[arg-type]


def billed(content: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Tokens in and out that a reply says were billed; None where it says nothing that could be."""
    usage = content.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    tokens = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    first, second = (value if isinstance(value, int) and value >= 0 else None for value in tokens)
    return first, second


class Sender:
    """Posts requests through one client, held back by `concurrency`, `rates` and `budget`.

    The client's own retries must be off (`max_retries=0`): two layers would multiply. Bodies go out and replies
    come back as bytes, because the client's walk over `messages` and its typed replies cost more than all the
    rest together; its errors, time-outs and headers are the same on that path.
    """

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        concurrency: Concurrency,
        rates: Rates,
        budget: Budget,
        prices: pricing.PriceBook = pricing.OURS,
    ) -> None:
        self._client = client
        self._concurrency = concurrency
        self._rates = rates
        self._budget = budget
        self.prices = prices
        self.under_way: set[asyncio.Task[Any] | None] = set()  # tasks with a reply on its way, or not kept yet

    async def send(self, model: str, body: bytes, tokens: int, usd: float) -> Reply:
        """Send `body` as often as its failures deserve.

        Args:
            model: whose prices hold.
            tokens: what an attempt counts against tokens a minute.
            usd: what an attempt can cost at worst, US$.

        Raises:
            throttle.CapReached: an attempt could cost more than is left.
            EndpointError: the server wants a longer pause than a run should make.
        """
        waited, failures = 0.0, Counter[str]()
        for attempt in count(1):
            reply = await self._attempt(model, body, tokens, usd, attempt)
            if reply.error is None:
                return reply
            failure = judge(reply.error)
            failures[failure.kind] += 1
            pause = self._pause(failure, failures[failure.kind], MAX_WAIT_S - waited)
            if pause is None:
                return reply
            waited += pause
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: count() does not end")

    def _pause(self, failure: Failure, failures: int, left: float) -> float | None:
        """Seconds until the next attempt; None if there is to be none."""
        limited = failure.kind == "limited"
        if failure.kind == "no" or failures >= (ATTEMPTS_LIMITED if limited else ATTEMPTS):
            return None
        if limited and (failure.after_s or 0) > MAX_WAIT_S:
            minutes = math.ceil((failure.after_s or 0) / 60)
            raise EndpointError(f"{self._client.base_url} wants no more requests for {minutes} min: run again then")
        pause = _backoff(failures) if failure.after_s is None else failure.after_s * random.uniform(1, 1.1)
        return pause if pause <= left else None

    async def _attempt(self, model: str, body: bytes, tokens: int, usd: float, attempt: int) -> Reply:
        """One exchange, when there is money, time and a place for it."""
        await self._budget.reserve(usd)
        spent = 0.0
        try:
            await self._rates.acquire(tokens)
            entered = await self._concurrency.enter()
            self.under_way.add(asyncio.current_task())
            spent = usd  # what was sent may be billed, unless the reply says otherwise
            try:
                reply = await self._exchange(body, attempt)
            finally:
                self._concurrency.leave()
            if reply.error is None:
                self._concurrency.served()
                known = cost_usd(model, reply.content, prices=self.prices)
                spent = usd if known is None else known
            else:
                self.under_way.discard(asyncio.current_task())
                failure = judge(reply.error)
                spent = usd if failure.lost else 0.0
                if failure.kind == "limited":
                    self._concurrency.refused(entered, min(failure.after_s or 0.0, MAX_WAIT_S))
            return reply
        finally:
            self._budget.settle(usd, spent)

    async def _exchange(self, body: bytes, attempt: int) -> Reply:
        import aiohttp
        import httpx2
        import openai

        text, error = "", None
        content: dict[str, Any] = {}
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                response = await self._client.post("/chat/completions", content=body, cast_to=httpx2.Response)
            text, content = _completion(response.content)
            headers: Mapping[str, str] = response.headers
        # The client's aiohttp transport lets some of aiohttp's errors through as they are.
        except (openai.APIError, BadReply, aiohttp.ClientError, httpx2.HTTPError, OSError) as caught:
            error = caught
            headers = getattr(getattr(caught, "response", None), "headers", {})
        latency = round(time.monotonic() - began, 4)
        return Reply(text, content, error, headers.get("x-request-id", "")[:200], latency, attempt)


def _completion(raw: bytes) -> tuple[str, dict[str, Any]]:
    text = raw.decode("utf-8", "replace")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReply(f"reply is not JSON: {error}") from None
    if not isinstance(content, dict) or ("error" in content and not content.get("choices")):
        raise BadReply(f"reply is no completion: {text[:500]}")
    return text, content
