"""Speaks a dialect on 127.0.0.1 over real sockets, from a thread, and keeps every request.

No streaming: the client under test does not stream.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

from tests.support.dialects.base import Answer, Asked, Dialect, key_in, reply


@dataclass
class Served:
    """A running fake: its address, and what it was sent."""

    base_url: str = ""
    asked: list[Asked] = field(default_factory=list)
    listings: list[dict[str, str]] = field(default_factory=list)  # headers of each, names in lower case

    @property
    def fields(self) -> set[str]:
        """Every field of every chat body received."""
        return {name for one in self.asked for name in one.body}


class _Server:
    """One dialect behind aiohttp's routes, and the replies it was told to give."""

    def __init__(self, dialect: Dialect, special: str | Mapping[int, str], seen: Served) -> None:
        self._dialect = dialect
        self._special = special
        self._seen = seen
        self._loading = dialect.loading
        self._slots = asyncio.Semaphore(dialect.slots or 10_000)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_get(self._dialect.path + "/models", self._models)
        app.router.add_post(self._dialect.path + "/chat/completions", self._chat)
        return app

    def _early(self, wanted: str, headers: Mapping[str, str]) -> Answer | None:
        """503 while the model is loading, 401 without the key."""
        if self._loading:
            self._loading -= 1
            error = self._dialect.error(503, "Loading model", type="unavailable_error", code=503)
            return Answer(error, 503)
        if wanted and key_in(headers) != wanted:
            return Answer(self._dialect.error(401, "Unauthorized", code="invalid_api_key"), 401)
        return None

    async def _models(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._seen.listings.append(headers)
        early = self._early(self._dialect.listing_key, headers)
        if early:
            return early.response()
        if not self._dialect.listing:
            return Answer(self._dialect.error(404, "Not Found"), 404).response()
        body = self._dialect.listing(self._dialect.model)
        return (body if isinstance(body, Answer) else Answer(body)).response()

    async def _chat(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(self._dialect, len(self._seen.asked) + 1, headers, await request.json())
        self._seen.asked.append(asked)
        answer = self._early(self._dialect.key, headers) or self._answer(asked)
        async with self._slots:
            await asyncio.sleep(self._dialect.seconds + answer.seconds)
        if answer.hang_up and request.transport:
            request.transport.abort()
        return answer.response()

    def _answer(self, asked: Asked) -> Answer:
        name = self._special if isinstance(self._special, str) else self._special.get(asked.number, "")
        if name:
            return self._dialect.specials[name](asked)
        refused = self._dialect.refuse(asked)
        if refused:
            return refused
        if 0 < self._dialect.max_pictures < len(asked.pictures):
            return self._dialect.too_many(asked)
        if any(kind != self._dialect.video for kind, _ in asked.videos):
            return self._dialect.no_video(asked)
        if 0 < self._dialect.context < asked.prompt_tokens:
            return self._dialect.overflow(asked)
        return Answer(reply(asked))


@contextmanager
def serve(dialect: Dialect, special: str | Mapping[int, str] = "") -> Iterator[Served]:
    """Speak `dialect` on a free port of 127.0.0.1 until the block ends.

    Args:
        special: name of one of the dialect's specials for every chat request, or number of a request (from 1)
            -> name.
    """
    names = {special} - {""} if isinstance(special, str) else set(special.values())
    if names - dialect.specials.keys():
        raise KeyError(f"no such special: {', '.join(sorted(names - dialect.specials.keys()))}")
    seen, loop = Served(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> web.AppRunner:
        runner = web.AppRunner(_Server(dialect, special, seen).app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result()
    seen.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}{dialect.path}"
    try:
        yield seen
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
