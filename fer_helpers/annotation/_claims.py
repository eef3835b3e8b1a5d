"""Which requests are being asked at this moment, so that two runs over one archive do not both pay for one."""

from __future__ import annotations

import os
import platform
import sqlite3
import uuid
from pathlib import Path

from fer_helpers.annotation._archive_writer import BUSY_S, archive_errors, begin_wal


class Claims:
    """Request keys that processes are asking, in a file beside the archive; a dead process's mean nothing.

    Nothing here has to outlive a power cut, so that no commit waits for the disk.
    """

    def __init__(self, archive: Path) -> None:
        self._path = archive.with_name(f"{archive.name}-claims")
        self._mine = (platform.node(), os.getpid(), uuid.uuid4().hex)  # one process may run twice
        with archive_errors(self._path):
            self._db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
            begin_wal(self._db)
            self._db.execute("PRAGMA synchronous=OFF")
            self._db.execute("CREATE TABLE IF NOT EXISTS claims (key PRIMARY KEY, host, pid, run)")

    def take(self, key: str) -> bool:
        """Claim `key`; False while another run that is alive is asking it."""
        with archive_errors(self._path):
            new = "INSERT INTO claims VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
            if self._db.execute(new, (key, *self._mine)).rowcount:
                return True
            claimed = self._db.execute("SELECT host, pid, run FROM claims WHERE key = ?", (key,)).fetchone()
            if claimed is None or _is_alive(*claimed[:2]):
                return bool(claimed) and claimed[2] == self._mine[2]
            over = "UPDATE claims SET host = ?, pid = ?, run = ? WHERE key = ? AND run = ?"
            return bool(self._db.execute(over, (*self._mine, key, claimed[2])).rowcount)

    def let_go(self, key: str) -> None:
        """Give `key` up, answered or not."""
        with archive_errors(self._path):
            self._db.execute("DELETE FROM claims WHERE key = ? AND run = ?", (key, self._mine[2]))

    def close(self) -> None:
        """Give up every key, and let go of the file."""
        with archive_errors(self._path):
            self._db.execute("DELETE FROM claims WHERE run = ?", (self._mine[2],))
        self._db.close()


def _is_alive(host: str, pid: int) -> bool:
    if host != platform.node():
        return True  # nothing can be known of it from here
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
