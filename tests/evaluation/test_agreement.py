"""Agreement: against the libraries and by hand; the human ceiling against drawing raters one by one."""

from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from fer_helpers.evaluation import agreement

LABELS = list("abcd")

# Up to 12 clips by 2 to 5 raters; None: the rater gave that clip no label.
tables_of_votes = st.integers(2, 5).flatmap(
    lambda n: st.lists(st.lists(st.sampled_from([*LABELS, None]), min_size=n, max_size=n), min_size=1, max_size=12)
)


def tidy(rows):
    return pd.DataFrame(
        [(f"clip{c}", f"r{r}", x) for c, row in enumerate(rows) for r, x in enumerate(row) if x is not None],
        columns=["clip_id", "rater", "label"],
    )


@settings(deadline=None, max_examples=20)
@given(tables_of_votes)
@pytest.mark.filterwarnings("ignore")
def test_cohens_kappas_equal_scikit_learns_and_shares_are_counted(rows):
    votes = tidy(rows)
    kappas, shares = agreement.kappas(votes, LABELS), agreement.shares(votes)
    for a, b in combinations(sorted(set(votes["rater"])), 2):
        both = [(row[int(a[1])], row[int(b[1])]) for row in rows if row[int(a[1])] and row[int(b[1])]]
        expected = cohen_kappa_score(*zip(*both, strict=True)) if both else np.nan
        assert kappas.loc[a, b] == pytest.approx(expected, abs=1e-12, nan_ok=True)
        same = sum(x == y for x, y in both) / len(both) if both else np.nan
        assert [shares.loc[a, b], shares.loc[b, a]] == pytest.approx([same, same], nan_ok=True)


@settings(deadline=None, max_examples=20)
@given(tables_of_votes)
def test_alpha_equals_the_package_from_the_raters_themselves(rows):
    """The package is given raters × clips, ours counts; and the formula the resamples use gives the same."""
    coded = [[np.nan if x is None else LABELS.index(x) for x in column] for column in zip(*rows, strict=True)]
    counts = agreement.counts(tidy(rows), LABELS)
    used = counts[counts.sum(axis=1) > 1]
    found = agreement.alpha(counts, n_resamples=20)
    assert found["n_clips"] == len(used)
    if (used.sum() > 0).sum() < 2:
        assert np.isnan(found["value"])
        return
    expected = krippendorff.alpha(reliability_data=coded, level_of_measurement="nominal")
    assert found["value"] == pytest.approx(expected, abs=1e-12)
    votes = used.to_numpy(float)
    agreeing = (votes * (votes - 1)).sum(axis=1) / (votes.sum(axis=1) - 1)
    assert agreement._alpha(votes.sum(axis=0), agreeing.sum()) == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_alpha_equals_drawing_clips_with_the_package():
    """60 clips and three raters; its ends lie at Φ(± 2.001 √(60/59)), Student's t of 59 degrees as in Hesterberg."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 4, (60, 1))
    votes = np.where(rng.random((60, 3)) < 0.6, truth, rng.integers(0, 4, (60, 3)))
    counts = (votes[:, :, None] == np.arange(4)).sum(axis=1)
    drawn = [
        krippendorff.alpha(value_counts=counts[rng.integers(0, 60, 60)], level_of_measurement="nominal")
        for _ in range(4000)
    ]
    found = agreement.alpha(pd.DataFrame(counts, columns=LABELS), n_resamples=4000)
    tail = stats.norm.cdf(-2.001 * np.sqrt(60 / 59))
    expected = np.quantile(drawn, [tail, 1 - tail])
    assert [found["ci_low"], found["ci_high"]] == pytest.approx(expected, abs=0.015)
    assert found["ci_high"] - found["ci_low"] > 0.2


@settings(deadline=None, max_examples=20)
@given(tables_of_votes)
def test_fleiss_uses_the_clips_with_equally_many_votes(rows):
    counts = agreement.counts(tidy(rows), LABELS)
    value, n_clips = agreement.fleiss_kappa(counts)
    sizes = counts.sum(axis=1)
    assume(len(sizes))
    assert n_clips == sizes.value_counts().max()
    if not np.isnan(value):
        size = sizes.value_counts().loc[lambda n: n == n.max()].index.max()
        assert value == pytest.approx(inter_rater.fleiss_kappa(counts[sizes == size].to_numpy()), abs=1e-12)


def test_fleiss_by_its_own_paper():
    """Fleiss 1971 as worked through in textbooks: 10 subjects, 14 raters, 5 categories, kappa 0.210."""
    table = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    value, n_clips = agreement.fleiss_kappa(pd.DataFrame(table))
    assert (round(value, 3), n_clips) == (0.210, 10)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from(LABELS), min_size=1, max_size=8), st.sampled_from(LABELS), st.integers(1, 8))
def test_the_plurality_of_k_raters_equals_trying_all_of_them(labels, truth, k):
    """Every choice of k raters, a tie counting its share."""
    assume(k <= len(labels))
    chosen = []
    for some in combinations(labels, k):
        top = [x for x in LABELS if some.count(x) == max(map(some.count, LABELS))]
        chosen.append((truth in top) / len(top))
    counts = agreement.counts(tidy([labels]), LABELS)
    found = agreement.ceiling(counts, pd.Series({"clip0": truth}), [k], n_resamples=10)
    assert found.set_index("against").loc["the label", "value"] == pytest.approx(np.mean(chosen), abs=1e-12)


def test_a_rater_against_the_others_by_hand():
    """a a b: each a meets a tie of a and b (1/2), b meets two a (0): 1/3. a a a: 1. One rater alone: left out."""
    counts = agreement.counts(tidy([["a", "a", "b"], ["a", "a", "a"], ["b", None, None]]), LABELS)
    row = agreement.ceiling(counts).iloc[0]
    assert (row["against"], row["n_clips"]) == ("the other raters", 2)
    assert row["value"] == pytest.approx((1 / 3 + 1) / 2)


def test_more_raters_agree_better_and_intervals_hold_the_value():
    rng = np.random.default_rng(0)
    truth = rng.choice(LABELS, 80)
    rows = [[t if rng.random() < 0.6 else rng.choice(LABELS) for _ in range(7)] for t in truth]
    known = pd.Series(truth, index=[f"clip{c}" for c in range(80)])
    found = agreement.ceiling(agreement.counts(tidy(rows), LABELS), known, n_resamples=500)
    label = found[found["against"] == "the label"].set_index("k")
    assert list(label["n_clips"]) == [80, 80, 80, 80, 0]  # nobody has nine raters
    assert label["value"].dropna().is_monotonic_increasing
    assert found.dropna().eval("ci_low < value < ci_high").all()


def test_votes_name_the_model_only_where_there_are_several():
    rows = pd.DataFrame({"clip_id": list("aab"), "label": ["happy", "sad", None], "frame_index": [None, 3, None]})
    rows = rows.assign(strategy="s", model="m", status="ok")
    assert agreement.votes(rows).to_dict("records") == [{"clip_id": "a", "label": "happy", "rater": "s"}]
    both = pd.concat([rows, rows.assign(model="n")])
    assert set(agreement.votes(both)["rater"]) == {"s (m)", "s (n)"}
