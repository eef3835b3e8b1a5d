"""The one style of every figure: colours, sizes, and untrusted text as matplotlib may draw it.

Colours are Okabe and Ito's, told apart with any colour vision; shades of one hue carry magnitudes, and every
number that matters is also written, so that a grey print loses nothing.
"""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#7A7A7A"
COLOURS = [BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000"]  # Okabe & Ito, 2008


def set_style() -> None:
    """Use the house style for every figure that follows."""
    mpl.rcdefaults()  # whatever a matplotlibrc says: LaTeX, for one, may not be there
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


def plain(text: str, longest: int = 60) -> str:
    """Untrusted `text` as matplotlib draws it: `$` is no formula, nothing overlong.

    >>> plain("one label, then another", longest=10)
    'one label…'
    """
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")
