"""The tables that compare several runs, which notebook 07 writes."""

from __future__ import annotations

import pandera.pandas as pa

from fer_helpers.tables._columns import column, schema


def _change() -> dict[str, pa.Column]:
    return {
        "parameter": column(str, "what differs between the cells"),
        "level": column(str, "its value, as text; empty of repeats", nullable=True),
        "reference": column(str, "the value that is compared with: the sweep's first", nullable=True),
    }


def _compared_cells() -> dict[str, pa.Column]:
    return {
        "n_sets": column(int, "pairs (of an interaction, fours) of cells that agree in all else"),
        "n_left_out": column(int, "cells with either value that have no partner"),
        "n_clips": column(int, "clips with a label in both cells of a pair, and a true one for a score"),
        "n_groups": column(int, "subjects or clips that these are"),
        "unit": column(str, "what they are", isin=["clips", "subjects"]),
    }


SCHEMAS: dict[str, pa.DataFrameSchema] = {
    "effects": schema(
        {
            "metric": column(str, "name of the score"),
            **_change(),
            "with_parameter": column(str, "of an interaction: the other parameter", nullable=True),
            "with_level": column(str, "its value", nullable=True),
            "with_reference": column(str, "the value that is compared with", nullable=True),
            "value": column(float, "score under the level - under the reference, mean over cells", nullable=True),
            "ci_low": column(float, "lower end of its paired 95 % interval", nullable=True),
            "ci_high": column(float, "upper end", nullable=True),
            "p": column(float, "p value of sign flips within clips or subjects", nullable=True),
            "p_holm": column(float, "p adjusted for all effects on the metric (Holm)", nullable=True),
            "detectable": column(float, "minimum detectable effect (80 % power, unadjusted)", nullable=True),
            "same": column(bool, "it is 0 on every clip"),
            **_compared_cells(),
            "sentence": column(str, "the result in words"),
        },
        unique=["metric", "parameter", "level", "with_parameter", "with_level"],
    ),
    "flips": schema(
        {
            **_change(),
            "value": column(float, "share of clips with another label, mean over pairs of cells", nullable=True),
            "ci_low": column(float, "lower end of its 95 % interval", nullable=True),
            "ci_high": column(float, "upper end", nullable=True),
            "excess": column(float, "value - the same for repeated requests, on the same clips", nullable=True),
            "excess_low": column(float, "lower end of its paired 95 % interval", nullable=True),
            "excess_high": column(float, "upper end", nullable=True),
            "p": column(float, "one-sided p value of no excess; empty if nothing was repeated", nullable=True),
            "p_holm": column(float, "p adjusted for all choices (Holm)", nullable=True),
            "detectable": column(float, "minimum detectable excess (80 % power, unadjusted)", nullable=True),
            **_compared_cells(),
            "sentence": column(str, "the result in words"),
        },
        unique=["parameter", "level"],
    ),
}
