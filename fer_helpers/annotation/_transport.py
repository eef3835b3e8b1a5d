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
from itertools import count
from typing import TYPE_CHECKING, Any

from fer_helpers import statuses
from fer_helpers.annotation._failures import BadReply, Failure, body_of, judge
from fer_helpers.annotation._limits import Budget, Concurrency, Rates
from fer_helpers.errors import AccountError
from fer_helpers.prompting import pricing, replies

if TYPE_CHECKING:
    import openai

ATTEMPTS = 6  # at what fails in passing, such as a server error
ATTEMPTS_LIMITED = 20  # at what is refused by rate, which says nothing about the request
MAX_WAIT_S = 600.0  # between the attempts at one request, together


@dataclass(frozen=True)
class Reply:
    """What came of a request: a reply, or the error that its last attempt ended with."""

    text: str  # the response's body as it came
    answer: replies.Answer | None  # the same, read; None if there is an error
    error: Exception | None
    failure: Failure | None  # what the error means
    request_id: str
    latency_s: float  # of the last attempt, from sending to the reply's end
    attempts: int
    usd: float | None = None  # price of the reply; None if not known
    earlier_usd: float = 0.0  # what attempts before it were billed, or may have been

    @property
    def kept(self) -> str:
        """What the archive keeps: the body as it came, or what the error said."""
        if self.failure is None or self.error is None:
            return self.text
        known = [getattr(self.error, name, None) for name in ("status_code", "status", "code", "type")]
        status = next((int(one) for one in known[:2] if one), 0)
        code = next((str(one) for one in known[2:] if one), "")
        return replies.error_entry(status, self.failure.reason, code, self.text or body_of(self.error))


def _backoff(attempt: int) -> float:
    """Seconds after failed attempt number `attempt`: exponential with full jitter.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0, min(30.0, 0.5 * 2**attempt))


def cost_usd(
    model: str, content: Mapping[str, Any], via: str = "online", prices: pricing.PriceBook = pricing.OURS
) -> float | None:
    """Price of a reply by the tokens it says were billed, US$; None if it does not say, or has no price."""
    first, second = replies.billed(content)
    return None if first is None or second is None else prices.cost_usd(model, first, second, batch=via == "batch")


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
        timeout_s: float = 120.0,
        prices: pricing.PriceBook = pricing.OURS,
    ) -> None:
        self._client = client
        self._concurrency = concurrency
        self._rates = rates
        self._budget = budget
        self._timeout_s = timeout_s
        self._prices = prices
        self.under_way: set[asyncio.Task[Any] | None] = set()  # tasks with a reply on its way, or not kept yet

    async def send(self, model: str, asked: replies.Asked, body: bytes, tokens: int, usd: float) -> Reply:
        """Send `body` as often as its failures deserve.

        Args:
            model: whose prices hold.
            asked: what the reply may say.
            body: of the request.
            tokens: what an attempt counts against tokens a minute.
            usd: what an attempt can cost at worst, US$.

        Raises:
            _limits.CapReached: an attempt could cost more than is left.
            AccountError: the server wants a longer pause than a run should make.
        """
        waited, earlier_usd, failures = 0.0, 0.0, Counter[str]()
        for attempt in count(1):
            reply, spent = await self._attempt(model, asked, body, tokens, usd, attempt)
            pause = None
            if reply.failure:
                failures[reply.failure.kind] += 1
                pause = self._pause(reply.failure, failures[reply.failure.kind], MAX_WAIT_S - waited)
            if pause is None:
                lost = spent if reply.error else 0.0
                return Reply(**{**vars(reply), "earlier_usd": earlier_usd + lost})
            earlier_usd += spent
            waited += pause
            await asyncio.sleep(pause)
        raise AssertionError("unreachable: count() does not end")

    def _pause(self, failure: Failure, failures: int, left: float) -> float | None:
        """Seconds until the next attempt; None if there is to be none."""
        limited = failure.kind == "limited"
        if failure.kind in ("request", "account") or failures >= (ATTEMPTS_LIMITED if limited else ATTEMPTS):
            return None
        if limited and (failure.after_s or 0) > MAX_WAIT_S:
            minutes = math.ceil((failure.after_s or 0) / 60)
            raise AccountError(f"{self._client.base_url} rate limit: retry in {minutes} min ({failure.reason})")
        pause = _backoff(failures) if failure.after_s is None else failure.after_s * random.uniform(1, 1.1)
        return pause if pause <= left else None

    async def _attempt(
        self, model: str, asked: replies.Asked, body: bytes, tokens: int, usd: float, attempt: int
    ) -> tuple[Reply, float]:
        """One exchange, when there is money, time and a place for it; and what it was billed, or may have been."""
        await self._budget.reserve(usd)
        spent = 0.0
        try:
            await self._rates.acquire(tokens)
            entered = await self._concurrency.enter()
            self.under_way.add(asyncio.current_task())
            spent = usd  # what was sent may be billed, unless the reply says otherwise
            try:
                reply = await self._exchange(model, asked, body, attempt)
            finally:
                self._concurrency.leave()
            if reply.failure is None:
                self._concurrency.served()
                spent = usd if reply.usd is None else reply.usd
            else:
                self.under_way.discard(asyncio.current_task())
                spent = (usd if reply.usd is None else reply.usd) if reply.failure.lost else 0.0
                if reply.failure.kind == "limited" or reply.failure.timed_out:
                    self._concurrency.refused(entered, min(reply.failure.after_s or 0.0, MAX_WAIT_S))
            return reply, spent
        finally:
            self._budget.settle(usd, spent)

    async def _exchange(self, model: str, asked: replies.Asked, body: bytes, attempt: int) -> Reply:
        import aiohttp
        import httpx2
        import openai

        text, answer, usd, error = "", None, None, None
        began = time.monotonic()
        try:
            async with asyncio.timeout(2 * self._timeout_s):
                response = await self._client.post("/chat/completions", content=body, cast_to=httpx2.Response)
            headers: Mapping[str, str] = response.headers
            text = response.content.decode("utf-8", "replace")
            content = _object(text)
            usd = cost_usd(model, content, prices=self._prices)
            answer = _answer(text, content, asked)
        # The client's aiohttp transport lets some of aiohttp's errors through as they are.
        except (openai.APIError, BadReply, aiohttp.ClientError, httpx2.HTTPError, OSError) as caught:
            error, answer = caught, None
            headers = getattr(getattr(caught, "response", None), "headers", {})
        latency = round(time.monotonic() - began, 4)
        failure = judge(error) if error else None
        return Reply(text, answer, error, failure, headers.get("x-request-id", "")[:200], latency, attempt, usd)


def _object(text: str) -> dict[str, Any]:
    """The JSON object that a body is; empty where it nests deeper than can be read.

    Raises:
        BadReply: it is none: cut, or a proxy's page.
    """
    try:
        content = json.loads(text)
    except RecursionError:
        return {}
    except ValueError as error:
        raise BadReply(f"the reply is not JSON: {error}", text) from None
    if not isinstance(content, dict):
        raise BadReply("the reply is not a completion", text)
    return content


def _answer(text: str, content: Mapping[str, Any], asked: replies.Asked) -> replies.Answer:
    """What a body says; BadReply where that is no answer, although its status was 200."""
    if not content:
        return replies.read(text, *asked)
    answer = replies.parse(content, *asked)
    if answer.status != statuses.ERROR:
        return answer
    status, code = replies.error_code(content)
    raise BadReply(answer.text or "the reply contains no answer", text, status, code)
