"""Every corpus in its published layout, and in the layouts people have: the right table, or what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import hypothesis
import pandas as pd
import pytest
from hypothesis import strategies as st

from fer_helpers import corpora, media, params, tables
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.corpora.published import crema_d, fer_plus
from fer_helpers.errors import CorpusError, FerError
from tests.support import corpora as builders
from tests.support.command import fer
from tests.support.corpora import FERV39K, given, litter, load, picture, put


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    return builders.render_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "Täst corpus (copy)"  # a space, brackets and an umlaut, as on people's disks


@pytest.fixture
def built(root, material):
    """Builds a corpus at `root`."""
    return lambda name: getattr(builders, name)(*(root,) if name in ("fer2013", "fer_plus") else (root, material))


def column(table: pd.DataFrame, name: str) -> dict[str, object]:
    return (
        table.set_index("clip_id")[name].astype(object).where(table.set_index("clip_id")[name].notna(), None).to_dict()
    )


def refusal(corpus: str, path: Path, **options) -> str:
    with pytest.raises(CorpusError) as error:
        load(corpus, path, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# --- FERV39k --------------------------------------------------------------------------------------------


def test_ferv39k_has_its_folders_labels_and_its_official_split(built, root):
    built("ferv39k")
    table = load("ferv39k", root)
    assert column(table, "split") == {name: split for name, (split, _) in FERV39K.items()}
    assert column(table, "label") == {
        "DailyLife/Angry/0001": "angry",
        "DailyLife/Angry/0002": "angry",
        "DailyLife/Happy/0003": "happy",
        "Action/Sad/0010": "sad",
        "Action/Surprise/0011": "surprise",
    }
    assert set(table["scene"]) == {"DailyLife", "Action"}
    assert table["n_frames"].tolist() == [6] * 5  # and no litter among them
    assert table["path"].str.startswith("2_ClipsforFaceCrop/").all()
    assert table["status"].eq("ok").all()
    assert table["reason"].isna().all()


def test_ferv39k_by_scene_and_as_whole_frames(built, root):
    built("ferv39k")
    table = load("ferv39k", root, scene="dailylife", corpus_frames="whole")
    assert table["clip_id"].tolist() == ["DailyLife/Angry/0001", "DailyLife/Happy/0003", "DailyLife/Angry/0002"]
    assert table["n_frames"].tolist() == [5, 5, 5]
    assert table["path"].iloc[0] == "3_ClipsforScenImages/DailyLife/Angry/0001"
    assert refusal("ferv39k", root, scene="Dailylive").endswith("has no scene 'Dailylive': it has Action, DailyLife")


def test_ferv39k_lists_and_disk_that_disagree_are_rows_with_a_reason(built, root, material):
    built("ferv39k")
    lists = root / "4_setups/All_scenes"
    put(lists / "train_All.csv", "DailyLife/Angry/0001 Sad\nDailyLife/Happy/0003 Happiness\nWar/Fear/0099 Fear\n")
    put(lists / "test_All.csv", "DailyLife/Angry/0002 Angry\nDailyLife/Angry/0001 Angry\nAction/Sad/0010 Sad\n")
    table = load("ferv39k", root)
    assert column(table, "reason") == {
        "DailyLife/Angry/0001": "listed more than once: train Angry and test Angry",
        "DailyLife/Happy/0003": None,
        "War/Fear/0099": "listed, but not on disk",
        "DailyLife/Angry/0002": None,
        "Action/Sad/0010": None,
        "Action/Surprise/0011": "in no split file",
    }
    assert column(table, "status")["War/Fear/0099"] == "unreadable"
    assert column(table, "split")["Action/Surprise/0011"] is None
    put(lists / "test_All.csv", "DailyLife/Angry/0002 Sad\n")
    assert column(load("ferv39k", root), "reason")["DailyLife/Angry/0002"] == (
        "labelled Sad by the split file and Angry by its folder, which is followed"
    )
    assert column(load("ferv39k", root), "label")["DailyLife/Angry/0002"] == "angry"


@pytest.mark.parametrize(
    ("first", "end", "mark"), [("path label\n", "\n", ""), ("", "\r\n", ""), ("", "\n", "\ufeff"), ("", "\n\n", "")]
)
def test_ferv39k_loses_no_row_to_a_header_line_ends_or_a_mark(built, root, first, end, mark):
    built("ferv39k")
    lines = ["DailyLife/Angry/0001 Angry", "DailyLife/Happy/0003 Happy", "Action/Sad/0010 Sad"]
    put(root / "4_setups/All_scenes/train_All.csv", mark + first + end.join(lines) + end)
    table = load("ferv39k", root)
    assert table["split"].value_counts().to_dict() == {"train": 3, "test": 2}
    assert table["reason"].isna().all()


@hypothesis.given(
    names=st.lists(st.from_regex(r"[A-Z][a-z]{1,8}/(Sad|Happy)/[0-9]{4}", fullmatch=True), min_size=1, max_size=8),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n", " \n"]),
    header=st.booleans(),
    mark=st.booleans(),
    last=st.booleans(),
)
@hypothesis.settings(max_examples=40, deadline=None)
def test_no_list_loses_a_row_to_the_way_it_is_written(tmp_path_factory, names, end, header, mark, last):
    rows = [[name, name.split("/")[1]] for name in names]
    written = ["path label"] * header + [" ".join(row) for row in rows]
    text = end.join(written) + end * last
    path = put(tmp_path_factory.mktemp("list") / "train_All.csv", ("\ufeff" if mark else "") + text)
    found = layouts.without_header(layouts.lines(path, " "), lambda cells: "/" in cells[0], path, "")
    assert [cells for _, cells in found] == rows


def test_ferv39k_lists_of_frame_folders(built, root):
    """As video loaders want them: the label is the folder's, whatever the code; another length is a remark."""
    built("ferv39k")
    lists = root / "4_setups/All_scenes"
    there = "/data/my sets/FERV39k/2_ClipsforFaceCrop"
    put(lists / "train_All.csv", f"{there}/DailyLife/Angry/0001 6 3\n{there}/DailyLife/Happy/0003 29 3\n")
    put(lists / "test_All.csv", "DailyLife/Angry/0002 6 0\n\\data\\Action\\Sad\\0010 6 0\n")
    table = load("ferv39k", root)
    assert column(table, "split") == {
        "DailyLife/Angry/0001": "train", "DailyLife/Happy/0003": "train", "DailyLife/Angry/0002": "test",
        "Action/Sad/0010": "test", "Action/Surprise/0011": None,
    }  # fmt: skip
    assert column(table, "label")["DailyLife/Angry/0001"] == "angry"
    assert column(table, "reason")["DailyLife/Angry/0001"] is None
    assert column(table, "reason")["DailyLife/Happy/0003"] == "6 frames on disk, 29 by the split file"


def test_a_stray_quote_in_a_corpus_list_swallows_no_row(built, root):
    built("dfew")
    put(root / "EmoLabel_DataSplit/train(single-labeled)/set_1.csv", 'video_name,label\n1,"1\n2,2\n3,4\n')
    assert "line 2: a quote is opened and never closed" in refusal("dfew", root)
    built("fer2013")
    text = (root / "fer2013.csv").read_text()
    put(root / "fer2013.csv", text.replace("3,20", '3,"20'))
    assert "cannot be unpacked: unexpected end of data" in refusal("fer2013", root)


def test_ferv39k_in_another_case_is_the_same(built, root):
    built("ferv39k")
    (root / "4_setups").rename(root / "4_Setups")
    (root / "4_Setups/All_scenes").rename(root / "4_Setups/all_scenes")
    (root / "2_ClipsforFaceCrop/DailyLife").rename(root / "2_ClipsforFaceCrop/dailylife")
    (root / "2_ClipsforFaceCrop").rename(root / "2_ClipsForFaceCrop")
    table = load("ferv39k", root, scene="DailyLife")
    assert table["path"].iloc[0] == "2_ClipsForFaceCrop/dailylife/Angry/0001"
    assert table["split"].tolist() == ["train", "train", "test"]
    assert table["status"].eq("ok").all()


def test_ferv39k_with_something_missing_says_what(built, root):
    built("ferv39k")
    (root / "4_setups/All_scenes/test_All.csv").unlink()
    assert refusal("ferv39k", root) == (
        f"{root} has no 4_setups/All_scenes/test_All.csv: "
        "take 4_setups from the distribution; without it the splits are unknown"
    )
    put(root / "4_setups/All_scenes/test_All.csv", "")
    assert "test_All.csv: is empty" in refusal("ferv39k", root)
    put(root / "4_setups/All_scenes/test_All.csv", "Action/Sad/0010 Sad\nAction/Sad\n")
    assert refusal("ferv39k", root).endswith(
        "1 line(s) of the form 'Scene/Emotion/number Emotion, or /path/Scene/Emotion/number frames code' expected, "
        "found line 2 'Action/Sad'; use the file as distributed"
    )
    put(root / "4_setups/All_scenes/test_All.csv", b"Action/Sad/0010 Sad\xe9\n")
    assert "line 1 is not UTF-8" in refusal("ferv39k", root)
    shutil.rmtree(root / "2_ClipsforFaceCrop")
    assert "has no 2_ClipsforFaceCrop: unpack it there, or set corpus_frames to the other" in refusal("ferv39k", root)


def test_a_folder_too_high_or_too_low_is_told_the_right_one(built, root):
    built("ferv39k")
    for path in (root.parent, root / "2_ClipsforFaceCrop", root / "2_ClipsforFaceCrop/DailyLife"):
        assert refusal("ferv39k", path).endswith(f": give {root}")
    assert "there is no 4_setups or 2_ClipsforFaceCrop or 3_ClipsforScenImages in it or near it" in refusal(
        "ferv39k", put(root.parent / "a/b/c/d/x").parent
    )
    assert "does not exist: give the folder of FERV39k" in refusal("ferv39k", root / "none")


def test_a_folder_within_a_folder_of_the_same_name(built, root):
    built("ferv39k")
    frames = root / "2_ClipsforFaceCrop"
    frames.rename(root / "inner")
    frames.mkdir()
    (root / "inner").rename(frames / "2_ClipsforFaceCrop")
    assert "none of the 5 listed clips is on disk (first: 'DailyLife/Angry/0001')" in refusal("ferv39k", root)


def test_a_link_out_of_the_corpus_is_not_followed(built, root):
    """What is packed into an archive must not reach the files of the machine it is unpacked on."""
    built("ferv39k")
    (root / "2_ClipsforFaceCrop").rename(root.parent / "private")
    (root / "2_ClipsforFaceCrop").symlink_to(root.parent / "private")
    assert "is a link out of the corpus, which is not followed: move the files there" in refusal("ferv39k", root)


# --- the other video corpora ----------------------------------------------------------------------------


def test_dfew_by_fold(built, root):
    built("dfew")
    first = load("dfew", root)
    assert column(first, "label") == {"00001": "happy", "00002": "sad", "00003": "angry", "00004": "fear"}
    assert column(first, "split") == {"00001": "train", "00002": "train", "00003": "train", "00004": "test"}
    assert first["n_frames"].tolist() == [2] * 4
    second = load("dfew", root, fold=2, corpus_frames="whole", other_labels="keep").set_index("clip_id")
    assert second["split"].dropna().to_dict() == {"00001": "test", "00002": "train", "00003": "train", "00004": "train"}
    assert second.loc["00001", "path"] == "Clip/original/1.mp4"
    assert second.loc["00005", "reason"] == "no single-label annotation"
    assert second["label"].notna().tolist() == [True] * 4 + [False]
    assert "has no train(single-labeled)/set_3.csv: copy it from the distribution" in refusal("dfew", root, fold=3)


def test_dfew_without_the_header_loses_no_row_and_guesses_no_code(built, root):
    built("dfew")
    listed = root / "EmoLabel_DataSplit/test(single-labeled)/set_1.csv"
    put(listed, "4,7\n")
    assert column(load("dfew", root), "label")["00004"] == "fear"
    put(listed, "video_name,label\n4,8\n")
    assert "line 2: '8' is not a code of this corpus (1 Happy, 2 Sad" in refusal("dfew", root)


@pytest.mark.parametrize(("cell", "word"), [("3", "disgust"), ("3.0", "disgust"), ("3.0000000e+00", "disgust")])
def test_codes_are_whole_numbers(cell, word):
    assert layouts.meaning({3: "disgust"}, cell, Path("x.csv"), 1) == word


@pytest.mark.parametrize("cell", ["3.7", "4", "nan", "inf", "-3", "disgust", ""])
def test_what_is_no_code_is_refused(cell):
    with pytest.raises(CorpusError, match="is not a code of this corpus"):
        layouts.meaning({3: "disgust"}, cell, Path("x.csv"), 1)


def test_mafw_has_labels_outside_the_seven(built, root):
    built("mafw")
    table = load("mafw", root)
    assert column(table, "label") == {"00001": "angry", "00003": "happy"}
    kept = load("mafw", root, other_labels="keep", corpus_frames="whole")
    assert column(kept, "label_original") == {
        "00001": "anger", "00002": "contempt", "00003": "happiness", "00004": "helplessness", "00005": "unlabelled",
    }  # fmt: skip
    assert column(kept, "split")["00004"] == "test"
    assert kept["fps"].tolist() == [25] * 5
    mapped = load("mafw", root, other_labels={"Contempt": "disgust"})
    assert column(mapped, "label") == {"00001": "angry", "00002": "disgust", "00003": "happy"}
    assert (
        "other_labels maps 'contemt', which is not one of the labels of mafw outside the seven: they are contempt, help"
        in refusal("mafw", root, other_labels={"contemt": "disgust"})
    )


def test_mafw_refuses_numbers_for_labels(built, root):
    built("mafw")
    put(root / "Train & Test Set/single/no_caption/set_1/test.txt", "00004.mp4 8\n00005.mp4 2\n")
    assert "of the form '00001.mp4 anger' expected, found line 2 '00005.mp4 2'" in refusal("mafw", root)


def test_afew_by_split_and_emotion(built, root):
    built("afew")
    table = load("afew", root)
    assert column(table, "label") == {
        "train/Angry/000046280": "angry",
        "train/Sad/000052640": "sad",
        "val/Happy/000149120": "happy",
        "val/Surprise/000700000": "surprise",
    }
    assert load("afew", root, other_labels="keep")["split"].value_counts().to_dict() == {
        "train": 2,
        "val": 2,
        "test": 1,
    }
    assert refusal("afew", root / "Train_AFEW").endswith(f": give {root}")


def test_ravdess_takes_each_performance_once(built, root, material):
    built("ravdess")
    builders.video(root / "my own.mp4", material)
    table = load("ravdess", root, other_labels={"calm": "neutral"}).set_index("clip_id")
    assert table.loc["02-01-02-01-01-01-01", ["label", "label_original", "scene", "subject"]].tolist() == [
        "neutral", "calm", "speech", "01",
    ]  # fmt: skip
    assert "01-01-02-01-01-01-01" not in table.index
    assert table.loc["01-02-03-01-02-02-01", ["label", "scene", "intensity"]].tolist() == ["happy", "song", 0.5]
    assert table.loc["02-01-06-02-02-01-12", ["label", "intensity"]].tolist() == ["fear", 1.0]
    assert table.loc["my own", ["status", "reason"]].tolist() == ["unreadable", "not named like RAVDESS's videos"]
    assert len(table) == 5
    assert load("ravdess", root, scene="song")["label"].tolist() == ["happy"]


def test_crema_d_names_and_broken_clips(built, root):
    built("crema_d")
    table = load("crema_d", root).set_index("clip_id")
    assert table.loc["1001_IEO_SAD_LO", ["label", "subject", "intensity", "status"]].tolist() == [
        "sad", "1001", 0.2, "ok",
    ]  # fmt: skip
    assert table.loc["1001_DFA_ANG_XX", "label_original"] == "anger"
    assert table["intensity"].isna()["1001_DFA_ANG_XX"]
    assert table.loc["1076_MTI_NEU_XX", ["status", "reason"]].tolist() == [
        "unreadable", "known to be broken: nearly empty",
    ]  # fmt: skip
    assert table["n_frames"].dropna().tolist() == [6, 6, 6]  # Flash videos, as distributed


def test_two_videos_of_one_name_are_refused_before_anything_is_read(built, root, material):
    built("crema_d")
    builders.video(root / "VideoMP4/1001_DFA_ANG_XX.mp4", material)
    assert refusal("crema_d", root).endswith(
        "2 clips have the same name as another (first: 'VideoFlash/1001_DFA_ANG_XX.flv' and "
        "'VideoMP4/1001_DFA_ANG_XX.mp4'); keep only one of them in the folder"
    )


def test_crema_d_downloaded_without_git_lfs_says_so(built, root):
    built("crema_d")
    put(root / "VideoFlash/1001_DFA_ANG_XX.flv", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n")
    row = load("crema_d", root).set_index("clip_id").loc["1001_DFA_ANG_XX"]
    assert row["status"] == "unreadable"
    assert row["reason"] == "Git LFS pointer instead of the file; run `git lfs pull` in the corpus"


def test_votes_come_from_a_list_the_corpus_or_nowhere(tmp_path):
    clips = pd.DataFrame({"clip_id": ["a"]})
    assert corpora.votes(params.Params(corpus="ravdess"), clips).empty
    (tmp_path / "people.csv").write_text("clip_id,rater,label\na,r1,Sad\n")
    given = params.Params(votes=str(tmp_path / "people.csv"))
    assert corpora.votes(given, clips).to_numpy().tolist() == [["a", "r1", "sad", 1]]
    with pytest.raises(CorpusError, match="votes is 'corpus', but ravdess comes without votes"):
        corpora.votes(params.Params(corpus="ravdess", votes="corpus"), clips)


def test_crema_d_votes_of_those_who_saw_the_face(built, root):
    built("crema_d")
    assert crema_d.votes(root).to_dict("list") == {
        "clip_id": ["1001_DFA_ANG_XX", "1001_DFA_ANG_XX", "1002_IEO_HAP_HI"],
        "rater": ["r1", "r2", "r1"],
        "label": ["angry", "disgust", "happy"],
    }
    given = params.validate({"corpus": "crema_d", "corpus_path": str(root), "votes": "corpus"})
    one = pd.DataFrame({"clip_id": ["1002_IEO_HAP_HI"]})
    assert corpora.votes(given, one).to_numpy().tolist() == [["1002_IEO_HAP_HI", "r1", "happy", 1]]
    with pytest.raises(CorpusError, match="none of the 3 votes of crema_d is on a clip of this run"):
        corpora.votes(given, pd.DataFrame({"clip_id": ["x"]}))
    put(root / "finishedResponses.csv", "clipName,localid\nx,y\n")
    with pytest.raises(CorpusError, match="line 1 has no column respemo"):
        crema_d.votes(root)


@pytest.mark.parametrize(("corpus", "example"), [("ravdess", "02-01-06-01-02-01-12.mp4"), ("crema_d", "1001_IEO_NEU")])
def test_videos_named_otherwise_are_another_corpus(root, material, corpus, example):
    builders.video(root / "a.mp4", material)
    assert example in refusal(corpus, root)


def test_ck_plus_labels_lie_in_files_of_their_own(built, root):
    built("ck_plus")
    table = load("ck_plus", root)
    assert column(table, "label") == {"S005/001": "disgust", "S010/002": "surprise"}
    kept = load("ck_plus", root, other_labels="keep")
    assert column(kept, "label_original")["S011/001"] == "contempt"
    assert column(kept, "reason")["S011/002"] == "no emotion label in the distribution"
    assert column(kept, "subject") == {"S005/001": "S005", "S010/002": "S010", "S011/001": "S011", "S011/002": "S011"}
    assert kept["n_frames"].tolist() == [6] * 4
    put(root / "Emotion/S099/001/S099_001_00000009_emotion.txt", "   5.0000000e+00\n")
    assert column(load("ck_plus", root), "reason")["S099/001"] == "listed, but not on disk"
    shutil.rmtree(root / "Emotion")
    assert refusal("ck_plus", root).endswith("has no Emotion folder: unpack Emotion_labels.zip there")


# --- pictures -------------------------------------------------------------------------------------------


def test_fer2013_becomes_pictures_once(built, root, outputs):
    built("fer2013")
    table = load("fer2013", root)
    assert column(table, "label") == {
        "row0000000": "angry", "row0000001": "happy", "row0000002": "neutral", "row0000003": "surprise",
        "row0000004": "disgust",
    }  # fmt: skip
    assert table["split"].tolist() == ["train", "train", "valid", "test", "test"]
    assert column(table, "reason") == {
        "row0000000": None, "row0000001": None, "row0000002": None,
        "row0000003": "2303 pixels instead of 48 x 48",
        "row0000004": "its pixels are not numbers from 0 to 255",
    }  # fmt: skip
    folder = corpora.location(given("fer2013", root))
    assert folder.is_relative_to(outputs)
    assert table[["width", "height"]].dropna().to_numpy().tolist() == [[48, 48]] * 3
    assert builders.cv2.imread(str(folder / "row0000001.png"))[0, 0].tolist() == [20, 20, 20]
    before = (folder / "row0000001.png").stat().st_mtime_ns
    load("fer2013", root)
    assert (folder / "row0000001.png").stat().st_mtime_ns == before


def test_fer2013_that_breaks_off_leaves_nothing_behind(built, root):
    built("fer2013")
    text = (root / "fer2013.csv").read_text()
    put(root / "fer2013.csv", text + "7,1 2 3,Training\n")
    assert "line 7: '7' is not a code of this corpus" in refusal("fer2013", root)
    folder = corpora.location(given("fer2013", root))
    assert not folder.exists()
    assert not [path for path in folder.parent.iterdir() if folder.name in path.name]
    put(root / "fer2013.csv", text + "6,1 2 3\n")
    assert "line 7 is not emotion,pixels,Usage with a Usage of Training, PublicTest" in refusal("fer2013", root)


def test_fer2013_without_a_header_loses_no_picture(built, root):
    built("fer2013")
    put(root / "fer2013.csv", "\ufeff" + (root / "fer2013.csv").read_text().partition("\n")[2].replace("\n", "\r\n"))
    assert load("fer2013", root)["label"].tolist() == ["angry", "happy", "neutral", "surprise", "disgust"]
    assert refusal("fer2013", root.parent).endswith(f"give {root}")


def test_fer_plus_is_the_majority_of_ten_votes(built, root):
    built("fer_plus")
    table = load("fer_plus", root, other_labels="keep")
    assert column(table, "label_original") == {
        "fer0000000": "no majority",
        "fer0000001": "happiness",
        "fer0000002": "contempt",
        "fer0000003": "no majority",
        "row0000004": "NF",
    }
    assert column(table, "reason")["fer0000000"] == "no majority of votes"
    assert column(table, "reason")["row0000004"] == "its pixels are not numbers from 0 to 255; not a face, raters say"
    assert column(load("fer_plus", root), "label") == {"fer0000001": "happy"}
    text = (root / "fer2013new.csv").read_text()
    put(root / "fer2013new.csv", text.rpartition("PrivateTest")[0])
    assert "fer2013new.csv has 4 rows and fer2013.csv 5" in refusal("fer_plus", root)
    (root / "fer2013new.csv").unlink()
    assert "take it from github.com/microsoft/FERPlus and put it beside fer2013.csv" in refusal("fer_plus", root)


def test_fer_plus_ids_are_its_names_which_are_not_its_rows(built, root):
    """A row without a name shifts the names after it; a name that stands twice names neither of its pictures."""
    built("fer2013")
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
    names = ["fer0000000.png", "", "fer0000001.png", "fer0000002.png", "fer0000002.png"]
    put(root / "fer2013new.csv", head + "".join(f"Training,{name},10,0,0,0,0,0,0,0,0,0\n" for name in names))
    expected = {
        "fer0000000": "row0000000.png", "row0000001": "row0000001.png", "fer0000001": "row0000002.png",
        "row0000003": "row0000003.png", "row0000004": "row0000004.png",
    }  # fmt: skip
    assert column(load("fer_plus", root), "path") == expected
    assert column(load("fer2013", root), "path") == expected
    assert column(load("fer2013", root), "label")["fer0000001"] == "neutral"  # row 2's
    (root / "fer2013new.csv").unlink()
    assert set(column(load("fer2013", root), "path")) == {f"row{n:07d}" for n in range(5)}


def test_fer_plus_table_is_a_list_of_votes_for_its_pictures(built, root):
    built("fer_plus")
    clips = load("fer2013", root)
    given = params.validate(
        {"corpus": "fer2013", "corpus_path": str(root), "votes": str(root / "fer2013new.csv"), "n_clips": 0}
    )
    with pytest.warns(UserWarning, match=r"1 row\(s\) without a clip's name are left out"):
        votes = corpora.votes(given, clips)
    by_clip = votes.groupby("clip_id")[["label", "count"]].apply(lambda part: dict(part.to_numpy()))
    assert by_clip.to_dict() == {
        "fer0000000": {"neutral": 4, "sad": 1, "angry": 3, "disgust": 2},
        "fer0000001": {"happy": 6, "sad": 4},
        "fer0000002": {"neutral": 1, "happy": 1, "surprise": 1, "sad": 1, "angry": 1, "contempt": 5},
        "fer0000003": {"surprise": 5, "sad": 5},
    }
    assert votes["rater"].isna().all()


@pytest.mark.parametrize(
    ("votes", "word"),
    [
        ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], "no majority"),  # a tie
        ([6, 4, 0, 0, 0, 0, 0, 0, 0, 0], "neutral"),
        ([4, 3, 1, 1, 1, 0, 0, 0, 0, 0], "neutral"),  # 4 of 7: single votes do not count
        ([0, 0, 0, 0, 0, 0, 0, 0, 6, 4], "unknown"),
        ([1] * 10, "no majority"),
    ],
)
def test_majorities_as_the_authors_count_them(votes, word):
    assert fer_plus.majority(votes) == word


def test_raf_db_split_is_the_names_prefix(built, root, material):
    built("raf_db")
    table = load("raf_db", root)
    assert column(table, "label") == {"train_00001": "sad", "train_00002": "surprise", "test_0001": "happy"}
    assert table["split"].tolist() == ["train", "train", "test"]
    assert table["path"].iloc[0] == "Image/aligned/train_00001_aligned.jpg"
    assert table["n_frames"].tolist() == [1, 1, 1]
    assert load("raf_db", root, corpus_frames="whole")["path"].iloc[0] == "Image/original/train_00001.jpg"
    picture(root / "Image/aligned/test_0009_aligned.jpg", material)
    kept = load("raf_db", root, other_labels="keep")
    assert column(kept, "reason")["test_0009"] == "not in list_patition_label.txt"
    shutil.move(root, root.parent / "basic")
    (root / "RAF").mkdir(parents=True)
    shutil.move(root.parent / "basic", root / "RAF/basic")
    assert refusal("raf_db", root).endswith(f"give {root / 'RAF/basic'}")


def test_affectnet_lists_with_and_without_a_header(built, root):
    built("affectnet")
    assert column(load("affectnet", root), "label") == {"1/a": "happy", "2/d": "angry"}
    kept = load("affectnet", root, other_labels="keep")
    assert column(kept, "label_original") == {"1/a": "Happy", "1/b": "Contempt", "2/c": "Non-Face", "2/d": "Anger"}
    assert kept["split"].tolist() == ["train", "train", "train", "valid"]
    (root / "Manually_Annotated_Images/2/d.jpg").unlink()
    row = load("affectnet", root).set_index("clip_id").loc["2/d"]
    assert row[["status", "reason"]].tolist() == ["unreadable", "listed, but not on disk"]


# --- all of them ----------------------------------------------------------------------------------------

LABELLED = sorted(set(corpora.CORPORA) - {"demo", "folder"})


@pytest.mark.parametrize("corpus", LABELLED)
def test_every_corpus_survives_litter_and_fits_the_schema(built, root, corpus):
    built(corpus)
    clean = load(corpus, root, other_labels="keep")
    for folder in [root, *(path for path in sorted(root.rglob("*")) if path.is_dir())]:
        litter(folder)
    pd.testing.assert_frame_equal(load(corpus, root, other_labels="keep"), clean)
    tables.check("clips", clean)
    assert clean["label_original"].notna().all()


@pytest.mark.parametrize("corpus", LABELLED)
def test_every_corpus_refuses_an_empty_folder_in_one_line(tmp_path, corpus):
    (tmp_path / "empty").mkdir()
    assert str(tmp_path / "empty") in refusal(corpus, tmp_path / "empty")


@pytest.mark.parametrize("corpus", LABELLED)
def test_every_corpus_says_its_terms_and_lets_no_face_leave(corpus):
    facts = corpora.CORPORA[corpus]
    assert not facts.allow_upload
    assert all([facts.about, facts.licence, facts.citation, facts.apply.startswith("http")])


def test_the_command_lists_them_all():
    result = fer("corpora")
    assert result.exit_code == 0
    for name, corpus in corpora.CORPORA.items():
        assert f"{name}: {corpus.about}" in result.output
        assert corpus.licence in result.output
    assert result.output.count("frames may leave this machine: only with allow_upload: true") == len(LABELLED) + 1


def test_only_what_is_drawn_is_looked_into(built, root, monkeypatch):
    """Of a large corpus a cheap first look must be cheap; which clips are drawn depends on the seed alone."""
    built("ferv39k")
    looked_into = []

    def probe(path, root):
        looked_into.append(path.name)
        return media.probe(path, root)

    monkeypatch.setattr("fer_helpers.corpora._probing.probe", probe)
    table = load("ferv39k", root, n_clips=2, seed=3)
    assert sorted(looked_into) == sorted(table["clip_id"].str[-4:])
    assert len(looked_into) == 2
    assert load("ferv39k", root, n_clips=2, seed=3).equals(table)
    corpora.prepare(given("ferv39k", root))
    corpora.fingerprint(given("ferv39k", root))
    assert len(looked_into) == 4


def test_pieces_are_drawn_of_the_videos_that_are_drawn(root, material):
    for name in "abcd":
        builders.video(root / f"{name}.mp4", material)
    table = load("folder", root, clip_seconds=0.08, n_clips=2, pictures_as="frames")
    assert len(table) == 2
    assert table["duration_s"].tolist() == [0.08, 0.08]


def test_a_corpus_without_any_of_the_seven_is_said(root, material):
    built = builders.ck_plus(root, material)
    for path in ("S005/001", "S010/002"):
        shutil.rmtree(built / "Emotion" / path)
    assert "none of the 4 clips has one of the seven labels; set other_labels to keep" in refusal("ck_plus", built)


def test_the_fingerprint_follows_lists_and_pictures(built, root, material):
    built("ferv39k")
    known = {corpora.fingerprint(given("ferv39k", root))}
    put(root / "4_setups/All_scenes/test_All.csv", "DailyLife/Angry/0002 Angry\n")
    known.add(corpora.fingerprint(given("ferv39k", root)))
    picture(root / "2_ClipsforFaceCrop/DailyLife/Angry/0001/0001.jpg", material, 3)
    known.add(corpora.fingerprint(given("ferv39k", root)))
    assert len(known) == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fold": 6}, "fold is 6"),
        ({"other_labels": "dropped"}, "other_labels is 'dropped': Input should be 'drop' or 'keep'"),
        ({"other_labels": {"contempt": "bored"}}, "other_labels is 'bored'"),
        ({"corpus_frames": "faces"}, "corpus_frames is 'faces'"),
        ({"corpus": "ferv39"}, "corpus is 'ferv39'"),
    ],
)
def test_wrong_parameters_of_corpora_are_refused(values, message):
    with pytest.raises(FerError) as error:
        given(values.pop("corpus", "mafw"), Path("x"), **values)
    assert message in str(error.value)
