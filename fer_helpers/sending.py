"""Sends one request until it is answered or hopeless: the one retry layer of online annotation."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from fer_helpers.errors import EndpointError
from fer_helpers.throttle import Budget, Concurrency, Rates

if TYPE_CHECKING:
    import openai

ATTEMPTS = 6  # for failures that pass, such as a server error
ATTEMPTS_LIMITED = 20  # for refusals by rate, which pass by themselves
MAX_WAIT_S = 600.0  # for one request, between its attempts
TIMEOUT_S = 120.0  # without a byte; a whole exchange may take twice as long
MAX_ERROR = 2000  # characters kept of an error; a proxy's page can be long


@dataclass(frozen=True)
class Reply:
    """What came of a request: the reply's JSON, or the error that was left after the last attempt."""

    content: dict[str, Any]
    error: Exception | None
    request_id: str
    attempts: int
    latency_s: float  # of the last attempt


@dataclass(frozen=True)
class Failure:
    """What an error means: whether asking again may help, after how long, and whether it may have been billed."""

    kind: Literal["no", "transient", "limited"]
    after_s: float | None = None
    lost: bool = False


class BadReply(Exception):
    """Status 200, and yet no completion: cut JSON, a proxy's page, or an error in disguise."""


class Sender:
    """Posts bodies through one client, held back by `concurrency`, `rates` and `budget`.

    The client's own retries must be off (`max_retries=0`): two layers would multiply. The body goes out as
    bytes and the reply comes back as bytes, because the client's walk over `messages` and its models cost more
    than all the rest; its errors, time-outs and headers are the same on that path.
    """

    def __init__(
        self, client: openai.AsyncOpenAI, concurrency: Concurrency, rates: Rates, budget: Budget
    ) -> None:
        self._client = client
        self._concurrency = concurrency
        self._rates = rates
        self._budget = budget
        self.under_way: set[asyncio.Task[Any] | None] = set()  # who must not be disturbed: a reply is on its way

    async def send(self, body: bytes, tokens: int, usd: float, price: Callable[[dict[str, Any]], float | None]) -> Reply:
        """Send `body` as often as its failures deserve.

        Args:
            tokens: what it counts against tokens a minute.
            usd: what an attempt can cost at worst, US$; reserved before each one.
            price: US$ of a reply, or None if that cannot be known.

        Raises:
            throttle.CapReached: there is no money for an attempt.
            EndpointError: the server asks for a longer pause than a run should wait.
        """
        waited = 0.0
        for attempt in count(1):
            began, request_id, error = time.monotonic(), "", None
            content: dict[str, Any] = {}
            try:
                began, content, request_id = await self._attempt(body, tokens, usd, price)
            except Exception as caught:
                if not _is_answer(caught):
                    raise
                error = caught
                began = getattr(caught, "began", began)
        ...
