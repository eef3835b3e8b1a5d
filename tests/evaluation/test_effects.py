"""What choices change in scores and labels: worked by hand, by statsmodels, and where nothing changes."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.evaluation import comparisons, effects
from fer_helpers.evaluation._contrasts import contrasts, estimate, of_clips, sign_flips, varying
from tests.support.sweeps import drawn, grid, sweep

FEW = {"n_resamples": 500}
TWO = grid(prompt=["labels", "reasoning"], crop=["none", "face"])  # none, face under labels; none, face under reasoning


def of(table, metric="UAR", **row):
    rows = table[table["metric"] == metric] if "metric" in table else table
    for name, value in row.items():
        rows = rows[rows[name].isna() if value is None else rows[name] == value]
    assert len(rows) == 1
    return rows.iloc[0]


def test_two_by_two_worked_by_hand():
    """Five clips, three sad and two fear. Right: labels/none 1 of 3, 0 of 2; labels/face 2 of 3, 1 of 2; reasoning/none
    1 of 3, 1 of 2; reasoning/face 3 of 3, 0 of 2.
    """
    right = {"sad": ["1110", "0101", "0001"], "fear": ["0110", "0000"]}
    assert [len(one) for one in right["sad"]] == [4] * 3
    truth = ["sad"] * 3 + ["fear"] * 2
    labels = [[label if hit == "1" else "angry" for hit in hits] for label, rows in right.items() for hits in rows]
    # columns: labels/none, labels/face, reasoning/none, reasoning/face
    hits = np.array([[int(hit) for hit in hits] for rows in right.values() for hits in rows])
    recall = np.stack([hits[:3].mean(axis=0), hits[3:].mean(axis=0)])
    assert recall.round(2).tolist() == [[0.33, 0.67, 0.33, 0.67], [0, 0.5, 0.5, 0]]
    table = effects.effects(sweep(TWO, labels, truth), **FEW)
    uar, war = recall.mean(axis=0), hits.mean(axis=0)  # uar: 1/6, 7/12, 5/12, 1/3; war: 1/5, 3/5, 2/5, 2/5
    assert uar == pytest.approx([1 / 6, 7 / 12, 5 / 12, 1 / 3])
    assert war == pytest.approx([0.2, 0.6, 0.4, 0.4])
    main = {"with_parameter": None}
    assert of(table, parameter="prompt", **main)["value"] == pytest.approx(0)  # (1/4 − 1/4) / 2
    assert of(table, parameter="crop", **main)["value"] == pytest.approx(1 / 6)  # (5/12 − 1/12) / 2
    assert of(table, "WAR", parameter="crop", **main)["value"] == pytest.approx(0.2)  # (0.4 + 0) / 2
    both = of(table, parameter="prompt", with_parameter="crop")
    assert both["value"] == pytest.approx(-1 / 2)  # (1/3 − 7/12) − (5/12 − 1/6)
    assert of(table, "WAR", with_parameter="crop")["value"] == pytest.approx(-0.4)  # (0.4 − 0.6) − (0.4 − 0.2)
    assert both[["level", "reference", "with_level", "with_reference"]].tolist() == [
        "reasoning", "labels", "face", "none",
    ]  # fmt: skip
    assert np.isnan(both["ci_low"])  # of five clips nothing is said
    assert (table["n_sets"] == [2, 2, 1] * 2).all()


@pytest.fixture(scope="module")
def balanced():
    """A sweep of 2 × 3 × 2 cells over 30 subjects of 6 clips, with effects and interactions, and its long table."""
    rng = np.random.default_rng(2)
    cells = grid(a=["a1", "a2"], b=["b1", "b2", "b3"], c=["c1", "c2"])
    truth, subjects = rng.choice(7, 180, p=[0.3, 0.02, 0.08, 0.2, 0.2, 0.15, 0.05]), np.repeat(np.arange(30), 6)
    chances = 0.4 + 0.1 * (cells["a"] == "a2") + 0.2 * (cells["b"] == "b3") * (cells["a"] == "a2")
    made = sweep(cells, drawn(rng, truth, chances.to_numpy()), truth, subjects)
    long = (
        made.labels.eq(made.truth, axis=0)
        .rename_axis(index="clip", columns="cell")
        .stack()
        .rename("right")
        .reset_index()
    )
    long = long.join(cells, on="cell").assign(right=lambda table: table["right"].astype(float))
    long["truth"] = long["clip"].map(made.truth)
    n = made.truth.value_counts()
    long["weight"] = 1 / long["truth"].map(n) / len(n)
    return made, long, effects.effects(made, **FEW)


@pytest.mark.parametrize("metric", ["UAR", "WAR"])
def test_estimates_are_those_of_effects_coding_in_statsmodels(balanced, metric):
    _, long, table = balanced
    weights = long["weight"] if metric == "UAR" else 1.0
    model = smf.wls("right ~ C(a, Sum) * C(b, Sum) * C(c, Sum)", long, weights=weights).fit()
    found = model.params

    def level(name, place, of_n):  # of effects coding, the last level's effect is minus the sum of the others'
        own = [found[f"C({name}, Sum)[S.{name}{i + 1}]"] for i in range(of_n - 1)]
        return own[place] if place < of_n - 1 else -sum(own)

    main = {"with_parameter": None}
    assert of(table, metric, parameter="a", **main)["value"] == pytest.approx(level("a", 1, 2) - level("a", 0, 2))
    for number in (1, 2):
        expected = level("b", number, 3) - level("b", 0, 3)
        assert of(table, metric, parameter="b", level=f"b{number + 1}", **main)["value"] == pytest.approx(expected)
    cell = long.assign(fitted=model.fittedvalues).groupby(["a", "b"])["fitted"].mean()
    expected = cell["a2", "b3"] - cell["a1", "b3"] - cell["a2", "b1"] + cell["a1", "b1"]
    assert of(table, metric, parameter="a", with_level="b3")["value"] == pytest.approx(expected)


def test_errors_are_statsmodels_clustered_ones_and_a_clip_more_a_class(balanced):
    made, _, table = balanced
    right = made.labels.eq(made.truth, axis=0).to_numpy(float)
    contrast = next(one for one in contrasts(made.cells) if list(one.changes) == ["a"])
    data = pd.DataFrame({"d": of_clips(contrast, right), "truth": made.truth.to_numpy(), "subject": made.groups})
    fit = smf.ols("d ~ 0 + C(truth)", data).fit(cov_type="cluster", cov_kwds={"groups": data["subject"]})
    n, of_class = len(data), data["truth"].value_counts()
    classes = len(of_class)
    clustered = fit.cov_params().to_numpy().sum() / classes**2 * (n - classes) / (n - 1)  # without its own correction
    expected = np.sqrt(clustered + fit.mse_resid * (1 / (classes * of_class) ** 2).sum())
    row = of(table, parameter="a", with_parameter=None)
    assert row["detectable"] == pytest.approx(comparisons.POWER * expected)
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(2.04523 * expected, rel=1e-4)  # t with 29 degrees


def test_errors_are_those_of_resampled_subjects(balanced):
    """The same subjects drawn for all cells, and the scores of every cell computed anew: an error without a formula."""
    made, _, table = balanced
    right = made.labels.eq(made.truth, axis=0).to_numpy(float)
    rng, members, a2 = np.random.default_rng(1), [np.flatnonzero(made.groups == g) for g in range(30)], made.cells["a"]
    differences = []
    for _ in range(800):
        at = np.concatenate([members[g] for g in rng.integers(0, 30, 30)])
        cells = right[at].mean(axis=0)  # WAR
        differences.append(cells[(a2 == "a2").to_numpy()].mean() - cells[(a2 == "a1").to_numpy()].mean())
    row = of(table, "WAR", parameter="a", with_parameter=None)
    assert row["detectable"] / comparisons.POWER == pytest.approx(np.std(differences), rel=0.1)


def test_one_pair_of_cells_is_a_comparison(balanced):
    """With two cells nothing else is computed than notebook 04's paired comparison of two annotators."""
    made, *_ = balanced
    two = sweep(grid(a=["x", "y"]), made.labels.iloc[:, [0, 8]].to_numpy(object), made.truth.to_numpy(), made.groups)
    table = effects.effects(two, n_resamples=4000)
    codes = [pd.Index(SEVEN).get_indexer(column) for column in (two.truth, *two.labels.to_numpy().T)]
    known = comparisons.compared(codes[0], codes[2], codes[1], made.groups, 7, 4000)
    for metric in ("UAR", "WAR"):
        row = of(table, metric)
        assert row["value"] == pytest.approx(known[metric]["difference"])
        assert row["p"] == pytest.approx(known[metric]["p"], abs=0.03)
        assert row["detectable"] == pytest.approx(known[metric]["detectable"], rel=0.15)


def test_sign_flips_over_single_clips_are_mcnemar_s_test():
    """Nine clips that only one is right on, two that only the other is: 2 × P(B(11, ½) ≥ 9) = 0.0654."""
    values = np.array([1.0] * 9 + [-1.0] * 2 + [0.0] * 30)
    p = sign_flips(values[:, None] / len(values), 20_000, 1)[0]
    assert p == pytest.approx(comparisons.mcnemar(values > 0, values < 0)[0], abs=0.006)
    assert comparisons.mcnemar(values > 0, values < 0)[0] == pytest.approx(0.0654, abs=1e-4)


def test_p_is_corrected_over_all_effects_on_a_metric(balanced):
    table = balanced[2]
    for metric, n_effects in (("UAR", 1 + 2 + 1 + 2 + 1 + 2), ("WAR", 9)):
        rows = table[table["metric"] == metric]
        assert len(rows) == n_effects
        assert rows["p_holm"].tolist() == pytest.approx(comparisons.holm(rows["p"]).tolist())
    assert of(table, "WAR", parameter="a", with_parameter=None)["p_holm"] < 0.05


def test_a_cell_that_failed_takes_its_partners_out():
    """Of 2 × 3 cells a2/b3 is missing: a is compared over b1 and b2, b3 under a1 alone, and it is said."""
    cells = grid(a=["a1", "a2"], b=["b1", "b2", "b3"]).drop("a2-b3")
    truth = np.zeros(20, int)
    share = np.array([0.5, 0.5, 0.9, 0.6, 0.8])  # a1: b1 b2 b3; a2: b1 b2
    labels = np.array([[0 if number < 20 * one else 1 for one in share] for number in range(20)])
    table = effects.effects(sweep(cells, labels, truth), **FEW)
    main = {"metric": "WAR", "with_parameter": None}
    a, b3 = of(table, parameter="a", **main), of(table, parameter="b", level="b3", **main)
    assert a["value"] == pytest.approx((0.1 + 0.3) / 2)
    assert (a["n_sets"], a["n_left_out"]) == (2, 1)
    assert "over 2 pairs of cells (1 cell without a partner left out)" in a["sentence"]
    assert b3["value"] == pytest.approx(0.4)
    assert (b3["n_sets"], b3["n_left_out"]) == (1, 1)
    fours = table[table["with_parameter"].notna() & (table["metric"] == "WAR")]
    assert fours["with_level"].tolist() == ["b2"]


def test_clips_without_a_label_leave_their_pairs_only():
    """A clip that one pair of cells has no label for is compared by the other pair."""
    truth = np.zeros(4, int)
    labels = np.array([[1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [-1, 0, 1, 1]])
    # prompt: (reasoning − labels) under none: 0, 0, 0, -; under face: 0, 0, 1, -1
    table = effects.effects(sweep(TWO, labels, truth), **FEW)
    row = of(table, "WAR", parameter="prompt", with_parameter=None)
    assert row["value"] == pytest.approx((0 + 0 + 0.5 - 1) / 4)
    assert row["n_clips"] == 4
    assert of(table, "WAR", with_parameter="crop")["n_clips"] == 3


def test_what_never_differs_alone_is_not_compared():
    """Base and two changes at once: neither can be told from the other."""
    cells = pd.DataFrame({"a": ["1", "2", "2"], "b": ["x", "y", "x"], "c": ["u", "v", "u"]}, index=list("ABC"))
    assert list(varying(cells)) == ["a", "b, c"]
    table = effects.effects(sweep(varying(cells), np.zeros((12, 3), int), np.zeros(12, int)), **FEW)
    assert set(table["parameter"]) == {"a", "b, c"}
    cells = cells.drop("C").assign(a=["1", "2"], b=["x", "y"])
    with_third = pd.concat([cells, pd.DataFrame({"a": ["3"], "b": ["y"], "c": ["w"]}, index=["D"])])
    table = effects.effects(sweep(with_third, np.zeros((12, 3), int), np.zeros(12, int)), **FEW)
    assert table["value"].isna().all()
    assert table["p_holm"].isna().all()
    assert table["sentence"].str.endswith("not compared, because it never differs alone.").all()


def test_cells_that_are_the_same_are_refused():
    with pytest.raises(RunError, match="one and two have the same parameters"):
        varying(pd.DataFrame({"seed": ["1", "1"]}, index=["one", "two"]))
    with pytest.raises(RunError, match="A and C have the same parameters"):
        varying(pd.DataFrame({"seed": ["1", "2", "1"]}, index=list("ABC")))


def test_identical_cells_have_no_effect_and_p_1():
    truth = np.arange(40) % 7
    labels = np.repeat(drawn(np.random.default_rng(1), truth, np.array([0.5])), 4, axis=1)
    table = effects.effects(sweep(TWO, labels, truth), **FEW)
    assert (table["value"] == 0).all()
    assert (table["p"] == 1).all()
    assert table["sentence"].str.contains("no difference on any clip").all()


def test_without_true_labels_there_are_no_effects():
    made = sweep(TWO, np.zeros((9, 4), int))
    assert effects.effects(made).empty


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_an_effect_changes_its_sign_with_the_reference(seed):
    """And does not know the order of the clips."""
    rng = np.random.default_rng(seed)
    truth, subjects = rng.integers(0, 7, 50), rng.integers(0, 14, 50)
    labels = drawn(rng, truth, rng.random(4))
    one = effects.effects(sweep(TWO, labels, truth, subjects), n_resamples=100)
    order = rng.permutation(50)
    turned = [2, 3, 0, 1]
    other = effects.effects(
        sweep(TWO.iloc[turned], labels[order][:, turned], truth[order], subjects[order]), n_resamples=100
    )
    one, other = (table.set_index(["metric", "parameter", "with_parameter"]) for table in (one, other))
    for (metric, parameter, between), row in one.iterrows():
        sign = 1 if parameter == "crop" else -1
        there = other.loc[(metric, parameter, between)]
        assert there["value"] == pytest.approx(sign * row["value"], abs=1e-12)
        if not np.isnan(row["ci_low"]):
            assert there["detectable"] == pytest.approx(row["detectable"])


def test_flips_worked_by_hand():
    """Four clips by four cells: prompt changes 1, 0, 2, 0 of two labels, crop 1, 0, 0, 2."""
    labels = [
        ["sad", "sad", "sad", "fear"],
        ["sad", "sad", "sad", "sad"],
        ["sad", "sad", "fear", "fear"],
        ["sad", "fear", "sad", "fear"],
    ]
    table = effects.flips(sweep(TWO, labels), **FEW)
    assert of(table, parameter="prompt")["value"] == pytest.approx((0.5 + 0 + 1 + 0) / 4)
    assert of(table, parameter="crop")["value"] == pytest.approx((0.5 + 0 + 0 + 1) / 4)
    assert table["p"].isna().all()  # nothing was repeated
    assert table["sentence"].str.contains("not known how many would have changed anyway").all()


def test_replicates_are_pairs_of_answers_to_one_request():
    """One clip's three answers are sad, sad, fear: two pairs of three differ; the other clip's two are alike."""
    rows = [("k1", "c1", 0, "sad"), ("k2", "c1", 1, "sad"), ("k3", "c1", 2, "fear"), ("k4", "c2", 0, "sad"),
            ("k5", "c2", 1, "sad"), ("k6", "c3", 0, "sad"), ("k7", "c4", 0, "sad"), ("k8", "c4", 1, None)]  # fmt: skip
    requests = pd.DataFrame(rows, columns=["key", "clip_id", "replicate", "label"])
    answers = requests[["key", "label"]]
    requests = requests.drop(columns="label").assign(mosaic=False, taxonomy="seven")
    requests["frame_indices"], requests["labels"] = [[0, 3]] * len(rows), [SEVEN] * len(rows)
    made = {name: {"requests": requests, "answers": answers} for name in TWO.index}
    cells = sweep(TWO, np.zeros((4, 4), int))
    assert effects.repeated(cells, made).to_dict() == pytest.approx({"c1": 2 / 3, "c2": 0})
    once = {name: {"requests": requests[5:6], "answers": answers} for name in TWO.index}
    assert effects.repeated(cells, once).empty


@pytest.mark.parametrize("apart", ["archive", "repeat", None])
def test_a_choice_is_told_from_noise(apart):
    """Asking again changes a fifth of the labels. One choice changes nothing more, the other as many again."""
    rng, n = np.random.default_rng(4), 300
    base = rng.integers(0, 7, n)

    def asked(changed):
        noise = (base + changed + rng.integers(1, 7, n)) % 7
        return np.where(rng.random(n) < 0.2, noise, base + changed) % 7

    moved = np.where(rng.random(n) < 0.3, 3, 0)
    chosen = {"a1-b1": 0, "a1-b2": moved, "a2-b1": 0, "a2-b2": moved}
    cells = grid(a=["a1", "a2"], b=["b1", "b2"])
    again = None
    labels = [asked(moved_by) for moved_by in chosen.values()]
    if apart:
        twins = cells.assign(**{apart: "1"}).rename(index=lambda name: name + "-y")
        cells = pd.concat([cells.assign(**{apart: "0"}), twins])
        labels += [asked(moved_by) for moved_by in chosen.values()]
    else:
        again = pd.Series(asked(0) != asked(0), [f"c{number}" for number in range(n)]).astype(float)
    table = effects.flips(sweep(cells, np.stack(labels, axis=1)), again, **FEW)
    repeats = of(table, level=None)
    assert repeats["parameter"] == effects.REPEATS
    assert repeats["value"] == pytest.approx(1 - 0.8**2 - 0.04 / 6, abs=0.05)
    assert set(table["parameter"]) == {effects.REPEATS, "a", "b"}
    assert of(table, parameter="b")["p_holm"] < 0.05
    assert "more than repeating does" in of(table, parameter="b")["sentence"]
    assert of(table, parameter="a")["p_holm"] > 0.05
    assert "not significantly more than repeating does" in of(table, parameter="a")["sentence"]
    assert apart not in set(effects.effects(sweep(cells, np.stack(labels, axis=1), base), **FEW)["parameter"])


def test_no_number_is_made_of_nothing():
    """Cells without one label: rates are unknown, and no warning is printed into a notebook."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = effects.flips(sweep(TWO, np.full((12, 4), -1)), **FEW)
        scored = effects.effects(sweep(TWO, np.full((12, 4), -1), np.zeros(12, int)), **FEW)
        found = estimate(np.full(3, np.nan), np.zeros(3, int), np.arange(3))
    assert table["value"].isna().all()
    assert scored["value"].isna().all()
    assert np.isnan(found.value)
