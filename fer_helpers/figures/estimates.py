"""Figures of what few people's labels say of a corpus: by whom, and how such intervals fare in other draws."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fer_helpers.estimation import CORPUS, PEOPLE, PERSON, by_whom
from fer_helpers.figures.style import BLUE, CM, GREY, ORANGE, PAGE, POINTS

Drawn = tuple[Figure, pd.DataFrame]
MARKS = {"model": (GREY, "D"), "people": (ORANGE, "s"), "both": (BLUE, "o")}
VALENCE = "mean valence"
_ROW = 0.85 * CM  # three lines, close together
_SHOWN = 50  # draws of which the interval is drawn


def estimated(table: pd.DataFrame) -> Drawn:
    """The table `estimates`: a line each for the model alone, people alone and both; a panel a target and scale."""
    is_share = table["quantity"].str.startswith("share: ")
    shares = {target: table[is_share & (table["target"] == target)] for target in (CORPUS, PEOPLE)}
    valence, scores = table[table["quantity"] == VALENCE], table[~is_share & (table["quantity"] != VALENCE)]
    n_rows = max(scores["quantity"].nunique(), shares[CORPUS]["quantity"].nunique())
    heights = [n_rows * _ROW + 1.6 * CM, 2.4 * CM]
    figure, axes = plt.subplots(2, 3, figsize=(PAGE, sum(heights)), height_ratios=heights)
    most = 1.05 * np.nanmax(table.loc[is_share, ["value", "ci_high"]])
    for column, target in enumerate((CORPUS, PEOPLE)):
        for ax, rows, limits in zip(axes[:, column], (shares[target], valence), ((0, most), (-1, 1)), strict=True):
            _three_lines(rows[rows["target"] == target], ax, limits)
            ax.tick_params(axis="y", labelleft=not column)
        axes[0, column].set_title(f"class shares,\n{target}")
    _three_lines(scores, axes[0, 2], (0, 1)).set_title(f"WAR, UAR and recalls,\n{CORPUS}")
    raters = table["raters"].iloc[0]
    lines = [
        Line2D([], [], color=MARKS[by][0], marker=MARKS[by][1], label=name) for by, name in by_whom(raters).items()
    ]
    axes[1, 2].axis("off")
    note = "" if raters == PERSON else "simulated: nobody was asked"
    axes[1, 2].legend(
        handles=lines, loc="center", frameon=False, title=note or None, fontsize=POINTS, title_fontsize=POINTS
    )
    return figure, table.drop(columns=["error", "sd"])


def _three_lines(rows: pd.DataFrame, ax: Axes, limits: tuple[float, float]) -> Axes:
    """Value and 95 % interval by quantity, from the top; no axes where there is nothing to show."""
    names = list(pd.unique(rows["quantity"]))
    if not names:
        ax.axis("off")
        return ax
    for shift, (by, (colour, marker)) in zip((-0.25, 0, 0.25), MARKS.items(), strict=True):
        mine = rows[rows["source"] == by]
        y = np.array([names.index(name) for name in mine["quantity"]]) + shift
        ax.hlines(y, mine["ci_low"], mine["ci_high"], colors=colour, linewidth=1.6, alpha=0.6)
        ax.scatter(mine["value"], y, color=colour, marker=marker, s=11, zorder=3, clip_on=False)
    ax.set_yticks(range(len(names)), [name.partition(": ")[2] or name for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(*limits)
    ax.grid(axis="y", visible=False)
    return ax


def redrawn(table: pd.DataFrame, metric: str) -> Drawn:
    """How often the intervals of other draws hold the truth, and for `metric` what the first of them look like.

    Args:
        table: of `estimation.redraws`.
        metric: one of its quantities.
    """
    both, n_draws = table[table["source"] == "both"], table["draw"].nunique()
    held = table.groupby(["quantity", "source"], sort=False)["held"].mean().unstack()[["people", "both"]]
    figure, axes = plt.subplots(1, 2, figsize=(PAGE, 8 * CM), width_ratios=[3, 2])
    first = both[both["quantity"] == metric].head(_SHOWN).reset_index(drop=True)
    colours = np.where(first["held"], BLUE, ORANGE).tolist()
    axes[0].vlines(first.index, first["ci_low"], first["ci_high"], colors=colours, linewidth=1.6)
    axes[0].axhline(first["true"].iloc[0], color="black", linewidth=0.8)
    axes[0].set(xlabel=f"draw, the first {len(first)} (orange: misses)", ylabel=f"{metric} (95 % interval)", xticks=[])
    axes[0].set_title(f"{metric}; the line: with all clips labelled\n", fontweight="normal")
    for by in ("people", "both"):
        axes[1].scatter(held[by], range(len(held)), color=MARKS[by][0], marker=MARKS[by][1], s=14, zorder=3)
    spread = 1.96 * np.sqrt(0.95 * 0.05 / n_draws)
    axes[1].axvspan(0.95 - spread, 0.95 + spread, color=GREY, alpha=0.2, linewidth=0)
    axes[1].axvline(0.95, color=GREY, linewidth=0.8)
    axes[1].set_yticks(range(len(held)), [name.removeprefix("share: ") for name in held.index])
    axes[1].set(
        xlabel=f"share of {n_draws} intervals that hold it", xlim=(min(0.85, held.min(axis=None) - 0.01), 1.005)
    )
    axes[1].set_ylim(len(held) - 0.5, -0.5)
    axes[1].set_title("blue: both, orange: raters alone;\ngrey: chance, if it were 95 %", fontweight="normal")
    axes[1].grid(axis="y", visible=False)
    return figure, held.reset_index()
