"""One process at a time in a run's folder; a second one is told which."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_helpers.errors import RunError
from fer_helpers.files import exclusive, write_whole
from fer_helpers.paths import shown


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other processes from the run in `folder` until the block ends, or this process does.

    A file beside the lock says whose it is, and means nothing once the lock is free.

    Raises:
        RunError: another process has it; names its id and machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "lock") as mine:
        if not mine:
            who = _holder(folder)
            raise RunError(
                f"{shown(folder)} is in use by process {who.get('pid', 'unknown')} on {who.get('host', 'unknown')}: "
                "wait until it has finished, or choose another folder with --out"
            )
        write_whole(folder / "lock.json", json.dumps({"pid": os.getpid(), "host": platform.node()}))
        yield


def check(folder: Path) -> None:
    """See that no other process holds the run in `folder`; the one that started this kernel may.

    Raises:
        RunError: as `hold`.
    """
    mine = {"host": platform.node()}
    if (folder / "lock").is_file() and _holder(folder) not in (
        {"pid": os.getpid(), **mine},
        {"pid": os.getppid(), **mine},
    ):
        with hold(folder):
            pass


def _holder(folder: Path) -> dict[str, object]:
    try:
        return dict(json.loads((folder / "lock.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
