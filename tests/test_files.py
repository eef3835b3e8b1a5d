"""What is written is there whole or not at all, on a full disk too: the old file stays, and the error names it."""

import os
import resource

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from fer_helpers import files, params, runs
from tests.support.command import fer

ROOM = 4000  # bytes that a file may have


def _in_a_folder(path, data):
    with files.whole_folder(path) as fresh:
        (fresh / "data").write_bytes(data)


def _in_a_file(path, data):
    with files.whole_file(path) as beside:
        beside.write_bytes(data)


def _as_a_figure(path, data):
    figure = plt.figure()
    figure.figimage(np.random.default_rng(1).random((100, 100)))  # more than ROOM in any format
    try:
        runs.Run(path, params.Params()).save_figure("01_x", figure, pd.DataFrame({"a": [data.decode()]}), "A caption.")
    finally:
        plt.close(figure)


@pytest.fixture
def full_disk():
    """No file of this process grows above ROOM: as a full disk, it takes a part of what is written, then refuses."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "write",
    [
        files.write_whole,
        lambda path, data: files.write_whole(path, data, durable=True),
        _in_a_file,
        _in_a_folder,
        _as_a_figure,
    ],
    ids=["bytes", "durable", "file", "folder", "figure"],
)
def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path, full_disk, write):
    """`write` may take a part of the bytes without an error, which then stood for the whole file."""
    path = tmp_path / "kept"
    with pytest.raises(OSError, match=r"File too large|No space left") as caught:
        write(path, b"x" * (ROOM + 1000))
    assert str(caught.value.filename).startswith(str(path))
    assert [place for place in tmp_path.rglob("*") if place.is_file()] == []


def test_a_line_that_does_not_fit_is_an_error(tmp_path, full_disk):
    with pytest.raises(OSError, match=r"No space left on device: .*marks"):
        files.append_line(tmp_path / "marks", "x" * (ROOM + 1000))


def test_on_the_command_line_it_is_one_line_that_names_what_was_written(tmp_path, full_disk):
    """Python's error of a copy names what was copied first."""
    result = fer("new", tmp_path / "study")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith(f"fer-helpers: {tmp_path}/")
    assert "File too large" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_the_disk_was_full_stays(tmp_path, full_disk):
    path = tmp_path / "kept"
    files.write_whole(path, "old")
    with pytest.raises(OSError, match="File too large"):
        files.write_whole(path, b"x" * (ROOM + 1000))
    assert [(place.name, place.read_text()) for place in tmp_path.iterdir()] == [("kept", "old")]


def test_a_figure_is_written_anew_and_not_over_a_link(tmp_path):
    """The cells of a sweep share figures as links: one cell's run of another figure changed it in the others."""
    _as_a_figure(tmp_path / "one", b"x")
    before = {path.name: path.read_bytes() for path in (tmp_path / "one" / "figures").iterdir()}
    (tmp_path / "other" / "figures").mkdir(parents=True)
    for name in before:
        os.link(tmp_path / "one" / "figures" / name, tmp_path / "other" / "figures" / name)
    figure = plt.figure()
    runs.Run(tmp_path / "other", params.Params()).save_figure("01_x", figure, pd.DataFrame(), "Another.")
    plt.close(figure)
    assert {path.name: path.read_bytes() for path in (tmp_path / "one" / "figures").iterdir()} == before
    assert sorted(path.name for path in (tmp_path / "other" / "figures").iterdir()) == sorted(before)


def test_a_lock_that_cannot_be_made_is_not_held_by_somebody(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(OSError, match="unable to open database file"), files.exclusive(tmp_path / "lock"):
        pass
    (tmp_path / "other").write_text("no lock" * 1000)
    with pytest.raises(OSError, match="not a database"), files.exclusive(tmp_path / "other"):
        pass
