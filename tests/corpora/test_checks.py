"""Checking a corpus: each finding from a defect put there on purpose, and none from a corpus without any."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from PIL import Image

from fer_helpers import corpora
from fer_helpers.corpora import checks
from fer_helpers.corpora.published import ferv39k
from tests.support import corpora as builders
from tests.support.command import fer
from tests.support.corpora import frames, given, picture, put
from tests.support.media import remuxed, write_coded_video


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return builders.render_media(tmp_path_factory.mktemp("media"))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "corpus"


def found(corpus, root, published=None, **options) -> dict[str, tuple[bool, str, int, str]]:
    """What is found, by what it says: (problem, where, clips, examples)."""
    params = given(corpus, root, **options)
    corpora.prepare(params)
    listed = corpora.listed(params)
    table = checks.findings(listed, corpora.load(params, listed), corpora.location(params), published or {})
    assert list(table.columns) == checks.COLUMNS
    return {row.what: (row.problem, row.where, row.clips, row.examples) for row in table.itertuples()}


def test_a_clean_corpus_has_no_findings(root, material):
    assert found("ferv39k", builders.ferv39k(root, material)) == {}


def test_files_that_are_not_read_are_counted_by_suffix(root, material):
    """A picture or video that is passed over is a problem, another file a remark; lists and litter are nothing."""
    builders.video(root / "Happy/a.mp4", material)
    for name in ("Happy/b.dav", "Sad/c.DAV", "Sad/sound.wav", "labels.csv", "Thumbs.db", ".hidden.dav", "LICENSE"):
        put(root / name, "x")
    assert found("folder", root) == {
        "files that are not read: .dav": (True, "", 2, "Happy/b.dav, Sad/c.DAV"),
        "files that are not read: .wav": (False, "", 1, "Sad/sound.wav"),
        "files that are not read: no suffix": (False, "", 1, "LICENSE"),
    }


def test_missing_unlisted_and_contradicting_clips_are_problems(root, material):
    builders.ferv39k(root, material)
    lists = root / "4_setups/All_scenes"
    put(lists / "train_All.csv", "DailyLife/Angry/0001 Sad\nWar/Fear/0098 Fear\nWar/Fear/0099 Fear\n")
    shutil.rmtree(root / "2_ClipsforFaceCrop/Action/Surprise/0011")
    (root / "2_ClipsforFaceCrop/Action/Surprise/0011").mkdir()
    assert found("ferv39k", root) == {
        "not usable: listed, but not on disk": (True, "train", 2, "War/Fear/0098, War/Fear/0099"),
        "not usable: the folder has no picture": (True, "test", 1, "Action/Surprise/0011"),
        "remark: in no split file": (True, "", 2, "Action/Sad/0010, DailyLife/Happy/0003"),
        "remark: labelled Sad by the split file and Angry by its folder, which is followed": (
            True, "train", 1, "DailyLife/Angry/0001",
        ),
    }  # fmt: skip


def test_counts_stand_beside_the_published_ones(root, material):
    builders.ferv39k(root, material)
    published = {"train": {"": 3, "Angry": 2, "Happy": 1}, "test": {"Fear": 1, "Angry": 1}, "": {"": 7}}
    assert found("ferv39k", root, published) == {
        "Angry: 1, published: 2": (True, "train", 1, ""),
        "Fear: 0, published: 1": (True, "test", 1, ""),
        "clips: 5, published: 7": (True, "", 2, ""),
    }


def test_published_counts_add_up_to_the_papers_totals():
    """By class against the totals that the papers give on their own."""

    def total(corpus, split, **options):
        counts = corpora.CORPORA[corpus].published(given(corpus, corpus, **options))[split]
        return sum(n for word, n in counts.items() if word)

    assert total("ferv39k", "train", scene="DailyLife") + total("ferv39k", "test", scene="DailyLife") == 2339
    assert sum(ferv39k.ALL_SCENES[split][""] for split in ("train", "test")) == 38935
    assert (total("afew", "train"), total("afew", "val")) == (773, 383)
    assert total("crema_d", "") == 7442
    assert total("ck_plus", "") == 327
    assert total("fer2013", "") == 28709 + 3589 + 3589
    assert (total("raf_db", "train"), total("raf_db", "test")) == (12271, 3068)
    spoken, sung = (total("ravdess", "", scene=scene) for scene in ("speech", "song"))
    assert (spoken, sung, total("ravdess", "")) == (24 * 60, 23 * 44, 2452)


def test_a_picture_in_two_splits_is_a_leak_and_under_two_labels_a_contradiction(root, material):
    builders.raf_db(root, material)
    faces = root / "Image/aligned"
    shutil.copy(faces / "train_00001_aligned.jpg", faces / "test_0001_aligned.jpg")
    assert found("raf_db", root) == {
        "the same picture in several splits": (True, "test, train", 2, "train_00001 = test_0001"),
        "the same picture under different labels": (True, "test, train", 2, "train_00001 = test_0001"),
    }
    shutil.copy(faces / "train_00001_aligned.jpg", faces / "train_00002_aligned.jpg")
    picture(faces / "test_0001_aligned.jpg", material)
    assert found("raf_db", root) == {
        "the same picture under different labels": (True, "train", 2, "train_00001 = train_00002"),
    }


def test_one_file_under_two_ids(root, material):
    """By its path or by its bytes; pieces that a video is cut into are no doubles."""
    builders.video(root / "a.mp4", material)
    shutil.copy(root / "a.mp4", root / "b.mp4")
    put(
        root / "m.csv",
        "clip_id,path,label,split\none,a.mp4,happy,train\ntwo,a.mp4,sad,train\nthree,b.mp4,happy,test\n",
    )
    three = (True, "test, train", 3, "one = two, one = two")
    table = found("folder", root, manifest=str(root / "m.csv"))
    assert table["the same picture under different labels"][:3] == three[:3]
    assert table["the same picture in several splits"][:3] == three[:3]
    (root / "b.mp4").unlink()
    put(root / "m.csv", "path,label\na.mp4,happy\n")
    assert not [w for w in found("folder", root, manifest=str(root / "m.csv"), clip_seconds=0.1) if "same" in w]


def test_every_picture_of_a_folder_is_looked_at(root, material):
    """One that is cut off, one without its end marker, one of another size, one animated."""
    frames(root / "Happy/a", material, n=8)
    folder = sorted((root / "Happy/a").iterdir())
    whole = folder[3].read_bytes()
    folder[3].write_bytes(whole[: len(whole) // 2])
    folder[4].write_bytes(whole[: whole.rindex(b"\xff\xd9")])
    Image.new("RGB", (30, 20)).save(folder[5])
    moving = [Image.new("RGB", (112, 112), (level, 0, 0)) for level in (0, 200)]
    moving[0].save(folder[6].with_suffix(".webp"), save_all=True, append_images=moving[1:])
    of = "(of 1 clips examined)"
    table = found("folder", root)
    assert table[f"1 frames cannot be decoded {of}"] == (True, "", 1, "Happy/a")
    assert table[f"pictures of several sizes in one folder {of}"] == (False, "", 1, "Happy/a")
    assert f"in a folder: animated picture {of}" in table
    assert f"in a folder: the JPEG lacks its end marker; its pixels are whole {of}" in table


def test_notes_on_a_video_are_no_problems(root):
    """Nothing is wrong with a late start; a cut-off beginning is lost."""
    whole = write_coded_video(root.parent / "whole.mp4", 12, options={"bf": "0", "g": "4"})
    (root / "Happy").mkdir(parents=True)
    remuxed(whole, root / "Happy/a.mkv", lambda i, packet: [packet] if i else [])
    table = found("folder", root)
    lost = "remark: the beginning is lost: N frames lack the key frame they need"
    assert table[lost] == (True, "", 1, "Happy/a")
    note = "the first frame is shown N.N s after the file's start"
    assert table[note] == (False, "", 1, "Happy/a")


def test_pictures_of_equal_size_but_other_bytes_are_no_duplicates(root, material):
    builders.raf_db(root, material)
    sizes = {path.stat().st_size for path in (root / "Image/aligned").iterdir()}
    assert len(sizes) == 1
    assert found("raf_db", root) == {}


def test_clips_that_share_a_frame_in_their_middle(root, material):
    builders.ferv39k(root, material)
    clips = root / "2_ClipsforFaceCrop/DailyLife/Angry"
    shutil.copy(clips / "0001/0004.jpg", clips / "0002/0004.jpg")
    assert found("ferv39k", root)["the same picture in several splits"][2] == 2


def test_videos_are_compared_whole(root, material):
    builders.afew(root, material)
    shutil.copy(root / "Train_AFEW/Angry/000046280.avi", root / "Val_AFEW/Happy/000149120.avi")
    assert found("afew", root)["the same picture in several splits"] == (
        True, "train, val", 2, "train/Angry/000046280 = val/Happy/000149120",
    )  # fmt: skip


def test_subjects_in_two_splits(root, material):
    for name in ("a", "b", "c"):
        builders.video(root / f"{name}.mp4", material)
    put(root / "m.csv", "path,label,subject,split\na.mp4,happy,ann,train\nb.mp4,sad,ann,test\nc.mp4,sad,bob,test\n")
    assert found("folder", root, manifest=str(root / "m.csv")) == {
        "1 subjects in several splits": (True, "test, train", 2, "ann"),
    }


def test_short_and_still_clips_and_odd_sizes_are_notes(root, material):
    for index in range(6):
        put(root / "Happy/still" / f"{index}.jpg", material.jpegs[0])
    frames(root / "Happy/short", material, n=2)
    frames(root / "Happy/short and still", material, n=1)
    builders.video(root / "a.mp4", material)
    small = builders.cv2.imencode(".jpg", builders.np.zeros((20, 30, 3), builders.np.uint8))[1].tobytes()
    put(root / "Sad/1.jpg", small)
    assert found("folder", root) == {
        "fewer than 5 frames": (False, "", 3, "Happy/short, Happy/short and still, Sad"),
        "no motion (of 3 clips examined)": (False, "", 1, "Happy/still"),
        "2 picture sizes, 30 x 20 to 112 x 112 pixels": (False, "", 5, ""),
    }


def test_a_corpus_of_which_nothing_can_be_read(root):
    put(root / "Happy/a.mp4")
    put(root / "Sad/1.jpg", b"no picture")
    assert set(found("folder", root)) == {
        "not usable: the file has no bytes",
        "not usable: none of the folder's N pictures can be read",
    }


def test_frame_rates_that_differ(root, material):
    builders.video(root / "a.mp4", material)
    write_coded_video(root / "b.mp4", 10, fps=10)
    assert found("folder", root)["2 frame rates, 10 to 25 a second"] == (False, "", 2, "")


def test_labels_outside_the_seven_are_counted_whatever_becomes_of_them(root, material):
    builders.mafw(root, material)
    dropped = found("mafw", root)
    assert dropped["label 'contempt': not one of the seven"] == (False, "train", 1, "00002")
    assert dropped["without a label"] == (False, "", 1, "00005")
    mapped = found("mafw", root, other_labels={"contempt": "disgust"})
    assert mapped["label 'contempt': not one of the seven, mapped to disgust"] == (False, "train", 1, "00002")


def test_the_report_puts_problems_first():
    table = pd.DataFrame(
        [(True, "not usable: empty", "train", 2, "a, b"), (False, "fewer than 5 frames", "", 1, "c")],
        columns=checks.COLUMNS,
    )
    assert checks.report(table).splitlines() == [
        "PROBLEM  not usable: empty [train]: 2 clips (a, b)",
        "note     fewer than 5 frames: 1 clip (c)",
        "1 problem",
    ]
    assert checks.report(table.iloc[:0]) == "no problems"


@pytest.fixture
def params_file(root):
    return put(root.parent / "p.yaml", f"corpus: folder\ncorpus_path: {root}\nn_clips: 0\nout: outputs/checked\n")


def test_the_command_ends_with_1_if_there_is_a_problem_and_runs_nothing(root, material, params_file, outputs):
    builders.video(root / "Happy/a.mp4", material)
    builders.video(root / "Sad/b.mp4", material)
    fine = fer("check", params_file)
    assert (fine.exit_code, fine.stdout) == (0, "folder: 2 clips listed, 2 examined\nno problems\n")
    put(root / "Sad/c.mp4")
    broken = fer("check", params_file)
    assert broken.exit_code == 1
    assert "PROBLEM  not usable: the file has no bytes: 1 clip (Sad/c)\n1 problem\n" in broken.stdout
    assert not (outputs / "checked").exists()


def test_the_command_says_once_and_in_a_line_what_is_odd_about_a_list(root, material, params_file):
    builders.video(root / "a.mp4", material)
    put(root / "list.csv", "path,label\na.mp4,sad\na.mp4,sad\n")
    result = fer("check", params_file, "-p", "manifest", root / "list.csv")
    said = f"fer-helpers: {root}/list.csv: 1 row(s) repeat another and count once (first: line 3)"
    assert [line for line in result.stderr.splitlines() if line.startswith("fer-helpers")] == [said]
    assert result.stdout == "folder: 1 clips listed, 1 examined\nno problems\n"


def test_the_command_says_in_one_line_what_stops_it(root, params_file):
    result = fer("check", params_file)
    assert result.exit_code == 1
    assert result.stderr == f"fer-helpers: corpus folder {root} does not exist: give the folder that holds the clips\n"
