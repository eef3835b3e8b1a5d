"""What the order of the labels changes: shares of places, flip rates and accuracies, side by side."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from fer_helpers.evaluation import order
from fer_helpers.figures.scores import dots_with_intervals
from fer_helpers.figures.style import BLUE, CM, GREY, PAGE

_ROW = 0.42 * CM  # a line of 8 pt with some room


def label_order(measured: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """One panel a measure, with 95 % intervals; grey ticks are the shares expected if the place meant nothing.

    Args:
        measured: of `evaluation.order.measures`.
    """
    panels = [(name, measured[measured["measure"] == name]) for name in (order.PLACES, order.FLIPS, order.ACCURACY)]
    panels = [(name, rows) for name, rows in panels if len(rows)]
    size = (PAGE, _ROW * max(len(rows) for _, rows in panels) + 1.8 * CM)
    figure, axes = plt.subplots(1, len(panels), figsize=size, squeeze=False)
    for ax, (name, rows) in zip(axes[0], panels, strict=True):
        dots_with_intervals(rows, [BLUE] * len(rows), ax, int(rows["n_clips"].max()))
        ax.scatter(rows["expected"], range(len(rows)), color=GREY, marker="|", s=80, zorder=2)
        ax.set_yticks(range(len(rows)), rows["level"])
        highest = rows[["value", "ci_high", "expected"]].max(axis=None)
        ax.set(xlabel=f"{name}\n(95 % interval)", xlim=(0, max(1.5 * highest, 0.1)))
        ax.set_title(f"n = {rows['n_clips'].max():.0f} clips", fontweight="normal")
    return figure, measured
