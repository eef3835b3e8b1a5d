"""Key frames: which are chosen, that exactly those come out, and that nothing goes missing in silence."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fer_helpers import tables
from fer_helpers.corpora.demo.renderer import Identity, Light, Pose, render
from fer_helpers.errors import ParamsError
from fer_helpers.frames import _key_frames as key_frames
from fer_helpers.frames import store
from fer_helpers.frames._face_crop import Face
from fer_helpers.frames.extraction import extract, remove_stale
from fer_helpers.media import videos
from tests.support.corpora import load_folder
from tests.support.media import (
    HEIGHT,
    WIDTH,
    coded,
    read_code,
    read_jpeg,
    turned,
    with_orientation,
    write_coded_video,
    write_picture,
    write_video,
)

NO_VIDEOS = tables.empty("videos")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    return path


def frames_of(
    corpus: Path, out: Path, clip_seconds: float = 0.0, pictures_as: str = "frames", **kwargs
) -> pd.DataFrame:
    clips = load_folder(corpus, clip_seconds=clip_seconds, pictures_as=pictures_as)
    table = extract(clips, corpus, out, **kwargs)
    assert set(clips["clip_id"]) == set(table["clip_id"]), "a clip has no row"
    return table


def codes(table: pd.DataFrame, out: Path) -> list[int]:
    return [read_code(read_jpeg(out / path)) for path in table["path"].dropna()]


# --- the right frame ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "expected"), [("middle", [15]), ("uniform", [3, 9, 15, 21, 27]), ("all", list(range(30)))]
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi", "clip.mpg", "clip.webm"])
def test_exactly_the_chosen_frames_come_out(corpus, tmp_path, name, choice, expected):
    """B-frames are stored out of order, and AVI and MPEG stamp time otherwise than MP4."""
    codec = {"clip.mpg": "mpeg2video", "clip.webm": "libvpx"}.get(name, "libx264")
    write_coded_video(corpus / name, codec=codec, options={} if codec == "libvpx" else None)
    table = frames_of(corpus, tmp_path / "out", choice=choice)
    assert table["frame_index"].tolist() == expected
    assert codes(table, tmp_path / "out") == expected
    assert table["time_s"].tolist() == pytest.approx([i / 25 for i in expected], abs=1e-3)
    assert set(table["status"]) == {"ok"}


def test_xvid_in_avi_has_no_presentation_times(corpus, tmp_path):
    write_coded_video(corpus / "clip.avi", codec="mpeg4")
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert codes(table, tmp_path / "out") == list(range(30))


def test_times_follow_the_stamps_of_variable_frame_rate(corpus, tmp_path):
    times = [0, 40, 80, 400, 440, 1000, 1040, 1500, 1540, 1580]
    write_coded_video(corpus / "clip.mp4", 10, times_ms=times)
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert table["time_s"].tolist() == pytest.approx([t / 1000 for t in times], abs=1e-3)
    assert codes(table, tmp_path / "out") == list(range(10))


def test_peak_finds_where_the_picture_changes(corpus, tmp_path):
    """Static but for bursts around frames 8 and 21; the strongest difference is at the burst's middle."""
    levels = np.full(30, 60)
    levels[7:] += 10
    levels[8:] += 40
    levels[9:] += 10
    levels[20:] -= 10
    levels[21:] -= 50
    levels[22:] -= 10
    write_video(corpus / "clip.mp4", [np.full((64, 96, 3), level, np.uint8) for level in levels])
    table = frames_of(corpus, tmp_path / "out", choice="peak", k=2)
    assert table["frame_index"].tolist() == [8, 21]
    grey = [read_jpeg(tmp_path / "out" / path).mean() for path in table["path"]]
    assert grey == pytest.approx([110, 60], abs=4)  # the frames at the jumps: 60+10+40 and 120-10-50


@pytest.mark.parametrize("n", [1, 2, 3])
def test_peak_of_the_shortest_clips(corpus, tmp_path, n):
    write_coded_video(corpus / "clip.mp4", n)
    assert frames_of(corpus, tmp_path / "out", choice="peak")["frame_index"].tolist() == list(range(n))


def test_pieces_of_a_cut_video_keep_to_their_time(corpus, tmp_path):
    """60 frames at 25 a second cut at 1 s: frames 0-24 and, the remainder being short, 25-59."""
    write_coded_video(corpus / "clip.mp4", 60)
    table = frames_of(corpus, tmp_path / "out", clip_seconds=1.0, choice="all")
    whole = table.groupby("clip_id", sort=False)
    assert {name: len(rows) for name, rows in whole} == {"clip#0.0": 25, "clip#1.0": 35}
    assert codes(table, tmp_path / "out") == list(range(60))
    assert table["frame_index"].tolist() == [*range(25), *range(35)]
    assert table["time_s"].tolist() == pytest.approx([*np.arange(25) / 25, *np.arange(35) / 25])


def test_a_sample_of_the_pieces_is_cut_where_the_whole_table_is(corpus, tmp_path):
    write_coded_video(corpus / "clip.mp4", 60)
    clips = load_folder(corpus, clip_seconds=0.8)
    table = extract(clips.iloc[[2]], corpus, tmp_path, "peak", 60)
    assert codes(table, tmp_path) == list(range(40, 60))


def test_pictures_are_the_frames_in_natural_order(corpus, tmp_path):
    for index in range(12):
        write_picture(corpus / "Happy" / "c1" / f"img{index}.png", coded(index))
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert codes(table, tmp_path / "out") == list(range(12))
    assert table["time_s"].isna().all()


# --- the right pixels -----------------------------------------------------------------------------------


def gradient(width: int = 96, height: int = 64) -> np.ndarray:
    """Brighter to the right and redder downwards: any turn or flip shows."""
    across = np.tile(np.linspace(40, 200, width), (height, 1))
    down = np.tile(np.linspace(40, 200, height)[:, None], (1, width))
    return np.stack([across, across, down], -1).astype(np.uint8)


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_rotation_is_applied_as_opencv_applies_it(corpus, tmp_path, degrees):
    plain = write_video(tmp_path / "plain.mp4", [gradient()] * 5)
    video = turned(plain, corpus / "clip.mp4", degrees)
    shown = cv2.VideoCapture(str(video)).read()[1]
    table = frames_of(corpus, tmp_path / "out", choice="middle", quality=95)
    found = read_jpeg(tmp_path / "out" / table["path"][0])
    assert found.shape == shown.shape
    assert np.abs(found.astype(int) - shown).mean() < 4
    assert table[["width", "height"]].iloc[0].tolist() == list(shown.shape[1::-1])


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize(("across", "down"), [(True, False), (False, True)])
def test_mirrored_videos_are_shown_as_their_matrix_says(corpus, tmp_path, degrees, across, down):
    """A front camera's video: turned counter-clockwise, then mirrored."""
    plain = write_video(tmp_path / "plain.mp4", [gradient()] * 3)
    turned(plain, corpus / "clip.mp4", degrees, across, down)
    expected = np.rot90(gradient(), degrees // 90)[:: -1 if down else 1, :: -1 if across else 1]
    table = frames_of(corpus, tmp_path / "out", choice="middle", quality=95)
    found = read_jpeg(tmp_path / "out" / table["path"][0])
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 4


@pytest.mark.parametrize(("aspect", "expected"), [(Fraction(2), (96, 32)), (Fraction(1, 2), (48, 64))])
def test_pixels_that_are_not_square_are_made_square_by_shrinking(corpus, tmp_path, aspect, expected):
    write_coded_video(corpus / "clip.mp4", 3, aspect=aspect)
    clips = load_folder(corpus)
    assert (clips["width"][0], clips["height"][0]) == expected
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert [read_jpeg(tmp_path / "out" / path).shape[1::-1] for path in table["path"]] == [expected] * 3
    assert codes(table, tmp_path / "out") == [0, 1, 2]


def half_transparent() -> np.ndarray:
    """Orange everywhere; opaque on the left, half transparent in the middle, invisible on the right."""
    picture = np.full((64, 96, 4), (60, 120, 200, 255), np.uint8)
    picture[:, 32:64, 3], picture[:, 64:, 3] = 128, 0
    return picture


@pytest.mark.parametrize("name", ["ten bits.mov", "lossless.mkv", "picture.png"])
def test_what_is_transparent_lies_on_black(corpus, tmp_path, name):
    """ProRes 4444 has 10 bits and alpha, FFV1 8 bits and alpha."""
    if name.endswith(".png"):
        write_picture(corpus / name, half_transparent())
    else:
        codec, pixels = {"ten bits.mov": ("prores_ks", "yuva444p10le"), "lossless.mkv": ("ffv1", "bgra")}[name]
        write_video(corpus / name, [half_transparent()] * 3, codec=codec, pixels=pixels, options={})
    table = frames_of(corpus, tmp_path / "out", choice="middle", quality=95)
    found = read_jpeg(tmp_path / "out" / table["path"][0])
    assert [found[32, x].tolist() for x in (16, 48, 80)] == [
        pytest.approx([60, 120, 200], abs=5),
        pytest.approx([30, 60, 100], abs=5),
        pytest.approx([0, 0, 0], abs=5),
    ]


def test_sixteen_bit_pictures_keep_their_light(corpus, tmp_path):
    write_picture(corpus / "grey.png", np.full((64, 96), 200 * 257, np.uint16))
    table = frames_of(corpus, tmp_path / "out")
    assert read_jpeg(tmp_path / "out" / table["path"][0]).mean() == pytest.approx(200, abs=2)


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("clip.mp4", "libx264", "yuv420p"),
        ("clip.mp4", "libx264", "yuvj420p"),
        ("clip.mp4", "libx264", "yuv444p"),
        ("clip.mp4", "libx264", "yuv420p10le"),
        ("clip.mkv", "ffv1", "yuv422p12le"),
    ],
)
def test_colours_survive(corpus, tmp_path, name, codec, pixels):
    """Limited and full range must not be mixed up: grey 200 would become 186 or 214. Nor must more than 8 bits."""
    colour = np.full((64, 96, 3), (60, 120, 200), np.uint8)
    write_video(corpus / name, [colour] * 3, codec=codec, pixels=pixels, options={})
    table = frames_of(corpus, tmp_path / "out", choice="middle")
    found = read_jpeg(tmp_path / "out" / table["path"][0]).reshape(-1, 3).mean(0)
    assert found == pytest.approx([60, 120, 200], abs=4)


@pytest.mark.parametrize(
    ("size", "expected"), [(512, (WIDTH, HEIGHT)), (0, (WIDTH, HEIGHT)), (WIDTH, (WIDTH, HEIGHT)), (48, (48, 32))]
)
def test_pictures_are_scaled_down_never_up(corpus, tmp_path, size, expected):
    write_coded_video(corpus / "a.mp4", 3)
    write_picture(corpus / "b" / "1.png", coded(1))
    table = frames_of(corpus, tmp_path / "out", choice="middle", size=size)
    assert [(row.width, row.height) for row in table.itertuples()] == [expected] * 2
    assert [read_jpeg(tmp_path / "out" / path).shape[1::-1] for path in table["path"]] == [expected] * 2


def test_scaling_averages_instead_of_aliasing(corpus, tmp_path):
    """A checkerboard of single pixels scaled to half is flat grey."""
    board = np.indices((64, 96)).sum(0) % 2 * 255
    write_picture(corpus / "board.png", np.stack([board] * 3, -1).astype(np.uint8))
    table = frames_of(corpus, tmp_path / "out", size=48)
    assert read_jpeg(tmp_path / "out" / table["path"][0]).std() < 2


def test_odd_sizes(corpus, tmp_path):
    write_video(corpus / "clip.mp4", [gradient(97, 63)] * 3, pixels="yuv444p")
    table = frames_of(corpus, tmp_path / "out", choice="middle", size=50)
    assert table[["width", "height"]].iloc[0].tolist() == [50, 32]


def test_a_jpeg_that_needs_no_change_is_passed_on_byte_for_byte(corpus, tmp_path):
    source = write_picture(corpus / "Sad" / "1.jpg", coded(5))
    table = frames_of(corpus, tmp_path / "out")
    assert (tmp_path / "out" / table["path"][0]).read_bytes() == source.read_bytes()
    assert table["sha256"][0] == hashlib.sha256(source.read_bytes()).hexdigest()


def test_a_jpeg_to_be_turned_is_turned_and_not_passed_on(corpus, tmp_path):
    source = write_picture(tmp_path / "1.jpg", gradient())
    (corpus / "1.jpg").write_bytes(with_orientation(source.read_bytes(), 6))  # show it turned clockwise
    table = frames_of(corpus, tmp_path / "out")
    found = read_jpeg(tmp_path / "out" / table["path"][0])
    assert found.shape == (96, 64, 3)
    assert np.abs(found.astype(int) - np.rot90(read_jpeg(source), -1)).mean() < 3


def test_what_a_camera_wrote_does_not_travel_with_the_picture(corpus, tmp_path):
    """EXIF may hold the place and the device; such a JPEG is encoded anew, without it."""
    source = write_picture(tmp_path / "1.jpg", gradient())
    (corpus / "1.jpg").write_bytes(with_orientation(source.read_bytes(), 1))
    assert b"Exif" in (corpus / "1.jpg").read_bytes()
    table = frames_of(corpus, tmp_path / "out")
    assert b"Exif" not in (tmp_path / "out" / table["path"][0]).read_bytes()


# --- what cannot be read --------------------------------------------------------------------------------


def test_unreadable_clips_stay_as_rows_with_their_reasons(corpus, tmp_path, capfd):
    (corpus / "zero.mp4").touch()
    (corpus / "text.mp4").write_text("not a video\n" * 100)
    (corpus / "zero.jpg").touch()
    (corpus / "text.jpg").write_text("not a picture")
    write_coded_video(corpus / "fine.mp4", 3)
    table = frames_of(corpus, tmp_path / "out", pictures_as="clips", choice="middle").set_index("clip_id")
    assert table["status"].to_dict() == {
        "fine": "ok",
        "text.jpg": "unreadable",
        "text.mp4": "unreadable",
        "zero.jpg": "empty",
        "zero.mp4": "empty",
    }
    bad = table.drop("fine")
    assert bad["path"].isna().all()
    assert bad["reason"].to_dict() == {
        "text.jpg": "not a picture that can be read",
        "text.mp4": "not a video that can be opened: Invalid data found when processing input",
        "zero.jpg": "the file has no bytes",
        "zero.mp4": "the file has no bytes",
    }
    noise = [line for line in capfd.readouterr().err.splitlines() if "frames" not in line and "clips" not in line]
    assert not "".join(noise).strip()


def damaged(video: Path) -> Path:
    """The bytes of some frames in the middle replaced by zeros."""
    data = bytearray(video.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 200] = bytes(200)
    video.write_bytes(data)
    return video


def test_a_frame_lost_in_the_middle_does_not_shift_the_others(corpus, tmp_path):
    """Intra-coded, so that damage stays in its frames and those after it are whole."""
    options = {"g": "1", "bf": "0"}
    damaged(write_coded_video(corpus / "clip.mp4", 30, options=options, container={"movflags": "faststart"}))
    table = frames_of(corpus, tmp_path / "out", choice="all")
    good, bad = table[table["status"] == "ok"], table[table["status"] == "unreadable"]
    assert 0 < len(bad) < 10
    assert len(good) + len(bad) == 30
    assert codes(good, tmp_path / "out") == good["frame_index"].tolist()
    assert max(good["frame_index"]) > max(bad["frame_index"]) > min(good["frame_index"])
    assert set(bad["reason"]) == {
        "frame cannot be decoded: Invalid data found when processing input; "
        f"{len(good)} of the clip's 30 frames came out"
    }


def test_a_video_shorter_than_its_clip_row_says_so(corpus, tmp_path):
    write_coded_video(corpus / "clip.mp4", 30)
    clips = load_folder(corpus)
    write_coded_video(corpus / "clip.mp4", 20)
    table = extract(clips, corpus, tmp_path / "out")
    assert table["status"].tolist() == ["ok"] * 3 + ["unreadable"] * 2
    assert (
        table["reason"].tolist()[3:]
        == ["frame cannot be decoded: the video ends early; 20 of the clip's 30 frames came out"] * 2
    )


def test_files_gone_since_they_were_listed_are_rows(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4", 3)
    for index in range(3):
        write_picture(corpus / "b" / f"{index}.png", coded(index))
    clips = load_folder(corpus)
    (corpus / "a.mp4").unlink()
    (corpus / "b" / "2.png").unlink()
    table = extract(clips, corpus, tmp_path / "out", "all")
    assert table["status"].tolist() == ["unreadable"] * 3 + ["ok", "ok", "unreadable"]
    assert "No such file" in table["reason"][0]
    assert table["reason"][5].startswith("frame cannot be decoded: the picture is gone; 2 of")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_truncated_files_give_what_they_hold(corpus, tmp_path, share):
    noise = np.random.default_rng(1).integers(0, 255, (30, HEIGHT, WIDTH, 3), np.uint8)
    for name, codec in [("a.mp4", "libx264"), ("b.avi", "mpeg4"), ("c.webm", "libvpx-vp9"), ("d.mpg", "mpeg2video")]:
        options = {"movflags": "faststart"} if name == "a.mp4" else None
        video = write_video(corpus / name, noise, codec=codec, options={}, container=options)
        video.write_bytes(video.read_bytes()[: int(share * video.stat().st_size)])
    jpeg = write_picture(corpus / "e" / "1.jpg", noise[0])
    jpeg.write_bytes(jpeg.read_bytes()[: int(share * jpeg.stat().st_size)])
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert set(table["status"]) <= {"ok", "unreadable"}
    assert table[table["status"] != "ok"]["reason"].notna().all()
    assert table[table["clip_id"] == "e"]["status"].tolist() == ["unreadable"]
    if share > 0.5:
        assert (table[table["status"] == "ok"].groupby("clip_id").size() >= 5).all()
        assert set(table[table["status"] == "ok"]["clip_id"]) == {"a", "b", "c", "d"}


# --- names, files, order --------------------------------------------------------------------------------

# A name that begins with a dot would be a hidden file, and no clip.
HOSTILE = [
    "=cmd|' !A1",
    "up..%2f..%2fetc",
    "мимика 表情",
    "a" * 200,
    "<img src=x onerror=alert(1)>",
    "-rf ~",
    "two\nlines",
]


def test_hostile_names_stay_inside_the_frames_folder(corpus, tmp_path):
    for name in HOSTILE:
        write_coded_video(corpus / f"{name}.mp4", 3)
    table = frames_of(corpus, tmp_path / "out", choice="middle")
    assert set(table["clip_id"]) == set(HOSTILE)
    assert set(table["status"]) == {"ok"}
    assert table["path"].str.fullmatch(r"frames/[A-Za-z0-9][A-Za-z0-9-]*/0001-[0-9a-f]{16}\.jpg").all()
    assert table["path"].is_unique
    written = [p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()]
    assert sorted(written) == sorted(table["path"])  # and no half-written file beside them


def test_files_and_table_do_not_depend_on_the_number_of_threads(corpus, tmp_path):
    for number in range(6):
        write_coded_video(corpus / f"{number}.mp4", 12 + number)
    write_picture(corpus / "p" / "1.png", coded(1))
    (corpus / "bad.mp4").touch()
    options = {"choice": "peak", "k": 3, "size": 48}
    one = frames_of(corpus, tmp_path / "one", n_jobs=1, **options)
    two = frames_of(corpus, tmp_path / "two", n_jobs=2, **options)
    pd.testing.assert_frame_equal(one, two)
    for path in one["path"].dropna():
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_rows_come_in_the_order_of_the_clips(corpus, tmp_path):
    for number in range(4):
        write_coded_video(corpus / f"{number}.mp4", 4)
    clips = load_folder(corpus).iloc[[2, 0, 3, 1]]
    table = extract(clips, corpus, tmp_path, k=2)
    assert table["clip_id"].tolist() == ["2", "2", "0", "0", "3", "3", "1", "1"]
    assert table["frame_index"].tolist() == [1, 3] * 4


def test_no_clips_give_no_rows(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4", 3)
    assert extract(load_folder(corpus).iloc[:0], corpus, tmp_path).empty


def test_an_unknown_crop_is_refused_before_any_work(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4", 3)
    with pytest.raises(ParamsError, match="face crop 'dlib' is unknown: use one of none, haar, yunet"):
        frames_of(corpus, tmp_path / "out", face_crop="dlib")
    assert not (tmp_path / "out").exists()


# --- faces ----------------------------------------------------------------------------------------------


def test_a_frame_without_a_face_is_a_row_that_says_so(corpus, tmp_path):
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    write_video(corpus / "noise.mp4", [noise] * 5)
    table = frames_of(corpus, tmp_path / "out", k=2, face_crop="haar")
    assert table["status"].tolist() == ["no_face"] * 2
    assert table["reason"].tolist() == ["no face was found by haar"] * 2
    assert table["n_faces"].tolist() == [0, 0]
    assert table["frame_index"].tolist() == [1, 3]
    assert table[["path", "sha256", "face_x"]].isna().all(axis=None)
    assert not (tmp_path / "out").exists()


def test_without_a_crop_there_is_no_face_box(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4", 3)
    table = frames_of(corpus, tmp_path / "out")
    assert table[["face_x", "face_y", "face_w", "face_h", "face_score", "n_faces"]].isna().all(axis=None)


def test_the_largest_face_is_cropped_with_a_quarter_of_its_side_around_it(corpus, tmp_path):
    """A large and a small rendered face side by side: the box lies on the large one, in original pixels."""
    large = render({}, Identity(seed=3), Pose(), Light(), 448)
    small = cv2.resize(large, (160, 160), interpolation=cv2.INTER_AREA)
    scene = np.full((448, 1400, 3), 128, np.uint8)
    scene[:, 100:548], scene[200:360, 1000:1160] = large, small
    write_picture(corpus / "scene.png", scene)
    row = frames_of(corpus, tmp_path / "out", face_crop="haar", size=100).iloc[0]
    assert row["status"] == "ok"
    assert 100 < row["face_x"] < row["face_x"] + row["face_w"] < 548
    assert row["face_w"] > 160
    left, right = max(0, row["face_x"] - row["face_w"] / 4), row["face_x"] + 1.25 * row["face_w"]
    top, bottom = max(0, row["face_y"] - row["face_h"] / 4), min(448, row["face_y"] + 1.25 * row["face_h"])
    scale = 100 / max(right - left, bottom - top)
    assert [row["width"], row["height"]] == pytest.approx([(right - left) * scale, (bottom - top) * scale], abs=1)
    found = read_jpeg(tmp_path / "out" / row["path"])
    expected = cv2.resize(scene[round(top) : round(bottom), round(left) : round(right)], found.shape[1::-1])
    assert np.abs(found.astype(int) - expected).mean() < 8
    assert row["face_score"] > 0
    assert row["n_faces"] == 2


# --- one reading, motion, other stores, earlier runs ----------------------------------------------------


@pytest.fixture
def decoded(monkeypatch):
    """Names of the files whose frames are asked for, once a reading, and how many frames came out of each."""
    readings: list[list] = []
    real = videos.shots

    def counted(path, problems):
        readings.append([path.name, 0])
        reading = readings[-1]
        for shot in real(path, problems):
            reading[1] += 1
            yield shot

    monkeypatch.setattr(videos, "shots", counted)
    return readings


@pytest.mark.parametrize(
    ("choice", "n_decoded"), [("middle", 16), ("uniform", 28), ("fps", 20), ("all", 30), ("peak", 30)]
)
def test_a_file_is_read_once_and_no_farther_than_wanted(corpus, tmp_path, decoded, choice, n_decoded):
    """30 frames at 25 a second; at two a second the last frame wanted is that of .75 s, number 18 or 19."""
    write_coded_video(corpus / "clip.mp4")
    table = frames_of(corpus, tmp_path / "out", choice=choice)
    assert decoded == [["clip.mp4", max(table["frame_index"]) + 1 if choice == "fps" else n_decoded]]
    assert codes(table, tmp_path / "out") == table["frame_index"].tolist()


def test_all_pieces_of_a_video_come_from_one_reading(corpus, tmp_path, decoded):
    write_coded_video(corpus / "clip.mp4", 60)
    for choice in ("uniform", "peak"):
        frames_of(corpus, tmp_path / choice, clip_seconds=0.5, choice=choice, k=2)
    assert [name for name, _ in decoded] == ["clip.mp4"] * 2


def test_a_clip_too_long_for_memory_is_read_again_and_comes_out_the_same(corpus, tmp_path, decoded, monkeypatch):
    write_coded_video(corpus / "clip.mp4", 40)
    held = frames_of(corpus, tmp_path / "held", choice="peak", k=3)
    monkeypatch.setattr(key_frames, "_HELD", 100_000)
    read_again = frames_of(corpus, tmp_path / "again", choice="peak", k=3)
    assert len(decoded) == 3
    pd.testing.assert_frame_equal(held, read_again)


def test_clips_that_overlap_in_one_file_are_whole(corpus, tmp_path):
    """A manifest may name a file twice."""
    write_coded_video(corpus / "a.mp4")
    clips = pd.concat([load_folder(corpus), load_folder(corpus).assign(clip_id="b")])
    table = extract(clips, corpus, tmp_path / "out", "uniform", 3)
    assert codes(table, tmp_path / "out") == table["frame_index"].tolist() == [5, 15, 25] * 2


def test_fps_follows_the_times_of_a_variable_frame_rate(corpus, tmp_path):
    """At .25, .75, 1.25 s; frames are shown from 0, .04, .08, .4, .44, 1, 1.04, 1.5, 1.54 and 1.58 s."""
    times = [0, 40, 80, 400, 440, 1000, 1040, 1500, 1540, 1580]
    write_coded_video(corpus / "clip.mp4", 10, times_ms=times)
    table = frames_of(corpus, tmp_path / "out", choice="fps", per_second=2)
    assert codes(table, tmp_path / "out") == [2, 4, 6]
    assert table["time_s"].tolist() == pytest.approx([0.08, 0.44, 1.04], abs=1e-3)


def test_fps_of_pictures_is_refused_and_a_single_picture_is_not(corpus, tmp_path):
    write_picture(corpus / "one" / "1.png", coded(1))
    assert frames_of(corpus, tmp_path / "out", choice="fps")["frame_index"].tolist() == [0]
    write_picture(corpus / "two" / "1.png", coded(1))
    write_picture(corpus / "two" / "2.png", coded(2))
    with pytest.raises(
        ParamsError, match=r"1 clips are picture folders, which have none \(first: 'two'\): use uniform"
    ):
        frames_of(corpus, tmp_path / "out", choice="fps")


def test_fps_of_an_animated_picture_follows_its_times(corpus, tmp_path):
    """Frames shown from 0, .3, .6 and .9 s; at .25 and .75 s of 1.2 s it is 0 and 2."""
    images = [Image.fromarray(coded(i)[..., ::-1]) for i in range(4)]
    corpus.joinpath("Happy").mkdir()
    more = {"save_all": True, "append_images": images[1:], "lossless": True}
    images[0].save(corpus / "Happy/a.webp", duration=300, **more)
    table = frames_of(corpus, tmp_path / "out", choice="fps", per_second=2, pictures_as="clips")
    assert codes(table, tmp_path / "out") == table["frame_index"].tolist() == [0, 2]
    assert table["time_s"].tolist() == pytest.approx([0, 0.6])


def test_motion_is_of_the_whole_clip_where_every_frame_is_looked_at(corpus, tmp_path):
    """Levels 60 and, from frame 15, 160: a step of 100, over three frames; key frames apart see all of it."""
    levels = [60] * 15 + [160] * 15
    write_video(corpus / "clip.mp4", [np.full((64, 96, 3), level, np.uint8) for level in levels])
    motion = {
        choice: frames_of(corpus, tmp_path / choice, choice=choice, k=2).set_index("frame_index")["motion"]
        for choice in ("all", "peak", "uniform", "middle")
    }
    assert motion["all"][[13, 14, 15, 16, 17]].tolist() == pytest.approx([0, 100 / 3, 100 / 3, 100 / 3, 0], abs=3)
    assert motion["peak"].max() == pytest.approx(100 / 3, abs=3)
    assert motion["uniform"].to_dict() == pytest.approx({7: 100, 22: 100}, abs=3)
    assert motion["middle"].isna().all()


def test_pictures_have_motion_too(corpus, tmp_path):
    for index, level in enumerate([10, 10, 40, 40]):
        write_picture(corpus / f"{index}.jpg", np.full((64, 96, 3), level, np.uint8))
    table = frames_of(corpus, tmp_path / "out", choice="all")
    assert table["motion"].tolist() == pytest.approx([0, 10, 10, 15], abs=1)


def test_a_jpeg_whose_data_is_broken_is_not_passed_on(corpus, tmp_path):
    """Its header and its end are whole; only decoding shows that its Huffman table is nonsense."""
    data = bytearray(write_picture(tmp_path / "1.jpg", coded(3)).read_bytes())
    table_at = data.index(b"\xff\xc4") + 5
    data[table_at : table_at + 16] = b"\xff" * 16
    (corpus / "1.jpg").write_bytes(data)
    table = frames_of(corpus, tmp_path / "out")
    assert table["status"].tolist() == ["unreadable"]
    assert table["reason"][0].startswith("not a picture that can be decoded: broken data stream")


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_another_store_holds_the_same_frames(corpus, tmp_path, kind):
    write_coded_video(corpus / "a.mp4")
    address = {"folder": str(tmp_path / "store"), "memory": f"memory://{tmp_path.name}"}[kind]
    here = frames_of(corpus, tmp_path / "here")
    there = frames_of(corpus, tmp_path / "there", frame_store=address)
    pd.testing.assert_frame_equal(here.drop(columns="path"), there.drop(columns="path"))
    assert there["path"].str.startswith(address).all()
    for one, other in zip(here["path"], there["path"], strict=True):
        assert store.read(tmp_path / "there", other) == (tmp_path / "here" / one).read_bytes()
    assert not (tmp_path / "there").exists()


def test_key_frames_of_an_earlier_run_go_and_nothing_else(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4")
    out = tmp_path / "out"
    before = frames_of(corpus, out, choice="uniform", size=48)
    (out / "frames" / "mine").mkdir()
    own = [out / "frames" / "mine" / "0001.jpg", out / "frames" / "notes.txt"]
    for path in own:
        path.write_text("mine")
    now = frames_of(corpus, out, choice="middle")
    # Until the new table is written the old one is true: no name means another picture than before.
    assert all((out / row.path).is_file() for row in before.itertuples())
    assert set(before["path"]).isdisjoint(now["path"])
    assert remove_stale(now, NO_VIDEOS, out) == len(before)
    left = {path for path in out.rglob("*") if path.is_file()}
    assert left == {*own, *(out / path for path in now["path"])}


def test_a_store_inside_the_runs_folder_is_not_taken_for_an_earlier_run(corpus, tmp_path):
    write_coded_video(corpus / "a.mp4")
    for address in (str(tmp_path / "out" / "frames"), f"file://{tmp_path}/out/frames"):
        table = frames_of(corpus, tmp_path / "out", frame_store=address)
        assert remove_stale(table, NO_VIDEOS, tmp_path / "out") == 0


def test_face_boxes_are_steadied_over_neighbouring_key_frames(corpus, tmp_path, monkeypatch):
    """The detector's boxes are 100, 130 and 100 wide; the middle one is drawn to the others'."""
    boxes = iter([Face(20, 20, w, w, 1.0) for w in (100, 130, 100)])
    monkeypatch.setattr(key_frames, "find_faces", lambda *_: [next(boxes), Face(0, 0, 8, 8, 1.0)])
    write_video(corpus / "a.mp4", [gradient(192, 192)] * 9)
    table = frames_of(corpus, tmp_path / "out", face_crop="haar", k=3)
    assert table["face_w"].tolist() == [115, 100, 115]  # at the ends the mean of two
    assert table["n_faces"].tolist() == [2, 2, 2]
