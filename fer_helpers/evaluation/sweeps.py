"""The cells of a sweep side by side: the labels that are compared, each cell's scores and price; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.errors import RunError
from fer_helpers.evaluation import findings
from fer_helpers.evaluation._contrasts import varying
from fer_helpers.evaluation.other_annotators import merged_runs
from fer_helpers.evaluation.predictions import recollapsed, spent
from fer_helpers.evaluation.scores import GROUP, resampled_unit, score, true_label
from fer_helpers.prompting import find, planning
from fer_helpers.statuses import OUTSIDE

READ = ("clips", "frames", "requests", "answers", "predictions", "scores")  # tables of each cell
METRICS = ("UAR", "WAR")  # of cells and of effects
_UNSCORED = {"value": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n_clips": 0}
UNITS = ("US$ per clip", "tokens per clip", "requests per clip")  # of a price, the best known first


@dataclass(frozen=True)
class Sweep:
    """The labels of a sweep's cells on the clips that all of them have, by one annotator a cell and in one label set.

    Attributes:
        cells: the parameters in which they differ, as text; a row a cell, in the order of the sweep.
        taxonomy: the label set.
        surprise: its valence in three classes.
        annotators: columns strategy, model, asked; a row a cell.
        labels: predicted labels, a row a clip, a column a cell; empty where there is none.
        truth: true labels by clip; empty where there is none.
        groups: what clips are drawn with, as integers from 0, shape (n_clips,): subject or clip, as `unit` says.
        unit: "subjects" where every clip names one, else "clips".
    """

    cells: pd.DataFrame
    taxonomy: str
    surprise: str
    annotators: pd.DataFrame
    labels: pd.DataFrame
    truth: pd.Series
    groups: np.ndarray
    unit: str


def sweep_of(
    cells: pd.DataFrame,
    made: Mapping[str, Mapping[str, pd.DataFrame]],
    wanted: str = findings.BEST,
    surprise: str = "positive",
) -> Sweep:
    """The sweep whose cells made the tables clips, predictions and scores.

    Labels are compared in seven classes where every cell asked for them, else in three: asked directly where a cell
    asked so, else collapsed. They are those of one strategy where all cells have one in common, chosen by its mean over
    the cells, else those of each cell's own.

    Args:
        cells: a row a cell, its name as index, a column a parameter, as text.
        made: by cell, its tables.
        wanted: `strategy_shown`, see `findings.chosen`.
        surprise: its valence in three classes.

    Raises:
        RunError: the cells are not of one corpus, two have the same parameters, or one has no label of a whole clip.
    """
    names = list(cells.index)
    _, clips = merged_runs([(name, made[name]["predictions"], made[name]["clips"]) for name in names])
    seven = all(((one["predictions"][findings.QUESTION] == "seven").all(axis=1)).any() for one in made.values())
    taxonomy = "seven" if seven else "ternary"
    rows = {name: _whole_clips(name, made[name]["predictions"], taxonomy, surprise) for name in names}
    chosen = _chosen(rows, {name: made[name]["scores"] for name in names}, wanted)
    labels = {
        name: rows[name][rows[name]["strategy"] == chosen.loc[name, "strategy"]].set_index("clip_id")["label"]
        for name in names
    }
    unit, meant = resampled_unit(clips), [true_label(label, taxonomy, surprise) for label in clips["label"]]
    return Sweep(
        cells=varying(cells),
        taxonomy=taxonomy,
        surprise=surprise,
        annotators=chosen,
        labels=pd.DataFrame({name: column.reindex(clips["clip_id"]) for name, column in labels.items()}),
        truth=pd.Series(meant, pd.Index(clips["clip_id"]), dtype="str"),
        groups=pd.factorize(clips[GROUP[unit]], sort=True)[0],
        unit=unit,
    )


def _whole_clips(name: str, predicted: pd.DataFrame, taxonomy: str, surprise: str) -> pd.DataFrame:
    """A cell's own predictions of whole clips in `taxonomy`; a label outside of it is "outside"."""
    rows = recollapsed(predicted, surprise)
    own = ~rows["strategy"].isin([tables.IMPORTED]) & (rows["model"] != tables.SEVERAL)
    rows = rows[own & rows["frame_index"].isna() & (rows["taxonomy"] == taxonomy)]
    direct = rows["asked"] == taxonomy
    rows = rows[direct] if direct.any() else rows
    if rows.empty:
        raise RunError(f"cell {name} has no label of a whole clip: give it a strategy that judges whole clips")
    return rows.assign(label=rows["label"].mask(rows["status"] == OUTSIDE, OUTSIDE))


def _chosen(rows: Mapping[str, pd.DataFrame], scores: Mapping[str, pd.DataFrame], wanted: str) -> pd.DataFrame:
    """Whose labels are compared: columns strategy, model, asked; a row a cell."""
    in_all = set.intersection(*(set(one["strategy"]) for one in rows.values()))
    found = {}
    if in_all:
        stacked = pd.concat(rows.values()).query("strategy in @in_all").assign(model="")
        every = pd.concat([_scored(rows[name], scores[name]).assign(model="") for name in rows])
        means = every.groupby([*findings.QUESTION, "metric", "strategy", "model"], as_index=False)["value"].mean()
        shared = findings.chosen(stacked, means, wanted if wanted in in_all else findings.BEST)[0]
        found = dict.fromkeys(rows, shared)
    else:
        found = {name: findings.chosen(one, _scored(one, scores[name]), findings.BEST)[0] for name, one in rows.items()}
    first = {name: rows[name][rows[name]["strategy"] == strategy].iloc[0] for name, strategy in found.items()}
    return pd.DataFrame({name: row[["strategy", "model", "asked"]] for name, row in first.items()}).T


def _scored(rows: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Scores of the question that `rows` are about, by their annotators."""
    same = (scores[findings.QUESTION] == rows[findings.QUESTION].iloc[0]).all(axis=1)
    return scores[same & scores["strategy"].isin(rows["strategy"]) & scores["model"].isin(rows["model"])]


def per_cell(
    sweep: Sweep, made: Mapping[str, Mapping[str, pd.DataFrame]], n_resamples: int = 10_000, seed: int = 1
) -> pd.DataFrame:
    """A row a cell: its parameters, whose labels are compared, its clips with one and without, METRICS and price.

    Scores are over the clips that every cell has a label for, so that they can be compared.

    Args:
        sweep: of `sweep_of`.
        made: by cell, its tables.
        n_resamples: bootstrap resamples of the scores' intervals.
        seed: of the random generator.

    Returns:
        columns of `cells`, strategy, clips, missing, UAR, ci_low, ci_high (of UAR), WAR, scored (clips), and UNITS for
        a clip with a label; scores are empty without true labels.
    """
    first = next(iter(made.values()))["clips"]
    in_all = first[first["clip_id"].isin(sweep.labels.index[sweep.labels.notna().all(axis=1)])]
    mine = {str(name): _of(made[str(name)]["predictions"], who, sweep) for name, who in sweep.annotators.iterrows()}
    stacked = pd.concat([rows.assign(model=name) for name, rows in mine.items()])
    scored = score(stacked, in_all, sweep.surprise, n_resamples, seed).set_index(["metric", "model"])
    rows = {}
    for name, predicted in mine.items():
        strategy, labels = predicted["strategy"].iloc[0], sweep.labels[name]
        uar, war = (scored.loc[(metric, name)] if (metric, name) in scored.index else _UNSCORED for metric in METRICS)
        rows[name] = {"strategy": strategy, "clips": labels.notna().sum(), "missing": labels.isna().sum()}
        rows[name] |= {"UAR": uar["value"], "ci_low": uar["ci_low"], "ci_high": uar["ci_high"], "WAR": war["value"]}
        rows[name] |= {"scored": uar["n_clips"]}
        rows[name] |= _price(predicted, made[name]["requests"], made[name]["frames"])
    return sweep.cells.join(pd.DataFrame(rows).T.infer_objects())


def _of(predicted: pd.DataFrame, who: pd.Series, sweep: Sweep) -> pd.DataFrame:
    """Predictions of one annotator and question, of the clips that all cells have."""
    same = (predicted[list(who.index)] == who).all(axis=1) & (predicted["taxonomy"] == sweep.taxonomy)
    return predicted[same & predicted["clip_id"].isin(sweep.labels.index)]


def _price(predicted: pd.DataFrame, requests: pd.DataFrame, frames: pd.DataFrame) -> dict[str, float]:
    """UNITS of one strategy, for each clip that got a label; how many requests a cascade makes is not known."""
    strategy, asked = predicted.iloc[0][["strategy", "asked"]]
    cost, per_request = spent(predicted, requests, frames).loc[strategy], np.nan
    if not find(strategy).then:
        needed = planning.needed_by(strategy, requests[requests["taxonomy"] == asked], frames)
        per_request = needed["clip_id"].isin(predicted["clip_id"]).sum() / len(predicted)
    each = {UNITS[0]: cost[UNITS[0]], UNITS[1]: cost[UNITS[1]], UNITS[2]: per_request}
    labelled = predicted["label"].notna().mean()
    return {unit: value / labelled if labelled else np.nan for unit, value in each.items()}


def price_unit(cells: pd.DataFrame) -> str:
    """The first of UNITS that is known of every cell, and not 0 of all.

    >>> price_unit(pd.DataFrame({"US$ per clip": [0.0, 0.0], "tokens per clip": [90.0, 270.0]}))
    'tokens per clip'
    """
    known = [unit for unit in UNITS[:-1] if cells[unit].notna().all() and cells[unit].max() > 0]
    return [*known, UNITS[-1]][0]


def votes(sweep: Sweep) -> pd.DataFrame:
    """The labels as votes, for `agreement`; a rater is a cell."""
    return sweep.labels.rename_axis(index="clip_id", columns="rater").stack().dropna().rename("label").reset_index()
