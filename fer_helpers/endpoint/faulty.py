"""Carries out a plan of faults on the endpoint's chat completions, keeps rate limits, and counts in its books."""

from __future__ import annotations

import asyncio
import math
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass

from aiohttp import web

from fer_helpers.endpoint import faults as plans
from fer_helpers.endpoint.faults import Faults
from fer_helpers.endpoint.limits import ROUNDING, Bucket, failure, milliseconds, quota_exceeded, rate_limited
from fer_helpers.endpoint.streaming import Completion

PATH = "/v1/chat/completions"
BOOKS = "/fer/books"
SWAPPED = web.RequestKey("swapped", bool)  # whether another model answers the request
# What the headers tell where the plan sets no limit; too much for one machine to reach.
MANY_REQUESTS, MANY_TOKENS = 1_000_000, 10_000_000_000

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PROXY_PAGE = "<html><head><title>503 Service Temporarily Unavailable</title></head><body></body></html>"


@dataclass
class _Page:
    """What the books say of one request body."""

    received: int = 0
    completed: int = 0  # whole completions, sent to the last byte
    billed_tokens: int = 0


class _Desk:
    """One app's state: the plan, the books, the rate limits. Lives in the app's event loop, so needs no lock."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.pages: defaultdict[str, _Page] = defaultdict(_Page)
        self.requests = Bucket(faults.requests_per_minute or MANY_REQUESTS)
        self.tokens = Bucket(faults.tokens_per_minute or MANY_TOKENS)
        self.admitted: Counter[str] = Counter()  # attempts by request, without those that a limit refused
        self.answers = self.underway = 0
        self.closing = asyncio.Event()

    async def serve(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """The reply to one chat completion, with the faults that the plan has for it."""
        name = plans.digest(await request.read())
        page = self.pages[name]
        page.received += 1
        refused = self._refused()
        if refused:
            return refused
        self.requests.take(1)
        self.admitted[name] += 1
        kind = self.faults.passing(name, self.admitted[name])
        self.underway += 1
        try:
            reply = await self._reply(request, handler, name, kind)
        finally:
            self.underway -= 1
        return await self._sent(request, reply, page, kind)

    def _refused(self) -> web.Response | None:
        """429 where quota or rate leave no room for another request."""
        quota = self.faults.insufficient_quota_after
        if quota is not None and self.answers + self.underway >= quota:
            return quota_exceeded()
        for what, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            if bucket.level() < 1 - ROUNDING:
                return rate_limited(what, milliseconds(bucket.seconds_to(1)) / 1000)
        return None

    async def _reply(self, request: web.Request, handler: _Handler, name: str, kind: str | None) -> web.Response:
        """The answer, billed, as the request's fate leaves it; or the error that the fault `kind` is."""
        if kind == "rate_limited":
            return rate_limited("requests", self.faults.retry_after_s)
        page, fate = self.pages[name], self.faults.content(name)
        await asyncio.sleep(self.faults.latency(name, self.admitted[name]))
        if kind == "server_error":
            return failure(500, "The server had an error while processing your request.", "server_error")
        if kind == "unavailable":
            return web.Response(status=503, text=_PROXY_PAGE, content_type="text/html")
        if fate == "filtered_400":
            return failure(400, "The response was filtered.", "invalid_request_error", "content_filter")
        after = self.faults.swapped_after
        request[SWAPPED] = after is not None and self.answers >= after
        response = await handler(request)
        assert isinstance(response, Completion)
        if fate:
            response = Completion(plans.altered(response.reply, fate, name), response.stream)
        billed = response.reply["usage"]["total_tokens"]
        self.answers += 1
        page.billed_tokens += billed
        self.tokens.take(billed)
        return response

    async def _sent(
        self, request: web.Request, reply: web.Response, page: _Page, kind: str | None
    ) -> web.StreamResponse:
        """`reply` on the wire as far as the passing fault `kind` lets it; entered in the books if it is whole."""
        body = reply.body
        assert isinstance(body, bytes)
        if kind == "stall":
            with suppress(TimeoutError):
                await asyncio.wait_for(self.closing.wait(), self.faults.stall_s)
        if kind == "truncated_json" and reply.status == 200:
            return web.Response(body=body[: len(body) // 2], content_type=reply.content_type)
        if kind == "reset":
            return await _cut(request, reply, body)
        with suppress(ConnectionError):  # the client gave up just now
            if request.transport:
                await reply.prepare(request)
                await reply.write_eof()
                page.completed += reply.status == 200
        return reply

    def headers(self) -> dict[str, str]:
        """x-ratelimit-* as OpenAI sends them: the limits, what is left, and how long until all of it is back."""
        found = {}
        for what, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            found[f"x-ratelimit-limit-{what}"] = str(bucket.limit)
            found[f"x-ratelimit-remaining-{what}"] = str(max(0, math.floor(bucket.level() + ROUNDING)))
            found[f"x-ratelimit-reset-{what}"] = duration(bucket.seconds_to(bucket.limit))
        return found


def install(app: web.Application, faults: Faults) -> None:
    """Put `faults` in the way of the chat completions of `app`, and its books at `/fer/books`.

    The books are no part of OpenAI's API. GET gives JSON: for each request, by `faults.digest` of its body,
    how often it was `received`, how many completions were `completed` (sent to the last byte), and
    `billed_tokens`, as a provider would bill: also for an answer that was made and never arrived.
    """
    desk = _Desk(faults)

    @web.middleware
    async def strike(request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.path != PATH or request.method != "POST":
            return await handler(request)
        return await desk.serve(request, handler)

    async def rates(request: web.Request, response: web.StreamResponse) -> None:
        if request.path == PATH:
            response.headers.update(desk.headers())

    async def close(app: web.Application) -> None:
        desk.closing.set()  # a stalled request must not hold up the end

    async def books(request: web.Request) -> web.Response:
        return web.json_response({name: asdict(page) for name, page in desk.pages.items()})

    app.middlewares.append(strike)
    app.on_response_prepare.append(rates)
    app.on_shutdown.append(close)
    app.router.add_get(BOOKS, books)


async def _cut(request: web.Request, reply: web.Response, body: bytes) -> web.StreamResponse:
    """Half of `body` under headers that announce all of it; then the connection ends."""
    half = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
    half.content_length = len(body)
    with suppress(ConnectionError):
        await half.prepare(request)
        await half.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return half


def duration(seconds: float) -> str:
    """Seconds as OpenAI's headers write them: `12ms`, `1.5s`, `6m0s`."""
    minutes, ms = divmod(milliseconds(seconds), 60_000)
    if not minutes and ms < 1000:
        return f"{ms}ms"
    return (f"{minutes}m" if minutes else "") + f"{ms / 1000:g}s"
