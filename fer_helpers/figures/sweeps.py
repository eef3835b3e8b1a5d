"""Whole figures of notebook 07: what choices change in scores and in labels, and cells side by side."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from fer_helpers.evaluation import sweeps
from fer_helpers.figures import comparisons
from fer_helpers.figures.panels import ROW, Drawn
from fer_helpers.figures.scores import heatmap
from fer_helpers.figures.style import CM, COLUMN, GREY, PAGE, plain

NAMED = 8  # cells that are named beside their points; of more, those of the front


def effects(table: pd.DataFrame, metric: str) -> Drawn:
    """Every effect on `metric` with its interval, main effects first, each by its size.

    Args:
        table: the effects table; effects that could not be computed are left out.
        metric: its name.
    """
    rows = table[(table["metric"] == metric) & table["value"].notna()]
    size = rows["value"].abs().mul(-1).where(rows["with_parameter"].isna(), 9 - rows["value"].abs())
    rows = rows.loc[size.sort_values(kind="stable").index]
    names = [_change(row) for row in rows.to_dict("records")]
    figure, ax = plt.subplots(figsize=(PAGE, 1.4 * CM + ROW * len(rows)))
    comparisons.tested_differences(rows, names, "value", ax)
    ax.set_ylabel("")
    return figure, rows.drop(columns="sentence")


def _change(row: dict[str, str]) -> str:
    """A row's choice, short: an interaction names its values only, their references stand with the main effects."""
    parameter, level = plain(row["parameter"], 24), plain(row["level"], 20)
    if pd.isna(row.get("with_parameter")):
        return f"{parameter}: {level} − {plain(row['reference'], 20)}"
    return f"{parameter} × {plain(row['with_parameter'], 24)}: {level}, {plain(row['with_level'], 20)}"


def flips(table: pd.DataFrame) -> Drawn:
    """Share of clips whose label a choice changes, with its interval, the largest first; a band: repeated requests.

    Filled where a choice changes significantly more than repeating does (Holm-adjusted p < 0.05).

    Args:
        table: the flips table.
    """
    repeats, rows = table[table["level"].isna()], table[table["level"].notna() & table["value"].notna()]
    rows = rows.sort_values("value", ascending=False, kind="stable")
    figure, ax = plt.subplots(figsize=(PAGE, 1.8 * CM + ROW * (len(rows) + 1)))
    for again in repeats.itertuples():
        ax.axvspan(again.ci_low, again.ci_high, color=GREY, alpha=0.2, linewidth=0)
        ax.axvline(again.value, color=GREY, linestyle="--")
        ax.annotate("repeated requests", (again.value, 1), xycoords=("data", "axes fraction"), xytext=(2, 2),
                    textcoords="offset points", color=GREY, va="bottom")  # fmt: skip
    comparisons.filled_if_significant(rows, [_change(row) for row in rows.to_dict("records")], "value", ax)
    for row, rate in enumerate(rows["value"]):
        ax.annotate(f"{rate:.0%}", (1.01, row), xycoords=("axes fraction", "data"), va="center",
                    annotation_clip=False)  # fmt: skip
    ax.set_xlim(left=0)
    ax.set_xlabel("share of clips with another label (95 % interval); filled: more than repeats do, p < 0.05")
    return figure, table.drop(columns="sentence")


def by_two_parameters(cells: pd.DataFrame, metric: str, effects: pd.DataFrame) -> Drawn:
    """`metric` by the two parameters that change it most, mean over the cells of a field; dark is high.

    Args:
        cells: of `sweeps.per_cell`.
        metric: its column with the score.
        effects: the effects table, which says which two parameters these are, and which of their values is better.
    """
    main = effects[(effects["metric"] == metric) & effects["with_parameter"].isna()]
    largest = main["value"].abs().groupby(main["parameter"]).max().sort_values(ascending=False, kind="stable")
    down, *across = largest.index[:2]
    fields = cells.assign(n=1, **{metric: cells[metric].astype(float)}).groupby([down, *across], sort=False)
    means, n = (getattr(fields[column], how)() for column, how in ((metric, "mean"), ("n", "sum")))
    means, n = (one.unstack() if across else one.to_frame(metric) for one in (means, n))
    order = means.mean(axis=1).sort_values(ascending=False, kind="stable").index
    columns = means.mean().sort_values(ascending=False, kind="stable").index
    means, n = means.loc[order, columns], n.loc[order, columns]
    words = [
        [f"{value:.2f}" + (f"\n({count:.0f} cells)" if count > 1 else "") for value, count in zip(*row, strict=True)]
        for row in zip(means.to_numpy(), n.to_numpy(), strict=True)
    ]
    low, high = np.nanmin(means), np.nanmax(means)
    shade = (means - low) / (high - low or 1) * 0.8 + 0.1
    wide = len(columns) > 3
    figure, ax = plt.subplots(figsize=(PAGE if wide else COLUMN, 2.6 * CM + 0.95 * CM * len(means)))
    heatmap(shade.set_axis([str(name) for name in order]).set_axis([str(name) for name in columns], axis=1), words, ax)
    ax.set(ylabel=plain(down, 30), xlabel=plain(across[0], 30) if across else "")
    fits = sum(len(str(name)) for name in columns) < (80 if wide else 36)
    ax.tick_params(axis="x", rotation=0 if fits else 45)
    return figure, means


def cost(cells: pd.DataFrame, metric: str) -> Drawn:
    """`metric` of every cell against what a clip costs in it; names of all cells, or of the front where they are many.

    Args:
        cells: of `sweeps.per_cell`; those without a score or price are left out.
        metric: its column with the score.
    """
    unit = sweeps.price_unit(cells)
    rows = cells.dropna(subset=[unit, metric]).rename_axis("name").reset_index()
    front = comparisons.pareto_front(rows, unit, metric)
    shown = rows.assign(name=rows["name"].where((len(rows) <= NAMED) | rows.index.isin(front.index), ""))
    figure, ax = plt.subplots(figsize=(PAGE, 8 * CM))
    comparisons.pareto(shown, unit, metric, ax)
    return figure, rows[["name", unit, metric, "ci_low", "ci_high"]]
