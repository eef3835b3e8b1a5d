"""Durable writing to SQLite from one thread: many wait for their own commit, and share it with who waits too."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fer_helpers.errors import RunError
from fer_helpers.paths import shown

BUSY_S = 60.0  # how long a process waits for another one's commit

Row = tuple[Any, ...]
_Done = tuple[asyncio.AbstractEventLoop | None, Any]  # a future, and its event loop if it is of one


@contextmanager
def one_line(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:  # locked, full, no permission: the file itself may be whole
        raise RunError(f"archive {shown(path)} cannot be used: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"archive {shown(path)} is damaged or no archive: {error}; move it away") from error


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


class Writer:
    """The one thread that writes; started by the first reply, so that who only reads has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._todo: queue.SimpleQueue[tuple[str, list[Row], _Done] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, statement: str, rows: list[Row]) -> Future[int]:
        """Write `rows` in the next commit; the future gives how many rows changed, once they are durable."""
        done: Future[int] = Future()
        self._put(statement, rows, (None, done))
        return done

    def submit_from_loop(self, statement: str, rows: list[Row]) -> asyncio.Future[int]:
        """As `submit`, with a future of the running event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._put(statement, rows, (loop, done))
        return done

    def _put(self, statement: str, rows: list[Row], done: _Done) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fer-archive", daemon=True)
                self._thread.start()
        self._todo.put((statement, rows, done))

    def close(self) -> None:
        if self._thread:
            self._todo.put(None)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        last = False
        while not last:
            items = [self._todo.get()]
            while not self._todo.empty():
                items.append(self._todo.get())
            last = None in items
            group = [item for item in items if item is not None]
            try:
                with one_line(self._path):
                    db = db or connect(self._path)
                    counts = _commit(db, group)
                _resolve([(done, count) for (_, _, done), count in zip(group, counts, strict=True)])
            except Exception as error:
                _resolve([(done, error) for _, _, done in group])
        if db:
            db.close()


def _commit(db: sqlite3.Connection, group: list[tuple[str, list[Row], _Done]]) -> list[int]:
    counts = []
    db.execute("BEGIN IMMEDIATE")
    try:
        for statement, rows, _ in group:
            before = db.total_changes
            db.executemany(statement, rows)
            counts.append(db.total_changes - before)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
    return counts


def _resolve(results: list[tuple[_Done, int | Exception]]) -> None:
    """Tell each waiting one; an event loop is woken once for all of its own."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, int | Exception]]] = {}
    for (loop, done), result in results:
        if loop:
            by_loop.setdefault(loop, []).append((done, result))
        else:
            _settle([(done, result)])
    for loop, pairs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, pairs)


def _settle(pairs: list[tuple[Any, int | Exception]]) -> None:
    for done, result in pairs:
        if not done.done():
            done.set_exception(result) if isinstance(result, Exception) else done.set_result(result)
