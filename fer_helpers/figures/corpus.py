"""Plots of a corpus: how its labels and lengths are spread, how a clip moves, what its frames look like."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_helpers.figures.style import BLUE, COLOURS, GREY, ORANGE, plain
from fer_helpers.media import decode_picture


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
    width = min(columns, max((len(row) for row in pictures if row), default=1))
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
