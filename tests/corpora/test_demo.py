"""The demo corpus: what is planned, how a face answers to its action units, what lies on disk afterwards."""

import json
import re
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest

from fer_helpers import corpora
from fer_helpers.corpora.demo import expressions, panel, planning, rendered_clips
from fer_helpers.corpora.demo.renderer import SKIN_GROUPS, Identity, Light, Pose, metered, render
from fer_helpers.corpora.demo.renderer.identity import COVERINGS, typology_angle
from fer_helpers.corpora.demo.renderer.motion import envelope
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params

FACE, LIGHT, POSE = Identity(seed=3), Light(), Pose()
# Rows and columns of a 224 x 224 picture of a face at rest; the eyes are at row 105, a unit is 74 pixels.
BROWS, MOUTH = (slice(78, 101), slice(72, 152)), (slice(136, 172), slice(82, 142))


def change(aus: dict[int, float | tuple[float, float]], region: tuple[slice, slice]) -> float:
    """Mean absolute difference from the neutral face, 0..255, within a region."""
    difference = render(aus, FACE, POSE, LIGHT).astype(float) - render({}, FACE, POSE, LIGHT)
    return float(np.abs(difference[region]).mean())


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "corpus"
    rendered_clips.render_corpus(folder, n_clips=7, seed=1, n_jobs=1)
    return folder


def test_class_counts_are_those_of_dailylife_by_largest_remainder():
    # Shares of 240, by hand: 65.67, 51.41, 49.56, 47.30, 14.16, 8.72, 3.18; the floors make 237, and the
    # three largest remainders are those of surprise, angry and happy.
    assert planning.class_counts(240) == {
        "angry": 66, "sad": 51, "happy": 50, "neutral": 47, "fear": 14, "surprise": 9, "disgust": 3,
    }  # fmt: skip
    assert planning.class_counts(2339) == {
        "angry": 640, "sad": 501, "happy": 483, "neutral": 461, "fear": 138, "surprise": 85, "disgust": 31,
    }  # fmt: skip


@pytest.mark.parametrize("n_clips", [7, 8, 30, 75])
def test_from_seven_clips_on_no_class_is_missing(n_clips):
    # Disgust's share of 30 clips is 0.40, so largest remainder alone would leave it out.
    counts = planning.class_counts(n_clips)
    assert min(counts.values()) >= 1
    assert sum(counts.values()) == n_clips


def test_the_plan_holds_the_counted_classes():
    assert planning.plan(240, 1)["label"].value_counts().to_dict() == planning.class_counts(240)


def test_clip_lengths_match_the_published_quartiles_within_a_frame():
    frames = planning.plan(2339, 1)["n_frames"]
    assert frames.between(12, 46).all()
    assert np.abs(frames.quantile([0.25, 0.5, 0.75]).to_numpy() - (25, 29, 35)).max() <= 1


def test_no_subject_is_in_both_splits_and_each_owns_six_or_seven_clips():
    clips = planning.plan(240, 1)
    assert clips.groupby("subject")["split"].nunique().max() == 1
    assert set(clips["split"]) == {"train", "test"}
    assert clips.groupby("subject").size().between(6, 7).all()


def test_subjects_show_several_expressions():
    assert planning.plan(240, 1).groupby("subject")["label"].nunique().min() >= 4


def test_neither_name_nor_number_of_a_clip_tells_its_label():
    clips = planning.plan(240, 1)
    assert clips["clip_id"].map(lambda name: bool(re.fullmatch(r"demo_\d{4}", name))).all()
    # Sorted labels would change 6 times from clip to clip; shuffled ones of these shares about 190 times.
    assert (clips["label"] != clips["label"].shift()).sum() > 150


def test_the_plan_is_fixed_by_the_seed():
    pd.testing.assert_frame_equal(planning.plan(20, 5), planning.plan(20, 5))
    assert not planning.plan(20, 5)["label"].equals(planning.plan(20, 6)["label"])


def test_no_clips_is_an_error():
    with pytest.raises(CorpusError, match="n_clips is 0"):
        planning.plan(0, 1)


def test_prototypes_are_the_published_ones():
    """Friesen & Ekman's EMFACS, typed out anew; a slip in the table would teach wrong anatomy."""
    assert {label: (set(p.core), set(p.optional)) for label, p in expressions.EMFACS.items()} == {
        "happy": ({6, 12}, {25}),
        "sad": ({1, 4, 15}, {17}),
        "surprise": ({1, 2, 5, 26}, set()),
        "fear": ({1, 2, 4, 5, 20, 26}, set()),
        "angry": ({4, 5, 7, 23}, {24}),
        "disgust": ({9, 15, 16}, {10, 17}),
        "neutral": (set(), set()),
    }


def test_expression_is_the_prototype_and_a_blend_adds_a_weak_one():
    rng = np.random.default_rng(0)
    assert expressions.expression("neutral", 0.0, "", rng) == {}
    blended = expressions.expression("angry", 0.9, "disgust", rng)
    assert {4, 5, 7, 23, 9, 15, 16} <= set(blended)
    # 0.9 x at least 0.85, against at most 0.35 x 1.1, with up to about a third between left and right.
    assert (
        min(np.mean(blended[unit]) for unit in (4, 5, 7, 23))
        > 2 * max(np.mean(blended[unit]) for unit in (9, 15, 16)) - 0.05
    )


def test_apexes_lie_anywhere_and_clips_end_before_them_as_often_as_said():
    """By construction: half pass, three in ten are held, two in ten are cut off; where the apex lies is uniform."""
    clips = planning.plan(2339, 1)
    shares = clips["course"].value_counts(normalize=True)
    # Three standard errors of a share of 2,339 clips are at most .031.
    assert shares.to_dict() == pytest.approx({"passing": 0.5, "held": 0.3, "cut off": 0.2}, abs=0.031)
    inside = clips[clips["course"] != "cut off"]
    fifths = ((inside["apex"] + 0.5) / inside["n_frames"]).mul(5).astype(int).value_counts(normalize=True)
    assert fifths.sort_index().to_list() == pytest.approx([0.2] * 5, abs=0.03)
    beyond = clips.loc[clips["course"] == "cut off", "apex"] - clips.loc[clips["course"] == "cut off", "n_frames"]
    assert set(beyond) == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("seed", range(10))
def test_an_expression_follows_its_course(seed):
    rng = np.random.default_rng(seed)
    passing, held, early, cut = (
        envelope(40, *course, rng) for course in (("passing", 12), ("held", 12), ("passing", 0), ("cut off", 43))
    )
    assert passing[12] == held[12] == early[0] == 1.0
    assert passing[0] <= 0.4  # the onset takes 10 to 17 frames: 12 before, at least 5/17 of it are still to come
    assert passing[39] < 0.3  # at its height for 10 frames at most, and 22 for the offset, end at frame 44 or before
    assert (held[12:] == 1.0).all()
    assert 0.2 < cut[39] < 1.0
    assert (np.diff(cut) >= 0).all()
    assert all(course.min() >= 0 and course.max() <= 1 for course in (passing, held, early, cut))


def test_the_frame_that_shows_most_is_the_middle_one_no_oftener_than_chance():
    """Where strength is greatest among five key frames: not in the middle by construction."""
    rng, most = np.random.default_rng(1), []
    for clip in planning.plan(400, 1).itertuples():
        course = envelope(clip.n_frames, clip.course, clip.apex, rng)
        at_frames = course[[int((k + 0.5) * clip.n_frames / 5) for k in range(5)]]
        most.append(rng.choice(np.flatnonzero(at_frames == at_frames.max())))
    assert np.mean(np.array(most) == 2) == pytest.approx(0.2, abs=0.06)


def test_groups_are_balanced_over_people_and_independent_of_labels():
    clips = planning.plan(240, 1)
    people = clips.drop_duplicates("subject")
    assert people.value_counts(["group_skin", "group_age", "group_presentation"]).to_list() == [2] * 18
    assert people["group_skin"].value_counts().to_dict() == {"light": 12, "medium": 12, "deep": 12}
    by_group = pd.crosstab(clips["group_skin"], clips["label"])
    assert (by_group.max() - by_group.min()).max() <= 1
    # Small corpora, as the tests use, have each skin too.
    assert planning.plan(20, 1)["group_skin"].nunique() == 3


def test_identities_are_what_their_groups_say():
    people = {number: planning.identity_of(f"s{number:02d}", 1) for number in range(1, 37)}
    for number, person in people.items():
        groups = planning.groups_of(number)
        low, high = SKIN_GROUPS[groups["skin"]]
        assert low - 1 <= typology_angle(person.skin) <= high + 1
        assert {"young": person.age < 0.3, "middle": 0.3 < person.age < 0.7, "old": person.age > 0.7}[groups["age"]]
        assert groups["presentation"] == "masculine" or not person.beard
    assert {person.hair for person in people.values()} >= {"bald", "receding", *COVERINGS}


def test_the_typology_angle_is_the_published_formula():
    """Of sRGB (245, 216, 198), L* is 87.9 and b* is 12.5 by the CIE's formulas: atan2(37.9, 12.5) is 71.8 degrees."""
    assert typology_angle(0.0) == pytest.approx(71.8, abs=0.3)


def test_metering_brings_skins_nearer_to_each_other():
    def brightness(skin: float, share: float) -> float:
        person = Identity(seed=3, skin=skin)
        return float(render({}, person, POSE, metered(LIGHT, person, share))[115:130, 90:134].mean())

    fixed, usual, face = (brightness(0.1, share) - brightness(0.9, share) for share in (0, 1 / 3, 1))
    assert fixed > 1.4 * usual > 0
    assert abs(face) < 0.25 * fixed


def test_what_simulated_raters_say_of_the_average_clip_adds_up():
    """Of fear, CREMA-D's raters name .44; half of the errors go to neutral, half to surprise, its one neighbour."""
    shares = dict(zip(SEVEN, panel.confusion("fear"), strict=True))
    assert shares == pytest.approx(
        {"angry": 0, "disgust": 0, "fear": 0.44, "happy": 0, "neutral": 0.28, "sad": 0, "surprise": 0.28}
    )
    blended = dict(zip(SEVEN, panel.confusion("fear", "sad"), strict=True))
    assert (blended["fear"], blended["sad"]) == pytest.approx((0.44, 0.28))
    for label in SEVEN:
        assert panel.confusion(label).sum() == pytest.approx(1)


def test_the_simulated_panel_is_fixed_by_the_seed_and_agrees_as_people_roughly_do():
    clips = planning.plan(240, 1)
    votes = panel.votes(clips, 1)
    pd.testing.assert_frame_equal(votes, panel.votes(clips, 1))
    pd.testing.assert_frame_equal(votes[votes["clip_id"] == "demo_0001"], panel.votes(clips.head(1), 1))
    assert (len(votes), set(votes["count"])) == (2400, {1})
    assert votes["rater"].str.startswith("simulated").all()
    right = votes.merge(clips[["clip_id", "label", "intensity"]], on="clip_id", suffixes=("", "_true"))
    right["right"] = right["label"] == right["label_true"]
    recalls = right.groupby("label_true")["right"].mean()
    assert recalls.idxmax() == "happy"
    assert recalls.idxmin() == "sad"
    shown = right[right["label_true"] != "neutral"]
    weak = shown["intensity"] < 0.7
    assert shown.loc[~weak, "right"].mean() > shown.loc[weak, "right"].mean() + 0.1


@pytest.mark.parametrize(
    ("unit", "moved", "still"),
    [(unit, BROWS, MOUTH) for unit in (1, 2, 4)] + [(unit, MOUTH, BROWS) for unit in (12, 15, 20, 26)],
)
def test_an_action_unit_changes_its_own_region(unit, moved, still):
    assert change({unit: 1.0}, moved) > 1.5
    assert change({unit: 1.0}, moved) > 5 * change({unit: 1.0}, still)


def test_an_action_unit_on_one_side_leaves_the_other_side_almost_alone():
    rows, left, right = MOUTH[0], slice(72, 108), slice(116, 152)
    assert change({12: (1.0, 0.0)}, (rows, left)) > 4 * change({12: (1.0, 0.0)}, (rows, right))
    assert change({12: (0.0, 1.0)}, (rows, right)) > 4 * change({12: (0.0, 1.0)}, (rows, left))


def test_an_action_unit_grows_with_its_strength():
    assert 0 < change({12: 0.3}, MOUTH) < change({12: 0.6}, MOUTH) < change({12: 1.0}, MOUTH)


def test_a_strength_out_of_range_is_an_error_that_names_the_unit():
    with pytest.raises(ValueError, match=r"AU 12 has strength 1\.5"):
        render({12: 1.5}, FACE, POSE, LIGHT)


def test_a_clip_is_the_same_whatever_was_drawn_before():
    """Faces are kept between frames; drawing one must leave what is kept untouched."""
    clips = planning.plan(8, 1)
    first = list(rendered_clips.frames_of(clips.iloc[0], 1))[-1]
    for _ in rendered_clips.frames_of(clips.iloc[1], 1):
        pass
    assert np.array_equal(list(rendered_clips.frames_of(clips.iloc[0], 1))[-1], first)


def test_manifest_rows_match_files_that_decode_as_planned(corpus):
    manifest, clips = pd.read_csv(corpus / "manifest.csv", keep_default_na=False), planning.plan(7, 1)
    assert list(manifest) == [
        "clip_id",
        "path",
        "label",
        "subject",
        "group_skin",
        "group_age",
        "group_presentation",
        "split",
        "scene",
        "intensity",
        "second_label",
        "course",
        "apex",
    ]
    assert sorted(manifest["path"]) == sorted(p.relative_to(corpus).as_posix() for p in corpus.glob("clips/*"))
    assert set(manifest["label"]) == {"angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"}
    for row, planned in zip(manifest.itertuples(), clips.itertuples(), strict=True):
        with av.open(str(corpus / row.path)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.average_rate) == ("h264", 25)
        assert decoded(corpus / row.path).shape == (planned.n_frames, 224, 224, 3)


def test_clips_have_the_groups_and_votes_are_the_simulated_panels(outputs, monkeypatch):
    rendered = []
    monkeypatch.setattr(
        rendered_clips,
        "frames_of",
        lambda clip, seed: rendered.append(clip.clip_id) or [np.zeros((224, 224, 3), np.uint8)] * 2,
    )
    monkeypatch.setattr(rendered_clips, "Parallel", lambda **_: lambda tasks: (run(*args) for run, args, _ in tasks))
    params = Params(n_clips=7, seed=93)
    clips = corpora.load(params)
    assert len(rendered) == 7
    assert clips["group_skin"].to_list() == planning.plan(7, 93)["group_skin"].to_list()
    votes = corpora.votes(params, clips)
    pd.testing.assert_frame_equal(votes, panel.votes(planning.plan(7, 93), 93))


def test_the_card_says_what_the_corpus_is(corpus):
    card = json.loads((corpus / "corpus.json").read_text("utf-8"))
    assert (card["n_clips"], card["seed"], card["licence"]) == (7, 1, "CC0")
    assert "no person's picture" in card["about"]


@pytest.mark.slow  # worker processes
def test_workers_do_not_change_a_pixel_and_the_seed_does(corpus, tmp_path):
    rendered_clips.render_corpus(tmp_path / "two", n_clips=7, seed=1, n_jobs=2)
    rendered_clips.render_corpus(tmp_path / "other", n_clips=7, seed=2, n_jobs=1)
    for path in sorted(corpus.glob("clips/*.mp4")):
        assert np.array_equal(decoded(path), decoded(tmp_path / "two" / "clips" / path.name))
        assert not np.array_equal(decoded(path)[0], decoded(tmp_path / "other" / "clips" / path.name)[0])


def test_the_same_corpus_is_left_as_it_is_and_a_stale_one_replaced(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        rendered_clips,
        "frames_of",
        lambda clip, seed: drawn.append(clip.clip_id) or [np.zeros((224, 224, 3), np.uint8)],
    )
    rendered_clips.render_corpus(tmp_path / "corpus", n_clips=2, n_jobs=1)
    rendered_clips.render_corpus(tmp_path / "corpus", n_clips=2, n_jobs=1)
    assert len(drawn) == 2
    rendered_clips.render_corpus(tmp_path / "corpus", n_clips=3, n_jobs=1)
    assert len(list((tmp_path / "corpus" / "clips").iterdir())) == 3
    monkeypatch.setattr(rendered_clips, "renderer_version", lambda: "newer")
    rendered_clips.render_corpus(tmp_path / "corpus", n_clips=3, n_jobs=1)
    assert len(drawn) == 2 + 3 + 3
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]


def test_an_interrupted_rendering_leaves_nothing_or_the_corpus_that_was_there(tmp_path, monkeypatch):
    def broken(clip: pd.Series, seed: int) -> list[np.ndarray]:
        if clip.number > 1:
            raise KeyboardInterrupt
        return [np.zeros((224, 224, 3), np.uint8)]

    monkeypatch.setattr(rendered_clips, "frames_of", broken)
    with pytest.raises(KeyboardInterrupt):
        rendered_clips.render_corpus(tmp_path / "corpus", n_clips=3, n_jobs=1)
    assert list(tmp_path.iterdir()) == []
    rendered_clips.render_corpus(tmp_path / "corpus", n_clips=1, n_jobs=1)
    before = sorted(p.name for p in (tmp_path / "corpus").rglob("*"))
    with pytest.raises(KeyboardInterrupt):
        rendered_clips.render_corpus(tmp_path / "corpus", n_clips=3, n_jobs=1)
    assert sorted(p.name for p in (tmp_path / "corpus").rglob("*")) == before
    assert [p.name for p in tmp_path.iterdir()] == ["corpus"]


def test_a_folder_of_other_files_is_refused_and_kept(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CorpusError, match="not a demo corpus"):
        rendered_clips.render_corpus(tmp_path, n_clips=1, n_jobs=1)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
