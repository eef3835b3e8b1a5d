"""Plots of how annotators compare: differences, reliability and price, in the style of `figures`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

from fer_helpers.evaluation import pair_names
from fer_helpers.figures.style import BLUE, GREY, plain


def differences(comparisons: pd.DataFrame, ax: Axes) -> Axes:
    """Paired differences of one question and metric with 95 % intervals, and no difference as a line.

    Filled where the difference is significant (Holm-adjusted p < 0.05), hollow where it is not.

    Args:
        comparisons: rows of the comparisons table with one taxonomy, asked and metric.
        ax: where to draw.
    """
    pairs = [" − ".join(plain(name, 30) for name in pair_names(row)) for row in comparisons.to_dict("records")]
    return tested_differences(comparisons, pairs, "difference", ax)


def tested_differences(table: pd.DataFrame, names: Sequence[str], value: str, ax: Axes) -> Axes:
    """A row each, under its name: `value` with its interval, filled where significant, and its p value.

    Args:
        table: columns `value`, ci_low, ci_high, p_holm, n_clips, metric.
        names: of the rows, as they are to be drawn.
        value: column with the difference.
        ax: where to draw.
    """
    ax.axvline(0, color="black", linewidth=0.8)
    filled_if_significant(table, names, value, ax)
    n, same = table["n_clips"], table["n_clips"].nunique() == 1
    for row, (p, n_clips) in enumerate(zip(table["p_holm"], n, strict=True)):
        words = "not tested" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        words += "" if same else f", n = {n_clips}"
        ax.annotate(words, (1.01, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)
    metric = table["metric"].iloc[0] if len(table) else "score"
    clips = f", n = {n.iloc[0]} clips" if same else ""
    ax.set_xlabel(f"difference in {metric} (95 % interval{clips}); filled: Holm-adjusted p < 0.05")
    return ax


def filled_if_significant(table: pd.DataFrame, names: Sequence[str], value: str, ax: Axes) -> None:
    """A row each from the top, under its name: `value` with ci_low and ci_high, filled where p_holm is below 0.05."""
    rows, apart = np.arange(len(table)), (table["p_holm"] < 0.05).to_numpy()
    colours = np.where(apart, BLUE, GREY).tolist()
    ax.hlines(rows, table["ci_low"], table["ci_high"], colors=colours)
    ax.scatter(
        table[value], rows, s=20, zorder=3, linewidths=1.2,
        edgecolors=colours, facecolors=np.where(apart, BLUE, "white").tolist(),
    )  # fmt: skip
    ax.set_yticks(rows, names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)


def reliability(bins: pd.DataFrame, ax: Axes) -> Axes:
    """Share correct against confidence with intervals; on the diagonal, confidence is the share correct.

    Args:
        bins: of `confidence.in_equal_bins`; the clips in a bin are written above.
        ax: where to draw.
    """
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=0.8)
    errors = [bins["right"] - bins["ci_low"], bins["ci_high"] - bins["right"]]
    ax.errorbar(
        bins["confidence"], bins["right"], np.clip(np.nan_to_num(errors), 0, None), fmt="o", color=BLUE, ecolor=BLUE,
        elinewidth=0.9, capsize=2,
    )  # fmt: skip
    ax.set(xlabel="confidence\n(dashed: share = confidence)", ylabel="share correct", xlim=(0, 1), ylim=(0, 1))
    ax.set_xticks(np.linspace(0, 1, 3))
    ax.set_yticks(np.linspace(0, 1, 3))
    return ax


def pareto_front(table: pd.DataFrame, price: str, value: str) -> pd.DataFrame:
    """Rows that no other row beats: nothing as cheap or cheaper has a higher value; sorted by price.

    Rows without a price or value are left out; of rows alike in both, all stay.
    """
    known = table.dropna(subset=[price, value]).sort_values([price, value], ascending=[True, False], kind="stable")
    best_at_price = known.groupby(price)[value].transform("max")
    cheaper = best_at_price.groupby(known[price]).first().cummax().shift(fill_value=-np.inf)
    return known[(known[value] == best_at_price) & (known[value] > known[price].map(cheaper))]


def pareto(table: pd.DataFrame, price: str, value: str, ax: Axes) -> Axes:
    """Score against price, with intervals; a step marks the front that nothing cheaper beats.

    Args:
        table: columns name (empty: not written), `price`, `value`, ci_low, ci_high; the front is blue.
        price: column with what a clip costs; the axis is logarithmic where it spans more than a factor of 5.
        value: column with the score.
        ax: where to draw.
    """
    known = table.dropna(subset=[price, value])
    front = pareto_front(known, price, value)
    on_front = known.index.isin(front.index)
    colours = np.where(on_front, BLUE, GREY).tolist()
    if len(known) and known[price].min() > 0 and known[price].max() > 5 * known[price].min():
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.vlines(known[price], known["ci_low"], known["ci_high"], colors=colours, alpha=0.5)
    ax.scatter(known[price], known[value], s=20, c=colours, zorder=3, marker="o")
    ax.margins(x=0.2, y=0.1)
    ax.autoscale_view()
    if len(front):
        edge = ax.get_xlim()[1]
        ax.step([*front[price], edge], [*front[value], front[value].iloc[-1]], where="post", color=BLUE, linewidth=0.9)
        ax.set_xlim(right=edge)
    ax.set(xlabel=plain(price), ylabel=f"{value} (95 % interval)")
    _write_names(known[price], known[value], known["name"], colours, ax)
    return ax


def _write_names(
    x: Sequence[float], y: Sequence[float], names: Sequence[str], colours: Sequence[str], ax: Axes
) -> None:
    """Write each name beside its point, at the first place around it that covers no name and no point."""
    if figure := ax.get_figure(root=True):
        figure.draw_without_rendering()  # only then is it known where points and words come to lie
    points = ax.transData.transform(np.column_stack([x, y])).tolist()
    taken = [Bbox.from_bounds(px - 5, py - 5, 10, 10) for px, py in points]
    places = [(8 * side, step * 6) for step in (1.3, -1.3, 2.3, -2.3, 3.3, -3.3, 4.3, -4.3, 6, -6) for side in (1, -1)]
    frame = ax.get_window_extent()
    for point, name, colour in zip(zip(x, y, strict=True), names, colours, strict=True):
        if not name:
            continue
        note = ax.annotate(
            plain(name, 40),
            point,
            xytext=(8, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
        )
        note.set_in_layout(False)
        for dx, dy in places:
            note.set(position=(dx, dy), horizontalalignment="left" if dx > 0 else "right")
            note.get_window_extent()  # moves the text; its own box takes the arrow in
            box = Text.get_window_extent(note)
            if box.x0 > frame.x0 and box.x1 < frame.x1 and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)
