"""The archive: what was put is there after a kill, and a failure gives way to an answer."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace

import pandas as pd
import pytest

from fer_helpers.annotation import books, online
from fer_helpers.annotation.archive import COLUMNS, Archive, Entry
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.prompting import replies

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
        "import os, signal, sys; from pathlib import Path; from fer_helpers.annotation.archive import Archive, Entry\n"
        "archive = Archive(Path(sys.argv[1]))\n"
        "for n in range(50): archive.put(Entry(f'k{n}', 'ok', '{}', 'm', 0.1, 'now'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.sqlite")], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(archive.get(f"k{n}" for n in range(50))) == 50


@pytest.mark.parametrize(
    ("kept", "later", "left"),
    [
        ("error", "error", "later"),
        ("error", "refused", "later"),
        ("refused", "error", "kept"),  # it was paid for
        ("refused", "invalid", "later"),
        ("refused", "ok", "later"),
        ("ok", "refused", "kept"),
        ("ok", "ok", "kept"),  # tables already made from it stay true
    ],
)
def test_nothing_gives_way_to_less(tmp_path, kept, later, left):
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, status=kept, model="kept"))
        archive.put(replace(ENTRY, status=later, model="later"))
        assert archive.get(["k1"])["k1"].model == left


def test_a_wait_for_the_disk_holds_nobody_up(tmp_path):
    """Another process holds the file: the event loop goes on, and the reply is kept when it lets go."""

    async def main():
        ticks = 0
        put = asyncio.create_task(archive.aput(ENTRY))
        while ticks < 20:
            await asyncio.sleep(0.005)
            ticks += 1
        assert not put.done()
        other.execute("ROLLBACK")
        await put

    with Archive(tmp_path / "a.sqlite") as archive:
        other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asyncio.run(main())
        other.close()
        assert archive.get(["k1"]) == {"k1": ENTRY}


def test_many_at_once_are_each_on_the_disk_when_told_so(tmp_path):
    """Read back through another connection the moment each wait is over."""

    async def keep(archive, reader, number):
        await archive.aput(replace(ENTRY, key=f"k{number}"))
        assert reader.execute("SELECT 1 FROM entries WHERE key = ?", (f"k{number}",)).fetchone()

    async def main(archive, reader):
        await asyncio.gather(*[keep(archive, reader, number) for number in range(1000)])

    with Archive(tmp_path / "a.sqlite") as archive:
        reader = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
        asyncio.run(main(archive, reader))
        reader.close()
        keys = [f"k{n}" for n in reversed(range(1000))]
        assert list(archive.get(keys)) == keys


def test_two_processes_share_an_archive(tmp_path):
    """Both make the file, and both write 300 replies, half of them the same."""
    code = (
        "import sys; from pathlib import Path; from fer_helpers.annotation.archive import Archive, Entry\n"
        "with Archive(Path(sys.argv[1])) as archive:\n"
        "    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 300):\n"
        "        archive.put(Entry(f'k{n}', 'ok', '{}', 'm', 0.1, 'now'))"
    )
    path = str(tmp_path / "a.sqlite")
    both = [subprocess.Popen([sys.executable, "-c", code, path, str(first)]) for first in (0, 150)]
    assert [process.wait(60) for process in both] == [0, 0]
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(archive.get(f"k{n}" for n in range(450))) == 450


def test_many_may_open_a_new_file_at_once(tmp_path):
    errors = []

    def make():
        try:
            Archive(tmp_path / "a.sqlite").close()
        except RunError as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_an_older_file_is_read_and_written(tmp_path):
    """Made before there were batches: six columns."""
    old = sqlite3.connect(tmp_path / "a.sqlite")
    old.execute(f"CREATE TABLE entries ({', '.join(COLUMNS[:6])}, PRIMARY KEY (key)) WITHOUT ROWID")
    old.execute("INSERT INTO entries VALUES ('k1', 'ok', '{}', 'm', 0.1, 'then')")
    old.commit()
    old.close()
    for _ in range(2):
        with Archive(tmp_path / "a.sqlite") as archive:
            archive.put(replace(ENTRY, key="k2", via="batch"))
            assert archive.get(["k1", "k2"]) == {
                "k1": Entry("k1", "ok", "{}", "m", 0.1, "then", "online", "", 1),
                "k2": replace(ENTRY, key="k2", via="batch"),
            }


def test_a_file_of_another_version_is_refused(tmp_path):
    other = sqlite3.connect(tmp_path / "a.sqlite")
    other.execute("CREATE TABLE entries (key, answer)")
    other.close()
    with pytest.raises(
        RunError, match=r"a.sqlite is from another version, with columns unknown or missing: answer, created"
    ):
        Archive(tmp_path / "a.sqlite")


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + bytes(range(256)) * 40])
def test_a_damaged_file_is_named_in_one_line(tmp_path, content):
    (tmp_path / "a.sqlite").write_bytes(content)
    with pytest.raises(RunError, match=r"a\.sqlite") as caught:
        Archive(tmp_path / "a.sqlite")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.sqlite").read_bytes() == content  # somebody may yet mend it


def test_what_cannot_be_written_is_said(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        other = sqlite3.connect(tmp_path / "a.sqlite")
        other.execute("DROP TABLE entries")
        other.close()
        with pytest.raises(RunError, match=r"a\.sqlite cannot be used: no such table"):
            archive.put(ENTRY)
        with pytest.raises(RunError, match=r"a\.sqlite cannot be used: no such table"):
            asyncio.run(archive.aput(ENTRY))


@pytest.mark.slow  # a large archive
def test_a_hundred_thousand_keys_are_found_quickly(tmp_path):
    """A second here; the bound only tells this from a query a key on a slow disk."""
    with Archive(tmp_path / "a.sqlite") as archive:
        rows = pd.DataFrame([asdict(replace(ENTRY, key=f"k{n:06d}", status="ok")) for n in range(100_000)])
        rows.to_parquet(tmp_path / "a.parquet", index=False)
        assert archive.import_(tmp_path / "a.parquet") == 100_000
        began = time.monotonic()
        assert len(archive.get(rows["key"])) == 100_000
        assert time.monotonic() - began < 20


# Shipping


def test_an_export_comes_back_as_it_was(tmp_path):
    entries = [
        replace(ENTRY, key=f"k{n}", status=status, reply='{"choices": "ü\\ud83d"}', via="batch", attempts=n)
        for n, status in enumerate(["ok", "refused", "error"])
    ]
    with Archive(tmp_path / "a.sqlite") as archive:
        for entry in entries:
            archive.put(entry)
        assert archive.export(tmp_path / "paper" / "all.parquet") == 3
        assert archive.export(tmp_path / "some.parquet", ["k1", "k9"]) == 1
        assert archive.export(tmp_path / "none.parquet", []) == 0
    with Archive(tmp_path / "b.sqlite") as archive:
        assert archive.import_(tmp_path / "none.parquet") == 0
        assert archive.import_(tmp_path / "paper" / "all.parquet") == 3
        assert archive.import_(tmp_path / "paper" / "all.parquet") == 0
        assert list(archive.get(["k0", "k1", "k2"]).values()) == entries
        assert not list(tmp_path.rglob("*.part"))


def test_an_import_takes_nothing_away(tmp_path):
    with Archive(tmp_path / "a.sqlite") as archive:
        for n, status in enumerate(["error", "ok", "refused", "ok"]):
            archive.put(replace(ENTRY, key=f"k{n}", status=status, model="theirs"))
        archive.export(tmp_path / "a.parquet")
    with Archive(tmp_path / "b.sqlite") as archive:
        for n, status in enumerate(["ok", "ok", "refused", "error"]):
            archive.put(replace(ENTRY, key=f"k{n}", status=status, model="ours"))
        assert archive.import_(tmp_path / "a.parquet") == 0  # no key is new
        models = [entry.model for entry in archive.get(f"k{n}" for n in range(4)).values()]
    assert models == ["ours", "ours", "ours", "theirs"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"status": "good"}, "a row has status 'good'"),
        ({"via": "pigeon"}, "a row has via 'pigeon'"),
        ({"reply": "{"}, "a row has reply '{'"),
        ({"reply": "[]"}, r"a row has reply '\[\]'"),
        ({"key": None}, "a row has key 'None'"),
        ({"latency_s": "long"}, "a row has latency_s 'long'"),
        ({"more": 1}, "its columns are .*more"),
    ],
)
def test_an_import_of_something_else_changes_nothing(tmp_path, changed, message):
    rows = [asdict(replace(ENTRY, key="k8")), {**asdict(replace(ENTRY, key="k9")), **changed}]
    pd.DataFrame(rows[1:] if "latency_s" in changed else rows).to_parquet(tmp_path / "a.parquet", index=False)
    with Archive(tmp_path / "a.sqlite") as archive:
        with pytest.raises(RunError, match=message):
            archive.import_(tmp_path / "a.parquet")
        assert not archive.get(["k8", "k9"])


def test_an_import_of_no_parquet_is_said(tmp_path):
    (tmp_path / "a.parquet").write_text("key,status")
    with Archive(tmp_path / "a.sqlite") as archive:
        with pytest.raises(RunError, match=r"a\.parquet cannot be read as Parquet"):
            archive.import_(tmp_path / "a.parquet")
        with pytest.raises(RunError, match=r"b\.parquet cannot be read as Parquet"):
            archive.import_(tmp_path / "b.parquet")


# --- read anew, and never forgotten --------------------------------------------------------------------------

PROSE = '{"choices": [{"finish_reason": "stop", "message": {"content": "<think>hm</think>{\\"label\\":\\"sad\\"}"}}]}'


def test_a_better_reader_costs_no_request(tmp_path):
    """An archive written by a reader that found no label; today's finds one, in what was kept."""
    planned = pd.DataFrame({"key": ["k1"], "taxonomy": ["seven"], "prompt": ["labels"]})
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, status="error", reply=PROSE, reader="a poorer one"))
        assert online.answered(planned, archive) == {"k1"}
        (row,) = online.kept(planned, archive).to_dict("records")
        assert (row["status"], row["label"]) == ("ok", "sad")
        assert archive.get(["k1"])["k1"].status == "ok"  # and it is remembered who said so
        assert archive.get(["k1"])["k1"].reader == replies.READER


def test_an_archive_from_before_there_were_readers_is_read_anew(tmp_path):
    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE entries (key PRIMARY KEY, status, reply, model, latency_s, created) WITHOUT ROWID")
        db.execute("INSERT INTO entries VALUES ('k1', 'invalid', ?, 'm', 1.0, 'now')", (PROSE,))
    with Archive(path) as archive:
        assert archive.statuses({"k1": replies.Asked(SEVEN)}) == {"k1": "ok"}


def test_what_was_replaced_is_still_billed(tmp_path):
    """0.5 for a refusal, 0.25 lost on the way and 2 for the label that took its place; a late error adds 0.125."""
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, status="refused", usd=0.5))
        archive.put(replace(ENTRY, status="ok", usd=2.0, earlier_usd=0.25))
        assert archive.prices(["k1"]) == {"k1": (2.0, 0.75)}
        archive.put(replace(ENTRY, status="error", earlier_usd=0.125))
        assert archive.prices(["k1"]) == {"k1": (2.0, 0.875)}
        assert archive.get(["k1"])["k1"].status == "ok"
        assert books.spent(pd.DataFrame({"key": ["k1", "k2"]}), archive) == 2.875


def test_a_reply_kept_before_prices_were_is_priced_by_what_it_says_was_billed(tmp_path):
    """1,000 tokens in and 100 out of gpt-4o-mini: 0.15 and 0.60 US$ a million."""
    usage = '{"usage": {"prompt_tokens": 1000, "completion_tokens": 100}, "choices": []}'
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, reply=usage, model="gpt-4o-mini"))
        assert books.spent(pd.DataFrame({"key": ["k1"]}), archive) == pytest.approx(0.00021)


@pytest.mark.parametrize("reply", ["[" * 100_000, '{"a":' * 100_000, "not JSON"])
def test_a_reply_that_cannot_be_read_is_kept_and_does_no_harm(tmp_path, reply):
    planned = pd.DataFrame({"key": ["k1"], "taxonomy": ["seven"], "prompt": ["labels"]})
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(replace(ENTRY, status="invalid", reply=reply))
        (row,) = online.kept(planned, archive).to_dict("records")
        assert (row["status"], row["tokens_in"]) == ("invalid", None) or pd.isna(row["tokens_in"])
        assert online.answered(planned, archive) == {"k1"}
        assert books.spent(planned, archive) == 0
