"""The plots of comparisons: the front by hand, names that do not cover each other, and what is filled or hollow."""

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from fer_helpers.figures import comparisons
from fer_helpers.figures.style import BLUE


@pytest.fixture
def ax():
    mpl.use("Agg")
    figure, ax = plt.subplots(figsize=(6, 4))
    yield ax
    plt.close(figure)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), max_size=12))
def test_the_front_is_what_no_other_beats(rows):
    table = pd.DataFrame(rows, columns=["price", "value"]).astype(float)
    beaten = [any((p <= price and v > value) or (p < price and v >= value) for p, v in rows) for price, value in rows]
    front = comparisons.pareto_front(table, "price", "value")
    assert sorted(front.index) == [i for i, worse in enumerate(beaten) if not worse]
    assert front["price"].is_monotonic_increasing


def test_without_a_price_a_row_is_on_no_front():
    table = pd.DataFrame({"price": [np.nan, 2.0], "value": [0.9, 0.5]})
    assert list(comparisons.pareto_front(table, "price", "value").index) == [1]


def test_names_in_a_crowd_do_not_cover_each_other(ax):
    """Seven annotators within a hair's breadth, with untrusted names."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"name": [f"strategy_{i} $x" for i in range(7)], "cost": 1 + rng.random(7) * 0.02})
    table = table.assign(WAR=0.5 + rng.random(7) * 0.01, ci_low=0.4, ci_high=0.6)
    table.loc[6, "cost"] = 100  # and one far away: a logarithmic axis
    comparisons.pareto(table, "cost", "WAR", ax)
    ax.figure.canvas.draw()
    boxes = [Text.get_window_extent(text) for text in ax.texts]
    assert len(boxes) == 7
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert ax.get_xscale() == "log"


@pytest.mark.parametrize("price", ["cost", "nothing"])
def test_free_or_unpriced_annotators_can_be_drawn(ax, price):
    table = pd.DataFrame({"name": ["a", "b"], "cost": [0.0, 0.0], "nothing": [np.nan, np.nan], "WAR": [0.5, 0.6]})
    comparisons.pareto(table.assign(ci_low=np.nan, ci_high=np.nan), price, "WAR", ax)
    ax.figure.canvas.draw()
    assert ax.get_xscale() == "linear"


def test_only_what_the_corrected_test_tells_apart_is_filled(ax):
    table = pd.DataFrame({"p_holm": [0.01, 0.05, np.nan], "difference": [0.1, 0.1, np.nan], "metric": "WAR"})
    table = table.assign(
        ci_low=0.05, ci_high=0.2, strategy_a="s", strategy_b=list("tuv"), model_a="m", model_b="m", n_clips=9
    )
    comparisons.differences(table, ax)
    faces = ax.collections[-1].get_facecolors()
    assert [tuple(face) == to_rgba(BLUE) for face in faces] == [True, False, False]
    assert [text.get_text() for text in ax.texts] == ["p = 0.010", "p = 0.050", "not tested"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["s − t", "s − u", "s − v"]


def test_a_pair_with_fewer_clips_says_so(ax):
    table = pd.DataFrame({"p_holm": [0.5, 0.5], "difference": [0.1, 0.1], "metric": "WAR", "n_clips": [9, 7]})
    table = table.assign(ci_low=0.05, ci_high=0.2, strategy_a="s", strategy_b=list("tu"), model_a="m", model_b="m")
    comparisons.differences(table, ax)
    assert [text.get_text() for text in ax.texts] == ["p = 0.500, n = 9", "p = 0.500, n = 7"]
