"""Files as others find them: written whole or not at all; a line added; a lock; YAML of people, read plainly."""

from __future__ import annotations

import errno
import math
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*|\d+\.\d*|\.\d+)([eE][-+]?\d+)?")  # that every reader of YAML takes alike


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """An OSError of the block that names no file, as one of a full disk, names `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or isinstance(error, BrokenPipeError):
            raise
        number = error.errno or (errno.ENOENT if isinstance(error, FileNotFoundError) else errno.EIO)
        raise OSError(number, error.strerror or " ".join(str(error).split()).rstrip("."), str(path)) from error


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
    try:
        with naming(path), os.fdopen(file, "wb") as out:  # buffered: system calls may write a part, and say so
            out.write(data)
            if durable:
                out.flush()
                os.fsync(file)
        os.replace(beside, path)  # noqa: PTH105
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(beside)  # noqa: PTH108
        raise


def append_line(path: Path, line: str) -> None:
    """Add `line` (without line breaks) to the file at `path`, on the disk on return.

    Nothing is rewritten, so several processes may do so at once. It begins with a line break: whatever a crash left
    of the line before stays a line of its own, which readers skip as they skip blank ones.
    """
    data = f"\n{line}\n".encode()
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        with naming(path):
            if os.write(file, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file)
    finally:
        os.close(file)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the lock file at `path` until the block ends, or this process does; False if another process holds it.

    An SQLite transaction is the lock, because it ends with its process on every system.

    Raises:
        OSError: the file cannot be made or written to, by whomever it is held.
    """
    try:
        lock = sqlite3.connect(path, timeout=0, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise OSError(errno.EACCES, str(error), str(path)) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
            mine = True
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise OSError(errno.EACCES, str(error), str(path)) from error
            mine = False
        yield mine


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to; it takes the place of `path` when the block ends well, else it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    try:
        with naming(path):
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
        with naming(folder):
            yield fresh
        if folder.exists():
            folder.rename(Path(beside, "stale"))
        fresh.rename(folder)


def plain_yaml(text: str) -> Any:
    """What YAML `text` says.

    Raises:
        ValueError: it is not YAML, or says something that is not what it looks like: a key given twice, or as something
            else than text or a whole number (no: is false:), a merge or a reference (*) to another place, a number that
            YAML 1.1 takes for another (1:30 is 90, 030 is 24) or for no finite one; names the line.
    """
    try:
        loader = _PlainLoader(text)
        root = loader.get_single_node()
        _check_node(root)
        return loader.construct_document(root) if root else None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is not YAML: {' '.join(str(error).split())}; put text with signs into quotes") from error


class _PlainLoader(yaml.SafeLoader):
    """PyYAML's, without references: one may lead back to the place where it stands."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise ValueError(f"line {_yaml_line(event)}: *{event.anchor} stands for another value; write that out")
        return super().compose_node(parent, index)


def _check_node(root: yaml.Node | None) -> None:
    left = [root] if root else []
    while left:
        node = left.pop()
        if isinstance(node, yaml.ScalarNode):
            number = _yaml_kind(node) in ("int", "float")
            if number and not (_NUMBER.fullmatch(node.value) and math.isfinite(float(node.value))):
                raise ValueError(
                    f"line {_yaml_line(node)}: {node.value} is no plain decimal number; write it out, or quote a text"
                )
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
        else:
            keys = [key.value for key, _ in node.value]
            for place, (key, value) in enumerate(node.value):
                if key.value in keys[:place]:
                    raise ValueError(f"line {_yaml_line(key)}: {key.value} is given twice; keep one")
                if isinstance(key, yaml.ScalarNode) and _yaml_kind(key) not in ("str", "int"):
                    raise ValueError(
                        f"line {_yaml_line(key)}: {key.value or 'an empty key'} is no name in YAML; quote it"
                    )
                left += [key, value]


def _yaml_kind(node: yaml.Node) -> str:
    """What YAML takes a value for: str, int, float, bool, null, timestamp, merge."""
    return str(node.tag).rpartition(":")[2]


def _yaml_line(place: yaml.Node | yaml.Event) -> int:
    return place.start_mark.line + 1 if place.start_mark else 0
