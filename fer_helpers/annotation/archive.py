"""The replies that were paid for, by request key, and what is known of the servers, in one SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

from fer_helpers import statuses
from fer_helpers.annotation._archive_writer import Writer, archive_errors, connect
from fer_helpers.errors import RunError
from fer_helpers.files import whole_file
from fer_helpers.paths import shown
from fer_helpers.prompting import replies

AT_ONCE = 500  # keys in one query
_SERVERS = b"fer_servers"  # of an export's metadata


@dataclass(frozen=True)
class Entry:
    """One kept reply, as it came, so that a better reader can read it again for nothing."""

    key: str
    status: str  # as `reader` read it
    reply: str  # the reply's JSON, or `replies.error_entry`
    model: str
    latency_s: float
    created: str  # ISO 8601, UTC
    via: str = "online"  # or "batch", which costs half
    request_id: str = ""  # the provider's name of the exchange, which its support asks for
    attempts: int = 1  # times the request was sent for this reply
    usd: float | None = None  # price of the reply; None if not known
    earlier_usd: float = 0.0  # of replies to this request that this one took the place of, and of lost ones
    reader: str = ""  # `replies.READER` of the status


COLUMNS = tuple(item.name for item in fields(Entry))
# Columns a file may lack because it was made before them, with their SQL type and what is in its rows.
_LATER = {
    "via": "NOT NULL DEFAULT 'online'",
    "request_id": "NOT NULL DEFAULT ''",
    "attempts": "NOT NULL DEFAULT 1",
    "usd": "DEFAULT NULL",
    "earlier_usd": "NOT NULL DEFAULT 0",
    "reader": "NOT NULL DEFAULT ''",
}


def _rank(row: str) -> str:
    ranks = " ".join(f"WHEN '{name}' THEN {status.rank}" for name, status in statuses.ANSWER.items())
    return f"CASE {row}.status {ranks} ELSE 0 END"


def _insert(better: str) -> str:
    """SQL that adds rows; one whose key is there takes its place where `better`, and its price is never forgotten."""
    paid = f"CASE WHEN {better} THEN coalesce(entries.usd, 0) ELSE coalesce(excluded.usd, 0) END"
    kept = [f"{name} = CASE WHEN {better} THEN excluded.{name} ELSE entries.{name} END" for name in COLUMNS[1:]]
    kept = [one for one in kept if not one.startswith("earlier_usd ")]
    return (
        f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES {{}} ON CONFLICT (key) DO UPDATE SET {', '.join(kept)}, "
        f"earlier_usd = entries.earlier_usd + excluded.earlier_usd + {paid}"
    )


_FULLER = f"({_rank('excluded')} > {_rank('entries')})"
_PUT = _insert(f"({_rank('excluded')} >= {_rank('entries')} AND entries.status <> 'ok')")
_ADD = f"{_insert(_FULLER)} WHERE {_FULLER}"
_REREAD = (
    "INSERT INTO entries (key, status, reply, model, latency_s, created, reader) VALUES {} "
    "ON CONFLICT (key) DO UPDATE SET status = excluded.status, reader = excluded.reader"
)
_SERVER = (
    "INSERT INTO servers (address, model, learned) VALUES {} "
    "ON CONFLICT (address, model) DO UPDATE SET learned = excluded.learned"
)


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

    def statuses(self, asked: Mapping[str, replies.Asked]) -> dict[str, str]:
        """The statuses of what is kept under the keys of `asked`, by today's reader.

        Only replies that another reader read are read anew; a better reader costs no request.
        """
        found = {key: (status, reader) for key, status, reader in self._select(("key", "status", "reader"), asked)}
        stale = [key for key, (_, reader) in found.items() if reader != replies.READER]
        result = {key: status for key, (status, _) in found.items()}
        for entry in self.get(stale).values():
            result[entry.key] = replies.read(entry.reply, *asked[entry.key]).status
        rows = [(key, result[key], "", "", 0.0, "", replies.READER) for key in stale]
        if rows:
            self._writer.submit(_REREAD, rows).result()
        return result

    def prices(self, keys: Iterable[str]) -> dict[str, tuple[float | None, float]]:
        """US$ of what is kept under `keys`, None if not known, and of all that it took the place of."""
        return {key: (usd, earlier) for key, usd, earlier in self._select(("key", "usd", "earlier_usd"), keys)}

    def server(self, address: str, model: str) -> str:
        """What `remember` kept of a server and model; empty if nothing."""
        return next((learned for where, _, learned in self.servers(model) if where == address), "")

    def servers(self, model: str) -> list[tuple[str, str, str]]:
        """(address, model, what was learned) of every server that `model` was asked at."""
        with archive_errors(self.path):
            return list(self._db.execute("SELECT address, model, learned FROM servers WHERE model = ?", (model,)))

    def remember(self, address: str, model: str, learned: str) -> None:
        """Keep what was learned of a server; durable on return."""
        self._writer.submit(_SERVER, [(address, model, learned)]).result()

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

        types = {name: pa.float64() for name in ("latency_s", "usd", "earlier_usd")} | {"attempts": pa.int64()}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
        rows = self._everything() if keys is None else self._select(COLUMNS, keys)
        count, models = 0, set[str]()
        with whole_file(path) as beside, pq.ParquetWriter(beside, schema, compression="zstd") as parquet:
            while some := list(islice(rows, 5000)):
                columns = dict(zip(COLUMNS, map(list, zip(*some, strict=True)), strict=True))
                parquet.write_table(pa.table(columns, schema=schema))
                count += len(some)
                models.update(columns["model"])
            known = [server for model in sorted(models) for server in self.servers(model)]
            parquet.add_key_value_metadata({_SERVERS: json.dumps(known)})
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
            new += len(rows) - len(list(self._select(("key",), (row["key"] for row in rows))))
            self._writer.submit(_ADD, [astuple(Entry(**row)) for row in rows]).result()
        for address, model, learned in _servers(path):
            if not self.server(address, model):
                self.remember(address, model, learned)
        return new


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    """Make the table, or add the columns it lacks because the file is older than they are."""
    db.execute("BEGIN IMMEDIATE")  # two processes may open a new file at once
    db.execute(
        "CREATE TABLE IF NOT EXISTS entries (key PRIMARY KEY, status, reply, model, latency_s, created) WITHOUT ROWID"
    )
    db.execute("CREATE TABLE IF NOT EXISTS servers (address, model, learned, PRIMARY KEY (address, model))")
    found = {row[1] for row in db.execute("PRAGMA table_info(entries)")}
    strange = sorted(found.symmetric_difference(COLUMNS) - set(_LATER))
    if strange:
        db.execute("ROLLBACK")
        raise RunError(
            f"archive {shown(path)} is from another version, with columns unknown or missing: {', '.join(strange)}"
        )
    for name, form in _LATER.items():
        if name not in found:
            db.execute(f"ALTER TABLE entries ADD COLUMN {name} {form}")
    db.execute("COMMIT")


def _parquet(path: Path) -> Iterator[list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet:
            names = parquet.schema_arrow.names
            if set(COLUMNS).symmetric_difference(names) - set(_LATER):
                found = ", ".join(map(str, names))[:200]
                raise RunError(f"{shown(path)} is not an exported archive: its columns are {found}")
            for batch in parquet.iter_batches(5000):
                yield batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise RunError(f"{shown(path)} cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error


def _servers(path: Path) -> list[tuple[str, str, str]]:
    """What an export knows of servers; the file may be anybody's."""
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path).metadata or {}
    try:
        rows = json.loads(metadata.get(_SERVERS, b"[]"))
        return [(str(address), str(model), str(learned)) for address, model, learned in rows]
    except (ValueError, TypeError, RecursionError) as error:
        raise RunError(f"{shown(path)} is not an exported archive: its server capabilities cannot be read") from error


def _check(row: dict[str, Any], path: Path) -> None:
    """Raise RunError unless `row` could have come out of an archive; the file may be anybody's."""
    texts = ("key", "status", "reply", "model", "created", "via", "request_id", "reader")
    wrong = [name for name in texts if not isinstance(row.get(name, ""), str)]
    numbers = ("latency_s", "attempts", "earlier_usd")
    wrong += [name for name in numbers if not isinstance(row.get(name, 0), int | float)]
    wrong += [] if isinstance(row.get("usd"), int | float | None) else ["usd"]
    if not wrong:
        wrong += [] if row["status"] in statuses.ANSWER else ["status"]
        wrong += [] if row.get("via", "online") in ("online", "batch") else ["via"]
        wrong += [] if _is_object(row["reply"]) else ["reply"]
    if wrong:
        name = wrong[0]
        raise RunError(f"{shown(path)} is not an exported archive: a row has {name} {str(row[name])[:60]!r}")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except RecursionError:  # kept as it came, however deep
        return text.lstrip().startswith("{")
    except ValueError:
        return False
