"""Durable writing to SQLite from one thread: many wait for their own commit, and share it with who waits too."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fer_helpers.errors import RunError
from fer_helpers.paths import shown

BUSY_S = 60.0  # how long a process waits for another one's commit
ROWS = 200  # in one statement; SQLite takes 32,766 values

Values = tuple[Any, ...]
_Done = tuple[asyncio.AbstractEventLoop | None, Any]  # a future, and its event loop if it is of one
_Item = tuple[str, list[Values], _Done]


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:  # locked, full, no permission: the file itself may be whole
        raise RunError(f"archive {shown(path)} cannot be used: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise RunError(f"archive {shown(path)} is damaged or not an archive: {error}; move it elsewhere") from error


def connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=ROWS)
    begin_wal(db)
    db.execute("PRAGMA synchronous=FULL")
    return db


def begin_wal(db: sqlite3.Connection) -> None:
    """Write ahead; who opens a new file at the same moment is waited for, which SQLite does not do here by itself."""
    until = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


class Writer:
    """The one thread that writes; started by the first reply, so that who only reads has none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._todo: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def submit(self, statement: str, rows: list[Values]) -> Future[None]:
        """Write `rows` in the next commit; the future is done when they are durable.

        Args:
            statement: an INSERT with {} in the place of its rows of values.
        """
        done: Future[None] = Future()
        self._put(statement, rows, (None, done))
        return done

    def submit_from_loop(self, statement: str, rows: list[Values]) -> asyncio.Future[None]:
        """As `submit`, with a future of the running event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._put(statement, rows, (loop, done))
        return done

    def _put(self, statement: str, rows: list[Values], done: _Done) -> None:
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
                with archive_errors(self._path):
                    db = db or connect(self._path)
                    _commit(db, group)
                _resolve([done for _, _, done in group], None)
            except Exception as error:
                _resolve([done for _, _, done in group], error)
        if db:
            db.close()


def _commit(db: sqlite3.Connection, group: list[_Item]) -> None:
    """Write a group in one commit, many rows a statement.

    Each call into SQLite gives up the interpreter's lock and has to win it back from a busy event loop, which
    can take 5 ms (sys.getswitchinterval); a call a row would hold up every row of the group.
    """
    calls = []
    for statement in dict.fromkeys(item[0] for item in group):
        rows = [row for item in group if item[0] == statement for row in item[1]]
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            marks = f"({', '.join('?' * len(some[0]))})"
            calls.append((statement.format(", ".join([marks] * len(some))), [value for row in some for value in row]))
    if len(calls) == 1:  # SQLite makes a transaction of a single statement
        db.execute(*calls[0])
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for call in calls:
            db.execute(*call)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _resolve(waiting: list[_Done], error: Exception | None) -> None:
    """Tell each waiting one; an event loop is woken once for all of its own."""
    by_loop: dict[asyncio.AbstractEventLoop | None, list[Any]] = {}
    for loop, done in waiting:
        by_loop.setdefault(loop, []).append(done)
    for loop, futures in by_loop.items():
        if loop is None:
            _settle(futures, error)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(_settle, futures, error)


def _settle(futures: list[Any], error: Exception | None) -> None:
    for done in futures:
        if not done.done():
            done.set_exception(error) if error else done.set_result(None)
