"""Every plot of the notebooks and the report, in one style: a tidy table and an `ax` in, the `ax` out.

Colours are Okabe and Ito's, told apart with any colour vision; shades of one hue carry magnitudes, and every
number that matters is also written, so that a grey print loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_helpers.pictures import decode_picture

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7A7A7A"
COLOURS = [BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000"]  # Okabe & Ito, 2008

# The paper's average precision (arXiv 2502.12454, GPT-4o-mini on FERV39k DailyLife): drawn as a line to
# orient the reader; another corpus and another annotator than the demo's.
PAPER_PRECISION = {"seven": 0.50, "ternary": 0.64}


def set_style() -> None:
    """Use the house style for every figure that follows."""
    sns.set_theme(style="whitegrid", context="notebook", palette=COLOURS)
    mpl.rcParams.update(
        {
            "figure.dpi": 80,
            "savefig.dpi": 150,
            "savefig.bbox": "tight",
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "legend.fontsize": 9,
            "grid.color": "#E3E3E3",
            "axes.edgecolor": "#9A9A9A",
            "svg.hashsalt": "fer-helpers",  # same figure, same file
        }
    )


def counts(table: pd.DataFrame, column: str, order: Sequence[str], ax: Axes) -> Axes:
    """Bars of how often each value in `order` stands in `column`, with the number and share written."""
    found = table[column].value_counts().reindex(list(order), fill_value=0)
    bars = ax.barh(range(len(order)), found, color=BLUE)
    shares = found / max(found.sum(), 1)
    ax.bar_label(bars, [f" {n}  ({share:.0%})" for n, share in zip(found, shares, strict=True)], fontsize=9)
    ax.set_yticks(range(len(order)), list(order))
    ax.invert_yaxis()
    ax.set(xlabel="clips", xlim=(0, max(found.max(), 1) * 1.25))
    ax.grid(axis="y", visible=False)
    return ax


def distribution(values: pd.Series, unit: str, ax: Axes) -> Axes:
    """Histogram of `values` with the median marked."""
    values = values.dropna().astype(float)
    ax.hist(values, bins=min(30, max(5, values.nunique())), color=BLUE, edgecolor="white")
    if len(values):
        ax.axvline(values.median(), color=ORANGE, linewidth=2)
        ax.annotate(
            f" median {values.median():g}",
            (values.median(), ax.get_ylim()[1] * 0.93),
            color=ORANGE,
            fontsize=9,
        )
    ax.set(xlabel=unit, ylabel="clips")
    return ax


def motion(energy: np.ndarray, chosen: dict[str, Sequence[int]], ax: Axes) -> Axes:
    """Motion energy over a clip's frames, and below it which frames each choice keeps."""
    ax.plot(energy, color=GREY, linewidth=1.8)
    step = max(float(energy.max()), 0.1) * 0.13
    for row, (name, indices) in enumerate(chosen.items(), 1):
        ax.plot(indices, [-row * step] * len(indices), "o", color=COLOURS[row - 1], markersize=5)
        ax.annotate(name, (len(energy) - 0.3, -row * step), va="center", fontsize=9, color=COLOURS[row - 1])
    ax.axhline(0, color="#9A9A9A", linewidth=0.8)
    ax.set(xlabel="frame", ylabel="motion energy (grey levels)", xlim=(-0.8, len(energy) * 1.12))
    ax.set_yticks([tick for tick in ax.get_yticks() if tick >= 0])
    return ax


def strips(pictures: Sequence[Sequence[bytes]], titles: Sequence[str], columns: int = 5) -> Figure:
    """A row of encoded pictures a clip, at most `columns` of them, with its title above."""
    width = min(columns, max((len(row) for row in pictures), default=1))
    height = max(len(pictures), 1)
    figure, axes = plt.subplots(
        height,
        width,
        figsize=(1.3 * width, 1.55 * height),
        squeeze=False,
        layout="none",  # the layout engine would make room for long titles between the pictures
        gridspec_kw={"left": 0, "right": 1, "bottom": 0, "top": 1 - 0.16 / height, "wspace": 0.04, "hspace": 0.2},
    )
    for ax in axes.flat:
        ax.axis("off")
    for axes_row, row, title in zip(axes, pictures, titles, strict=False):
        for ax, data in zip(axes_row, row, strict=False):
            ax.imshow(decoded(data))
        axes_row[0].set_title(plain(title), fontsize=9, fontweight="normal")
    return figure


def decoded(data: bytes) -> np.ndarray:
    """RGB array (height, width, 3) of an encoded picture."""
    return cv2.cvtColor(decode_picture(data), cv2.COLOR_BGR2RGB)


def plain(text: str, longest: int = 60) -> str:
    """Untrusted `text` as matplotlib draws it: `$` is no formula, nothing overlong."""
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def forest(scores: pd.DataFrame, metric: str, axes: Sequence[Axes]) -> Sequence[Axes]:
    """One panel a question (taxonomy, asked): `metric` of every strategy with its 95 % interval.

    Strategies stand in the same order in every panel, trivial baselines in grey below them; for precision the
    paper's figure is a dashed line.
    """
    part = scores[scores["metric"] == metric].sort_values("model", key=lambda model: model == "none", kind="stable")
    names = list(dict.fromkeys(part["strategy"]))
    for ax, ((taxonomy, asked), panel) in zip(axes, part.groupby(["taxonomy", "asked"], sort=False), strict=True):
        panel = panel.set_index("strategy").reindex(names)
        colours = [GREY if model == "none" else BLUE for model in panel["model"]]
        positions = range(len(panel))
        ax.hlines(positions, panel["ci_low"], panel["ci_high"], colors=colours, linewidth=3, alpha=0.45)
        ax.scatter(panel["value"], positions, color=colours, zorder=3)
        for y, value, high in zip(positions, panel["value"], panel["ci_high"], strict=True):
            if not np.isnan(value):
                ax.annotate(f"  {value:.2f}", (np.nanmax([value, high]), y), va="center", fontsize=9)
        if metric.startswith("precision"):
            ax.axvline(PAPER_PRECISION[taxonomy], color=ORANGE, linestyle="--", linewidth=1.2)
        ax.set_yticks(positions, names if ax is axes[0] else [""] * len(names))
        ax.set_xticks(np.linspace(0, 1, 6))
        ax.invert_yaxis()
        ax.set(xlabel=f"{metric} (95 % interval)", xlim=(min(0, panel["ci_low"].min()), 1.16))
        ax.set_title(question(taxonomy, asked))
        ax.grid(axis="y", visible=False)
    return axes


def question(taxonomy: str, asked: str) -> str:
    """How a taxonomy was reached, in words."""
    if taxonomy == "seven":
        return "seven classes"
    return "three, asked directly" if asked == "ternary" else "three, collapsed from seven"


def confusion(matrix: pd.DataFrame, ax: Axes) -> Axes:
    """Heat map of a confusion matrix: colour is the share of the row, both counts and shares are written."""
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
    ax.set(xlabel="predicted", ylabel="label (clips)")
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
    """Stacked bars: the share of each label among the clips of each strategy."""
    shares = predictions.groupby("strategy", sort=False)["label"].value_counts(normalize=True).unstack(fill_value=0)
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
    ax.set_yticks(range(len(shares)), list(shares.index))
    ax.invert_yaxis()
    ax.set(xlabel="share of clips", xlim=(0, 1))
    ax.legend(bbox_to_anchor=(1.01, 1), loc="upper left", frameon=False)
    ax.grid(axis="y", visible=False)
    return ax
