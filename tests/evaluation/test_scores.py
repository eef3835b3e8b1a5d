"""The scores table: missing answers three ways, baselines, what is resampled, probabilities; by hand."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import emotions, tables
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.evaluation import agreement, scores
from fer_helpers.figures.scores import forest

CLIPS = tables.check(
    "clips",
    pd.DataFrame(
        {
            "clip_id": list("abcde"),
            "path": list("abcde"),
            "start_s": 0.0,
            "status": "ok",
            "label": ["happy", "happy", "sad", "surprise", None],
        }
    ),
)


def prediction(clip, label, **more):
    return {
        "clip_id": clip,
        "label": label,
        "strategy": "s",
        "model": "m",
        "taxonomy": "seven",
        "asked": "seven",
        "n_votes": 1,
        "tie": False,
        "status": "ok" if label else "refused",
        **more,
    }


def table_of(*rows):
    return tables.check("predictions", pd.DataFrame(rows))


PREDICTED = table_of(*(prediction(c, x) for c, x in zip("abcde", ["happy", "sad", "sad", None, "fear"], strict=True)))


def scored(predictions=PREDICTED, clips=CLIPS, **more):
    return scores.score(predictions, clips, n_resamples=200, **more).set_index(["strategy", "metric"])


def test_missing_is_not_wrong_and_unlabelled_is_not_scored():
    """a right, b wrong, c right, d refused, e without a label: accuracy 2/3 over three clips, one missing."""
    war = scored().loc[("s", "WAR")]
    assert (war["value"], war["n_clips"], war["n_missing"]) == (pytest.approx(2 / 3), 3, 1)
    assert war["ci_low"] < war["value"] < war["ci_high"]
    assert scored().loc[("s", "UAR"), "value"] == pytest.approx((1 / 2 + 1) / 2)


def test_missing_can_be_counted_as_wrong_and_bounded():
    """d is a surprise nobody found: 2 of 4 right; recalls 1/2, 1, 0. Had it been found: 3 of 4, and recall 1."""
    found = scored().loc["s"]
    assert found.loc["WAR", ["value_wrong", "bound_low", "bound_high"]].tolist() == [0.5, 0.5, 0.75]
    expected = [pytest.approx(x) for x in (1 / 2, 1 / 2, 5 / 6)]
    assert found.loc["UAR", ["value_wrong", "bound_low", "bound_high"]].tolist() == expected
    surprise = found.loc["recall: surprise"]
    assert np.isnan(surprise["value"])
    assert surprise[["value_wrong", "bound_low", "bound_high"]].tolist() == [0, 0, 1]
    assert found.loc["kappa", ["bound_low", "bound_high"]].isna().all()
    assert found.loc["coverage", "value"] == 0.75


def test_of_each_class_there_is_a_row():
    found = scored().loc["s"]
    assert found.loc[["recall: happy", "precision: happy", "recall: sad", "precision: sad"], "value"].tolist() == [
        0.5, 1, 1, 0.5,
    ]  # fmt: skip
    assert found.loc["F1: sad", "value"] == pytest.approx(2 / 3)
    assert np.isnan(found.loc["precision: fear", "value"])


def test_probabilities_are_scored_where_there_are_any():
    """a: 0.7 on happy, 0.3 on sad, right: 0.3² + 0.3². c has none, d no row. b: 0.6 on sad, wrong: 0.6² + 0.6²."""
    nothing = dict.fromkeys(tables.PROBABILITIES[:7], 0.0)
    a = prediction("a", "happy", **{**nothing, "prob_happy": 0.7, "prob_sad": 0.3}, confidence=0.7)
    b = prediction("b", "sad", **{**nothing, "prob_happy": 0.4, "prob_sad": 0.6}, confidence=0.6)
    found = scored(table_of(a, b, prediction("c", "sad"))).loc["s"]
    assert found.loc["Brier", "value"] == pytest.approx((0.18 + 0.72) / 2)
    assert (found.loc["Brier", "n_clips"], found.loc["Brier", "n_missing"]) == (2, 2)
    assert found.loc["ECE", "value"] == pytest.approx((0.3 + 0.6) / 2)
    assert np.isnan(found.loc["ECE", "ci_low"])


def test_without_probabilities_they_are_unknown_also_of_the_baselines():
    given = {f"prob_{label}": 1 / 7 for label in SEVEN}
    found = scored(table_of(prediction("a", "happy", confidence=1 / 7, **given)))
    assert found.loc[("s", "Brier"), "value"] == pytest.approx(6 / 7)
    assert found.loc[[(scores.ALWAYS, "Brier"), (scores.ALWAYS, "ECE")], "value"].isna().all()
    assert np.isnan(scored().loc[("s", "Brier"), "value"])


@pytest.mark.parametrize(
    ("answered", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_of_coverage_is_wilsons_as_published(answered, n, low, high):
    """Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    names = [f"c{i}" for i in range(n)]
    clips = pd.DataFrame({"clip_id": names, "path": names, "label": "happy", "start_s": 0.0, "status": "ok"})
    rows = [prediction(name, "happy" if i < answered else None) for i, name in enumerate(names)]
    found = scores.score(table_of(*rows), tables.check("clips", clips), n_resamples=20)
    row = found[found["strategy"] == "s"].set_index("metric").loc["coverage"]
    assert (round(row["ci_low"], 4), round(row["ci_high"], 4)) == (low, high)


def single_clips(counts):
    """The confusion matrix of each clip that `counts` counts."""
    kinds = np.argwhere(counts)
    clips = np.zeros((int(np.sum(counts)), *np.shape(counts)))
    clips[np.arange(len(clips)), *np.repeat(kinds, np.array(counts)[tuple(kinds.T)], axis=0).T] = 1
    return clips


def test_whoever_is_worse_than_chance_has_a_negative_interval():
    """6 of 46 right, both classes and both labels 23 times: kappa = MCC = 2 WAR − 1, so their ends are Wilson's."""
    by_clip = single_clips([[3, 0, 20], [0, 0, 0], [20, 0, 3]])
    ends = scores.intervals(by_clip, TERNARY, 2000, 1)
    low, high = (2 * end - 1 for end in (0.0612, 0.2566))  # Wilson's interval of 6 / 46
    for name in ("kappa", "MCC"):
        assert ends[name] == (pytest.approx(low, abs=0.05), pytest.approx(high, abs=0.05))


@pytest.mark.parametrize(
    ("metric", "floor", "counts"),
    [
        ("kappa", -1, [[0, 0, 11], [0, 0, 2], [16, 0, 0]]),
        ("MCC", -1, [[0, 0, 11], [0, 0, 2], [25, 1, 0]]),
        ("UAR", 0, [[0, 0, 10], [0, 0, 0], [24, 0, 3]]),
        ("macro F1", 0, [[0, 0, 11], [0, 0, 0], [12, 0, 3]]),
    ],
)
def test_no_interval_ends_where_the_metric_cannot_be(metric, floor, counts):
    """Tables whose resamples, moved to the value, reach below what is possible: the end is the floor itself."""
    low, high = scores.intervals(single_clips(counts), TERNARY, 200, 1)[metric]
    assert low == floor < high


def test_the_trivial_baseline_by_hand():
    """Of four labelled clips two are happy: always happy is right for half, with a UAR of a third."""
    found = scored()["value"]
    assert found[(scores.ALWAYS, "WAR")] == pytest.approx(1 / 2)
    assert found[(scores.ALWAYS, "UAR")] == pytest.approx(1 / 3)
    assert found[(scores.ALWAYS, "kappa")] == pytest.approx(0)


def test_without_labels_there_are_no_scores():
    assert scores.score(PREDICTED, CLIPS.assign(label=None)).empty


def test_without_a_single_answer_the_score_is_unknown_and_its_bounds_are_everything():
    war = scored(table_of(prediction("a", None)), CLIPS[:1]).loc[("s", "WAR")]
    assert (np.isnan(war["value"]), war["n_clips"], war["n_missing"]) == (True, 0, 1)
    assert war[["value_wrong", "bound_low", "bound_high"]].tolist() == [0, 0, 1]


def many(n_subjects, per_subject, seed=0):
    """Clips and predictions, three of five right, subjects named."""
    rng = np.random.default_rng(seed)
    n = n_subjects * per_subject
    label = rng.choice(SEVEN[:4], n)
    names = [f"c{i:04d}" for i in range(n)]
    subject = np.repeat([f"s{i}" for i in range(n_subjects)], per_subject)
    clips = pd.DataFrame({"clip_id": names, "path": names, "label": label, "subject": subject})
    given = np.where(rng.random(n) < 0.6, label, rng.choice(SEVEN[:4], n))
    rows = [prediction(c, x) for c, x in zip(names, given, strict=True)]
    return table_of(*rows), tables.check("clips", clips.assign(start_s=0.0, status="ok"))


def test_subjects_are_resampled_where_every_clip_has_one():
    predictions, clips = many(20, 6)
    by_subject, by_clip = (scored(predictions, c) for c in (clips, clips.assign(subject=None)))
    some = clips.assign(subject=clips["subject"].where(clips["clip_id"] != "c0000"))
    assert (set(by_subject["resampled"]), set(by_clip["resampled"])) == ({"subjects"}, {"clips"})
    assert set(scored(predictions, some)["resampled"]) == {"clips"}
    pd.testing.assert_series_equal(by_subject["value"], by_clip["value"])


def test_too_few_subjects_give_no_interval():
    found = scored(*many(9, 30)).loc["s"]
    assert found[["ci_low", "ci_high"]].isna().all(axis=None)
    assert scored(*many(10, 30)).loc[("s", "UAR"), "ci_low"] > 0


def test_a_label_nobody_predicts_stays_unpredicted_in_resamples():
    """Its precision counts 0: one clip of it in a resample would make that 1, and the interval mean nothing."""
    predicted, clips = many(12, 5)
    found = scores.score(predicted.assign(label="happy"), clips, n_resamples=500).set_index(["strategy", "metric"])
    row = found.loc[("s", "macro precision")]
    assert row["ci_low"] <= row["value"] <= row["ci_high"] < row["value"] + 0.05


def test_frames_of_a_clip_are_drawn_together():
    """Six identical frames a clip carry no more than one: intervals stay those of the clips, more or less."""
    predictions, clips = many(40, 1)
    frames = pd.concat([predictions.assign(frame_index=i) for i in range(6)])
    clips = clips.assign(subject=None)
    widths = [scored(tables.check("predictions", p), clips).loc[("s", "kappa")] for p in (predictions, frames)]
    one, six = (row["ci_high"] - row["ci_low"] for row in widths)
    assert six == pytest.approx(one, rel=0.2)


def test_scores_depend_on_the_order_of_neither_rows_nor_labels(monkeypatch):
    """Values to the last bit but rounding; intervals by clips are drawn in another order, and near."""
    predictions, clips = many(30, 4)
    one = scored(predictions, clips)
    shuffled = scored(predictions.sample(frac=1, random_state=1), clips.sample(frac=1, random_state=2)).loc[one.index]
    same = [c for c in one.columns if c != "model"]
    keep = one.index.get_level_values(0) == "s"  # the random baseline is drawn clip by clip
    pd.testing.assert_frame_equal(one.loc[keep, same], shuffled.loc[keep, same], check_exact=False, rtol=1e-12)
    monkeypatch.setitem(emotions.TAXONOMIES, "seven", SEVEN[::-1])
    other = scored(predictions, clips).loc[one.index]
    numbers = ["value", "value_wrong", "bound_low", "bound_high"]
    pd.testing.assert_frame_equal(one[numbers], other[numbers], rtol=1e-12, atol=1e-12)
    assert ((one["ci_low"] - other["ci_low"]).abs().dropna() < 0.06).all()


@pytest.mark.parametrize(
    ("surprise", "truth"), [("positive", "positive"), ("negative", "negative"), ("left_out", None)]
)
def test_the_valence_of_surprise_is_the_parameters(surprise, truth):
    joined = scores.join(table_of(prediction("d", "neutral", taxonomy="ternary")), CLIPS, surprise)
    assert list(joined.loc[joined["label"].notna(), "truth"]) == ([truth] if truth else [])


def test_confusion_matrix_keeps_every_label():
    matrix = scores.confusion_matrix(["happy", "sad"], ["sad", "sad"], SEVEN)
    assert list(matrix.index) == list(matrix.columns) == list(SEVEN)
    assert (matrix.loc["happy", "sad"], matrix.loc["sad", "sad"], int(matrix.to_numpy().sum())) == (1, 1, 2)


def test_agreement_by_hand():
    """Of the three clips both label, two agree."""
    rows = [prediction(c, x, strategy="t") for c, x in zip("abc", ["happy", "happy", "sad"], strict=True)]
    both = pd.concat([PREDICTED, table_of(*rows)])
    assert agreement.shares(agreement.votes(both)).loc["s", "t"] == pytest.approx(2 / 3)


def test_confused_pairs_and_recalls_by_hand():
    """happy is taken for sad once of two, sad once right of one."""
    answered = scores.join(PREDICTED, CLIPS).dropna(subset="label")
    pairs = scores.confused_pairs(answered.assign(confidence=0.5))
    assert list(pairs.index) == [("happy", "sad")]
    assert pairs.iloc[0].tolist() == [1, 0.5, 0.5]
    recall = scores.recalls(scores.join(PREDICTED, CLIPS))
    assert recall.loc["s"].to_dict() == {"happy": 0.5, "sad": 1.0}


def test_the_forest_is_drawn_without_any_interval():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 1, squeeze=False)
    forest(scores.score(*many(3, 4), n_resamples=50), "UAR", axes[0])
    figure.canvas.draw()
    plt.close(figure)


def test_every_convention_for_surprise_by_hand():
    """happy right, surprise taken for happy: right where surprise is positive, else wrong, or not there at all."""
    rows = table_of(prediction("a", "happy"), prediction("d", "happy"))
    found = scores.by_surprise(rows, CLIPS, n_resamples=100)
    war = found[(found["metric"] == "WAR") & (found["strategy"] == "s")].set_index("surprise")
    assert war["value"].to_dict() == {"positive": 1, "neutral": 0.5, "negative": 0.5, "left_out": 1}
    assert war["n_clips"].to_dict() == {"positive": 2, "neutral": 2, "negative": 2, "left_out": 1}
