"""What holds requests back: how many are under way, how many a minute, and the cap in US$."""

from __future__ import annotations

import asyncio
from collections import deque

from aiolimiter import AsyncLimiter


class CapReached(Exception):
    """The next request could cost more than is left."""


class Concurrency:
    """How many requests may be under way: between 1 and `most`, as many as the server bears.

    Additive increase, multiplicative decrease (Chiu & Jain 1989, Computer Networks 17): a reply raises the limit
    by 1/limit, that is by one a round trip; a refusal (429) halves it, once a round trip: refusals of requests
    that were sent before the last cut only say again what that cut answered. It begins at `most`, which is what
    the user asked for, so that a server without limits is used in full from the first second.
    """

    def __init__(self, most: int) -> None:
        self.limit = float(most)
        self._most = most
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._last_cut = float("-inf")
        self._resume_at = float("-inf")

    async def enter(self) -> float:
        """Wait for a place, and for the end of a pause; gives the time, which `refused` wants to know."""
        loop = asyncio.get_running_loop()
        while True:
            if (pause := self._resume_at - loop.time()) > 0:
                await asyncio.sleep(pause)
            elif self._under_way >= int(self.limit):
                place = loop.create_future()
                self._waiting.append(place)
                await place
            else:
                self._under_way += 1
                return loop.time()

    def leave(self) -> None:
        """Give the place back."""
        self._under_way -= 1
        free = int(self.limit) - self._under_way
        while free > 0 and self._waiting:
            place = self._waiting.popleft()
            if not place.done():  # who was cancelled needs no place
                place.set_result(None)
                free -= 1

    def served(self) -> None:
        """A request was answered."""
        self.limit = min(self._most, self.limit + 1 / self.limit)

    def refused(self, entered: float, pause: float) -> None:
        """A request that entered at `entered` was refused; nobody enters for `pause` seconds."""
        now = asyncio.get_running_loop().time()
        if entered > self._last_cut:
            self.limit = max(1.0, self.limit / 2)
            self._last_cut = now
        self._resume_at = max(self._resume_at, now + pause)


class Rates:
    """Requests and tokens a minute; 0 is no limit.

    Leaky buckets that begin full but for a second's worth: a bucket that begins empty lets through twice the
    limit in the first minute.
    """

    def __init__(self, requests: int, tokens: int) -> None:
        self._limits = [AsyncLimiter(limit) if limit else None for limit in (requests, tokens)]
        self._begun = False

    async def acquire(self, tokens: int) -> None:
        """Wait until one more request of so many tokens keeps both limits."""
        limiters = [(limiter, amount) for limiter, amount in zip(self._limits, (1, tokens), strict=True) if limiter]
        if not self._begun:
            self._begun = True
            for limiter, _ in limiters:
                await limiter.acquire(limiter.max_rate - max(1.0, limiter.max_rate / limiter.time_period))
        for limiter, amount in limiters:
            await limiter.acquire(min(amount, limiter.max_rate))  # a larger one can only go alone


class Budget:
    """US$ that may be spent; None is no cap.

    What a request may cost at worst is reserved before it is sent, and becomes what it did cost afterwards. So
    the cap holds however many are under way, as far as the estimates of their tokens do.
    """

    def __init__(self, cap: float | None, spent: float = 0.0) -> None:
        self.cap = cap
        self.spent = spent
        self._reserved = 0.0
        self._open = 0
        self._settled = asyncio.Event()

    async def reserve(self, usd: float) -> None:
        """Set `usd` aside.

        While others are under way, waits for what they leave of their reserve.

        Raises:
            CapReached: nothing is under way, and `usd` is more than is left.
        """
        while self.cap is not None and self.spent + self._reserved + usd > self.cap * (1 + 1e-9):
            if not self._open:
                raise CapReached
            self._settled.clear()
            await self._settled.wait()
        self._reserved += usd
        self._open += 1

    def settle(self, reserved: float, spent: float) -> None:
        """Of `reserved`, `spent` were spent."""
        self._open -= 1
        # Sums of differences drift; nothing under way is nothing reserved.
        self._reserved = self._reserved - reserved if self._open else 0.0
        self.spent += spent
        self._settled.set()
