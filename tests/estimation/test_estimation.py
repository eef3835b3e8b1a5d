"""Samples, people's labels, estimates, sizes, acceptance: published figures, independent libraries, rules by hand."""

import sys
import time

import numpy as np
import pandas as pd
import pytest

from fer_helpers import statuses
from fer_helpers.errors import ListError
from fer_helpers.estimation import (
    CORPUS,
    accept,
    accept_audited,
    by_clip,
    distribution_agreement,
    draw_audit,
    draw_core,
    draw_worklist,
    drawn_only,
    estimate_performance,
    estimate_shares,
    finished_labels,
    labels_needed,
    linearised,
    more_labels,
    read_labels,
    replacement_test,
    split_budget,
    would_accept,
)
from tests.estimation.worlds import corpus, population, votes

CLIPS, TRUTH = corpus(np.random.default_rng(3), 40, 30, right=0.85)


def test_olofssons_table_to_four_digits():
    """Olofsson et al. (2014), Table 8, with its 95 % half-widths."""
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    table = linearised(counts, np.array([200_000, 150_000, 3_200_000, 6_450_000]))
    assert table.loc["WAR", "value"] == pytest.approx(0.9465, abs=5e-5)
    assert 1.96 * table.loc["WAR", "error"] == pytest.approx(0.0185, abs=5e-5)
    recalls = table.loc[[f"recall {k}" for k in range(4)]]
    assert recalls["value"].round(3).tolist() == [0.749, 0.847, 0.935, 0.962]
    assert (1.96 * recalls["error"]).round(3).tolist() == [0.213, 0.254, 0.034, 0.018]
    assert round(table.loc["total 0", "value"]) == 235_086
    assert 1.96 * table.loc["total 0", "error"] == pytest.approx(68_418, abs=3)  # Table 9 rounds on its way


def test_figures_of_ppi_py_and_zugzwang():
    """ppi_power(.9, 0, 1, .1, budget=1000) of ppi_py; min_select_size(.02, .05[, p_err=.01]) of zugzwang 1.1.0."""
    assert split_budget(0.9, 1, 0.1, 1000) == (605, 3345, 1926)
    assert labels_needed(0.02, 0.025) == 183  # it spends δ/2
    assert labels_needed(0.02, 0.025, error=0.01) == 851


@pytest.mark.parametrize("stratified", [True, False])
def test_a_larger_core_changes_no_row_of_a_smaller_one(stratified):
    small, large = (draw_core(CLIPS, n, 5, stratified) for n in (60, 200))
    pd.testing.assert_frame_equal(small.drop(columns="probability"), large.head(60).drop(columns="probability"))
    shuffled = draw_core(CLIPS.sample(frac=1, random_state=1), 60, 5, stratified)
    pd.testing.assert_frame_equal(small, shuffled)


def test_the_core_is_proportional_with_four_of_each_stratum():
    sizes = CLIPS["label"].value_counts()
    drawn = draw_core(CLIPS, 200, 5)["stratum"].value_counts()
    wanted = (200 * sizes / len(CLIPS)).clip(lower=4)
    assert (drawn >= 4).all()
    assert (drawn - wanted[drawn.index]).abs().max() <= 3
    with pytest.raises(ListError, match="28"):
        draw_core(CLIPS, 20, 5)


def test_every_clip_is_drawn_as_often_as_its_probability_says():
    one = population(np.array([0] * 30 + [1] * 10), np.full(40, 0.5), np.arange(40))
    draws = pd.concat([draw_core(one, 16, seed) for seed in range(100)])
    often = draws["clip_id"].value_counts() / 100
    told = draws.groupby("clip_id")["probability"].mean()
    assert len(told) == 40
    assert (often[told.index] - told).abs().max() < 4 * (0.25 / 100) ** 0.5


def test_no_row_of_peoples_labels_is_lost_and_each_refusal_has_its_reason():
    sample = draw_core(CLIPS, 60, 1)
    a, b = sample["clip_id"].iloc[:2]
    other = next(c for c in CLIPS["clip_id"] if c not in set(sample["clip_id"]))
    rows = [(a, "r", "Happiness"), (a, "q", "sad"), (b, "r", "fear"), (b, "r", "sad"), ("nowhere", "r", "sad")]
    rows += [(a, "p", "ennui"), (b, "p", "cannot tell"), (other, "r", "sad")]
    given = pd.DataFrame(rows, columns=["clip_id", "rater", "label"])
    labels = read_labels(given, CLIPS)
    kept, refused = drawn_only(labels, sample)
    assert refused["reason"].to_dict() == {
        2: "replaced", 4: "unknown clip", 5: "unknown word", 6: "no label", 7: "never drawn"
    }  # fmt: skip
    assert len(kept) + len(refused) == len(labels.votes) + len(labels.refused) == len(given) == labels.n_rows
    said = by_clip(kept)
    assert (said.loc[a, "happy"], said.loc[a, "sad"]) == (0.5, 0.5)
    assert pd.isna(said.loc[a, "label"])
    assert said.loc[b, "label"] == "sad"


def test_labels_drawn_otherwise_are_refused_for_estimates():
    worklist, core = draw_worklist(CLIPS, 50), draw_core(CLIPS, 60, 1)
    labels = read_labels(votes(CLIPS, TRUTH, core).assign(queue="worklist"), CLIPS)
    assert set(drawn_only(labels, core)[1]["reason"]) == {"another queue"}
    truth = by_clip(votes(CLIPS, TRUTH, worklist))
    with pytest.raises(ListError, match="not drawn at random"):
        estimate_shares(CLIPS, worklist, truth)
    with pytest.raises(ListError, match="never a mixture"):
        estimate_shares(CLIPS, pd.concat([core, worklist]), truth)
    with pytest.raises(ListError, match="simple random core"):
        accept(CLIPS, core, by_clip(votes(CLIPS, TRUTH, core)))


def test_the_estimate_is_the_regression_estimator_by_hand():
    """Ten clips, four labelled: y 1 1 0 0, f 1 1 1 0; f is 1 on six of ten, λ = (1/6) / 0.24."""
    clips = population(np.array([3, 3, 3, 5, 3, 3, 3, 5, 5, 5]), np.full(10, 0.5), np.arange(10))
    ids = ["c0", "c1", "c2", "c3"]
    sample = pd.DataFrame({"clip_id": ids, "queue": "core", "stratum": "all", "probability": 0.4, "order": range(4)})
    said = pd.DataFrame({"clip_id": ids, "rater": "r", "label": ["happy", "happy", "sad", "sad"]})
    row = estimate_shares(clips, sample, by_clip(said)).set_index(["quantity", "target", "source"])
    slope = (1 / 6) / 0.24
    r = np.array([1, 1, 0, 0]) - slope * np.array([1, 1, 1, 0])
    both = row.loc[("share: happy", CORPUS, "both")]
    assert np.cov([1, 1, 0, 0], [1, 1, 1, 0])[0, 1] / 0.24 == pytest.approx(slope)
    assert both["value"] == pytest.approx(slope * 0.6 + r.mean())
    assert both["error"] ** 2 == pytest.approx(0.6 * r.var(ddof=1) / 4)
    assert row.loc[("share: happy", CORPUS, "people"), "value"] == 0.5
    assert row.loc[("share: happy", CORPUS, "model"), "value"] == 0.6


def test_everything_labelled_leaves_nothing_unsure_over_this_corpus():
    sample = draw_core(CLIPS, len(CLIPS), 1)
    table = estimate_shares(CLIPS, sample, by_clip(votes(CLIPS, TRUTH, sample)))
    own = table[(table["target"] == CORPUS) & (table["source"] == "both")].set_index("quantity")
    assert own.loc["share: happy", "value"] == pytest.approx(np.mean(TRUTH == "happy"))
    assert own["error"].max() < 1e-9
    advice = more_labels(table, 0.001)
    assert set(advice.loc[advice["target"] == CORPUS, "advice"]) == {"enough"}
    assert "label more people" in set(advice.loc[advice["target"] != CORPUS, "advice"])


def test_nothing_certified_is_an_answer_with_a_number():
    sample = draw_core(CLIPS, 30, 1)
    chosen = CLIPS["clip_id"].iloc[:600]
    audit = draw_audit(CLIPS, chosen, 10, 1)
    right = CLIPS["label"].to_numpy()
    found = accept_audited(CLIPS, pd.Index(chosen), audit, by_clip(votes(CLIPS, right, audit)))
    assert len(found.accepted) == 0
    assert found.more == labels_needed(0.1, 0.1, 0, 600) - 10 > 0
    assert found.sentence == f"Nothing can be certified: about {found.more} more labels of such clips would be needed."
    assert len(would_accept(CLIPS, sample, by_clip(votes(CLIPS, right, sample)))) == len(CLIPS)


def test_an_answer_outside_the_labels_agrees_with_nobody():
    """Three raters say the same of 40 clips, and the model says it of 30: else outside the labels, or nothing."""
    clips = population(np.full(40, 3), np.full(40, 0.5), np.arange(40))
    said = pd.concat([pd.DataFrame({"clip_id": clips["clip_id"], "rater": r, "label": "happy"}) for r in "abc"])
    clips.loc[:9, ["label", "status"]] = [None, statuses.OUTSIDE]
    table = replacement_test(said, clips)
    assert (table["n_clips"].tolist(), table["model"].tolist()) == ([40] * 3, [0.75] * 3)
    clips.loc[:9, "status"] = "refused"
    table = replacement_test(said, clips)
    assert (table["n_clips"].tolist(), table["model"].tolist()) == ([30] * 3, [1] * 3)


def test_distribution_agreement_by_hand():
    clips = population(np.array([3, 3]), np.full(2, 0.5), np.arange(2))
    probabilities = {f"prob_{w}": [0.0, 0.0] for w in ("angry", "disgust", "fear", "neutral", "surprise")}
    clips = clips.assign(**probabilities, prob_happy=[1.0, 0.5], prob_sad=[0.0, 0.5])
    rows = [("c0", "a", "sad"), ("c1", "a", "sad"), ("c1", "b", "happy")]
    table = distribution_agreement(pd.DataFrame(rows, columns=["clip_id", "rater", "label"]), clips)
    assert table["distance"].tolist() == pytest.approx([1, 0])
    assert table["entropy_votes"].tolist() == table["entropy_model"].tolist() == [0, 1]


def test_100_000_clips_in_seconds_and_two_gigabytes():
    n, rng = 100_000, np.random.default_rng(1)
    label = rng.integers(0, 7, n)
    clips = population(label, rng.random(n), np.arange(n) // 20)
    truth = clips["label"].to_numpy()
    resource = pytest.importorskip("resource")
    before, unit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 1e6 if sys.platform == "linux" else 1e9
    start = time.process_time()
    sample = draw_core(clips, 400, 1)
    said = by_clip(votes(clips, truth, sample))
    estimate_shares(clips, sample, said)
    estimate_performance(clips, sample, said)
    chosen = would_accept(clips, sample, said)
    audit = draw_audit(clips, chosen, 100, 1)
    done = accept_audited(clips, chosen, audit, by_clip(votes(clips, truth, audit)))
    labels = finished_labels(clips, said, done)
    assert time.process_time() - start < 15
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / unit < 2
    assert len(labels) == n
    assert labels["source"].value_counts().to_dict() == {"model": n - 400, "both": 400}
    assert labels["promise"].str.startswith("at most 10%").sum() == n - 400
    assert not labels["needs_look"].any()
