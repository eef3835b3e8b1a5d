"""Killed again and again: an annotating process loses nothing that it kept, and asks nothing of it twice."""

import asyncio
import multiprocessing
import random
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest

from fer_helpers import endpoint
from fer_helpers.annotation import Access, online
from fer_helpers.annotation import _progress as progress
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation.archive import Archive
from fer_helpers.endpoint import Faults
from fer_helpers.endpoint.model import ConstantModel
from tests.endpoint.test_faults import books, named, planned_for

N, KILLS, CONCURRENCY, DEADLINE_S = 2000, 20, 8, 120
FAULTS = Faults(latency_s=0.01, latency_sigma=0.5, server_error=0.03, unavailable=0.02, reset=0.02, rate_limited=0.02)

pytestmark = [
    pytest.mark.timeout(DEADLINE_S + 60),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]


def serve(address):
    """The endpoint's process: gives its address, and serves until it is killed."""
    with endpoint.serve(faults=FAULTS, model=ConstantModel()) as url:
        address.put(url)
        time.sleep(2 * DEADLINE_S)


def run(url, path, planned):
    """The annotating process."""
    transport._backoff = lambda _: 0.01
    progress.tqdm.set_lock(threading.RLock())  # tqdm's own is shared between processes, and a kill would leak it
    with Archive(path) as archive:
        picture = lambda clip_id, _: clip_id.encode()  # noqa: E731
        asyncio.run(online.annotate(planned, picture, archive, Access(url), max_concurrency=CONCURRENCY))


def kept(path):
    """Keys with a reply, read beside the process that writes."""
    if not path.exists():
        return set()
    with sqlite3.connect(path, timeout=60) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
            return set()
        found = {key for (key,) in db.execute("SELECT key FROM entries WHERE status <> 'error'")}
    db.close()
    return found


def kill_at(process, path, n, rng):
    """SIGKILL some milliseconds after the archive held `n` replies."""
    while process.is_alive() and len(kept(path)) < n:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.02))
    process.kill()
    process.join()
    assert process.exitcode == -9, "it ended by itself before it could be killed"


@pytest.fixture(scope="module")
def processes():
    """Forks of a process that has imported what takes seconds, and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["openai", "aiohttp", "tests.annotation.test_kill"])
    return context


def test_no_kill_loses_an_answer_or_asks_for_one_twice(processes, tmp_path):
    rng, path, planned = random.Random(1), Path(tmp_path, "a.sqlite"), planned_for(N)
    name_of = {key: named(clip_id) for key, clip_id in zip(planned["key"], planned["clip_id"], strict=True)}
    address = processes.Queue()
    server = processes.Process(target=serve, args=(address,), daemon=True)
    server.start()
    url, began, before, asked_before = address.get(timeout=60), time.monotonic(), set(), {}
    try:
        for moment in [*sorted(rng.sample(range(1, N - 100), KILLS)), None]:
            process = processes.Process(target=run, args=(url, path, planned), daemon=True)
            process.start()
            if moment is None:
                process.join(DEADLINE_S)
                assert process.exitcode == 0
            else:
                kill_at(process, path, moment, rng)
            time.sleep(0.05)  # what the dead process had sent reaches the endpoint
            pages, now = books(url), kept(path)
            assert before <= now, "a kept reply is gone"
            again = [key for key in before if pages[name_of[key]] != asked_before[name_of[key]]]
            assert not again, "a kept reply was asked for again"
            before, asked_before = now, pages
            assert time.monotonic() - began < DEADLINE_S
    finally:
        server.kill()
    with Archive(path) as archive:
        entries = archive.get(planned["key"])
    assert len(entries) == N
    assert {entry.status for entry in entries.values()} == {"ok"}
    completed = sum(page["completed"] for page in pages.values())
    lost = [key for key, entry in entries.items() if pages[name_of[key]]["received"] > entry.attempts]
    assert N <= completed <= N + KILLS * CONCURRENCY
    assert len(lost) <= KILLS * CONCURRENCY  # under way at a kill
    assert all(pages[name_of[key]]["received"] == entry.attempts for key, entry in entries.items() if key not in lost)
    seconds = time.monotonic() - began
    print(f"{KILLS} kills in {seconds:.0f} s: {completed - N} answers not kept, {len(lost)} requests under way")
