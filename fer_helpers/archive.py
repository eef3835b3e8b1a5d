"""The answers that were paid for, by request key, in one SQLite file that outlives its runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One kept reply: the whole JSON as it came, so that a better parser can read it again for nothing."""

    key: str
    status: str
    reply: str  # JSON of the reply; the message of the error where status is "error"
    model: str
    latency_s: float
    created: str  # ISO 8601, UTC
    via: str = "online"  # or "batch", which costs half


class Archive:
    """Replies by request key.

    Every `put` is on the disk when it returns (WAL, a commit a reply, synchronous=FULL), so a killed run has
    lost nothing that arrived. A key has one entry; a later reply replaces an earlier failure.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._db = sqlite3.connect(path)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        columns = ", ".join(f"{item.name}" for item in fields(Entry))
        self._db.execute(f"CREATE TABLE IF NOT EXISTS entries ({columns}, PRIMARY KEY (key)) WITHOUT ROWID")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def put(self, entry: Entry) -> None:
        """Keep `entry`; durable on return."""
        with self._db:
            marks = ", ".join("?" for _ in fields(Entry))
            self._db.execute(f"INSERT OR REPLACE INTO entries VALUES ({marks})", astuple(entry))

    def get(self, keys: Iterable[str]) -> dict[str, Entry]:
        """The entries kept under `keys`; keys that are not there are left out."""
        found = {}
        with closing(self._db.cursor()) as cursor:
            for key in keys:
                row = cursor.execute("SELECT * FROM entries WHERE key = ?", (key,)).fetchone()
                if row:
                    found[key] = Entry(*row)
        return found
