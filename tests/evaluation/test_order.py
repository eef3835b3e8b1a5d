"""Does the order of the labels move answers? By hand, by enumeration, in simulation, and through the endpoint."""

import asyncio
import dataclasses
from itertools import permutations, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers.annotation import Access, Archive, online
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.endpoint import Faults
from fer_helpers.evaluation import order, order_findings
from fer_helpers.evaluation.order import Rotations
from fer_helpers.prompting import planning
from tests.support.faults import served
from tests.support.plans import frames_of
from tests.support.sweeps import sweep

NEGATIVE, NEUTRAL, POSITIVE = TERNARY


def said(found):
    return order_findings.of_order(found, order.measures(found), order.place_test(found))


def asked(labels, truth=None, groups=None, rotations=None):
    """Labels of clips (rows) in rotations (columns): names, or indices in the seven."""
    labels = np.array(labels, object)
    taxonomy = "ternary" if labels.ravel()[0] in TERNARY else "seven"
    if isinstance(labels.ravel()[0], int):
        labels = np.array([*SEVEN, None], object)[labels.astype(int)]
    return Rotations(
        labels=pd.DataFrame(labels, columns=list(rotations or range(labels.shape[1]))),
        truth=pd.Series(truth or [None] * len(labels), dtype=object),
        groups=np.arange(len(labels)) if groups is None else np.asarray(groups),
        unit="clips" if groups is None else "subjects",
        taxonomy=taxonomy,
    )


# --- by hand --------------------------------------------------------------------------------------------


def test_shares_of_places_by_hand():
    """The orders are 0: negative, neutral, positive; 1: neutral, positive, negative; 2: positive, negative, neutral.

    The first clip is always given the label named first. The second always neutral: second, first, third.
    """
    table = order.place_shares(asked([[NEGATIVE, NEUTRAL, POSITIVE], [NEUTRAL] * 3]))
    assert table["value"].tolist() == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    assert table["expected"].tolist() == pytest.approx([1 / 3] * 3)


def test_of_some_rotations_the_expected_shares_depend_on_the_labels():
    """Negative is first in order 0 and third in order 1: never second. Exchanged, the two labels swap places."""
    alike = order.place_shares(asked([[NEGATIVE, NEGATIVE]]))
    assert alike["expected"].tolist() == alike["value"].tolist() == [0.5, 0, 0.5]
    apart = order.place_shares(asked([[NEGATIVE, NEUTRAL]]))
    assert apart["value"].tolist() == [1, 0, 0]  # exchanged: neutral second in order 0, negative third in order 1
    assert apart["expected"].tolist() == [0.5, 0.25, 0.25]


def test_circular_accuracy_and_flips_by_hand():
    found = asked(
        [["sad", "sad", "sad"], ["sad", "happy", "sad"], ["fear", "fear", "fear"], ["sad", "sad", None]],
        ["sad", "sad", "sad", "sad"],
    )
    assert order.accuracies(found)["value"].tolist() == pytest.approx([2 / 3, (3 + 2 + 0) / 9, 1 / 3])
    rates = order.flip_rates(found).set_index("level")["value"].to_dict()
    assert rates == {"rotated by 1": pytest.approx(1 / 3), "rotated by 2": 0, "in any order": pytest.approx(1 / 3)}


def test_a_label_outside_the_set_is_wrong_and_has_no_place():
    found = asked([["sad", "contempt"], ["sad", "sad"]], ["sad", "sad"])
    assert order.accuracies(found)["value"].tolist() == [1, 0.75, 0.5]
    assert order.place_test(found).n_clips == 1


def test_clips_without_a_true_label_have_flips_and_no_accuracy():
    assert order.accuracies(asked([["sad", "sad"]])).empty
    assert len(said(asked([["sad", "sad"]]))) == 2


# --- the test -------------------------------------------------------------------------------------------


def enumerated(labels, groups):
    """Exact p over all permutations of rotations, a permutation a group, counted by brute force."""
    n_clips, n_rotations = labels.shape
    orders = list(permutations(range(n_rotations)))

    def places(given):
        moved = [[labels[clip, given[groups[clip]][b]] for b in range(n_rotations)] for clip in range(n_clips)]
        return np.bincount(((np.array(moved) - np.arange(n_rotations)) % 7).ravel(), minlength=7)

    drawn = np.array([places(given) for given in product(orders, repeat=max(groups) + 1)])
    expected = drawn.mean(axis=0)

    def distance(counts):
        return sum((c - e) ** 2 / e for c, e in zip(counts, expected, strict=True) if e)

    observed = distance(places([tuple(range(n_rotations))] * (max(groups) + 1)))
    return np.mean([distance(counts) >= observed - 1e-9 for counts in drawn])


@settings(derandomize=True, max_examples=15, deadline=None)
@given(labels=st.lists(st.tuples(*[st.integers(0, 6)] * 3), min_size=4, max_size=4))
def test_p_is_that_of_all_permutations(labels):
    groups = [0, 0, 1, 2]
    exact = enumerated(np.array(labels), groups)
    found = order.place_test(asked([list(row) for row in labels], groups=groups), 4000).p
    assert found == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 4000) + 1 / 4000)


@settings(derandomize=True, max_examples=30, deadline=None)
@given(labels=st.lists(st.integers(0, 6), min_size=1, max_size=8), n=st.integers(2, 7))
def test_an_annotator_that_ignores_the_order_is_never_accused(labels, n):
    """Nothing changes with the order: p is 1, every place has exactly its expected share, and no division by zero."""
    still = asked([[label] * n for label in labels])
    test, shares = order.place_test(still), order.place_shares(still)
    assert (test.p, test.n_changing) == (1.0, 0)
    assert shares["value"].tolist() == pytest.approx(shares["expected"].tolist())
    if n == 7:
        assert shares["value"].tolist() == pytest.approx([1 / 7] * 7)
    assert "No label changes with the order" in said(still)[0]


def test_without_clips_nothing_is_said():
    none = asked([["sad", None], [None, "sad"]])
    assert np.isnan(order.place_test(none).p)
    assert order.place_shares(none)["value"].isna().all()
    assert said(none) == ["No clip has a label in all 2 orders: nothing can be said about the order of the labels."]


def test_the_place_preferred_is_named():
    """Of 40 clips 20 are always given the label named third."""
    labels = [[(place + 2) % 7 for place in range(7)]] * 20 + [[3] * 7] * 20
    first, *_ = said(asked(labels, groups=np.arange(40) % 12))
    assert first.startswith("40 clips of 12 people have a label in all 7 orders. Answers depend on the place")
    assert "the label named third is given in 57.1 % [" in first  # (20 * 7 + 20) / 280
    assert "14.3 % expected (p < 0.001; the label of 20 clips changes)." in first


# --- of a sweep -----------------------------------------------------------------------------------------


def test_rotations_of_a_sweep_are_those_of_cells_that_agree_in_all_else():
    """rotated:0 is the fixed order; shuffled is no rotation, and one rotation alone nothing to compare."""
    cells = pd.DataFrame(
        {
            "label_order": ["fixed", "rotated:3", "rotated:0", "shuffled", "rotated:1", "fixed", "rotated:1"],
            "prompt": list("aaaabcc"),
        },
        index=list("tuvwxyz"),
    )
    found = order.of_sweep(sweep(cells, np.tile(np.arange(7), (4, 1))))
    assert list(found) == ["prompt: a", "prompt: c"]
    assert found["prompt: a"].labels.iloc[0].to_dict() == {0: SEVEN[0], 3: SEVEN[1]}
    one = order.of_sweep(sweep(cells[:2].assign(n_frames="3"), [[0, 1]]))
    assert list(one) == [""]
    assert order.of_sweep(sweep(cells[["prompt"]], np.zeros((2, 7), int))) == {}


def test_labels_collapsed_from_another_set_have_no_place():
    cells = pd.DataFrame({"label_order": ["fixed", "rotated:1"]}, index=["a", "b"])
    made = sweep(cells, [["sad", "sad"]])
    collapsed = dataclasses.replace(made, taxonomy="ternary")
    assert (len(order.of_sweep(made)), order.of_sweep(collapsed)) == (1, {})


def test_p_values_of_several_sets_of_cells_are_adjusted():
    biased = asked([list(range(7))] * 4, groups=[0, 1, 1, 2])
    one, two = order.place_test(biased).p, order.place_tests({"a": biased, "b": biased})
    assert two["a"].p == two["b"].p == pytest.approx(2 * one)


# --- through the endpoint -------------------------------------------------------------------------------


def through_the_endpoint(plan, folder, n_clips):
    """So many clips asked about in every order, as a sweep's cells do."""
    frames = frames_of({str(number): 1 for number in range(n_clips)})
    columns = {}
    with served(plan) as url, Archive(folder / "archive.sqlite") as archive:
        for by in range(7):
            asking = planning.Asking("fer2013-cnn", label_order=f"rotated:{by}")
            planned = planning.plan(frames, ["single_frame"], ["seven"], asking)
            answers = asyncio.run(
                online.annotate(planned, lambda clip, _: clip.encode(), archive, Access(url, "", 5), max_concurrency=8)
            )
            columns[by] = planned.merge(answers, on="key").set_index("clip_id")["label"]
    labels = pd.DataFrame(columns)
    return Rotations(labels, pd.Series(index=labels.index, dtype=object), np.arange(n_clips), "clips", "seven")


def test_a_bias_planted_at_the_endpoint_is_found_and_named(tmp_path):
    found = through_the_endpoint(Faults(order_bias=0.2), tmp_path, 40)
    assert order.place_test(found).p < 0.01
    shares = order.place_shares(found)
    assert shares["value"].idxmax() == 0
    # 0.2 of the answers, and 1 / 7 of the others stand there anyway; of 280 answers a standard error is 0.024
    assert shares["value"].max() == pytest.approx(0.2 + 0.8 / 7, abs=0.06)
    assert "Answers depend on the place at which a label is named: the label named first" in said(found)[0]


def test_without_the_fault_the_endpoint_ignores_the_order(tmp_path):
    assert order.place_test(through_the_endpoint(Faults(), tmp_path, 10)).n_changing == 0
