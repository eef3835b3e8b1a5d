"""A room of students at the endpoint: who may ask and how much, and the books of what each has asked."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from aiohttp import web

from fer_helpers.endpoint.limits import Bucket, failure, quota_exceeded, rate_limited
from fer_helpers.endpoint.streaming import Completion
from fer_helpers.endpoint.students import TOKENS, classroom, whose
from fer_helpers.paths import shown

PATH = "/v1/chat/completions"
BOOKS = "books.sqlite"
STRANGER = "(wrong or no token)"
AT_ONCE = 2  # requests of one student that are worked on; others of theirs wait for these, and hold up nobody else
COUNTS = ("answered", "refused", "failed", "tokens")
COLUMNS = ["student", *COUNTS, "first_at", "last_at"]

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_TABLE = (
    "CREATE TABLE IF NOT EXISTS books (student TEXT PRIMARY KEY, answered, refused, failed, tokens, first_at, last_at)"
)
_ADD = (
    "INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (student) DO UPDATE SET last_at = excluded.last_at, "
    + ", ".join(f"{count} = {count} + excluded.{count}" for count in COUNTS)
)


@dataclass(frozen=True)
class Limits:
    """Of each student: requests a minute, and answers in all."""

    requests_per_minute: int = 600
    max_requests: int = 10_000


class Room:
    """Lets those in who have a token, each within `limits`, and counts in the file `books`, which outlives it.

    Nothing of a request is kept but that it was made. Lives in the app's event loop, so needs no lock.

    Args:
        tokens: name -> token, of `students.tokens_of`.
        books: file of the counts; made if it is not there.
        limits: of each student.
    """

    def __init__(self, tokens: Mapping[str, str], books: Path, limits: Limits) -> None:
        self._tokens, self._limits = tokens, limits
        books.parent.mkdir(parents=True, exist_ok=True)
        self._books = sqlite3.connect(books, isolation_level=None, check_same_thread=False)
        self._books.execute("PRAGMA journal_mode = WAL")  # read while it is written
        self._books.execute("PRAGMA synchronous = NORMAL")  # a killed server loses nothing
        self._books.execute(_TABLE)
        self._answered = Counter(dict(self._books.execute("SELECT student, answered FROM books")))
        self._under_way: Counter[str] = Counter()
        self._rates = {name: Bucket(limits.requests_per_minute) for name in tokens}
        self._turns = {name: asyncio.Semaphore(AT_ONCE) for name in tokens}

    @property
    def terms(self) -> str:
        """For whoever serves it: who gets in, how much each may ask, and who can see what."""
        limits = self._limits
        return (
            f"{len(self._tokens)} students, each with a token as key: {shown(classroom() / TOKENS)}\n"
            f"each: {limits.requests_per_minute} requests a minute, {limits.max_requests} in all; "
            "`fer-helpers classroom` shows who asked how much\n"
            "this machine receives the students' pictures and keeps only counts; students see nothing of each other\n"
            "plain HTTP: whoever is on this network can read pictures and tokens on their way"
        )

    @web.middleware
    async def admit(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """The reply to a student's request, or why there is none: 401, or 429 as a hosted service says it."""
        student = whose(request.headers.get("Authorization", ""), self._tokens)
        if student is None:
            self._enter(STRANGER, refused=1)
            message = "Incorrect API key provided: the key is the token that your teacher gave you."
            return failure(401, message, "invalid_request_error", "invalid_api_key")
        if request.path != PATH:
            return await handler(request)
        if refusal := self._refusal(student):
            self._enter(student, refused=1)
            return refusal
        self._rates[student].take(1)
        self._under_way[student] += 1
        try:
            async with self._turns[student]:
                reply = await handler(request)
        except BaseException:
            self._enter(student, failed=1)
            raise
        finally:
            self._under_way[student] -= 1
        assert isinstance(reply, Completion)
        self._enter(student, answered=1, tokens=reply.reply["usage"]["total_tokens"])
        return reply

    async def close(self, app: web.Application) -> None:
        self._books.close()

    def _refusal(self, student: str) -> web.Response | None:
        if self._answered[student] + self._under_way[student] >= self._limits.max_requests:
            return quota_exceeded(
                f"You exceeded your current quota of {self._limits.max_requests} requests: ask your teacher for more."
            )
        wait = self._rates[student].seconds_to(1)
        return rate_limited("requests", math.ceil(wait)) if wait > 0 else None

    def _enter(self, student: str, **counts: int) -> None:
        self._answered[student] += counts.get("answered", 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._books.execute(_ADD, [student, *(counts.get(name, 0) for name in COUNTS), now, now])


def read_books(path: Path) -> pd.DataFrame:
    """What each student asked: student, answered, refused (401 and 429), failed, tokens, first_at, last_at (UTC).

    The one who asked most comes first; no rows without a file.
    """
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    with closing(sqlite3.connect(path)) as books:
        return pd.read_sql("SELECT * FROM books ORDER BY answered DESC, student", books)
