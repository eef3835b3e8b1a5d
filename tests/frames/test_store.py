"""Where key frames lie: the same pictures come back from any store, whole, and no key is written down."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pandas as pd
import pytest

from fer_helpers import files, params
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.frames import store
from fer_helpers.frames.store import FrameStore
from fer_helpers.runs.run import Run


@pytest.mark.parametrize("kind", ["run", "folder", "file", "memory"])
def test_what_is_written_is_read_back(tmp_path, kind):
    address = {"run": "", "folder": f"{tmp_path}/store", "file": f"file://{tmp_path}/store", "memory": "memory://a/b/"}
    frames = FrameStore(tmp_path / "run", address[kind])
    frames.check()
    path = frames.write("clip/0001-0123456789abcdef.jpg", b"picture")
    assert path.endswith("/clip/0001-0123456789abcdef.jpg")
    assert "//clip" not in path
    assert store.read(tmp_path / "run", path) == b"picture"
    if kind == "run":
        assert path.startswith("frames/")  # from the run's folder, which may be moved
    if kind == "memory":
        assert fsspec.filesystem("memory").cat("/a/b/clip/0001-0123456789abcdef.jpg") == b"picture"
    else:
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["0001-0123456789abcdef.jpg"]


def test_a_picture_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    """Cut off before the rename, the name that tables know does not exist."""
    frames = FrameStore(tmp_path)
    monkeypatch.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(RunError, match="/frames: key frames cannot be written: No space left"):
        frames.write("clip/0001.jpg", b"picture")
    assert not (tmp_path / "frames" / "clip" / "0001.jpg").exists()


def test_a_picture_that_is_gone_is_one_line(tmp_path):
    for path in ("frames/a/0001.jpg", "memory://nothing/0001.jpg"):
        with pytest.raises(RunError, match="cannot be read") as error:
            store.read(tmp_path, path)
        assert "\n" not in str(error.value)


def test_a_run_reads_its_pictures_back_from_the_store(tmp_path):
    path = FrameStore(tmp_path, "memory://run").write("clip/0003.jpg", b"picture")
    run = Run(tmp_path, params.Params())
    run.write("frames", pd.DataFrame({"clip_id": ["clip"], "frame_index": [3], "path": [path], "status": ["ok"]}))
    assert run.picture("clip", 3) == b"picture"
    assert run.pictures("clip") == [b"picture"]


@pytest.mark.parametrize("address", ["nosuch://bucket/a", "nosuchscheme+x://a"])
def test_an_unknown_kind_of_store_is_refused_before_any_work(tmp_path, address):
    with pytest.raises(ParamsError, match="frame_store nosuch"):
        FrameStore(tmp_path, address).check()


@pytest.mark.parametrize(
    "address", ["s3://KEYID:sEcReT@bucket/a", "https://user@host/a", "s3://bucket/a?key=sEcReT", "gs://b/a#sEcReT"]
)
def test_credentials_in_an_address_are_refused_and_not_repeated(address):
    with pytest.raises(ParamsError, match="put credentials in the environment") as error:
        params.validate({"frame_store": address})
    assert "sEcReT" not in str(error.value)
    assert "user@" not in str(error.value)


@pytest.mark.parametrize("address", ["", "s3://bucket/frames", "memory://x", "/data/a@b", str(Path("data", "frames?"))])
def test_an_address_without_credentials_is_taken(address):
    assert params.validate({"frame_store": address}).frame_store == address
