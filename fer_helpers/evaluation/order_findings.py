"""What the order of the labels changes, in sentences that say no more than its test does; pure."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from fer_helpers.evaluation.order import ACCURACY, ANY, CIRCULAR, FIRST, FLIPS, MEAN, PLACES, PlaceTest, Rotations


def of_order(asked: Rotations, measured: pd.DataFrame, test: PlaceTest, among: str = "") -> list[str]:
    """What was found about the order of the labels.

    Args:
        asked: the labels.
        measured: their `measures`.
        test: their `place_test`.
        among: which labels, where a sweep asked several sets of cells in rotations.
    """
    head = f"{among}: " if among else ""
    paired, n_orders = asked.paired, len(asked.labels.columns)
    left_out, n = len(asked.labels) - len(paired.labels), len(paired.labels)
    if not n:
        return [
            f"{head}No clip has a label in all {n_orders} orders: nothing can be said about the order of the labels."
        ]
    people = f" of {len(np.unique(paired.groups))} people" if asked.unit == "subjects" else ""
    by_measure = dict(list(measured.set_index("level").groupby("measure")))
    rates = by_measure[FLIPS]["value"].drop(ANY)
    missing = f"; {left_out} do not" if left_out else ""
    place = _of_places(by_measure[PLACES], test)
    said = [
        f"{head}{n} clips{people} have a label in all {n_orders} orders{missing}. {place}",
        f"Another order than the first changes the label of {rates.min():.1%} to {rates.max():.1%} of the clips; in at "
        f"least one order the label changes for {_percent(by_measure[FLIPS].loc[ANY])}.",
    ]
    if ACCURACY in by_measure:
        first, mean, circular = (by_measure[ACCURACY].loc[level] for level in (FIRST, MEAN, CIRCULAR))
        said.append(
            f"Accuracy is {_percent(first)} in the first order and {mean['value']:.1%} on average; "
            f"{_percent(circular)} of the clips are labelled correctly in every order (CircularEval)."
        )
    return [re.sub(r"(?<=\d)%", " %", sentence) for sentence in said]


def _of_places(shares: pd.DataFrame, test: PlaceTest) -> str:
    if not test.n_clips:
        return "In none of them all labels are of the label set, so a preference for a place cannot be tested."
    if not test.n_changing:
        return "No label changes with the order, so the place at which a label is named means nothing here."
    most = shares.loc[(shares["value"] - shares["expected"]).abs().idxmax()]
    found = f"the label {most.name} is given in {_percent(most)} of the answers, {most['expected']:.1%} expected"
    found += f" (p {'< 0.001' if test.p < 0.001 else f'= {test.p:.3f}'}; the label of {test.n_changing} clips changes)."
    if test.p < 0.05:
        return f"Answers depend on the place at which a label is named: {found}"
    return f"No significant preference for a place; the largest deviation: {found}"


def _percent(row: pd.Series) -> str:
    """A share with its interval."""
    known = not np.isnan(row["ci_low"])
    return f"{row['value']:.1%}" + (f" [{100 * row['ci_low']:.1f}, {100 * row['ci_high']:.1f}]" if known else "")
