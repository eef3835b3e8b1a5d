"""The one style of every figure: sizes in print, colours, and untrusted text as matplotlib may draw it.

A figure is as wide as it is printed, one column of a journal or two, and its text is 8 pt there. Each label has one
colour and one hatch in every figure, told apart with any colour vision and in a grey print.
"""

from __future__ import annotations

import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import display
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

COLUMN, PAGE, CM = 8.5 / 2.54, 17.5 / 2.54, 1 / 2.54  # inches
POINTS = 8  # of all text, in print
BLUE, ORANGE, GREY = "#0072B2", "#B84A00", "#6E6E6E"  # of marks and words on white: contrast of at least 4.5
COLOURS = [BLUE, ORANGE, "#007A5A", "#A3387A", "#7A5C00", "#000000"]
LABEL_COLOURS = {  # the seven: Okabe & Ito 2008, but for grey; negative and positive are shades of none of them
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "neutral": "#C4C4C4",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
    "negative": "#3B1F5B",
    "positive": "#FFC8A2",
}
LABEL_HATCHES = {
    "angry": "///",
    "disgust": "\\\\\\",
    "fear": "xxx",
    "happy": "...",
    "neutral": "",
    "sad": "---",
    "surprise": "|||",
    "negative": "oo",
    "positive": "++",
}


def set_style() -> None:
    """Use the house style for every figure that follows."""
    mpl.rcdefaults()  # whatever a matplotlibrc says: LaTeX, for one, may not be there
    sns.set_theme(style="whitegrid", palette=COLOURS)
    mpl.rcParams.update(
        {
            "font.sans-serif": ["DejaVu Sans", "Arial", "sans-serif"],  # matplotlib's own first: the same everywhere
            "font.size": POINTS,
            "axes.titlesize": POINTS,
            "axes.labelsize": POINTS,
            "xtick.labelsize": POINTS,
            "ytick.labelsize": POINTS,
            "legend.fontsize": POINTS,
            "figure.dpi": 130,
            "savefig.dpi": 300,
            "figure.constrained_layout.use": True,
            "text.hinting": "none",  # as wide on paper as on the screen where the figure is laid out
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.linewidth": 0.6,
            "axes.edgecolor": "#9A9A9A",
            "grid.color": "#E3E3E3",
            "grid.linewidth": 0.6,
            "hatch.linewidth": 0.4,
            "lines.linewidth": 1.2,
            "lines.markersize": 4,
            "svg.fonttype": "none",  # text stays text: to be searched, and edited
            "pdf.fonttype": 42,
            "svg.hashsalt": "fer-helpers",  # same figure, same file
        }
    )


def show(figure: Figure, caption: str) -> None:
    """Show `figure` in a notebook and close it; `caption` is its text alternative, and stands below.

    JupyterLab and nbconvert's default template ignore the alternative, so that a reader who does not see the figure
    needs the line below it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        display(figure, metadata={"image/png": {"alt": caption}})
    plt.close(figure)
    print(caption)


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2.2).

    >>> round(contrast("black", "white"), 1)
    21.0
    """
    low, high = sorted(_luminance(colour) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def text_on(colour: str) -> str:
    """Black or white, whichever is easier to read on `colour`: one of the two has a contrast of at least 4.5."""
    return max("black", "white", key=lambda ink: contrast(ink, colour))


def plain(text: str, longest: int = 60) -> str:
    """Untrusted `text` as matplotlib draws it: `$` is no formula, nothing overlong.

    >>> plain("one label, then another", longest=10)
    'one label…'
    """
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")
