"""The figures of notebook 07: what is filled, in which order, and what is named."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from fer_helpers import figures
from fer_helpers.evaluation import effects
from tests.support.sweeps import drawn, grid, sweep


@pytest.fixture(autouse=True)
def drawing():
    mpl.use("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def made():
    """Two prompts by three numbers of frames, $ in a value; reasoning is right more often, and seldom the same."""
    rng = np.random.default_rng(1)
    cells = grid(prompt=["labels", "$reasoning$"], n_frames=["1", "3", "5"])
    truth = np.arange(140) % 7
    given = drawn(rng, truth, np.where(cells["prompt"] == "labels", 0.3, 0.8), alike=1)
    one = sweep(cells, given, truth, np.arange(140) % 20)
    again = pd.Series(np.zeros(140), one.labels.index)  # a model that never answers differently
    alike = sweep(cells, given[:, [0, 0, 0, 3, 3, 3]], truth, np.arange(140) % 20)  # whatever the frames
    return cells, effects.effects(one, 300), effects.flips(alike, again, 300)


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_main_effects_come_first_and_largest_first(made):
    figure, rows = figures.sweeps.effects(made[1], "UAR")
    assert names(figure.axes[0])[0] == r"prompt: \$reasoning\$ − labels"
    assert names(figure.axes[0])[3:] == [
        f"prompt × n_frames: \\$reasoning\\$, {n}" for n in rows["with_level"].iloc[3:]
    ]
    assert rows["with_parameter"].isna().tolist() == [True] * 3 + [False] * 2
    assert figure.get_size_inches()[0] == pytest.approx(17.5 / 2.54)


def test_a_choice_that_moves_more_labels_than_repeating_is_filled(made):
    figure, rows = figures.sweeps.flips(made[2])
    filled = [tuple(face) != (1, 1, 1, 1) for face in figure.axes[0].collections[-1].get_facecolors()]
    assert filled == [True, False, False]
    assert names(figure.axes[0])[0] == r"prompt: \$reasoning\$ − labels"
    assert len(rows) == 4  # with that of the repeats, which are a line
    assert figure.axes[0].lines[0].get_xdata()[0] == 0


def test_fields_are_means_over_cells_sorted_by_the_score(made):
    cells, table, _ = made
    scored = pd.concat([cells.assign(crop="a", UAR=[0.1, 0.2, 0.3, 0.6, 0.4, 0.5]),
                        cells.assign(crop="b", UAR=[0.3, 0.2, 0.3, 0.6, 0.4, 0.5])])  # fmt: skip
    figure, means = figures.sweeps.by_two_parameters(scored, "UAR", table)
    assert list(means.index) == ["$reasoning$", "labels"]
    assert means.loc["labels", "1"] == pytest.approx(0.2)
    assert list(means.columns) == list(means.mean().sort_values(ascending=False).index)
    assert "0.20\n(2 cells)" in [text.get_text() for text in figure.axes[0].texts]


def test_of_many_cells_those_on_the_front_are_named():
    table = pd.DataFrame({"UAR": np.linspace(0.3, 0.6, 20), "ci_low": 0.2, "ci_high": 0.7, "US$ per clip": 0.0})
    table = table.assign(**{"tokens per clip": 300.0 - np.arange(20), "requests per clip": 1}).set_axis(
        [f"cell {number}" for number in range(20)]
    )
    figure, rows = figures.sweeps.cost(table, "UAR")
    assert [text.get_text() for text in figure.axes[0].texts] == ["cell 19"]  # cheapest and best
    assert figure.axes[0].get_xlabel() == "tokens per clip"
    assert len(rows) == 20
    figure, _ = figures.sweeps.cost(table.head(8), "UAR")
    assert len(figure.axes[0].texts) == 8
