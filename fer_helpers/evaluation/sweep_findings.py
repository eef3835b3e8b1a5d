"""What a sweep shows, in sentences computed from its tables; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers.evaluation.answers import listed, per_cent

NOT_SHOWN = (
    "Not shown: how other values, models or corpora would fare; whether an effect that was not found is none; and what "
    "a choice does in cells that were not run."
)


def change(row: Mapping[str, Any]) -> str:
    """What differs between the cells of a row of effects or flips.

    >>> change({"parameter": "prompt", "level": "definitions", "reference": "labels"})
    'prompt definitions instead of labels'
    """
    if pd.isna(row["level"]):
        return str(row["parameter"])
    words = f"{row['parameter']} {row['level']} instead of {row['reference']}"
    if pd.isna(row.get("with_parameter")):
        return words
    return f"{words} × {row['with_parameter']} {row['with_level']} instead of {row['with_reference']}"


def effect(row: Mapping[str, Any]) -> str:
    """What an effect shows, in words that say no more than its test does."""
    row = {"with_parameter": None, **row}
    what, between = f"{row['metric']}: {change(row)}", pd.notna(row["with_parameter"])
    if not row["n_sets"]:
        return f"{what}: not compared, because it never differs alone."
    if not row["n_clips"]:
        return f"{what}: not compared, because no clip has a true label and a predicted one in both cells."
    sets = f"{row['n_sets']} {'four' if between else 'pair'}{'s' if row['n_sets'] > 1 else ''} of cells"
    over = f"on {_clips(row)}, over {sets}{_left_out(row)}"
    if row["same"]:
        return f"{what}: no difference on any clip ({over})."
    doubt = f"{row['value']:+.3f}{_interval(row['ci_low'], row['ci_high'], '+.3f')}, Holm-adjusted p {_p(row)}, {over}"
    if row["p_holm"] < 0.05:
        verdict = "the two choices depend on each other" if between else "higher" if row["value"] > 0 else "lower"
        return f"{what}: {verdict}, {doubt}."
    missed = (
        "" if np.isnan(row["detectable"]) else f"; minimum detectable {row['detectable']:.3f} (80 % power, unadjusted)"
    )
    return f"{what}: no significant {'interaction' if between else 'difference'}, {doubt}{missed}."


def flip(row: Mapping[str, Any]) -> str:
    """On how many clips a choice changes the label, and whether repeating a request does less."""
    row = {"level": None, "n_left_out": 0, "p_holm": np.nan, **row}
    what = change(row)
    if not row["n_clips"]:
        return f"{what}: not compared, because it never differs alone."
    rate = f"{what} changes the label of {per_cent(row['value'])} of {_clips(row)}"
    rate += _interval(row["ci_low"] * 100, row["ci_high"] * 100, ".0f", " %")
    if pd.isna(row["level"]):
        return f"{rate[0].upper()}{rate[1:]}."
    rate += _left_out(row)
    if np.isnan(row["p_holm"]):
        return f"{rate}; no request was repeated, so that it is not known how many would have changed anyway."
    more = f"{row['excess'] * 100:+.1f} points against repeats"
    more += f"{_interval(row['excess_low'] * 100, row['excess_high'] * 100, '+.1f')}, Holm-adjusted p {_p(row)}"
    verdict = "more than repeating does" if row["p_holm"] < 0.05 else "not significantly more than repeating does"
    return f"{rate}: {verdict} ({more})."


def _clips(row: Mapping[str, Any]) -> str:
    clips = f"{row['n_clips']} clip{'' if row['n_clips'] == 1 else 's'}"
    return clips if row["n_groups"] == row["n_clips"] else f"{clips} of {row['n_groups']} {row['unit']}"


def _left_out(row: Mapping[str, Any]) -> str:
    n = row["n_left_out"]
    return f" ({n} cell{'' if n == 1 else 's'} without a partner left out)" if n else ""


def _interval(low: float, high: float, form: str, unit: str = "") -> str:
    return "" if np.isnan(low) else f" (95 % interval {low:{form}} to {high:{form}}{unit})"


def _p(row: Mapping[str, Any]) -> str:
    return "< 0.001" if row["p_holm"] < 0.001 else f"= {row['p_holm']:.3f}"


def of_cells(cells: pd.DataFrame, left_out: Iterable[str] = ()) -> list[str]:
    """Which cell scores highest, and which cells could not be compared.

    Args:
        cells: of `sweeps.per_cell`.
        left_out: names of the cells that are not done.
    """
    left_out = list(left_out)
    found = [
        f"{len(left_out)} of {len(cells) + len(left_out)} cells are not done and are left out: {listed(left_out)}."
    ]
    found = found if left_out else []
    known = cells["UAR"].dropna().astype(float)
    if known.empty:
        return [*found, "Without true labels, nothing here can say which cell is right more often."]
    best, least, n = known.idxmax(), known.idxmin(), int(cells["scored"].max())
    interval = _interval(cells.loc[best, "ci_low"], cells.loc[best, "ci_high"], ".2f")
    return [
        *found,
        f"On the {n} clips that all {len(cells)} cells label, {best} has the highest unweighted average recall (UAR), "
        f"{known[best]:.2f}{interval}; the lowest is {known[least]:.2f} ({least}).",
        f"It was chosen after the fact as the best of {len(known)}: expect a somewhat lower value on new clips.",
    ]


def of_agreement(alpha: Mapping[str, float], unit: str) -> list[str]:
    """How far cells give clips the same label.

    Args:
        alpha: of `agreement.alpha` over the cells.
        unit: "subjects" or "clips", which the interval is over.
    """
    if np.isnan(alpha["value"]):
        return ["The cells use fewer than two labels: how far they agree beyond chance cannot be said."]
    low, high, n = alpha["ci_low"], alpha["ci_high"], f"{alpha['n_clips']} clips"
    of = f" of {alpha['n_groups']} subjects" if unit == "subjects" else ""
    return [
        f"The cells agree with Krippendorff's alpha {alpha['value']:.2f}{_interval(low, high, '.2f')} on {n}{of} (1: "
        "always, 0: as by chance); cells that agree can share their mistakes."
    ]


def of_effects(effects: pd.DataFrame) -> list[str]:
    """Which choices change UAR by more than chance, which do not, and how small an effect could have been found."""
    rows = effects[effects["metric"] == "UAR"]
    tested = rows[rows["p_holm"].notna()]
    if tested.empty:
        return []
    apart = tested[tested["p_holm"] < 0.05].sort_values("p_holm", kind="stable")
    found = [
        f"{len(apart)} of {len(tested)} effects on UAR (main effects and interactions) are significant after Holm's "
        "adjustment" + (":" if len(apart) else ".")
    ]
    found += list(apart["sentence"])
    alike = tested[(tested["p_holm"] >= 0.05) & tested["with_parameter"].isna()]
    if len(alike):
        least = alike["detectable"].dropna()
        bounds = " to ".join(dict.fromkeys(f"{bound:.2f}" for bound in (least.min(), least.max())))
        smallest = f": effects below {bounds} would probably be missed (80 % power)"
        said = f"No significant main effect of {_some(change(row) for row in alike.to_dict('records'))}"
        found.append(f"{said}; that is not equality{smallest if len(least) else ''}.")
    return found


def of_flips(flips: pd.DataFrame) -> list[str]:
    """Which choices change labels more than repeating the same request does, the one that changes most first."""
    choices = flips[flips["level"].notna()].dropna(subset="value").sort_values("value", ascending=False, kind="stable")
    if choices.empty:
        return []
    rates = pd.Series(
        [f"{change(row)} ({per_cent(row['value'])})" for row in choices.to_dict("records")], choices.index
    )
    tested = choices["p_holm"].notna()
    if not tested.any():
        again = "no request was repeated, so that it is not known how many would have changed anyway"
        return [f"Clips with another label when one choice changes: {_some(rates)}; {again}."]
    found = list(flips.loc[flips["level"].isna(), "sentence"])
    more = choices["p_holm"] < 0.05
    if more.any():
        found.append(f"These choices change more labels than repeating does: {_some(rates[more])}.")
    if (tested & ~more).any():
        found.append(f"Not significantly more than repeating: {_some(rates[tested & ~more])}.")
    return found


def _some(words: Iterable[str], most: int = 8) -> str:
    """Words as a list, and how many more there are."""
    words = list(words)
    return listed([*words[:most], f"{len(words) - most} more"] if len(words) > most else words)


def of_sweep(
    cells: pd.DataFrame, effects: pd.DataFrame, flips: pd.DataFrame, left_out: Iterable[str] = ()
) -> list[str]:
    """The answer of notebook 07: which cell is best, which choices change scores, and which change labels.

    Args:
        cells: of `sweeps.per_cell`.
        effects: the effects table; empty without true labels.
        flips: the flips table.
        left_out: names of the cells that are not done.
    """
    return [*of_cells(cells, left_out), *of_effects(effects), *of_flips(flips), NOT_SHOWN]
