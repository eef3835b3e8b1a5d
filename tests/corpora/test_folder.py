"""Reading a folder into the clips table: what is found, how it is named and labelled, what is refused."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from fer_helpers import corpora, params, tables
from fer_helpers.errors import CorpusError, ListError
from tests.support.corpora import load, load_folder
from tests.support.media import coded, turned, with_orientation, write_coded_video

JPEG = cv2.imencode(".jpg", coded(1))[1].tobytes()
LOOKED_FOR = (
    "3g2 3gp apng asf avi avif bmp divx f4v flv gif jfif jpe jpeg jpg m2ts m2v m4v mkv mov mp4 mpeg mpg mts ogv "
    "pgm png ppm qt tif tiff ts vob webm webp wmv"
)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    return path


def put(corpus: Path, *paths: str) -> None:
    """Files at `paths`: small JPEGs, or empty, which is enough for a video to be listed."""
    for path in paths:
        (corpus / path).parent.mkdir(parents=True, exist_ok=True)
        (corpus / path).write_bytes(JPEG if path.lower().endswith((".jpg", ".jpeg")) else b"")


def ids(table: pd.DataFrame) -> list[str]:
    return table["clip_id"].tolist()


# --- finding --------------------------------------------------------------------------------------------


def test_videos_anywhere_in_any_case_and_nothing_else(corpus):
    put(corpus, "a.MP4", "x/b.Mov", "x/y/c.avi", "x/y/z/d.mkv", "e.webm", "f.m4v", "g.MPG")
    put(corpus, "Thumbs.db", ".DS_Store", "notes.txt", "._a.mp4", ".git/h.mp4", "__MACOSX/i.mp4", "j.mp4.part")
    assert ids(load_folder(corpus)) == ["a", "e", "f", "g", "x/b", "x/y/c", "x/y/z/d"]


def test_a_folder_of_pictures_is_a_clip(corpus):
    put(corpus, "Happy/c1/img2.jpg", "Happy/c1/img10.jpg", "Happy/c1/Thumbs.db", "Happy/c2/1.jpeg")
    table = load_folder(corpus)
    assert ids(table) == ["Happy/c1", "Happy/c2"]
    assert table["path"].tolist() == ["Happy/c1", "Happy/c2"]
    assert table["n_frames"].tolist() == [2, 1]
    assert table[["width", "height"]].drop_duplicates().to_numpy().tolist() == [[96, 64]]
    assert table[["duration_s", "fps"]].isna().all(axis=None)


def test_or_each_picture_is(corpus):
    put(corpus, "p2.jpg", "p10.jpg", "Sad/q.jpg")
    table = load_folder(corpus, pictures_as="clips")
    assert ids(table) == ["p2", "p10", "Sad/q"]
    assert table["n_frames"].tolist() == [1, 1, 1]
    assert table["duration_s"].tolist() == [0, 0, 0]


def test_emotions_folders_of_single_pictures_say_that_they_are_one_clip_each(corpus):
    """Kaggle's layout of FER2013: without pictures_as seven long clips, which is said; with it a clip a picture."""
    put(corpus, "train/happy/a.jpg", "train/happy/b.jpg", "train/sad/c.jpg", "train/sad/clip/1.jpg")
    table = load_folder(corpus).set_index("clip_id")
    assert table["reason"].dropna().to_dict() == {
        "train/happy": "2 pictures are the frames of one clip; if each is a clip, set pictures_as: clips"
    }
    each = load_folder(corpus, pictures_as="clips")
    assert each["label"].tolist() == ["happy", "happy", "sad", "sad"]
    assert each["reason"].isna().all()


def test_what_cannot_be_read_is_named_where_nothing_can(corpus):
    put(corpus, "a.heix", "x/b.HEIX", "notes.txt", "c")
    with pytest.raises(CorpusError, match=r"at any depth, found 2 \.heix, 1 no suffix; convert them$"):
        load_folder(corpus)


def test_pictures_in_the_corpus_folder_itself_are_a_clip_named_after_it(corpus):
    put(corpus, "1.jpg", "2.jpg")
    table = load_folder(corpus)
    assert (ids(table), table["path"].tolist()) == (["corpus"], ["."])


def test_links_out_of_the_corpus_are_not_followed_and_said(corpus, tmp_path):
    put(tmp_path, "private/secret.mp4", "private/secret.jpg")
    put(corpus, "a.mp4", "pictures/1.jpg")
    (corpus / "folder").symlink_to(tmp_path / "private")
    (corpus / "film.mp4").symlink_to(tmp_path / "private" / "secret.mp4")
    (corpus / "pictures" / "2.jpg").symlink_to(tmp_path / "private" / "secret.jpg")
    (corpus / "loop").symlink_to(corpus)
    (corpus / "same.mp4").symlink_to(corpus / "a.mp4")
    with pytest.warns(UserWarning, match="that lead out of the corpus") as said:
        table = load_folder(corpus)
    assert [str(warning.message).partition(";")[0] for warning in said] == [
        f"corpus folder {corpus}: 2 symbolic links that lead out of the corpus were not followed (first: 'film.mp4')",
        f"corpus folder {corpus / 'pictures'}: 1 symbolic links that lead out of the corpus were not followed "
        "(first: '2.jpg')",
    ]
    assert ids(table) == ["a", "pictures", "same"]
    assert table["n_frames"].tolist()[1] == 1


def test_ten_thousand_files_are_listed_in_seconds(corpus):
    for clip in range(100):
        put(corpus, *[f"Scene/Happy/{clip:04d}/{frame}.jpg" for frame in range(100)])
    started = time.process_time()
    table = load_folder(corpus)
    assert time.process_time() - started < 3
    assert table["n_frames"].tolist() == [100] * 100


def test_names_that_are_not_utf8_are_refused(corpus, monkeypatch):
    with open(os.fsencode(corpus) + b"/caf\xe9.mp4", "wb"):  # noqa: PTH123 - Path takes no bytes
        pass
    with pytest.raises(CorpusError, match=r"1 file names are not UTF-8 \(first: 'caf\\udce9.mp4'\); rename them"):
        load_folder(corpus)
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")  # LC_ALL=POSIX PYTHONUTF8=0
    with pytest.raises(CorpusError, match="set PYTHONUTF8=1"):
        load_folder(corpus)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist: give the folder that holds the clips"),
        (lambda path: path.write_text(""), "is not a folder: give the folder that holds the clips"),
        (lambda path: path.mkdir(), f"has no video or picture: looked for {LOOKED_FOR} at any depth"),
    ],
)
def test_a_corpus_folder_that_is_none(tmp_path, make, message):
    make(tmp_path / "faces")
    with pytest.raises(CorpusError) as error:
        load_folder(tmp_path / "faces")
    assert str(error.value) == f"corpus folder {tmp_path / 'faces'} {message}"


# --- names ----------------------------------------------------------------------------------------------


def test_a_suffix_is_dropped_only_where_the_name_stays_unique(corpus):
    put(corpus, "a.mp4", "a.mov", "b.mp4", "c/1.jpg", "c.mp4", "d.mp4.mov", "d.mp4", "e.v2.mp4")
    assert sorted(ids(load_folder(corpus))) == sorted(["a.mp4", "a.mov", "b", "c/", "c.mp4", "d", "d.mp4.mov", "e.v2"])


def test_a_name_that_looks_like_a_piece_cannot_meet_one(corpus):
    write_coded_video(corpus / "a.mp4", 50)
    write_coded_video(corpus / "a#1.0.mp4", 10)
    assert ids(load_folder(corpus, clip_seconds=1.0)) == ["a#1.0.mp4", "a#0.0", "a#1.0"]


# --- labels ---------------------------------------------------------------------------------------------


def test_the_nearest_folder_named_after_an_emotion_is_the_label(corpus):
    put(corpus, "DailyLife/Angry/1.mp4", "Happiness/x/2.mp4", "Sad/Joyful/3.mp4", "Fear/4/1.jpg", "Surprise/1.jpg")
    put(corpus, "other/5.mp4", "fear.mp4")
    table = load_folder(corpus).set_index("path")
    assert table["label"].dropna().to_dict() == {
        "DailyLife/Angry/1.mp4": "angry",
        "Happiness/x/2.mp4": "happy",
        "Sad/Joyful/3.mp4": "happy",
        "Fear/4": "fear",
        "Surprise": "surprise",
    }
    assert table["label_original"].dropna().tolist() == ["Angry", "Fear", "Happiness", "Joyful", "Surprise"]


def test_where_the_corpus_lies_is_no_label(tmp_path):
    put(tmp_path, "Angry/1.mp4")
    assert load_folder(tmp_path / "Angry")["label"].isna().all()


# --- length and size ------------------------------------------------------------------------------------


def test_length_is_counted_not_estimated(corpus):
    write_coded_video(corpus / "a.mp4", 31)
    row = load_folder(corpus).iloc[0]
    assert (row["n_frames"], row["fps"], row["duration_s"]) == (31, 25, 1.24)
    assert (row["width"], row["height"], row["status"]) == (96, 64, "ok")


def test_variable_frame_rate(corpus):
    """The last frame is shown as long as the stamps before it suggest; the rate is the mean."""
    write_coded_video(corpus / "a.mkv", 5, times_ms=[0, 40, 80, 1000, 1040])
    row = load_folder(corpus).iloc[0]
    assert row["n_frames"] == 5
    assert row["duration_s"] == pytest.approx(1.08)
    assert row["fps"] == pytest.approx(5 / 1.08)


def test_size_is_as_shown(corpus, tmp_path):
    turned(write_coded_video(tmp_path / "a.mp4", 3), corpus / "a.mp4", 90)
    (corpus / "b.jpg").write_bytes(with_orientation(JPEG, 6))
    (corpus / "c.jpg").write_bytes(with_orientation(JPEG, 3))
    table = load_folder(corpus, pictures_as="clips")
    assert table[["width", "height"]].to_numpy().tolist() == [[64, 96], [64, 96], [96, 64]]


@pytest.mark.parametrize(
    ("n", "seconds", "pieces"),
    [
        (60, 1.0, [(0.0, 25, 1.0), (1.0, 35, 1.4)]),  # 0.4 s left: the end of the piece before
        (63, 1.0, [(0.0, 25, 1.0), (1.0, 25, 1.0), (2.0, 13, 0.52)]),  # 0.52 s: a piece
        (50, 1.0, [(0.0, 25, 1.0), (1.0, 25, 1.0)]),
        (10, 1.0, [(0.0, 10, 0.4)]),  # the only one is kept
        (37, 1.0, [(0.0, 37, 1.48)]),
        (30, 0.4, [(0.0, 10, 0.4), (0.4, 10, 0.4), (0.8, 10, 0.4)]),
        (30, 0.0, [(0.0, 30, 1.2)]),
    ],
)
def test_cutting(corpus, n, seconds, pieces):
    write_coded_video(corpus / "a.mp4", n)
    table = load_folder(corpus, clip_seconds=seconds)
    assert [(row.start_s, row.n_frames, row.duration_s) for row in table.itertuples()] == pieces
    assert ids(table) == (["a"] if len(pieces) == 1 else [f"a#{start}" for start, _, _ in pieces])


def test_pieces_in_a_gap_between_frames_are_left_out(corpus):
    """A damaged time stamp may claim years; here it is 11 days, at 1 s a piece."""
    write_coded_video(corpus / "a.mkv", 5, times_ms=[0, 40, 3000, 3100, 10**9])
    table = load_folder(corpus, clip_seconds=1.0)
    assert table["start_s"].tolist() == [0, 3, 999999]  # its 0.04 s belong to the piece before
    assert table["n_frames"].tolist() == [2, 2, 1]


# --- what cannot be read --------------------------------------------------------------------------------


def test_a_playlist_in_a_videos_clothes_opens_no_other_file(corpus, tmp_path):
    """libav would follow an ffconcat script by its content, whatever its suffix."""
    write_coded_video(tmp_path / "secret.mp4", 3)
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "secret.mp4").read_bytes())
    (corpus / "copy.mp4").write_bytes((tmp_path / "secret.mp4").read_bytes())
    (corpus / "list.mp4").write_text("ffconcat version 1.0\nfile copy.mp4\n")
    (corpus / "hls.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{tmp_path}/secret.mp4\n")
    table = load_folder(corpus).set_index("clip_id")
    assert table["status"].to_dict() == {"copy": "ok", "hls": "unreadable", "list": "unreadable"}


def test_a_title_that_is_not_utf8_costs_no_clip(corpus):
    """Old cameras write titles in their own code page; PyAV 18 refuses the file for it, PyAV 19 does not."""
    clip = write_coded_video(corpus / "a.mkv", 5, title="XXXXXX")
    clip.write_bytes(clip.read_bytes().replace(b"XXXXXX", "Frühlé".encode("latin-1")))
    assert load_folder(corpus)[["status", "n_frames"]].to_numpy().tolist() == [["ok", 5]]


def test_unreadable_files_are_rows(corpus):
    put(corpus, "empty.mp4", "empty/1.jpg", "half/1.jpg", "half/2.jpg", "sound.mp4")
    (corpus / "empty" / "1.jpg").write_bytes(b"")
    (corpus / "half" / "1.jpg").write_bytes(b"no picture")
    (corpus / "sound.mp4").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    table = load_folder(corpus).set_index("path")
    assert table["status"].to_dict() == {
        "empty": "unreadable",
        "empty.mp4": "empty",
        "half": "ok",  # its other picture can be read
        "sound.mp4": "unreadable",
    }
    assert table.loc["empty", "reason"] == "none of the folder's 1 pictures can be read"


def test_a_truncated_mp4_keeps_what_is_there_and_says_what_is_missing(corpus):
    video = write_coded_video(corpus / "a.mp4", 30, container={"movflags": "faststart"}, options={"g": "1", "bf": "0"})
    video.write_bytes(video.read_bytes()[: int(video.stat().st_size * 0.6)])
    row = load_folder(corpus).iloc[0]
    assert row["status"] == "ok"
    assert 5 < row["n_frames"] < 30
    assert row["reason"] == f"the end is lost: the file holds {row['n_frames']} of the 30 frames it lists"


# --- manifest -------------------------------------------------------------------------------------------


@pytest.fixture
def listed(corpus):
    put(corpus, "clips/a.mp4", "clips/b.mp4", "c/1.jpg", "c/2.jpg", "Angry/d.mp4")

    def load(text: str | bytes) -> pd.DataFrame:
        manifest = corpus / "manifest.csv"
        manifest.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_folder(corpus, manifest)

    load.manifest = corpus / "manifest.csv"
    return load


def test_a_manifests_groups_are_columns_of_the_clips(listed):
    table = listed("path,subject,Group_Age,group_skin,group\nclips/b.mp4,s1,old,,x\nc/2.jpg,s2,,deep,y\n")
    assert table[["group_age", "group_skin"]].fillna("").to_numpy().tolist() == [["old", ""], ["", "deep"]]
    assert "group" not in table


def test_a_manifest_says_which_clips_and_what_they_are(listed):
    """A byte order mark, Windows line ends, back slashes, spaces and further columns are all tolerated."""
    table = listed(
        "\ufeffpath, clip_id,label,subject,scene,split,intensity,second_label\r\n"
        "clips\\b.mp4,B,Happiness,s1,kitchen,test,0.5,sad\r\n"
        "\r\n"
        "./c/,,,,,,,\r\n"
        "c/2.jpg,,fear,,,,1,\r\n"
    )
    assert list(table.columns) == [name for name, spec in tables.SCHEMAS["clips"].columns.items() if spec.required]
    assert ids(table) == ["B", "c", "c/2"]
    assert table["path"].tolist() == ["clips/b.mp4", "c", "c/2.jpg"]
    first = table.iloc[0]
    assert first[["label", "label_original", "subject", "scene", "split", "intensity"]].tolist() == [
        "happy", "Happiness", "s1", "kitchen", "test", 0.5,
    ]  # fmt: skip
    assert table["n_frames"].tolist()[1:] == [2, 1]
    assert table.iloc[1][["label", "subject", "intensity"]].isna().all()


def test_an_empty_label_means_unlabelled_and_no_label_column_means_ask_the_folders(listed):
    assert listed("path,label\nAngry/d.mp4,\n")["label"].isna().all()
    assert listed("path\nAngry/d.mp4\n")["label"].tolist() == ["angry"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,lable\nclips/a.mp4,sad\n", "line 1 has a column 'lable'; is label meant? Correct or delete it"),
        (
            "path,label\nclips/a.mp4,joy\nclips/b.mp4,joyy\nc,?\n",
            "unknown label in 2 row(s) (line 3 'joyy', line 4 '?'); is 'joy' meant? use angry, disgust, fear, happy, "
            "neutral, sad or surprise, name it in other_labels, or write other for a label outside the seven",
        ),
        (
            "path,label\nclips/a.mp4,happy\n,sad\n",
            "path is empty in 1 row(s) (line 3 ''); give the clip's path from the corpus folder",
        ),
        (
            "path\n/etc/passwd\nC:\\x.mp4\n\\\\host\\x.mp4\n",
            "path is absolute in 3 row(s) (line 2 '/etc/passwd', line 3 'C:/x.mp4', line 4 '//host/x.mp4'); "
            "give it from the corpus folder",
        ),
        (
            "path\nclips/a.mp4\n../x.mp4\nclips\\..\\..\\x.mp4\n",
            "path leads out of the corpus folder in 2 row(s) (line 3 '../x.mp4', line 4 'clips/../../x.mp4'); "
            "copy the file into it",
        ),
        (
            "path\n1.mp4\n2.mp4\n3.mp4\n4.mp4\n" + "x" * 300 + ".mp4\n",
            "no such file in {corpus} in 5 row(s) (line 2 '1.mp4', line 3 '2.mp4', line 4 '3.mp4', ...); "
            "correct or delete the rows",
        ),
        (
            "path\nclips\nmanifest.csv\n",
            "path is not a video, picture or folder of pictures in 2 row(s) (line 2 'clips', line 3 'manifest.csv'); "
            "delete the rows",
        ),
        (
            "path,clip_id\nclips/a.mp4,one\nclips/b.mp4,one\n",
            "duplicate clip_id in 2 row(s) (line 2 'one', line 3 'one'); give each clip its own",
        ),
        (
            "path,label\nclips/a.mp4,sad\nclips\\a.mp4,fear\n",
            "duplicate clip_id in 2 row(s) (line 2 'clips/a.mp4', line 3 'clips/a.mp4'); give each clip its own",
        ),
        (
            "path,intensity\nclips/a.mp4,1.5\nclips/b.mp4,high\nc,nan\n",
            "intensity is not a number 0-1 in 3 row(s) (line 2 '1.5', line 3 'high', line 4 'nan'); correct them",
        ),
    ],
)
def test_manifest_errors_name_line_finding_and_remedy(listed, text, message):
    with pytest.raises(ListError) as error:
        listed(text)
    assert str(error.value) == f"{listed.manifest}: {message.format(corpus=listed.manifest.parent)}"
    assert "\n" not in str(error.value)


def test_a_path_in_another_unicode_form_or_from_the_root_is_the_same_file(corpus, listed):
    """As disks and lists of different systems have it: the name on disk decomposed, in the list composed, and back."""
    put(corpus, "cafe\u0301/a b.mp4", "\u00fc.mp4")
    table = listed(
        f"path,label\ncaf\u00e9/a b.mp4,sad\nu\u0308.mp4,fear\n{corpus}/clips/a.mp4,happy\n"
        f'"{corpus}/Angry/d.mp4",angry\n.\\clips\\b.mp4,sad\n'
    )
    assert ids(table) == ["caf\u00e9/a b", "\u00fc", "clips/a", "Angry/d", "clips/b"]
    assert table["path"].tolist() == [
        "cafe\u0301/a b.mp4", "\u00fc.mp4", "clips/a.mp4", "Angry/d.mp4", "clips/b.mp4",
    ]  # fmt: skip


def test_a_manifest_has_groups_of_people_and_labels_outside_the_seven(listed):
    text = "path,label,Group Age,subject\nclips/a.mp4,sad,old,s1\nclips/b.mp4,Contempt,,s2\n"
    table = listed(text)
    assert ids(table) == ["clips/a"]
    assert table[["group_age", "subject"]].to_numpy().tolist() == [["old", "s1"]]
    kept = load("folder", listed.manifest.parent, manifest=str(listed.manifest), other_labels="keep")
    assert kept["label_original"].tolist() == ["sad", "Contempt"]
    assert kept[["label", "group_age"]].isna().to_numpy().tolist() == [[False, False], [True, True]]
    options = {"manifest": str(listed.manifest), "other_labels": {"contempt": "disgust", "calm": "neutral"}}
    assert load("folder", listed.manifest.parent, **options)["label"].tolist() == ["sad", "disgust"]


def test_rows_of_a_manifest_that_repeat_are_one_clip(listed):
    with pytest.warns(UserWarning, match=r"1 row\(s\) repeat another and count once \(first: line 3\)"):
        assert ids(listed("path,label\nclips/a.mp4,sad\nclips\\a.mp4,sad\n")) == ["clips/a"]


# --- true labels without files --------------------------------------------------------------------------


def truth(tmp_path, text, **options):
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8")
    return corpora.read_truth(path, params.Params(**options))


def test_true_labels_are_clips_that_need_no_file(tmp_path):
    text = "Clip ID;Label;subject;group_age;intensity\na;Joy;s1;old;.5\nb;contempt;s2;young;\nc;;s2;;\n"
    with pytest.warns(UserWarning, match=r"1 row\(s\) with a label outside the seven are left out \(1 contempt\)"):
        table = truth(tmp_path, text)
    tables.check("clips", table)
    assert table[["clip_id", "path", "status", "start_s"]].to_numpy().tolist() == [
        ["a", "", "ok", 0],
        ["c", "", "ok", 0],
    ]
    assert table.iloc[0][["label", "label_original", "subject", "group_age", "intensity"]].tolist() == [
        "happy", "Joy", "s1", "old", 0.5,
    ]  # fmt: skip
    assert table.iloc[1][["label", "label_original", "group_age", "intensity", "n_frames"]].isna().all()
    assert truth(tmp_path, text, other_labels="keep")["label_original"].tolist()[1] == "contempt"
    assert truth(tmp_path, text, other_labels={"contempt": "disgust"})["label"].tolist()[1] == "disgust"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("clip_id,label\na,sad\na,fear\n", "two rows of one clip that differ in 2 row(s) (line 2 'a', line 3 'a')"),
        ("clip_id,label\n,sad\n", "clip_id is empty in 1 row(s) (line 2 'sad'); name the clip"),
        ("clip_id,label\na,joyy\n", "unknown label in 1 row(s) (line 2 'joyy'); is 'joy' meant?"),
        ("clip_id,label\na,calm\n", "no row has one of the seven labels; set other_labels to keep, or to a mapping"),
        ("clip_id,label,Subjects\na,sad,s\n", "line 1 has a column 'subjects'; is subject meant?"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*outside the seven")
def test_wrong_lists_of_true_labels_are_refused_in_one_line(tmp_path, text, message):
    with pytest.raises(ListError) as caught:
        truth(tmp_path, text)
    assert message in str(caught.value)


def test_a_manifest_cannot_reach_out_through_a_link(corpus, tmp_path, listed):
    put(tmp_path, "secret.mp4", "private/x.mp4")
    (corpus / "film.mp4").symlink_to(tmp_path / "secret.mp4")
    (corpus / "folder").symlink_to(tmp_path / "private")
    with pytest.raises(ListError) as error:
        listed("path\nfilm.mp4\nfolder/x.mp4\nclips/a.mp4\n")
    assert "leads out of the corpus folder in 2 row(s) (line 2 'film.mp4', line 3 'folder/x.mp4')" in str(error.value)


def test_a_manifest_that_is_not_there(corpus):
    put(corpus, "a.mp4")
    with pytest.raises(ListError) as error:
        load_folder(corpus, corpus / "list.csv")
    assert str(error.value) == f"{corpus / 'list.csv'} does not exist; correct its path"


def test_two_rows_may_name_one_file_if_they_name_two_clips(listed):
    table = listed("path,clip_id,label\nclips/a.mp4,one,sad\nclips/a.mp4,two,happy\n")
    assert (ids(table), table["label"].tolist()) == (["one", "two"], ["sad", "happy"])


def test_values_are_kept_as_text_and_never_guessed(listed):
    table = listed("path,clip_id,subject\nclips/a.mp4,007,NA\nclips/b.mp4,1e3,None\n")
    assert ids(table) == ["007", "1e3"]
    assert table["subject"].tolist() == ["NA", "None"]
    assert np.issubdtype(table["start_s"].dtype, np.floating)
