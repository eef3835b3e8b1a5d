"""The figures of notebook 06: three lines a quantity where they belong, and intervals that miss in another colour."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from fer_helpers import figures
from fer_helpers.figures.style import BLUE, GREY, ORANGE


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("Agg")
    yield
    plt.close("all")


def estimates(raters="people"):
    rows = [
        (quantity, target, source, value, value - 0.1, value + 0.1)
        for quantity, target in [
            ("share: sad", "this corpus"), ("share: sad", "people like these"), ("WAR", "this corpus"),
        ]
        for source, value in (("model", 0.2), ("people", 0.4), ("both", 0.5))
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["quantity", "target", "source", "value", "ci_low", "ci_high"])
    return table.assign(error=0.1, sd=0.5, n=10, raters=raters)


def test_three_lines_a_quantity():
    figure, drawn = figures.estimated(estimates("simulated panel"))
    for ax in (figure.axes[0], figure.axes[1], figure.axes[2]):
        points = {mpl.colors.to_hex(dots.get_facecolor()[0]): dots.get_offsets()[0] for dots in ax.collections[1::2]}
        assert {colour.upper(): round(float(at[0]), 3) for colour, at in points.items()} == {
            GREY: 0.2, ORANGE: 0.4, BLUE: 0.5,
        }  # fmt: skip
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["sad"]
    legend = figure.axes[5].get_legend()
    assert legend.get_title().get_text() == "simulated: nobody was asked"
    assert [text.get_text() for text in legend.get_texts()][1] == "simulated panel alone"
    assert len(drawn) == 9


def test_of_people_it_says_nothing_of_simulation():
    figure, _ = figures.estimated(estimates())
    assert figure.axes[5].get_legend().get_title().get_text() == ""


def test_intervals_that_miss_are_orange():
    rows = [(draw, "WAR", by, 0.5, 0.4, 0.6, 0.55 if draw else 0.7) for draw in (0, 1) for by in ("people", "both")]
    table = pd.DataFrame(rows, columns=["draw", "quantity", "source", "value", "ci_low", "ci_high", "true"])
    table["held"] = table["draw"] == 1
    figure, held = figures.redrawn(table, "WAR")
    colours = [mpl.colors.to_hex(colour).upper() for colour in figure.axes[0].collections[0].get_colors()]
    assert colours == [ORANGE, BLUE]
    assert held[["people", "both"]].to_numpy().tolist() == [[0.5, 0.5]]
    assert np.isclose(figure.axes[1].collections[0].get_offsets()[0][0], 0.5)
