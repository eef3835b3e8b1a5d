"""Scores by group of people: by hand, with too few people, in bands, over many levels, and in words."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.evaluation import groups, scores
from tests.support.predictions import MODEL


def rows(right, n_clips=4, **columns):
    """Joined rows of people who are each right on so many of their clips; `columns` have a value for each person."""
    of = np.repeat(np.arange(len(right)), n_clips)
    names = [f"c{number:04d}" for number in range(len(of))]
    truth = np.resize(["happy", "sad"], len(of))
    found = np.tile(np.arange(n_clips), len(right)) < np.array(right)[of]
    label = np.where(found, truth, "fear")
    clips = pd.DataFrame({"clip_id": names, "path": names, "label": truth, "subject": [f"p{one:03d}" for one in of]})
    for name, values in columns.items():
        clips[f"group_{name}"] = [values[one] for one in of]
    clips = tables.check("clips", clips.assign(start_s=0.0, status="ok"))
    same = {"strategy": "s", "model": MODEL, "taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False}
    given = pd.DataFrame({"clip_id": names, "label": label}).assign(**same, status="ok")
    return scores.join(tables.check("predictions", given), clips)


SKIN = ["deep"] * 10 + ["light"] * 12
HALF = rows([2] * 10 + [4] * 12, skin=SKIN)  # half right on deep, all on light


def test_scores_of_each_group_by_hand():
    found = groups.by_group(HALF, 200).set_index(["level", "metric"])
    assert found["value"].to_dict() == {
        ("deep", "WAR"): 0.5, ("deep", "UAR"): 0.5, ("light", "WAR"): 1.0, ("light", "UAR"): 1.0,
    }  # fmt: skip
    assert found.loc[("deep", "WAR"), ["n_people", "n_clips"]].tolist() == [10, 40]


def test_a_gap_is_found_and_said():
    """No permutation of 10 and 12 people has so large a gap: p = 1 / 1000."""
    war = groups.gaps(HALF, 999).set_index("metric").loc["WAR"]
    assert (war["lowest"], war["highest"], war["difference"]) == ("deep", "light", 0.5)
    assert (war["p"], war["p_holm"]) == (0.001, 0.001)
    assert war["ci_low"] > 0
    assert war["sentence"].startswith("WAR (seven classes) by skin: deep 0.500")
    assert "(10 people) against light 1.000" in war["sentence"]
    assert war["sentence"].endswith("p = 0.001; 22 people.")


def test_the_permutation_test_equals_trying_all_ways():
    """Six people in two groups of three: 20 ways; p of the test counts each random one and the observed."""
    right = [0, 1, 2, 2, 4, 3]
    tables_of = [scores.tally(part, ("happy", "sad", "fear"), "subject")[..., :-1] for _, part in
                 rows(right, of=["a"] * 3 + ["b"] * 3).groupby("group_of")]  # fmt: skip
    ways = [abs(sum(right[i] for i in some) - (sum(right) - sum(right[i] for i in some))) for some in
            [(i, j, k) for i in range(6) for j in range(i) for k in range(j)]]  # fmt: skip
    exact = np.mean([way >= 6 for way in ways])
    assert groups.compared(tables_of, 20_000)["WAR"]["p"] == pytest.approx(exact, abs=0.01)


def test_under_ten_people_there_is_no_verdict():
    few = groups.gaps(rows([2] * 9 + [4] * 12, skin=["deep"] * 9 + ["light"] * 12), 99)
    assert few[["difference", "p", "p_holm"]].isna().all(axis=None)
    assert few["sentence"].iloc[0] == (
        "WAR (seven classes) by skin: no verdict, fewer than two groups have ten people: deep (9)."
    )
    third = groups.gaps(rows([2] * 10 + [4] * 12 + [0] * 3, skin=[*SKIN, *["dark"] * 3]), 99)
    assert third["lowest"].tolist() == ["deep", "deep"]
    assert third["sentence"].str.endswith("; no verdict on groups under ten people: dark (3).").all()


def test_p_values_are_adjusted_over_group_columns_and_the_smallest_gap_to_be_found_is_said():
    rng = np.random.default_rng(2)
    both = rows(rng.integers(0, 5, 40), one=["a", "b"] * 20, other=["x"] * 10 + ["y"] * 14 + ["z"] * 16)
    found = groups.gaps(both, 499)
    war = found[found["metric"] == "WAR"]
    low, high = sorted(war["p"])
    assert sorted(war["p_holm"]) == pytest.approx([min(1, 2 * low), min(1, max(2 * low, high))])
    apart = found["p_holm"] < 0.05
    assert (found["sentence"].str.contains("no significant difference") == ~apart).all()
    assert found.loc[~apart, "sentence"].str.contains("minimum detectable gap 0").all()
    assert (found["detectable"] > found["difference"])[~apart].all()


def test_numbers_are_cut_into_bands_of_people_and_the_bands_say_where():
    ages = [str(20 + one) for one in range(30)]
    by_age = rows([1] * 10 + [2] * 10 + [4] * 10, age=ages)
    found = groups.by_group(by_age, 99)
    war = found[found["metric"] == "WAR"].set_index("level")
    assert war["value"].to_dict() == {"20 to 29": 0.25, "30 to 39": 0.5, "40 to 49": 1.0}
    assert war["n_people"].tolist() == [10, 10, 10]
    few = rows([1] * 10 + [2] * 10, age=["9"] * 10 + ["10"] * 10)
    assert groups.by_group(few, 99)["level"].unique().tolist() == ["9", "10"]  # in the order of numbers


def test_groups_are_compared_on_the_classes_that_all_show():
    """Deep people show no sad clip, on which light ones fail: on happy both are right."""
    joined = rows([4] * 20, skin=["deep"] * 10 + ["light"] * 10)
    joined = joined[(joined["group_skin"] == "light") | (joined["truth"] == "happy")]
    joined["label"] = joined["label"].mask(joined["truth"] == "sad", "fear")
    found = groups.gaps(joined, 99)
    assert found["difference"].tolist() == [0, 0]
    assert found["sentence"].str.contains("on the 1 of 2 classes that all these groups show").all()


def test_an_answer_outside_counts_against_the_group_and_a_missing_one_does_not():
    wrong = HALF.assign(label=HALF["label"].mask(HALF["label"] == "fear", "outside"))
    gone = HALF.assign(label=HALF["label"].mask(HALF["label"] == "fear"))
    assert groups.by_group(wrong, 99)["value"].tolist() == [0.5, 0.5, 1, 1]
    assert groups.by_group(gone, 99)["value"].tolist() == [1, 1, 1, 1]


def test_without_groups_there_is_nothing_to_say_of_them():
    joined = rows([2] * 12)
    assert groups.gaps(joined, 99).empty
    assert groups.by_group(joined, 99).empty
    assert groups.names(rows([2] * 12, skin=["deep"] * 12)) == []


def test_each_subject_beside_what_its_classes_let_expect():
    """p0 is right on all of four clips, p1 on none: half of each class is found."""
    joined = rows([4, 0])
    table = groups.by_subject(joined)
    assert table["WAR"].to_dict() == {"p001": 0.0, "p000": 1.0}
    assert table["expected"].tolist() == [0.5, 0.5]
    assert table["ci_low"].iloc[1] == pytest.approx(4 / (4 + 1.959964**2))  # Wilson's of 4 of 4


def test_subjects_differ_by_more_than_chance_or_not():
    """Of two happy and two sad hits, all on one of two subjects: (1 / 6)² of the ways to permute, and the mirror."""
    found = groups.spread(rows([4, 0]), 20_000)
    assert found["p"] == pytest.approx(2 / 36, abs=0.006)
    assert groups.spread(rows([4, 4]), 99)["p"] == 1
    assert np.isnan(groups.spread(rows([4]), 99)["p"])
    assert groups.findings(rows([4] * 5 + [0] * 5), 999)[-1] == (
        "WAR of the 10 subjects goes from 0.00 (p005, 4 clips) to 1.00 (p004, 4 clips); they differ more than chance "
        "would make them (p = 0.001)."
    )
