"""Writing files so that a reader finds the old or the new one, never half of one; adding a line; a file as a lock."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


def write_whole(path: str | Path, data: bytes | str, durable: bool = False) -> None:
    """Write `data` (text in UTF-8) to `path`, whole or not at all; folders above it are made.

    With `durable` it is on the disk on return, for what would cost money if a power cut took it.
    """
    data = data.encode() if isinstance(data, str) else data
    # Plain system calls: for files as small as a key frame, pathlib takes as long as the disk.
    beside = f"{path}.part"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    try:
        file = os.open(beside, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        file = os.open(beside, flags, 0o666)
    with os.fdopen(file, "wb", buffering=0) as out:
        out.write(data)
        if durable:
            os.fsync(file)
    os.replace(beside, path)  # noqa: PTH105


def append_line(path: Path, line: str) -> None:
    """Add `line` (without line breaks) to the file at `path`, on the disk on return.

    Nothing is rewritten, so several processes may do so at once. It begins with a line break: whatever a crash left
    of the line before stays a line of its own, which readers skip as they skip blank ones.
    """
    data = f"\n{line}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if os.write(file, data) < len(data):
            raise OSError("the disk is full")
        os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the lock file at `path` until the block ends, or this process does; False if another process holds it.

    An SQLite transaction is the lock, because it ends with its process on every system.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to; it takes the place of `path` when the block ends well, else it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    try:
        yield beside
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` that takes its place, and that of what it held, when the block ends well.

    An interrupted block leaves nothing behind and `folder` as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{folder.name}-", dir=folder.parent, ignore_cleanup_errors=True
    ) as beside:
        fresh = Path(beside, "fresh")
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.rename(Path(beside, "stale"))
        fresh.rename(folder)
