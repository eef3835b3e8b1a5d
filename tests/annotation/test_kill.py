"""Killed again and again: an annotating process loses nothing that it kept, and asks nothing of it twice."""

import multiprocessing
import random
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from fer_helpers.annotation.archive import Archive
from fer_helpers.endpoint import Faults
from fer_helpers.prompting import planning
from tests.support.children import annotate, serve
from tests.support.faults import books, named
from tests.support.plans import frames_of, planned_for, videos_of

N, KILLS, CONCURRENCY, DEADLINE_S = 2000, 20, 8, 120
FAULTS = Faults(latency_s=0.01, latency_sigma=0.5, server_error=0.03, unavailable=0.02, reset=0.02, rate_limited=0.02)

pytestmark = [
    pytest.mark.timeout(DEADLINE_S + 60),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
]


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
    context.set_forkserver_preload(["openai", "aiohttp", "tests.support.children"])
    return context


def test_no_kill_loses_an_answer_or_asks_for_one_twice(processes, tmp_path):
    rng, path, planned = random.Random(1), Path(tmp_path, "a.sqlite"), planned_for(N)
    name_of = {key: named(clip_id) for key, clip_id in zip(planned["key"], planned["clip_id"], strict=True)}
    address = processes.Queue()
    server = processes.Process(target=serve, args=(address, FAULTS, 2 * DEADLINE_S), daemon=True)
    server.start()
    url, began, before, asked_before = address.get(timeout=60), time.monotonic(), set(), {}
    try:
        for moment in [*sorted(rng.sample(range(1, N - 100), KILLS)), None]:
            process = processes.Process(target=annotate, args=(url, path, planned, CONCURRENCY), daemon=True)
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


def test_nor_of_requests_about_videos(processes, tmp_path):
    """In the middle of 40 clips: at most what was under way is answered a second time."""
    clips = [str(number) for number in range(41)]
    frames, asking = frames_of(dict.fromkeys(clips, 1)), planning.Asking("fer2013-cnn")
    planned = planning.plan(frames, ["whole_clip"], ["seven"], asking, videos_of(clips))
    path, address = Path(tmp_path, "a.sqlite"), processes.Queue()
    server = processes.Process(target=serve, args=(address, Faults(latency_s=0.02), DEADLINE_S), daemon=True)
    server.start()
    url = address.get(timeout=60)
    try:
        for moment in (15, None):
            process = processes.Process(target=annotate, args=(url, path, planned, 4), daemon=True)
            process.start()
            if moment is None:
                process.join(DEADLINE_S)
                assert process.exitcode == 0
            else:
                kill_at(process, path, moment, random.Random(moment))
        completed = sum(page["completed"] for page in books(url).values())
    finally:
        server.kill()
    assert len(kept(path)) == len(planned) == 40
    assert 40 <= completed <= 40 + 4
