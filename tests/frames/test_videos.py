"""Clips as small videos: the key frames' pixels, the right frames, and a reason where there is none."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from fer_helpers.frames import _videos as videos
from fer_helpers.frames import extract, extract_videos, remove_stale, store
from fer_helpers.frames._face_crop import Face, crop_to_all
from tests.support.corpora import load_folder
from tests.support.media import (
    coded,
    read_code,
    read_jpeg,
    remuxed,
    turned,
    write_coded_video,
    write_levels,
    write_picture,
    write_video,
)


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "corpus").mkdir()
    return tmp_path / "corpus"


def made(corpus, out, size=512, clip_seconds=0.0, **how):
    """The clips, frames and videos tables."""
    clips = load_folder(corpus, clip_seconds=clip_seconds)
    where = {name: how[name] for name in ("frame_store", "face_margin", "grey", "brightness", "blur") if name in how}
    frames = extract(clips, corpus, out, **{"choice": "all", "size": size, "quality": 100, **how})
    table = extract_videos(clips, frames, corpus, out, size, **where)
    assert table["clip_id"].tolist() == clips["clip_id"].tolist(), "a clip has no row"
    return clips, frames, table


def seen(out, path):
    """The frames of a video as PyAV converts them, and their times."""
    with av.open(io.BytesIO(store.read(out, path))) as file:
        frames = list(file.decode(video=0))
        return [frame.to_ndarray(format="bgr24") for frame in frames], [frame.time for frame in frames]


def codes(out, row):
    return [read_code(picture) for picture in seen(out, row["path"])[0]]


# --- the same pixels as key frames ----------------------------------------------------------------------


def test_alterations_alter_videos_as_they_do_key_frames(corpus, tmp_path):
    write_coded_video(corpus / "plain.mp4", 6, fps=10)
    _, frames, table = made(corpus, tmp_path, grey=True, brightness=0.5, blur=0.02)
    stills = [read_jpeg(tmp_path / path) for path in frames["path"]]
    pictures, _ = seen(tmp_path, table["path"][0])
    assert len(pictures) == len(stills) == 6
    assert max(still.max() for still in stills) < 140
    for picture, still in zip(pictures, stills, strict=True):
        assert np.abs(picture.astype(int) - still).mean() < 3


def zoo(corpus):
    """Files that are not shown as they are stored: turned, of long pixels, HDR, of a wide gamut, with alpha."""
    plain = write_coded_video(corpus / "plain.mp4", 6, fps=10)
    for degrees in (90, 180, 270):
        turned(plain, corpus / f"turned {degrees}.mp4", degrees)
    turned(plain, corpus / "mirrored.mp4", 0, across=True)
    write_coded_video(corpus / "long pixels.mp4", 6, fps=10, aspect=Fraction(4, 3))
    write_coded_video(corpus / "odd.mkv", 6, fps=10, codec="ffv1", pixels="bgr0")
    write_levels(corpus / "pq.mp4", (500, 470, 560), color_trc="smpte2084", color_primaries="bt2020",
                 colorspace="bt2020nc")  # fmt: skip
    write_levels(corpus / "hlg.mp4", (600, 500, 540), color_trc="arib-std-b67", color_primaries="bt2020",
                 colorspace="bt2020nc")  # fmt: skip
    write_levels(corpus / "p3.mp4", (500, 470, 600), color_trc="bt709", color_primaries="smpte432", colorspace="bt709")
    write_levels(corpus / "full range.mp4", (150, 110, 150), "yuv420p", color_range="pc")
    write_video(corpus / "clear.mov", [np.dstack([coded(n), np.full((64, 96), 128, np.uint8)]) for n in range(3)],
                fps=10, codec="qtrle", pixels="argb", options={})  # fmt: skip


@pytest.mark.parametrize("size", [512, 48])
def test_a_video_shows_the_pixels_of_the_key_frames(corpus, tmp_path, size):
    """Within what the codec loses; a colour that was not converted is off by ten, a turned frame by a hundred."""
    zoo(corpus)
    _, frames, table = made(corpus, tmp_path, size)
    assert table["status"].eq("ok").all()
    for clip_id, path in zip(table["clip_id"], table["path"], strict=True):
        of_clip = frames[frames["clip_id"] == clip_id]
        wanted = videos.chosen(of_clip["time_s"].to_numpy(float))
        for picture, key in zip(seen(tmp_path, path)[0], of_clip["path"].iloc[wanted], strict=True):
            height, width = picture.shape[:2]
            other = read_jpeg(tmp_path / key)
            assert (height, width) == tuple(side // 2 * 2 for side in other.shape[:2]), clip_id
            apart = cv2.blur(picture, (5, 5)).astype(int) - cv2.blur(other[:height, :width], (5, 5))
            assert abs(apart).mean() < 4, clip_id


# --- the right frames -----------------------------------------------------------------------------------


def test_at_most_ten_frames_a_second_at_their_own_times(corpus, tmp_path):
    """30 frames at 25 a second: those shown at 0.05, 0.15, ... 1.15 s are 1, 3, 6, 8, 11 and so on."""
    write_coded_video(corpus / "clip.mp4", 30)
    _, _, table = made(corpus, tmp_path, choice="middle")
    wanted = [int(round(at * 100) // 4) for at in np.arange(0.05, 1.2, 0.1)]
    assert wanted[:5] == [1, 3, 6, 8, 11]
    row = table.iloc[0]
    assert codes(tmp_path, row) == wanted
    assert seen(tmp_path, row["path"])[1] == pytest.approx([(index - 1) / 25 for index in wanted], abs=0.001)
    assert (row["n_frames"], row["duration_s"], row["status"]) == (12, 1.2, "ok")
    assert pd.isna(row["reason"])


def test_a_long_clip_is_shown_whole_with_fewer_frames():
    """A minute at 10 a second is 600 frames, shown at 0.05, 0.15, ... 59.95 s; every other is kept, from the second."""
    kept = videos.chosen(np.arange(1500) / 25)
    assert len(kept) == 300
    assert (kept[0], kept[1], kept[-1]) == (3, 8, 1498)  # at 0.15, 0.35 and 59.95 s


def test_slow_and_uneven_videos_keep_every_frame(corpus, tmp_path):
    write_coded_video(corpus / "uneven.mkv", 5, times_ms=[0, 400, 500, 900, 2000])
    write_coded_video(corpus / "slow.mp4", 6, fps=5)
    _, _, table = made(corpus, tmp_path)
    rows = table.set_index("clip_id")
    assert codes(tmp_path, rows.loc["uneven"]) == [0, 1, 2, 3, 4]
    assert seen(tmp_path, rows.loc["uneven"]["path"])[1] == pytest.approx([0, 0.4, 0.5, 0.9, 2.0])
    assert codes(tmp_path, rows.loc["slow"]) == list(range(6))


def test_frames_that_are_all_stamped_alike_are_shown_all(corpus, tmp_path):
    """As some recorders write them: takes for pictures without times, 25 a second."""
    source = write_coded_video(tmp_path / "source.mov", 8, fps=10, codec="mjpeg", options={}, pixels="yuvj420p")

    def at_zero(_, packet):
        packet.pts = packet.dts = packet.duration = 0
        return [packet]

    remuxed(source, corpus / "zero.mkv", at_zero)
    _, _, table = made(corpus, tmp_path)
    assert codes(tmp_path, table.iloc[0]) == list(range(8))
    assert table["duration_s"].item() == 8 / 25


def test_pieces_of_one_file_have_their_own_frames(corpus, tmp_path):
    write_coded_video(corpus / "clip.mp4", 40, fps=10)
    clips, _, table = made(corpus, tmp_path, clip_seconds=1.5)
    assert [codes(tmp_path, row) for row in table.to_dict("records")] == [
        list(range(15)), list(range(15, 30)), list(range(30, 40))
    ][: len(clips)]  # fmt: skip


def test_all_pictures_of_a_folder_are_shown_25_a_second(corpus, tmp_path):
    for number in range(12):
        write_picture(corpus / "clip" / f"{number}.png", coded(number))
    write_picture(corpus / "one" / "0.png", coded(7))
    _, _, table = made(corpus, tmp_path)
    rows = table.set_index("clip_id")
    assert codes(tmp_path, rows.loc["clip"]) == list(range(12))
    assert rows.loc["clip", "duration_s"] == 12 / 25
    assert rows.loc["one", ["status", "reason"]].tolist() == ["still", "the clip has one frame, which is no video"]


# --- no video, and why ----------------------------------------------------------------------------------


def test_what_cannot_be_a_video_has_a_status_and_a_reason(corpus, tmp_path, monkeypatch):
    write_coded_video(corpus / "good.mp4", 30)
    (corpus / "empty.mp4").write_bytes(b"")
    (corpus / "text.mp4").write_text("no video")
    cut = write_coded_video(corpus / "cut.mkv", 30, options={"g": "5", "bf": "0"})
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    clips, _, table = made(corpus, tmp_path)
    rows, clips = table.set_index("clip_id"), clips.set_index("clip_id")
    assert rows.loc["good", "status"] == "ok"
    for name in ("empty", "text"):
        assert rows.loc[name, ["status", "reason"]].tolist() == clips.loc[name, ["status", "reason"]].tolist()
    assert rows.loc["cut", "status"] == "ok"  # what is left of it
    assert rows["path"].notna().sum() == 2
    monkeypatch.setattr(videos, "MOST_BYTES", 500)
    row = made(corpus, tmp_path)[2].set_index("clip_id").loc["good"]
    assert row["status"] == "too_large"
    assert pd.isna(row["path"])
    assert "set a smaller clip_size" in row["reason"]


def test_frames_that_are_gone_when_the_video_is_made_are_told(corpus, tmp_path):
    """The file was whole when the corpus was read."""
    path = write_coded_video(corpus / "clip.mkv", 30, fps=10, options={"g": "5", "bf": "0"})
    clips = load_folder(corpus)
    frames = extract(clips, corpus, tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    row = extract_videos(clips, frames, corpus, tmp_path, 64).iloc[0]
    assert row["status"] == "ok"
    assert row["n_frames"] < 30
    assert row["reason"].startswith("frames are lost: ")
    path.write_bytes(b"gone")
    row = extract_videos(clips, frames, corpus, tmp_path, 64).iloc[0]
    assert row["status"] == "unreadable"
    assert row["reason"]


def test_none_are_made_unless_they_are_wanted(corpus, tmp_path):
    write_coded_video(corpus / "clip.mp4")
    assert made(corpus, tmp_path / "out")[2] is not None
    clips = load_folder(corpus)
    frames = extract(clips, corpus, tmp_path / "none")
    assert extract_videos(clips, frames, corpus, tmp_path / "none", 0).empty
    assert not list((tmp_path / "none").rglob("*.mp4"))


# --- faces, stores, leftovers ---------------------------------------------------------------------------


def test_one_window_holds_the_squares_of_all_faces():
    """Squares of side 10 × (1 + 2 × 0.25) = 15 around (25, 25) and (45, 30): from (17, 17) to (53, 38)."""
    picture = np.arange(60 * 80, dtype=np.int32).reshape(60, 80)
    faces = [Face(20, 20, 10, 10, 1.0), Face(40, 25, 10, 10, 1.0)]
    part = crop_to_all(picture, faces, 0.25)  # 17.5 and 22.5 are rounded to even, as Python rounds: 18 and 22
    assert (part[0, 0] % 80, part[0, 0] // 80) == (18, 18)
    assert part.shape == (38 - 18, 52 - 18)


def test_a_face_crop_holds_for_the_video_too(corpus, tmp_path, monkeypatch):
    """A face moves from left to right; a clip without any has no video, so that no whole frame leaves unasked."""

    def find(picture, detector, weights=""):
        index = read_code(picture)
        return [] if index >= 40 else [Face(10.0 + 4 * index, 16.0, 20.0, 20.0, 1.0)]

    monkeypatch.setattr("fer_helpers.frames._key_frames.find_faces", find)
    write_video(corpus / "face.mp4", [coded(number) for number in range(8)], fps=10)
    write_video(corpus / "none.mp4", [coded(40 + number) for number in range(8)], fps=10)
    _, frames, table = made(corpus, tmp_path, face_crop="haar", face_margin=0.0)
    rows = table.set_index("clip_id")
    boxes = frames[frames["face_x"].notna()]
    left, right = boxes["face_x"].min(), (boxes["face_x"] + boxes["face_w"]).max()
    assert (rows.loc["face", "width"], rows.loc["face", "height"]) == ((right - left) // 2 * 2, 20)
    assert rows.loc["none", "status"] == "no_face"
    assert pd.isna(rows.loc["none", "path"])


def test_videos_lie_where_key_frames_do_and_leftovers_go(corpus, tmp_path):
    write_coded_video(corpus / "clip.mp4")
    _, frames, table = made(corpus, tmp_path / "run", frame_store=str(tmp_path / "store"))
    assert (tmp_path / "run" / table.iloc[0]["path"]).is_relative_to(tmp_path / "store")
    assert codes(tmp_path / "run", table.iloc[0])[:3] == [1, 3, 6]
    out = tmp_path / "own"
    _, _, before = made(corpus, out, size=48)
    _, frames, now = made(corpus, out, size=64)
    assert (out / before.iloc[0]["path"]).is_file()
    own = out / "frames" / "mine.mp4"
    own.write_text("mine")
    removed = remove_stale(frames, now, out)
    assert removed == 1 + 30  # all key frames are smaller than before, too
    assert not (out / before.iloc[0]["path"]).exists()
    assert (out / now.iloc[0]["path"]).is_file()
    assert own.is_file()
    assert remove_stale(frames, now.iloc[:0], out) == 1
