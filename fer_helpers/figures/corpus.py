"""Plots of a corpus: how its labels and lengths are spread, how a clip moves, what its frames look like."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_helpers.figures.style import BLUE, CM, COLOURS, GREY, LABEL_COLOURS, LABEL_HATCHES, ORANGE, PAGE, plain
from fer_helpers.media import decode_picture, pixelated


def counts(table: pd.DataFrame, column: str, order: Sequence[str], ax: Axes) -> Axes:
    """Bars of how often each value in `order` stands in `column`, with the number and share written."""
    found = table[column].value_counts().reindex(list(order), fill_value=0)
    colours = [LABEL_COLOURS.get(value, BLUE) for value in order]
    hatches = [LABEL_HATCHES.get(value, "") for value in order]
    bars = ax.barh(range(len(order)), found, color=colours, hatch=hatches, edgecolor="#555555", linewidth=0.4)
    shares = found / max(found.sum(), 1)
    ax.bar_label(bars, [f"{n} ({share:.0%})" for n, share in zip(found, shares, strict=True)], padding=3)
    ax.set_yticks(range(len(order)), list(order))
    ax.invert_yaxis()
    ax.set(xlabel=f"clips (n = {found.sum()})", xlim=(0, max(found.max(), 1) * 1.35))
    ax.grid(axis="y", visible=False)
    return ax


def distribution(values: pd.Series, unit: str, ax: Axes) -> Axes:
    """Histogram of `values` with the median marked; of whole numbers, every bin holds equally many of them."""
    values = values.dropna().astype(float)
    ax.hist(values, bins=_bins(values), color=BLUE, edgecolor="white", linewidth=0.4)
    if len(values):
        ax.axvline(values.median(), color=ORANGE)
        ax.set_title(f"median {values.median():g} (orange), n = {len(values)}", fontweight="normal")
    ax.set(xlabel=unit, ylabel="clips")
    return ax


def _bins(values: pd.Series, most: int = 30) -> Sequence[float] | int:
    """Edges between whole numbers where all are whole, else a number of bins."""
    if values.empty or not (values % 1 == 0).all():
        return min(most, max(5, values.nunique()))
    low, high = values.min(), values.max()
    step = -(-(high - low + 1) // most)
    return list(np.arange(low - 0.5, high + step + 0.5, step))


def motion(energy: np.ndarray, chosen: dict[str, Sequence[int]], ax: Axes) -> Axes:
    """Motion energy over a clip's frames, and below it which frames each choice keeps."""
    ax.plot(energy, color=GREY)
    step = max(float(energy.max()), 0.1) * 0.13
    for row, (name, indices) in enumerate(chosen.items(), 1):
        marker = "osD^"[row % 4]
        ax.plot(indices, [-row * step] * len(indices), marker, color=COLOURS[row - 1])
        ax.annotate(name, (len(energy) - 0.3, -row * step), va="center", color=COLOURS[row - 1])
    ax.axhline(0, color="#9A9A9A", linewidth=0.6)
    ax.set(xlabel="frame", ylabel="motion energy\n(grey levels)", xlim=(-0.8, len(energy) * 1.12))
    ax.set_yticks([tick for tick in ax.get_yticks() if tick >= 0])
    return ax


def strips(pictures: Sequence[Sequence[bytes]], titles: Sequence[str], columns: int = 5) -> Figure:
    """A row of encoded pictures a clip, at most `columns` of them, with its title on the left."""
    width = min(columns, max((len(row) for row in pictures if row), default=1))
    height, side, words = max(len(pictures), 1), 2.6 * CM, PAGE - 13.5 * CM
    size = (words + side * width, side * height)
    figure, axes = plt.subplots(
        height,
        width,
        figsize=size,
        squeeze=False,
        layout="none",  # the layout engine would make room for titles between the pictures
        gridspec_kw={"left": words / size[0], "right": 1, "bottom": 0, "top": 1, "wspace": 0.03, "hspace": 0.03},
    )
    for ax in axes.flat:
        ax.axis("off")
    for axes_row, row, title in zip(axes, pictures, titles, strict=False):
        for ax, data in zip(axes_row, row, strict=False):
            ax.imshow(decoded(data))
        lines = "\n".join(plain(line) for line in textwrap.wrap(title, 24, max_lines=6, placeholder="…"))
        axes_row[0].annotate(lines, (-words / side, 0.5), xycoords="axes fraction", va="center", annotation_clip=False)
    return figure


def decoded(data: bytes) -> np.ndarray:
    """RGB array (height, width, 3) of an encoded picture."""
    return cv2.cvtColor(decode_picture(data), cv2.COLOR_BGR2RGB)


def blurred(data: bytes) -> bytes:
    """JPEG of an encoded picture, blurred: see `media.pixelated`."""
    return cv2.imencode(".jpg", pixelated(decode_picture(data)))[1].tobytes()
