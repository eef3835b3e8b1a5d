"""Plots of scores, confusions and label shares: a tidy table and an `ax` in, the `ax` out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from fer_helpers.emotions import question
from fer_helpers.evaluation import annotator_names, board, metric_of
from fer_helpers.figures.style import BLUE, GREY, LABEL_COLOURS, LABEL_HATCHES, ORANGE, plain, text_on
from fer_helpers.tables import NOBODY

PAPER_METRIC = "weighted precision"  # most likely what the paper calls average precision
TRUE = "true labels"  # the corpus's own, beside the annotators'
NAME = 30  # longest name of an annotator


def forest(scores: pd.DataFrame, metric: str, axes: Sequence[Axes]) -> Sequence[Axes]:
    """One panel a question (taxonomy, asked): `metric` of every annotator with its 95 % interval.

    Annotators stand in the same order in every panel, picture-blind baselines in grey below them; for precision the
    paper's value is a dashed line. The number of clips stands in the panel's title, and beside a score of fewer.
    """
    part = scores[scores["metric"] == metric].sort_values("model", key=lambda model: model == NOBODY, kind="stable")
    part = part.assign(annotator=annotator_names(part))
    names = list(dict.fromkeys(part["annotator"]))
    for ax, ((taxonomy, asked), panel) in zip(axes, part.groupby(["taxonomy", "asked"], sort=False), strict=True):
        n = panel["n_clips"].max()
        panel = panel.set_index("annotator").reindex(names)
        blind = panel["model"] == NOBODY
        colours, high = np.where(blind, GREY, BLUE).tolist(), metric_of(metric).high
        dots_with_intervals(panel, colours, ax, n)
        if metric == PAPER_METRIC:
            paper = board.average_precision()[taxonomy]  # a reference line, no comparison: corpus and model differ
            ax.axvline(paper, color=ORANGE, linestyle="--")
            ax.annotate(
                "paper", (paper, 1), xycoords=("data", "axes fraction"), xytext=(2, 1),
                textcoords="offset points", color=ORANGE, va="bottom",
            )  # fmt: skip
        ax.set_yticks(range(len(names)), [plain(name, NAME) for name in names] if ax is axes[0] else [""] * len(names))
        ax.set_xticks(np.linspace(0, high, 3))
        ax.set(xlabel=f"{metric}\n(95 % interval)", xlim=(min(0, panel["ci_low"].min()), 1.3 * high))
        title = question(taxonomy, asked).replace(", ", ",\n")
        ax.set_title(f"{title}\nn = {n}", pad=12 if metric == PAPER_METRIC else None)
    return axes


def dots_with_intervals(rows: pd.DataFrame, colours: Sequence[str], ax: Axes, n: int | None = None) -> None:
    """A row each, from the top: value, interval, and the value written; with its `n_clips` where that is not `n`."""
    positions = range(len(rows))
    ax.hlines(positions, rows["ci_low"], rows["ci_high"], colors=colours, linewidth=2.4, alpha=0.45)
    ax.scatter(rows["value"], positions, color=colours, s=14, zorder=3)
    for y, row in zip(positions, rows.itertuples(), strict=True):
        if not np.isnan(row.value):
            words = f"{row.value:.2f}" + ("" if row.n_clips == n else f" (n = {row.n_clips:.0f})")
            end = (np.nanmax([row.value, row.ci_high]), y)
            ax.annotate(words, end, xytext=(3, 0), textcoords="offset points", va="center")
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)


def confusion(matrix: pd.DataFrame, ax: Axes, unit: str = "clips") -> Axes:
    """Heat map of a confusion matrix of `unit`: colour is the share of the row, both counts and shares are written."""
    totals = matrix.sum(axis=1).to_numpy()[:, None]
    shares = np.divide(matrix.to_numpy(float), totals, out=np.zeros(matrix.shape), where=totals > 0)
    rows = [f"{name} ({total:g})" for name, total in zip(matrix.index, totals[:, 0], strict=True)]
    words = [
        [f"{n:g}\n{s:.0%}" if n else "·" for n, s in zip(*row, strict=True)]
        for row in zip(matrix.to_numpy(), shares, strict=True)
    ]
    _shaded(pd.DataFrame(shares, index=rows, columns=list(matrix.columns)), words, ax)
    ax.set(xlabel="predicted label", ylabel=f"true label (number of {unit})")
    return ax


def heatmap(table: pd.DataFrame, words: Sequence[Sequence[str]], ax: Axes) -> Axes:
    """Heat map of shares from 0 to 1 with `words` written in its cells; NaN stays blank."""
    names = [plain(name, NAME) for name in table.index]
    columns = [plain(name, NAME) for name in table.columns]
    _shaded(table.astype(float).set_axis(names).set_axis(columns, axis=1), words, ax)
    ax.set(xlabel="", ylabel="")
    return ax


def _shaded(table: pd.DataFrame, words: Sequence[Sequence[str]], ax: Axes) -> None:
    """Shades of blue from 0 to 1, light enough or dark enough for what is written on them."""
    shades = sns.light_palette(BLUE, as_cmap=True)
    sns.heatmap(table, cmap=shades, vmin=0, vmax=1, cbar=False, linewidths=0.5, ax=ax)
    for row, (values, said) in enumerate(zip(table.to_numpy(), words, strict=True)):
        for column, (value, text) in enumerate(zip(values, said, strict=True)):
            if not np.isnan(value):
                ink = text_on(to_hex(shades(value)))
                ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, linespacing=1.1)
    ax.tick_params(axis="x", rotation=45)
    ax.tick_params(axis="y", rotation=0)


def label_shares(predictions: pd.DataFrame, truth: pd.Series, labels: Sequence[str], ax: Axes) -> Axes:
    """Stacked bars: the share of each label among the predictions of each annotator, below the corpus's own.

    Args:
        predictions: rows with a label, of one question.
        truth: true labels of the clips that have one, in the question's label set.
        labels: the label set.
        ax: where to draw.
    """
    called = annotator_names(predictions).rename("annotator")
    given = dict(iter(predictions["label"].dropna().groupby(called, sort=False)))
    given = {TRUE: truth, **given} if len(truth) else given
    shares = pd.DataFrame({name: part.value_counts(normalize=True) for name, part in given.items()})
    shares = shares.reindex(list(labels)).fillna(0)
    left = np.zeros(len(given))
    for label in labels:
        colour, width = LABEL_COLOURS[label], shares.loc[label].to_numpy()
        bars = ax.barh(
            range(len(given)), width, left=left, label=label, color=colour, hatch=LABEL_HATCHES[label],
            edgecolor="#555555", linewidth=0.4,
        )  # fmt: skip
        words = [label if share > len(label) * 0.0145 else "" for share in width]
        for word in ax.bar_label(bars, words, label_type="center", color=text_on(colour)):
            word.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": 0.8} if word.get_text() else None)
        left += width
    ax.set_yticks(range(len(given)), [f"{plain(name, NAME)} (n = {len(part)})" for name, part in given.items()])
    ax.invert_yaxis()
    ax.set(xlabel="share of labels", xlim=(0, 1))
    ax.grid(axis="y", visible=False)
    return ax
