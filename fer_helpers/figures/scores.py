"""Plots of scores, confusions and label shares: a tidy table and an `ax` in, the `ax` out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from fer_helpers.emotions import question
from fer_helpers.evaluation import annotator_names, metric_of
from fer_helpers.figures.style import BLUE, COLOURS, GREY, ORANGE, plain
from fer_helpers.tables import NOBODY

# The paper's average precision (arXiv 2502.12454, GPT-4o-mini on FERV39k DailyLife): a reference line, not a
# comparison; another corpus and another model than the demo's.
PAPER_METRIC = "weighted precision"
PAPER_PRECISION = {"seven": 0.50, "ternary": 0.64}


def forest(scores: pd.DataFrame, metric: str, axes: Sequence[Axes]) -> Sequence[Axes]:
    """One panel a question (taxonomy, asked): `metric` of every annotator with its 95 % interval.

    Annotators stand in the same order in every panel, trivial baselines in grey below them; for precision the
    paper's value is a dashed line.
    """
    part = scores[scores["metric"] == metric].sort_values("model", key=lambda model: model == NOBODY, kind="stable")
    part = part.assign(annotator=annotator_names(part))
    names = list(dict.fromkeys(part["annotator"]))
    for ax, ((taxonomy, asked), panel) in zip(axes, part.groupby(["taxonomy", "asked"], sort=False), strict=True):
        panel = panel.set_index("annotator").reindex(names)
        colours = [GREY if model == NOBODY else BLUE for model in panel["model"]]
        positions = range(len(panel))
        ax.hlines(positions, panel["ci_low"], panel["ci_high"], colors=colours, linewidth=3, alpha=0.45)
        ax.scatter(panel["value"], positions, color=colours, zorder=3)
        for y, value, high in zip(positions, panel["value"], panel["ci_high"], strict=True):
            if not np.isnan(value):
                ax.annotate(f"  {value:.2f}", (np.nanmax([value, high]), y), va="center", fontsize=9)
        if metric == PAPER_METRIC:
            ax.axvline(PAPER_PRECISION[taxonomy], color=ORANGE, linestyle="--", linewidth=1.2)
        ax.set_yticks(positions, [plain(name, 40) for name in names] if ax is axes[0] else [""] * len(names))
        high = metric_of(metric).high
        ax.set_xticks(np.linspace(0, high, 6))
        ax.invert_yaxis()
        ax.set(xlabel=f"{metric} (95 % interval)", xlim=(min(0, panel["ci_low"].min()), 1.16 * high))
        ax.set_title(question(taxonomy, asked))
        ax.grid(axis="y", visible=False)
    return axes


def confusion(matrix: pd.DataFrame, ax: Axes, unit: str = "clips") -> Axes:
    """Heat map of a confusion matrix of `unit`: colour is the share of the row, both counts and shares are written."""
    totals = matrix.sum(axis=1).to_numpy()[:, None]
    shares = np.divide(matrix.to_numpy(float), totals, out=np.zeros(matrix.shape), where=totals > 0)
    rows = [f"{name} ({total:g})" for name, total in zip(matrix.index, totals[:, 0], strict=True)]
    words = [
        [f"{n}\n{s:.0%}" if n else "·" for n, s in zip(*row, strict=True)]
        for row in zip(matrix.to_numpy(), shares, strict=True)
    ]
    sns.heatmap(
        shares, annot=np.array(words), fmt="", cmap="Blues", vmin=0, vmax=1, cbar=False, square=True,
        linewidths=0.5, ax=ax, annot_kws={"fontsize": 8},
        xticklabels=list(matrix.columns), yticklabels=rows,
    )  # fmt: skip
    ax.set(xlabel="predicted label", ylabel=f"true label ({unit})")
    ax.tick_params(axis="x", rotation=45)
    ax.tick_params(axis="y", rotation=0)
    return ax


def heatmap(table: pd.DataFrame, ax: Axes, legend: str) -> Axes:
    """Heat map of shares from 0 to 1 with the values written; NaN stays blank."""
    sns.heatmap(
        table.astype(float), annot=True, fmt=".2f", cmap="Blues", vmin=0, vmax=1, linewidths=0.5, ax=ax,
        cbar_kws={"label": legend}, annot_kws={"fontsize": 9},
    )  # fmt: skip
    ax.set(xlabel="", ylabel="")
    ax.tick_params(axis="x", rotation=30)
    ax.tick_params(axis="y", rotation=0)
    return ax


def label_shares(predictions: pd.DataFrame, labels: Sequence[str], ax: Axes) -> Axes:
    """Stacked bars: the share of each label among the predictions of each annotator, of one question."""
    called = annotator_names(predictions).rename("annotator")
    shares = predictions.groupby(called, sort=False)["label"].value_counts(normalize=True).unstack(fill_value=0)
    shares = shares.reindex(columns=list(labels), fill_value=0)
    left = np.zeros(len(shares))
    for label, colour in zip(labels, COLOURS, strict=False):
        bars = ax.barh(range(len(shares)), shares[label], left=left, color=colour, label=label, edgecolor="white")
        ax.bar_label(
            bars,
            [label if s > 0.09 else "" for s in shares[label]],
            label_type="center",
            color="white",
            fontsize=8,
        )
        left += shares[label].to_numpy()
    ax.set_yticks(range(len(shares)), [plain(name, 40) for name in shares.index])
    ax.invert_yaxis()
    ax.set(xlabel="share of predictions", xlim=(0, 1))
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left", frameon=False)
    ax.grid(axis="y", visible=False)
    return ax
