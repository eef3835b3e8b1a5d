"""Sweeps made of labels alone, with a known truth."""

from itertools import product

import numpy as np
import pandas as pd

from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation.sweeps import Sweep


def grid(**levels):
    """Every combination of the parameters' values: a row a cell."""
    rows = list(product(*levels.values()))
    return pd.DataFrame(rows, columns=list(levels), index=["-".join(row) for row in rows])


def sweep(cells, labels, truth=None, subjects=None):
    """A sweep of `labels`, shape (n_clips, n_cells): names, or codes of the seven, below 0 where there is none."""
    labels = np.asarray(labels)
    clips = [f"c{number}" for number in range(len(labels))]
    named = [_named(column) for column in labels.T]
    return Sweep(
        cells=cells,
        taxonomy="seven",
        surprise="positive",
        annotators=pd.DataFrame({"strategy": "multi_frame", "model": "m", "asked": "seven"}, index=cells.index),
        labels=pd.DataFrame(dict(zip(cells.index, named, strict=True))).set_axis(clips),
        truth=pd.Series([None] * len(clips) if truth is None else _named(np.asarray(truth)), clips, dtype="str"),
        groups=np.arange(len(clips)) if subjects is None else pd.factorize(np.asarray(subjects))[0],
        unit="clips" if subjects is None else "subjects",
    )


def _named(column):
    numbers = np.issubdtype(column.dtype, np.integer)
    names = [SEVEN[code] if code >= 0 else None for code in column] if numbers else list(column)
    return pd.array(names, dtype="str")


def drawn(rng, truth, chances, alike=0.5):
    """Labels of `truth` by cell, right with chance `chances`; a share `alike` of what is drawn is drawn for all cells.

    Shape (n_clips, n_cells).
    """
    size = (len(truth), len(chances))
    luck = np.where(rng.random(size) < alike, rng.random((len(truth), 1)), rng.random(size))
    wrong = (truth[:, None] + rng.integers(1, 7, size)) % 7
    return np.where(luck < chances, truth[:, None], wrong)
