"""Rate limits and quotas: a token bucket, and the 429 that OpenAI answers."""

from __future__ import annotations

import math
import time
from typing import Any

from aiohttp import web

ROUNDING = 1e-6  # what a bucket may lack because a binary fraction is not a decimal one
_QUOTA = "You exceeded your current quota, please check your plan and billing details."


class Bucket:
    """A token bucket: holds a minute's `limit`, refilled evenly; may go below zero, and then is waited for."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._level, self._at = float(limit), time.monotonic()

    def level(self) -> float:
        now = time.monotonic()
        self._level = min(self.limit, self._level + (now - self._at) * self.limit / 60)
        self._at = now
        return self._level

    def take(self, amount: int) -> None:
        self._level = self.level() - amount

    def seconds_to(self, level: float) -> float:
        """Seconds until the bucket holds `level`, if nobody takes anything."""
        return max(0.0, (level - self.level()) * 60 / self.limit)


def milliseconds(seconds: float) -> int:
    return math.ceil(1000 * seconds - ROUNDING)


def failure(status: int, message: str, kind: str, code: str | None = None, **headers: str) -> web.Response:
    """An error in OpenAI's shape."""
    error: dict[str, Any] = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


def rate_limited(what: str, retry_after_s: float | None) -> web.Response:
    # Whole seconds are the norm for retry-after, but clients of this API read fractions too; tests need them.
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    return failure(429, f"Rate limit reached for {what}.", what, "rate_limit_exceeded", **headers)


def quota_exceeded(message: str = _QUOTA) -> web.Response:
    return failure(429, message, "insufficient_quota", "insufficient_quota")
