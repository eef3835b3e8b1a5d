"""Paired comparisons: tests by hand and against libraries, their error rates, degenerate cases, and the words."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import comparisons, metric_names, naming
from fer_helpers.evaluation.comparisons import compare, compared, holm, mcnemar

rights = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


@settings(deadline=None)
@given(rights)
def test_mcnemar_equals_statsmodels_and_the_binomial_test(rows):
    a, b = np.array(rows).T
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p, low, high, error = mcnemar(a, b)
    table = [[int((a & b).sum()), only_a], [only_b, int((~a & ~b).sum())]]
    assert p == pytest.approx(min(1, their_mcnemar(table, exact=True).pvalue), abs=1e-12)
    if only_a + only_b:
        assert p == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue, abs=1e-12)
    assert -1 <= low <= np.mean(a) - np.mean(b) <= high <= 1
    assert error > 0


def test_the_interval_of_bonett_and_price_by_hand():
    """100 clips, 20 right under a alone, 5 under b alone: (20 − 5) / 102 ± 1.96 √((27/102 − (15/102)²) / 102)."""
    a = np.arange(100) < 20
    _, low, high, _ = mcnemar(a, (np.arange(100) >= 95))
    assert (round(low, 4), round(high, 4)) == (0.0514, 0.2427)


def test_the_detectable_difference_is_bloom_s():
    """2.8 standard errors (Bloom 1995): 1.96 to reach p < 0.05, and 0.84 more to do so in 80 % of samples.

    Of the example above: 2.8016 √((27/102 − (15/102)²) / 102) = 0.1368.
    """
    truth = np.zeros(100, int)
    a, b = np.where(np.arange(100) < 20, 0, 1), np.where(np.arange(100) >= 95, 0, 1)
    found = compared(truth, a, b, np.arange(100), 7, 50)["WAR"]
    assert found["detectable"] == pytest.approx(0.1368, abs=1e-4)
    by_subject = compared(truth, a, b, np.arange(100) // 5, 7, 4000)["WAR"]
    error = (by_subject["ci_high"] - by_subject["ci_low"]) / 2 / 2.093  # Student's t of 19 degrees, from the table
    assert by_subject["detectable"] == pytest.approx(2.8016 * error, rel=1e-3)


def test_a_difference_as_large_as_the_detectable_one_is_found_in_80_percent():
    """One alone is right on 15 % of 500 clips: about √(0.15 / 500) is the standard error, 2.8 of them 4.86 %."""
    detectable, found = [], []
    for only_a, only_b in np.random.default_rng(1).multinomial(500, [0.0993, 0.0507, 0.85], 1000)[:, :2]:
        p, *_, error = mcnemar(np.arange(500) < only_a, np.arange(500) >= 500 - only_b)
        detectable.append(comparisons.POWER * error)
        found.append(p < 0.05)
    assert np.mean(detectable) == pytest.approx(0.0993 - 0.0507, abs=0.001)
    assert 0.74 <= np.mean(found) <= 0.82  # the exact test is a little weaker than the normal distribution's


def test_holm_by_hand():
    """.01 × 3, .04 × 1 but not under .03 × 2, which comes before it; what was not tested counts for nothing."""
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04, 0.03]), [0.03, np.nan, 0.06, 0.06])
    assert np.isnan(holm([np.nan])).all()


@settings(max_examples=10)  # the library collects garbage at each call
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_equals_statsmodels(p):
    assert holm(p).tolist() == multipletests(p, method="holm")[1].tolist()


def test_the_permutation_test_equals_trying_all_swaps():
    """Six subjects: 64 ways to swap. The p of 20,000 random ones is near the exact one."""
    rng = np.random.default_rng(3)
    truth, groups = rng.integers(0, 3, 36), np.repeat(range(6), 6)
    a, b = (np.where(rng.random(36) < share, truth, rng.integers(0, 3, 36)) for share in (0.8, 0.3))
    differences = []
    for swaps in range(64):
        swapped = np.array([swaps >> g & 1 for g in range(6)], bool)[groups]
        one, other = np.where(swapped, b, a), np.where(swapped, a, b)
        differences.append((one == truth).mean() - (other == truth).mean())
    exact = np.mean(np.abs(differences) >= abs(differences[0]) - 1e-12)
    found = compared(truth, a, b, groups, 3, 20_000)["WAR"]
    assert found["test"] == "paired permutation over subjects"
    assert found["p"] == pytest.approx(exact, abs=0.01)


def test_exchanging_the_two_changes_signs_only():
    rng = np.random.default_rng(4)
    truth, a, b = rng.integers(0, 7, (3, 120))
    one, other = compared(truth, a, b, np.arange(120), 7, 4000), compared(truth, b, a, np.arange(120), 7, 4000)
    for metric in metric_names("compared"):
        assert one[metric]["difference"] == pytest.approx(-other[metric]["difference"])
        assert one[metric]["p"] == pytest.approx(other[metric]["p"], abs=0.03)
        assert one[metric]["ci_low"] == pytest.approx(-other[metric]["ci_high"], abs=0.01)


def predictions(**labels):
    """Predictions of one clip after the other by strategy; "s_m": strategy s of model m."""
    rows = [
        {"clip_id": f"c{i}", "strategy": name[:1], "model": name[2:] or "m", "label": label}
        for name, given in labels.items()
        for i, label in enumerate(given)
    ]
    same = {"taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False}
    table = pd.DataFrame(rows).assign(**same)
    return tables.check("predictions", table.assign(status=np.where(table["label"].isna(), "invalid", "ok")))


def clips(labels, subject=None):
    names = [f"c{i}" for i in range(len(labels))]
    table = pd.DataFrame({"clip_id": names, "path": names, "label": labels, "subject": subject})
    return tables.check("clips", table.assign(start_s=0.0, status="ok"))


def test_all_pairs_of_a_question_on_the_clips_both_have():
    truth = ["happy", "sad"] * 10
    found = compare(
        predictions(s=truth, t=[*truth[:15], *[None] * 5], s_n=["happy"] * 20), clips(truth), n_resamples=200
    )
    pairs = found[found["metric"] == "WAR"].set_index(["strategy_a", "model_a", "strategy_b", "model_b"])
    assert list(pairs.index) == [("s", "m", "t", "m"), ("s", "m", "s", "n"), ("t", "m", "s", "n")]
    assert list(pairs["n_clips"]) == [15, 20, 15]
    assert pairs["p"].tolist() == [1, pytest.approx(2 * 0.5**10), pytest.approx(2 * 0.5**7)]
    assert pairs["p_holm"].tolist() == [1, pytest.approx(6 * 0.5**10), pytest.approx(4 * 0.5**7)]
    assert set(found["metric"]) == {"WAR", "UAR", "macro F1"}


def test_single_frames_are_not_compared():
    truth = ["happy", "sad"] * 6
    frames = predictions(f=truth).assign(frame_index=[*range(11), None])  # the last clip had no frame
    found = compare(pd.concat([predictions(s=truth, t=truth), frames]), clips(truth), n_resamples=50)
    assert set(found["strategy_a"]) | set(found["strategy_b"]) == {"s", "t"}


@pytest.mark.parametrize(
    ("a", "b", "n_clips", "words"),
    [
        ([None] * 3, ["happy"] * 3, 0, "WAR (seven classes): s and t have no labelled clip in common: not compared."),
        (
            ["happy"],
            ["sad"],
            1,
            "WAR (seven classes): no significant difference between s and t on 1 clip: s minus t is +",
        ),
        (
            ["happy"] * 3,
            ["happy"] * 3,
            3,
            "WAR (seven classes): identical predictions of s and t on 3 clips.",
        ),
    ],
)
def test_with_next_to_nothing_the_result_says_so(a, b, n_clips, words):
    found = compare(predictions(s=a, t=b), clips(["happy"] * len(a)), n_resamples=100)
    war = found[found["metric"] == "WAR"].iloc[0]
    assert war["n_clips"] == n_clips
    assert war["sentence"].startswith(words)
    assert not found["p_holm"].lt(0.05).any()
    assert found.loc[found["metric"] != "WAR", ["ci_low", "ci_high"]].isna().all(axis=None)


def test_without_labels_or_rivals_there_is_nothing_to_compare():
    assert compare(predictions(s=["happy"]), clips([None])).empty
    assert compare(predictions(s=["happy"]), clips(["happy"])).empty


def test_the_words_claim_a_difference_only_where_the_corrected_test_does():
    truth = list(SEVEN) * 20
    wrong = ["happy"] * 140
    few = [x if i >= 3 else "happy" for i, x in enumerate(truth)]
    subject = [f"person {i // 10}" for i in range(140)]
    found = compare(predictions(s=truth, t=wrong, u=few), clips(truth, subject), n_resamples=500)
    told = found[found["metric"] == "WAR"].set_index(["strategy_a", "strategy_b"])["sentence"]
    assert told["s", "t"].startswith(
        "WAR (seven classes): s scores higher than t on 140 clips of 14 subjects: s minus t is +0.857, 95 % interval "
    )
    assert "no significant difference between s and u" in told["s", "u"]
    assert "(80 % power, unadjusted)" in told["s", "u"]
    apart = found["sentence"].str.contains("scores higher than")
    pd.testing.assert_series_equal(apart, found["p_holm"] < 0.05, check_names=False, check_dtype=False)


def test_untested_is_never_called_different():
    row = {"p_holm": np.nan, "difference": np.nan, "n_clips": 0, "taxonomy": "seven", "asked": "seven"}
    names = {"strategy_a": "s", "strategy_b": "t", "model_a": "m", "model_b": "n", "metric": "UAR"}
    said = "UAR (seven classes): s (m) and t (n) have no labelled clip in common: not compared."
    assert comparisons.sentence({**row, **names}) == said


def test_within_a_strategy_only_like_is_compared_with_like_and_corrected_for():
    """Two strategies under two models are four annotators and six pairs; alike in strategy, two."""
    truth = list(SEVEN) * 3
    one = predictions(s=truth, t=truth[::-1])
    both = pd.concat([one, one.assign(model="n")])
    found = compare(both, clips(truth), n_resamples=100, within="strategy")
    assert len(found) == 2 * 3  # pairs, WAR, UAR, macro F1
    assert (found["strategy_a"] == found["strategy_b"]).all()
    assert (found["model_a"] != found["model_b"]).all()


def test_who_was_imported_goes_by_its_own_name():
    row = {"strategy_a": "multi_frame", "model_a": "m", "strategy_b": "imported", "model_b": "Their model"}
    assert naming.pair_names(row) == ("multi_frame", "Their model")


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.sampled_from([3, 7]))
def test_clips_compared_by_their_kinds_are_compared_as_one_by_one(seed, n, n_labels):
    """To the bit: counting clips that are alike together changes neither the draws nor the sums."""
    rng = np.random.default_rng(seed)
    truth, a, b = rng.integers(0, n_labels, (3, n))
    each = np.zeros((n, 2, n_labels, n_labels))
    for clip in range(n):
        each[clip, 0, truth[clip], a[clip]] = each[clip, 1, truth[clip], b[clip]] = 1
    found = compared(truth, a, b, np.arange(n), n_labels, 99, 3)
    permuted = comparisons._permuted(each, np.ones(n, int), 99, 3)
    for metric in metric_names("compared")[1:]:
        gap = found[metric]["value_a"] - found[metric]["value_b"]
        assert found[metric]["p"] == (1 + (np.abs(permuted[metric]) >= abs(gap) - 1e-12).sum()) / 100


def test_one_of_few_pairs_of_many_threads_is_the_same_pair():
    """Results do not depend on how many cores there are, or on which pair is done first."""
    rng = np.random.default_rng(5)
    truth = list(rng.choice(SEVEN, 40))
    given = predictions(s=list(rng.choice(SEVEN, 40)), t=truth, u=list(rng.choice(SEVEN, 40)))
    found = compare(given, clips(truth), n_resamples=200)
    alone = compare(given[given["strategy"] != "u"], clips(truth), n_resamples=200)
    same = ["difference", "ci_low", "ci_high", "p"]
    pair = found[(found["strategy_a"] == "s") & (found["strategy_b"] == "t")]
    assert pair[same].to_numpy().tolist() == alone[same].to_numpy().tolist()
