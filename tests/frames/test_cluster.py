"""A cluster instead of threads: a real scheduler, two worker processes, one of them killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from fer_helpers.errors import ParamsError
from fer_helpers.frames.extraction import extract, extract_videos
from fer_helpers.paths import ROOT
from tests.support.corpora import load_folder
from tests.support.media import write_coded_video

if not os.environ.get("CI"):
    pytest.importorskip("distributed", reason="the optional extra `cluster` is not installed")


def dask(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", "from distributed.cli.dask_" + f"{arguments[0]} import main; main()", *arguments[1:]],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def cluster(tmp_path):
    """The address of a scheduler, and its two workers, which share it with nobody."""
    address = tmp_path / "address.txt"
    local = ("--host", "127.0.0.1")
    scheduler = dask(
        "scheduler", *local, "--port", "0", "--no-dashboard", "--no-show", "--scheduler-file", str(address)
    )
    started = [scheduler]
    try:
        wait_for(address.is_file)
        place = json.loads(address.read_text())["address"]
        alone = ("--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path / "scratch"))
        started += [dask("worker", place, *local, *alone) for _ in range(2)]
        yield place, started[1:]
    finally:
        for process in started:
            process.kill()
            process.wait()


def wait_for(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_a_worker_killed_in_the_middle_changes_nothing(cluster, tmp_path):
    """The table is that of threads here, and so is every byte of the frames; nothing half-written is left."""
    address, workers = cluster
    (tmp_path / "corpus").mkdir()
    write_coded_video(tmp_path / "first.mp4", 50)
    for number in range(60):
        shutil.copy(tmp_path / "first.mp4", tmp_path / "corpus" / f"{number}.mp4")
    (tmp_path / "corpus" / "broken.mp4").write_bytes(b"no video")
    clips = load_folder(tmp_path / "corpus")
    here = extract(clips, tmp_path / "corpus", tmp_path / "here", "peak", 8)

    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(2, timeout=60)
    killed = threading.Thread(target=kill_after_some_frames, args=(workers[0], tmp_path / "there" / "frames"))
    killed.start()
    there = extract(clips, tmp_path / "corpus", tmp_path / "there", "peak", 8, dask_scheduler=address)
    killed.join()
    assert workers[0].poll() is not None
    pd.testing.assert_frame_equal(here, there)
    named = {path: data for path, data in files(tmp_path / "there").items() if not path.endswith(".part")}
    assert named == files(tmp_path / "here")
    some = clips.tail(4)
    videos = extract_videos(some, here, tmp_path / "corpus", tmp_path / "here", 64)
    pd.testing.assert_frame_equal(
        videos, extract_videos(some, here, tmp_path / "corpus", tmp_path / "there", 64, dask_scheduler=address)
    )
    assert all((tmp_path / "there" / path).is_file() for path in videos["path"].dropna())


def kill_after_some_frames(worker: subprocess.Popen, frames: Path) -> None:
    wait_for(lambda: frames.is_dir() and len(list(frames.iterdir())) >= 5)
    worker.kill()
    worker.wait()
    assert len(list(frames.iterdir())) < 60, "all clips were done before the worker was killed"


def test_a_scheduler_that_is_not_there_is_named_in_one_line(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    write_coded_video(tmp_path / "corpus" / "a.mp4", 3)
    clips = load_folder(tmp_path / "corpus")
    with pytest.raises(ParamsError) as error:
        extract(clips, tmp_path / "corpus", tmp_path / "out", dask_scheduler=f"tcp://127.0.0.1:{port}")
    assert "cannot be reached" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch):
    write_coded_video(tmp_path / "corpus" / "a.mp4", 3)
    clips = load_folder(tmp_path / "corpus")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ParamsError, match=r"dask_scheduler needs a package: pip install 'fer-helpers\[cluster\]'"):
        extract(clips, tmp_path / "corpus", tmp_path / "out", dask_scheduler="tcp://127.0.0.1:8786")
