"""Labels from elsewhere, beside a run's own: other people's predictions, human votes, other runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, parse_emotion
from fer_helpers.errors import ListError, RunError
from fer_helpers.evaluation.predictions import collapsed
from fer_helpers.lists import read_list, refuse
from fer_helpers.paths import shown

_OPTIONAL = [*tables.PROBABILITIES, "probabilities", "label_order"]


def read_predictions(path: Path, clips: pd.DataFrame) -> pd.DataFrame:
    """Predictions of any model, paper or person from a CSV file, as rows of the predictions table.

    Columns `clip_id, annotator, label`: one row a clip and annotator; an empty label is a missing one. An annotator's
    labels are of the seven classes or of three. Probabilities, optional, stand in columns `prob_angry` and so on, or
    as a list in `probabilities` with the labels it runs over, in its order, in `label_order`: orders differ between
    papers, so none is taken for granted.

    Raises:
        ListError: a column is missing, or a value is wrong; the message names the lines and the remedy.
    """
    rows = _rows(path, ["clip_id", "annotator", "label"], _OPTIONAL, clips)
    refuse(path, rows["clip_id"], rows["annotator"] == "", "annotator is empty", "name who or what gave the label")
    twice = rows.duplicated(["clip_id", "annotator"], keep=False)
    refuse(path, rows["clip_id"], twice, "two labels by one annotator", "give one label per clip and annotator")
    parts = [_annotator(path, str(name), part) for name, part in rows.groupby("annotator", sort=False)]
    predicted = tables.check("predictions", pd.concat(parts))
    return tables.check("predictions", pd.concat([predicted, collapsed(predicted)]))


def _annotator(path: Path, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """All rows of one annotator, in the taxonomy their labels show."""
    words = rows["label"].str.lower()
    taxonomy = "ternary" if words.isin(["", *TERNARY]).all() and not words.isin(["", "neutral"]).all() else "seven"
    labels = words.map(lambda word: word if word in TAXONOMIES[taxonomy] else parse_emotion(word))
    wrong = labels.isna() & (words != "")
    either = f"use {', '.join(SEVEN)}; or only {', '.join(TERNARY)}"
    refuse(path, rows["label"], wrong, f"unknown label by annotator {name!r}", either)
    shares = _probabilities(path, rows, taxonomy)
    own = [shares.at[row, f"prob_{label}"] if isinstance(label, str) else None for row, label in labels.items()]
    return shares.assign(
        clip_id=rows["clip_id"],
        strategy=tables.IMPORTED,
        model=name,
        taxonomy=taxonomy,
        asked=taxonomy,
        label=labels,
        confidence=pd.Series(own, index=rows.index, dtype=float),
        n_votes=labels.notna().astype(int),
        tie=False,
        status=labels.notna().map({True: "ok", False: "no_label"}),
    )


def _probabilities(path: Path, rows: pd.DataFrame, taxonomy: str) -> pd.DataFrame:
    """Columns prob_<label>, shape (rows, labels), each row NaN or adding up to 1."""
    names = [f"prob_{label}" for label in TAXONOMIES[taxonomy]]
    if "probabilities" in rows:
        rows = rows.join(pd.DataFrame([_listed(path, row) for _, row in rows.iterrows()], index=rows.index))
    text = rows.reindex(columns=names, fill_value="").fillna("")
    shares = text.apply(pd.to_numeric, errors="coerce")
    given = (text != "").any(axis=1)
    total = shares.sum(axis=1, skipna=False)
    wrong = given & ~(shares.ge(0).all(axis=1) & total.between(0.98, 1.02))
    some = f"give {', '.join(names)}, each from 0 to 1, with sum 1"
    refuse(path, rows["clip_id"], wrong, "invalid probabilities", some)
    return shares.div(total, axis=0)


def _listed(path: Path, row: pd.Series) -> dict[str, object]:
    """`probabilities` of one row by the labels of its `label_order`; both are JSON lists or separated by spaces."""
    if not row["probabilities"]:
        return {}
    values, order = (_items(row.get(column, "")) for column in ("probabilities", "label_order"))
    labels = [word if word in TERNARY else parse_emotion(word) for word in map(str.lower, order)]
    if not labels or len(values) != len(labels) or None in labels or len(set(labels)) < len(labels):
        raise ListError(
            f"{shown(path)}: clip {row['clip_id']!r} has {len(values)} probabilities and label_order "
            f"{row.get('label_order', '')!r}: name the labels they belong to, in their order"
        )
    return {f"prob_{label}": value for label, value in zip(labels, values, strict=True)}


def _items(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = text.replace(",", " ").split()
    return [str(item) for item in found] if isinstance(found, list) else [str(found)]


def read_votes(path: Path, clips: pd.DataFrame) -> pd.DataFrame:
    """What people said they perceived: a CSV file with `clip_id, rater, label` (seven classes), one row a vote.

    Raises:
        ListError: as `read_predictions`; a rater who did not answer has no row.
    """
    rows = _rows(path, ["clip_id", "rater", "label"], [], clips)
    label = rows["label"].map(parse_emotion)
    refuse(path, rows["label"], label.isna(), "unknown label", f"use one of {', '.join(SEVEN)}, or delete the rows")
    twice = rows.duplicated(["clip_id", "rater"], keep=False)
    refuse(path, rows["clip_id"], twice, "two labels by one rater", "give one label per clip and rater")
    return rows.assign(label=label)[["clip_id", "rater", "label"]]


def _rows(path: Path, needed: Sequence[str], optional: Sequence[str], clips: pd.DataFrame) -> pd.DataFrame:
    """The CSV file at `path` as text, checked for clips the run does not have."""
    rows = read_list(path, needed, optional)
    unknown = ~rows["clip_id"].isin(clips["clip_id"])
    refuse(path, rows["clip_id"], unknown, "clip_id is not in the run", "use the clip_id of its clips.parquet")
    return rows


def beside(known: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """`known` and `new` imported predictions, `new` in place of what the same annotators said before."""
    return tables.check("predictions", pd.concat([known[~known["model"].isin(new["model"])], new]))


def merged_runs(runs: Sequence[tuple[str, pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions and clips of several runs of one corpus as if of one: models are called "run: model".

    Args:
        runs: name, predictions and clips of each; only clips that all have are kept.

    Raises:
        RunError: two runs have a name in common, no clip in common, or different labels for one clip.
    """
    names = [name for name, _, _ in runs]
    if len(set(names)) < len(names):
        raise RunError(f"two runs are called {max(names, key=names.count)!r}: rename the folder of one")
    first_name, _, clips = runs[0]
    for name, _, others in runs[1:]:
        both = clips.merge(others[["clip_id", "label"]], on="clip_id", suffixes=("", "_there"))
        if both.empty:
            raise RunError(f"{first_name} and {name} have no clip in common: compare runs of one corpus")
        different = both["label"].fillna("") != both["label_there"].fillna("")
        if different.any():
            clip = both[different].iloc[0]
            raise RunError(
                f"clip {clip['clip_id']!r} is labelled {clip['label']} in {first_name} and {clip['label_there']} in "
                f"{name}: compare runs of one corpus"
            )
        clips = both.drop(columns="label_there")
    parts = [part.assign(model=name + ": " + part["model"]) for name, part, _ in runs]
    predicted = pd.concat(parts)
    predicted = predicted[predicted["clip_id"].isin(clips["clip_id"])]
    return tables.check("predictions", predicted), tables.check("clips", clips)
