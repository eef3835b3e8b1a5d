"""The archive: what was put is there after a kill, and a failure gives way to an answer."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

from fer_helpers.archive import Archive, Entry

ENTRY = Entry("k1", "error", '{"error": "503"}', "m", 0.1, "2026-01-01T00:00:00+00:00")


def test_entries_come_back_as_they_went_in(tmp_path):
    with Archive(tmp_path / "deep" / "a.sqlite") as archive:
        archive.put(ENTRY)
        assert archive.get(["k1", "k2"]) == {"k1": ENTRY}
    with Archive(tmp_path / "deep" / "a.sqlite") as archive:
        assert archive.get(["k1"]) == {"k1": ENTRY}


def test_a_later_reply_replaces_an_error(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(ENTRY)
        archive.put(replace(ENTRY, status="ok"))
        assert archive.get(["k1"])["k1"].status == "ok"


def test_a_hostile_key_is_only_a_key(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, key="'; DROP TABLE entries; --"))
        assert len(archive.get(["'; DROP TABLE entries; --"])) == 1


def test_what_was_put_survives_a_kill(tmp_path):
    """SIGKILL right after `put` returned: the entry must be on the disk."""
    code = (
        "import os, signal, sys; from pathlib import Path; from fer_helpers.archive import Archive, Entry\n"
        "archive = Archive(Path(sys.argv[1]))\n"
        "for n in range(50): archive.put(Entry(f'k{n}', 'ok', '{}', 'm', 0.1, 'now'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.sqlite")], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(archive.get(f"k{n}" for n in range(50))) == 50
