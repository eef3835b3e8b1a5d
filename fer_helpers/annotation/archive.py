"""The answers that were paid for, by request key, in one SQLite file that outlives its runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from fer_helpers.annotation._archive_writer import Writer, archive_errors, connect
from fer_helpers.errors import RunError
from fer_helpers.files import whole_file
from fer_helpers.paths import shown
from fer_helpers.tables import ANSWER_STATUSES

AT_ONCE = 500  # keys in one query


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
    request_id: str = ""  # the provider's name of the exchange, which its support asks for
    attempts: int = 1  # times the request was sent for this reply


COLUMNS = tuple(item.name for item in fields(Entry))
# Columns a file may lack because it was made before them, with what they are in its rows.
_LATER = {"via": "'online'", "request_id": "''", "attempts": "1"}
# An error is worth least; a reply without a label was paid for; an answer is worth most.
_WORTH = "CASE {}.status WHEN 'ok' THEN 2 WHEN 'error' THEN 0 ELSE 1 END"
_INSERT = (
    f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES {{}} ON CONFLICT (key) DO UPDATE "
    f"SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS[1:])} WHERE "
)
_PUT = f"{_INSERT} {_WORTH.format('excluded')} >= {_WORTH.format('entries')} AND entries.status <> 'ok'"
_ADD = f"{_INSERT} {_WORTH.format('excluded')} > {_WORTH.format('entries')}"


class Archive:
    """Replies by request key.

    Every `put` is on the disk when it returns (WAL, synchronous=FULL), so a killed run has lost nothing that it
    held for kept. One thread writes: replies that arrive while it waits for the disk share the next commit, and
    each `put` returns after its own. Several processes may use one file.

    A key has one entry. A later reply replaces a failure but never an answer, and an error replaces no reply.
    """

    def __init__(self, path: Path) -> None:
        """Open the archive at `path`, or make a new one.

        Raises:
            RunError: the file is not an archive of replies, or cannot be opened.
        """
        self.path = path
        with archive_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = connect(path)
            _prepare(self._db, path)
        self._writer = Writer(path)

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was put, and let go of the file."""
        self._writer.close()
        self._db.close()

    def put(self, entry: Entry) -> None:
        """Keep `entry`; durable on return.

        Raises:
            RunError: it could not be written, for instance because the disk is full.
        """
        self._writer.submit(_PUT, [astuple(entry)]).result()

    async def aput(self, entry: Entry) -> None:
        """As `put`, from a coroutine: the event loop goes on while this one waits for the disk."""
        await self._writer.submit_from_loop(_PUT, [astuple(entry)])

    def get(self, keys: Iterable[str]) -> dict[str, Entry]:
        """The entries kept under `keys`, in their order; keys that are not there are left out."""
        return {row[0]: Entry(*row) for row in self._select(COLUMNS, keys)}

    def statuses(self, keys: Iterable[str]) -> dict[str, str]:
        """The statuses kept under `keys`: as `get`, but without reading the replies."""
        return dict(self._select(("key", "status"), keys))

    def _select(self, columns: Iterable[str], keys: Iterable[str]) -> Iterator[tuple[Any, ...]]:
        left = iter(dict.fromkeys(keys))
        while some := list(islice(left, AT_ONCE)):
            query = f"SELECT {', '.join(columns)} FROM entries WHERE key IN ({', '.join('?' * len(some))})"
            with archive_errors(self.path):
                found = {row[0]: row for row in self._db.execute(query, some)}
            yield from (found[key] for key in some if key in found)

    def export(self, path: Path, keys: Iterable[str] | None = None) -> int:
        """Write all entries, or those of `keys`, to a Parquet file, whole or not at all; returns how many.

        This is how a paper ships what its models said: from the file, every table can be made again without
        asking anybody.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {"latency_s": pa.float64(), "attempts": pa.int64()}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
        rows = self._everything() if keys is None else self._select(COLUMNS, keys)
        count = 0
        with whole_file(path) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as parquet:
            while some := list(islice(rows, 5000)):
                columns = dict(zip(COLUMNS, map(list, zip(*some, strict=True)), strict=True))
                parquet.write_table(pa.table(columns, schema=schema))
                count += len(some)
        return count

    def _everything(self) -> Iterator[tuple[Any, ...]]:
        with archive_errors(self.path):
            yield from self._db.execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY key")

    def import_(self, path: Path) -> int:
        """Add the entries of a file that `export` wrote; returns how many keys were new.

        A kept answer stays as it is, and nothing is replaced by less: see the class. The file is read through
        before anything is written.

        Raises:
            RunError: the file is not Parquet, or its columns or values are not those of an archive.
        """
        for rows in _parquet(path):
            for row in rows:
                _check(row, path)
        new = 0
        for rows in _parquet(path):
            new += len(rows) - len(self.statuses(row["key"] for row in rows))
            self._writer.submit(_ADD, [astuple(Entry(**row)) for row in rows]).result()
        return new


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the table, or add the columns it lacks because the file is older than they are."""
    db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
    db.execute(
        "CREATE TABLE IF NOT EXISTS entries (key PRIMARY KEY, status, reply, model, latency_s, created) WITHOUT ROWID"
    )
    found = {row[1] for row in db.execute("PRAGMA table_info(entries)")}
    strange = sorted(found.symmetric_difference(COLUMNS) - set(_LATER))
    if strange:
        db.execute("ROLLBACK")
        raise RunError(f"archive {shown(path)} is of another version: see its columns {', '.join(strange)}")
    for name, value in _LATER.items():
        if name not in found:
            db.execute(f"ALTER TABLE entries ADD COLUMN {name} NOT NULL DEFAULT {value}")
    db.execute("COMMIT")


def _parquet(path: Path) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet:
            names = parquet.schema_arrow.names
            if set(names) != set(COLUMNS):
                found = ", ".join(map(str, names))[:200]
                raise RunError(f"{shown(path)} is no export of an archive: its columns are {found}")
            for batch in parquet.iter_batches(5000):
                yield batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{shown(path)} cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error


def _check(row: dict[str, Any], path: Path) -> None:
    """Raise RunError unless `row` could have come out of an archive; the file may be anybody's."""
    texts = ("key", "status", "reply", "model", "created", "via", "request_id")
    wrong = [name for name in texts if not isinstance(row[name], str)]
    wrong += [name for name in ("latency_s", "attempts") if not isinstance(row[name], int | float)]
    if not wrong:
        wrong += [] if row["status"] in ANSWER_STATUSES else ["status"]
        wrong += [] if row["via"] in ("online", "batch") else ["via"]
        wrong += [] if _is_object(row["reply"]) else ["reply"]
    if wrong:
        name = wrong[0]
        raise RunError(f"{shown(path)} is no export of an archive: a row has {name} {str(row[name])[:60]!r}")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
