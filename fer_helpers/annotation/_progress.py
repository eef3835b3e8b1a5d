"""What a run shows while it asks, and how it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pandas as pd
from tqdm.auto import tqdm

from fer_helpers.annotation._limits import Budget

PROGRESS_S = 0.1  # between two updates of the bar


@contextmanager
def terminable() -> Iterator[None]:
    """Inside, SIGTERM is taken as Ctrl-C is: what arrived is kept; then the process ends as it was told to."""
    loop, task, told = asyncio.get_running_loop(), asyncio.current_task(), []

    def end() -> None:
        told.append(True)
        if task:
            task.cancel()

    mine = False
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        with suppress(NotImplementedError, ValueError, RuntimeError):  # Windows; not the main thread
            loop.add_signal_handler(signal.SIGTERM, end)
            mine = True
    try:
        yield
    finally:
        if mine:
            loop.remove_signal_handler(signal.SIGTERM)
        if told:
            os.kill(os.getpid(), signal.SIGTERM)


class Progress:
    """A bar with rate, statuses, cost and time left, drawn ten times a second at most."""

    def __init__(self, left: pd.DataFrame, budget: Budget) -> None:
        self.counts: Counter[str] = Counter()
        self._budget = budget
        self._bar = tqdm(total=len(left), desc=f"asking {left['model'].iloc[0]}", mininterval=0, miniters=1)
        self._drawn, self._drawn_at = 0, time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._bar.close()

    def add(self, status: str) -> None:
        """Count a reply."""
        self.counts[status] += 1
        if time.monotonic() - self._drawn_at >= PROGRESS_S:
            self._draw()

    def _draw(self) -> None:
        done = self.counts.total()
        statuses = ", ".join(f"{name} {number}" for name, number in self.counts.items())
        self._bar.set_postfix_str(f"US$ {self._budget.spent:.4f}, {statuses}", refresh=False)
        self._bar.update(done - self._drawn)
        self._drawn, self._drawn_at = done, time.monotonic()
