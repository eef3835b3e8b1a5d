"""Others' labels, scored like our own: missing rows, labels outside, valence of surprise, ties, votes as counts."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import (
    agreement,
    comparisons,
    ensembles,
    findings,
    metric_names,
    naming,
    predictions,
    scores,
    summaries,
)
from fer_helpers.evaluation.metrics import metrics
from fer_helpers.statuses import OUTSIDE
from fer_helpers.tables import IMPORTED
from tests.support.predictions import MODEL, clips, predicted


def scored(given, labelled, **more):
    found = scores.score(given, labelled, n_resamples=100, **more)
    return found[found["model"] != tables.NOBODY].set_index(["taxonomy", "asked", "metric"])


def listed(n, label="happy", **more):
    names = [f"c{number}" for number in range(n)]
    table = pd.DataFrame({"clip_id": names, "path": names, "label": label, "start_s": 0.0, "status": "ok", **more})
    return tables.check("clips", table)


def imported(labels, name="one", **more):
    rows = pd.DataFrame({"clip_id": [f"c{number}" for number in range(len(labels))], "label": labels})
    same = {"strategy": IMPORTED, "model": name, "taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False}
    status = ["ok" if label else "no_label" for label in labels]
    return tables.check("predictions", rows.assign(**same, status=status, **more))


def test_a_clip_without_a_row_is_missing():
    """7,848 clips, of which an import has 7,539 rows, two of them empty: 311 missing, coverage .9604, not .9997."""
    right = 2600
    rows = imported(["happy"] * right + ["sad"] * (7537 - right) + [None] * 2)
    found = scored(rows, listed(7848))
    war = found.loc[("seven", "seven", "WAR")]
    assert (war["n_clips"], war["n_missing"]) == (7537, 311)
    assert round(found.loc[("seven", "seven", "coverage"), "value"], 4) == 0.9604
    assert war["value"] == pytest.approx(right / 7537)
    assert [war["bound_low"], war["bound_high"]] == pytest.approx([right / 7848, (right + 311) / 7848])
    assert war["value_wrong"] == pytest.approx(right / 7848)


def test_a_label_outside_is_wrong_and_not_missing():
    """a right, b outside, c wrong as sad, d missing. WAR 1/3; sad was predicted once, wrongly; MCC by scikit-learn."""
    from sklearn.metrics import matthews_corrcoef

    given = predicted({(IMPORTED, "one"): ["happy", None, "sad", None]})
    given.loc[1, "status"] = OUTSIDE
    labelled = clips(["happy", "happy", "happy", "sad"])
    found = scored(given, labelled).loc[("seven", "seven")]
    assert found.loc["WAR", ["value", "n_clips", "n_missing"]].tolist() == [pytest.approx(1 / 3), 3, 1]
    assert found.loc["WAR", ["value_wrong", "bound_low", "bound_high"]].tolist() == [1 / 4, 1 / 4, 1 / 2]
    assert found.loc["recall: happy", "value"] == pytest.approx(1 / 3)
    assert found.loc["precision: happy", "value"] == 1
    assert found.loc["precision: sad", "value"] == 0
    assert found.loc["coverage", "value"] == 3 / 4
    truth, said = ["happy"] * 4 + ["sad"] * 4, ["happy", "happy", "outside", "sad", "sad", "sad", "outside", "happy"]
    matrix = scores.confusion_matrix(truth, said, SEVEN)
    assert list(matrix.columns) == [*SEVEN, "outside"]
    assert matrix["outside"].sum() == 2
    assert metrics(matrix.to_numpy(), ["MCC"])["MCC"] == pytest.approx(matthews_corrcoef(truth, said))


def test_a_label_outside_is_shown_as_such():
    given = predicted({(IMPORTED, "one"): ["happy", None, None], ("s", MODEL): ["happy", "sad", "sad"]})
    given.loc[1, "status"] = OUTSIDE
    joined = scores.join(given, clips(["happy", "happy", "sad"]))
    mine = findings.rows_of(joined, (IMPORTED, "one"))
    assert mine["label"].tolist() == ["happy", "outside"]
    assert list(scores.confused_pairs(mine).index) == [("happy", "outside")]
    assert scores.recalls(joined).loc["one", "happy"] == 0.5
    assert summaries.labels_by_annotator(given)["one"].tolist()[:2] == ["happy", "outside"]
    assert summaries.missing(given).reset_index().to_numpy().tolist() == [["one", "seven", "refused", 1]]
    assert summaries.pooled(given).loc[("seven classes", "one"), ["missing", "outside"]].tolist() == [1, 1]
    assert agreement.shares(agreement.votes(given)).loc["one", "s"] == 0.5
    assert agreement.kappas(agreement.votes(given), SEVEN).notna().all(axis=None)


def test_who_answers_outside_loses_to_who_is_right():
    truth = ["happy", "sad"] * 10
    own, other = imported(truth, "right"), imported([None] * 20, "elsewhere").assign(status=OUTSIDE)
    paired = comparisons.compare(pd.concat([own, other]), listed(20, truth), n_resamples=200)
    war = paired.set_index("metric").loc["WAR"]
    assert (war["n_clips"], war["value_a"], war["value_b"]) == (20, 1, 0)
    assert war["p"] == pytest.approx(2 * 0.5**20)


@pytest.mark.parametrize("subject", [None, "each"])
def test_one_valence_of_surprise_for_everybody(subject):
    """Two identical annotators, the one collapsed with surprise positive, the other negative: never told apart."""
    truth = ["surprise", "happy", "sad", "surprise"] * 10
    people = None if subject is None else [f"p{number // 2}" for number in range(40)]
    labelled = listed(40, truth, subject=people)
    both = [imported(["surprise"] * 30 + ["happy"] * 10, name) for name in ("one", "two")]
    both = [
        pd.concat([one, predictions.collapsed(one, how)])
        for one, how in zip(both, ("positive", "negative"), strict=True)
    ]
    given = tables.check("predictions", pd.concat(both))
    for surprise in ("positive", "neutral", "negative", "left_out"):
        paired = comparisons.compare(given, labelled, surprise, 100)
        assert paired["difference"].eq(0).all()
        assert paired["p"].eq(1).all()
        assert paired["sentence"].str.contains("identical predictions of one and two").all()
        table = scores.score(given, labelled, surprise, 100)
        of = table[table["model"].isin(["one", "two"])].set_index(["taxonomy", "metric", "model"])["value"].unstack()
        pd.testing.assert_series_equal(of["one"], of["two"], check_names=False)
    ways = comparisons.direct_or_collapsed(given.assign(strategy="s"), labelled, "negative", 100)
    assert ways.empty


def test_an_ensembles_pooled_labels_are_not_collapsed_again():
    """Surprise, happy and sad: two of three are positive, whatever wins among the seven."""
    three = pd.concat(
        [imported([label], name) for name, label in zip("xyz", ["surprise", "happy", "sad"], strict=True)]
    )
    three = tables.check("predictions", pd.concat([three, predictions.collapsed(three)]))
    pooled = ensembles.ensemble("majority", three)
    again = predictions.recollapsed(pooled, "negative")
    pd.testing.assert_frame_equal(again, pooled)
    assert pooled.loc[pooled["taxonomy"] == "ternary", "label"].tolist() == ["positive"]


def shares(**given):
    return {f"prob_{name}": given.get(name, 0.0) for name in SEVEN}


def test_a_tie_of_annotators_goes_to_the_greater_mean_probability():
    """x: happy .5, sad .4; y: sad .9, happy .1. Means: happy .3, sad .65. Without probabilities: happy is earlier."""
    x, y = imported(["happy"], "x"), imported(["sad"], "y")
    sure = [x.assign(**shares(happy=0.5, sad=0.4, fear=0.1)), y.assign(**shares(happy=0.1, sad=0.9))]
    for name in ("majority", "dawid_skene"):
        assert ensembles.ensemble(name, pd.concat(sure))["label"].tolist() == ["sad"]
    assert ensembles.ensemble("majority", pd.concat(sure))["tie"].tolist() == [True]
    assert ensembles.ensemble("majority", pd.concat([x, y]))["label"].tolist() == ["happy"]
    assert ensembles.ensemble("majority", pd.concat([x, sure[1]]))["label"].tolist() == ["sad"]


def test_what_an_ensemble_pools_is_said():
    raters = ensembles.raters(predicted({("majority_vote", MODEL): ["sad"], (IMPORTED, "paper"): ["sad"]}))
    assert ensembles.described(raters) == (
        "majority, dawid_skene, glad pool the labels of 2 annotators: majority_vote; paper."
    )


def test_any_number_of_imported_annotators_has_a_name_and_a_row_each():
    names = ["one", "two", "none", "several", "majority", "multi_frame", "multi_frame (imported)", "single_frame"]
    given = predicted(
        {("multi_frame", MODEL): ["sad", "happy"], **{(IMPORTED, name): ["sad", "sad"] for name in names}}
    )
    called = naming.annotator_names(given)
    assert called.nunique() == len(names) + 1
    assert summaries.labels_by_annotator(given).shape == (2, len(names) + 1)
    labelled = clips(["sad", "happy"])
    assert len(scores.recalls(scores.join(given, labelled))) == len(names) + 1
    table = scores.score(given, labelled, n_resamples=20)
    assert len(summaries.words(table, metric_names("compared"))) >= len(names)
    pooled = [ensembles.ensemble(name, ensembles.raters(given)) for name in ensembles.ENSEMBLES]
    assert all(len(one) == 2 for one in pooled)
    for name in ("two", "multi_frame (imported)"):
        assert findings.chosen(given, table, name) == (IMPORTED, name)


@pytest.mark.parametrize("metric", ["UAR", "kappa", "MCC", "recall: happy", "recall: sad"])
def test_a_constant_has_no_interval_for_what_cannot_vary(metric):
    """Recalls 1 and 0 and their mean are the same on any clips; accuracy is the share of the class, and varies."""
    labelled = listed(40, ["happy", "happy", "sad", "fear"] * 10)
    table = scores.score(imported(["happy"] * 40), labelled, n_resamples=200).set_index(["strategy", "metric"])
    for who in (IMPORTED, scores.ALWAYS):
        assert table.loc[(who, metric), ["ci_low", "ci_high"]].isna().all()
        assert table.loc[(who, "WAR"), "ci_low"] < 0.5 < table.loc[(who, "WAR"), "ci_high"]
    said = summaries.with_interval(table.reset_index()).set_axis(table.index)
    assert said[scores.ALWAYS, "UAR"] == "0.33\xa0(constant)"


# People's votes, as counts: three clips of two people. contempt is none of the seven.
VOTES = pd.DataFrame(
    [("a", "happy", 4), ("a", "contempt", 1), ("b", "sad", 2), ("b", "fear", 2), ("c", "fear", 3)],
    columns=["clip_id", "label", "count"],
)


def test_votes_as_counts_with_more_labels_than_seven():
    """One rater: a 4/5, b (sad) 2/4, c (sad) 0. Three of five or more on a: 4 happy of 5, so always happy."""
    table = agreement.counts(VOTES, SEVEN)
    assert list(table.columns) == [*SEVEN, "contempt"]
    assert table.loc["a"].sum() == 5
    found = agreement.ceiling(table, pd.Series({"a": "happy", "b": "sad", "c": "sad"}), [1, 3], n_resamples=20)
    by_k = found[found["against"] == "the label"].set_index("k")["value"]
    # of b's C(4,3) = 4 draws of three, two have sad twice and two fear twice
    assert by_k.to_dict() == {1: pytest.approx((0.8 + 0.5 + 0) / 3), 3: pytest.approx((1 + 0.5 + 0) / 3)}
    one_by_one = VOTES.loc[VOTES.index.repeat(VOTES["count"])].drop(columns="count")
    pd.testing.assert_frame_equal(agreement.counts(one_by_one, SEVEN), table)
    # alpha by hand: 12 votes (4 happy, 1 contempt, 2 sad, 5 fear); coincidences 12/4 + 2/3 + 2/3 + 6/2 = 22/3
    expected = 1 - (1 - 22 / 3 / 12) / (1 - (4 * 3 + 2 * 1 + 5 * 4) / (12 * 11))
    assert agreement.alpha(table, n_resamples=20)["value"] == pytest.approx(expected)


def test_votes_and_labels_collapse_by_the_same_valence():
    """Surprise negative: b's surprise and fear agree; contempt stays a label that nobody else gives."""
    votes = VOTES.assign(label=VOTES["label"].replace("sad", "surprise"))
    labelled = clips(["happy", "surprise", "fear"])
    found = agreement.ceilings(votes, labelled, "negative", n_resamples=20)
    three = found[(found["question"] == "three, collapsed from seven") & (found["against"] == "the label")]
    assert three.set_index("k").loc[1, "value"] == pytest.approx((0.8 + 1 + 1) / 3)
    out = agreement.ceilings(votes, labelled, "left_out", n_resamples=20)
    three = out[(out["question"] == "three, collapsed from seven") & (out["against"] == "the label")]
    assert three.set_index("k").loc[1, ["value", "n_clips"]].tolist() == [pytest.approx((0.8 + 1) / 2), 2]


def test_ceiling_and_alpha_are_uncertain_over_people_where_these_are_known():
    """Twenty people whose six clips are all read alike: as wide as of twenty clips, √6 times 2.093 √(20/19) / 1.98."""
    rng = np.random.default_rng(1)
    easy = np.repeat(rng.random(20) < 0.5, 6)
    names = [f"c{number}" for number in range(120)]
    votes = pd.DataFrame(
        [(name, label) for name, clear in zip(names, easy, strict=True)
         for label in (["happy"] * 4 if clear else ["happy", "sad", "fear", "angry"])],
        columns=["clip_id", "label"],
    )  # fmt: skip
    labelled = listed(120, subject=[f"p{number // 6}" for number in range(120)])
    table = agreement.counts(votes, SEVEN)
    truth, people = labelled.set_index("clip_id")["label"], agreement.people(labelled)
    over = [agreement.ceiling(table, truth, [1], subjects=one).iloc[1] for one in (people, None)]
    widths = [row["ci_high"] - row["ci_low"] for row in over]
    assert widths[0] / widths[1] == pytest.approx(2.66, rel=0.12)
    found = [agreement.alpha(table, subjects=one) for one in (people, None)]
    assert [one["n_groups"] for one in found] == [20, 120]
    wide, narrow = (one["ci_high"] - one["ci_low"] for one in found)
    assert wide / narrow == pytest.approx(2.66, rel=0.2)
    assert "over 120 clips of 20 subjects" in agreement.described(table, people, 100)
    assert agreement.people(labelled.assign(subject=None)) is None


def test_nothing_missing_is_no_table_of_equal_columns():
    full, gap = imported(["happy"] * 3, "full"), imported(["happy", "sad", None], "gap")
    table = scores.score(pd.concat([full, gap]), listed(3), n_resamples=20)
    assert set(summaries.missing_counted(table).reset_index()["annotator"]) == {"gap"}
    alone = scores.score(full, listed(3), n_resamples=20)
    assert summaries.missing_counted(alone).empty
