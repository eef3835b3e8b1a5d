"""The figure of label orders: a panel for what is known, and what is expected where something is."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from fer_helpers import figures
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import order


@pytest.mark.parametrize("known", [True, False])
def test_a_panel_for_places_and_flips_and_one_for_accuracy_where_there_are_true_labels(known):
    mpl.use("Agg")
    labels = pd.DataFrame([list(SEVEN)] * 12 + [["sad"] * 7] * 12)
    truth = pd.Series(["sad" if known else None] * 24, dtype=object)
    measured = order.measures(order.Rotations(labels, truth, np.arange(24), "clips", "seven"))
    figure, drawn = figures.label_order(measured)
    try:
        levels = [[text.get_text() for text in ax.get_yticklabels()] for ax in figure.axes]
        assert [len(rows) for rows in levels] == [7, 7, 3][: len(levels)]
        assert len(levels) == (3 if known else 2)
        assert levels[0][:2] == ["named first", "named second"]
        expected = figure.axes[0].collections[-1].get_offsets()[:, 0].tolist()
        assert expected == pytest.approx([1 / 7] * 7)
        pd.testing.assert_frame_equal(drawn, measured)
    finally:
        plt.close(figure)
