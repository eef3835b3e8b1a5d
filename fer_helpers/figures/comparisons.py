"""Plots of how annotators compare: differences, reliability, price and number of frames, in the style of `figures`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

from fer_helpers.evaluation import pair_names
from fer_helpers.figures.style import BLUE, COLOURS, GREY, plain


def differences(comparisons: pd.DataFrame, ax: Axes) -> Axes:
    """Paired differences of one question and metric with 95 % intervals, and no difference as a line.

    Filled where the difference is significant (Holm-adjusted p < 0.05), hollow where it is not.

    Args:
        comparisons: rows of the comparisons table with one taxonomy, asked and metric.
        ax: where to draw.
    """
    pairs = [" − ".join(plain(name, 40) for name in pair_names(row)) for row in comparisons.to_dict("records")]
    rows = np.arange(len(comparisons))
    apart = (comparisons["p_holm"] < 0.05).to_numpy()
    colours = np.where(apart, BLUE, GREY).tolist()
    ax.axvline(0, color="black", linewidth=1)
    ax.hlines(rows, comparisons["ci_low"], comparisons["ci_high"], colors=colours, linewidth=2)
    ax.scatter(
        comparisons["difference"], rows, s=42, zorder=3, linewidths=1.6,
        edgecolors=colours, facecolors=np.where(apart, BLUE, "white").tolist(),
    )  # fmt: skip
    ax.set_yticks(rows, pairs)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    for row, p in zip(rows, comparisons["p_holm"], strict=True):
        words = "not tested" if np.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
        ax.annotate(words, (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8, color="#444444")
    metric = comparisons["metric"].iloc[0] if len(comparisons) else "score"
    ax.set_xlabel(f"difference in {metric} (95 % interval)\nfilled: significant, Holm-adjusted p < 0.05")
    ax.grid(axis="y", visible=False)
    return ax


def reliability(curve: pd.DataFrame, ax: Axes) -> Axes:
    """Share right against confidence with Wilson's intervals; on the diagonal, confidence means what it says.

    Args:
        curve: of `calibration.reliability`; the clips in each bin are written at the top.
        ax: where to draw.
    """
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2)
    errors = [curve["right"] - curve["ci_low"], curve["ci_high"] - curve["right"]]
    ax.errorbar(
        curve["confidence"], curve["right"], np.clip(errors, 0, None), fmt="o-", color=BLUE, ecolor=BLUE,
        elinewidth=1.2, capsize=3, markersize=5, linewidth=1.6,
    )  # fmt: skip
    for row in curve.itertuples():
        ax.annotate(f"{row.n}", ((row.low + row.high) / 2, 1.04), ha="center", va="center", fontsize=8, color="#444444")
    ax.annotate("clips", (-0.02, 1.04), ha="right", va="center", fontsize=8, color="#444444", annotation_clip=False)
    ax.set(xlabel="confidence", ylabel="share correct (95 % interval)", xlim=(0, 1), ylim=(0, 1.09))
    ax.set_xticks(np.linspace(0, 1, 6))
    ax.set_yticks(np.linspace(0, 1, 6))
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
        table: columns name, `price`, `value`, ci_low, ci_high; the front is blue.
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
    ax.vlines(known[price], known["ci_low"], known["ci_high"], colors=colours, linewidth=1.6, alpha=0.5)
    ax.scatter(known[price], known[value], s=42, c=colours, zorder=3, marker="o")
    ax.margins(x=0.2, y=0.1)
    ax.autoscale_view()
    if len(front):
        edge = ax.get_xlim()[1]
        ax.step([*front[price], edge], [*front[value], front[value].iloc[-1]], where="post", color=BLUE, linewidth=1.2)
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
        note = ax.annotate(
            plain(name, 40),
            point,
            xytext=(8, 0),
            textcoords="offset points",
            fontsize=9,
            color=colour,
            va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
        )
        note.set_in_layout(False)
        note.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        for dx, dy in places:
            note.set(position=(dx, dy), horizontalalignment="left" if dx > 0 else "right")
            note.get_window_extent()  # moves the text; its own box takes the arrow in
            box = Text.get_window_extent(note)
            if box.x0 > frame.x0 and box.x1 < frame.x1 and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def curve(table: pd.DataFrame, value: str, ax: Axes) -> Axes:
    """Score against the number of frames shown, one line a family, with 95 % intervals.

    Args:
        table: columns family, n_frames, `value`, ci_low, ci_high.
        value: column with the score.
        ax: where to draw.
    """
    families = table.groupby("family", sort=False)
    for position, (name, family) in enumerate(families):
        family = family.sort_values("n_frames")
        x = family["n_frames"] + (position - (families.ngroups - 1) / 2) * 0.12  # side by side, not on each other
        colour, marker = COLOURS[position % len(COLOURS)], "osD^vPX"[position % 7]
        errors = np.abs(family[["ci_low", "ci_high"]].sub(family[value], axis=0)).T.to_numpy()
        ax.errorbar(
            x,
            family[value],
            errors,
            fmt=f"{marker}-",
            color=colour,
            label=plain(name),
            capsize=3,
            elinewidth=1.2,
            linewidth=1.6,
            markersize=6,
        )
    ax.set_xticks(sorted(table["n_frames"].unique()))
    ax.set(xlabel="frames per clip", ylabel=f"{value} (95 % interval)")
    ax.legend(frameon=False)
    ax.grid(axis="x", visible=False)
    return ax
