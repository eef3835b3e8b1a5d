"""Labels from elsewhere, beside a run's own: other people's predictions, human votes, other runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES, parse_emotion
from fer_helpers.errors import RunError
from fer_helpers.evaluation._joining import of_run
from fer_helpers.evaluation._shares import own_share, probabilities, with_probabilities
from fer_helpers.evaluation._votes import LETTERS, VOTES, read_votes
from fer_helpers.evaluation.predictions import collapsed
from fer_helpers.lists import mapping, once, read_labels, read_list, refuse, remark
from fer_helpers.statuses import OK, OUTSIDE

__all__ = ["LETTERS", "VOTES", "beside", "merged_runs", "read_predictions", "read_votes"]


def read_predictions(path: Path, clips: pd.DataFrame, other_labels: str | Mapping[str, str] = "drop") -> pd.DataFrame:
    """Predictions of any model, paper or person from a list, as rows of the predictions table.

    Columns `clip_id, annotator, label`: one row a clip and annotator. An empty label is a missing one, and so is a clip
    of the run without a row; rows on other clips are counted in a remark. An annotator's labels are of the seven
    classes or of three; a word for something else is what `other_labels` (the parameter) maps it to, or has the status
    outside: a wrong answer, not a missing one. Probabilities, optional, stand in columns `prob_angry` and so on, or as
    a list in `probabilities` with the labels it runs over, in its order, in `label_order`: orders differ between
    papers, so none is taken for granted. They add up to 1; classes that the annotator never gives any are 0.

    Returns:
        the predictions table: a row for each clip of the run and annotator, and the same collapsed to three classes.

    Raises:
        ListError: a column is missing, a value is wrong, or next to none of the run's clips is named; the message
            names the lines and the remedy.
    """
    rows = read_list(path, ["clip_id", "annotator", "label"], ["probabilities", "label_order"])
    refuse(path, rows["clip_id"], rows["annotator"] == "", "annotator is empty", "name who or what gave the label")
    rows = with_probabilities(path, rows, mapping(other_labels))
    judged = pd.concat([_judged(path, str(name), part, other_labels) for name, part in rows.groupby("annotator")])
    found = of_run(path, judged.loc[rows.index], clips)
    for name in set(judged["model"]) - set(found["model"]):
        remark(path, f"annotator {name!r} has no row on a clip of this run and is left out")
    found = once(
        path, found, ["clip_id", "model"], "two labels by one annotator", "give one label per clip and annotator"
    )
    whole = [_every_clip(part, clips["clip_id"]) for _, part in found.groupby("model", sort=False)]
    predicted = tables.check("predictions", pd.concat(whole))
    return tables.check("predictions", pd.concat([predicted, collapsed(predicted)]))


def _judged(path: Path, name: str, rows: pd.DataFrame, other_labels: str | Mapping[str, str]) -> pd.DataFrame:
    """All rows of one annotator, in the taxonomy their labels show."""
    words = rows["label"].str.casefold()
    of_seven = words.map(parse_emotion).notna() & (words != "neutral")
    taxonomy = "ternary" if words.isin(["negative", "positive"]).any() and not of_seven.any() else "seven"
    labels = words.where(words.isin(TAXONOMIES[taxonomy]))
    asked = rows["label"][labels.isna()]
    labels = labels.fillna(read_labels(path, asked, other_labels, f" by annotator {name!r}"))
    inside = labels.isin(TAXONOMIES[taxonomy])
    shares = probabilities(path, name, rows, taxonomy, labels, mapping(other_labels))
    return shares.assign(
        clip_id=rows["clip_id"],
        strategy=tables.IMPORTED,
        model=name,
        taxonomy=taxonomy,
        asked=taxonomy,
        label=labels.where(inside, None),
        confidence=own_share(shares, labels.where(inside)),
        n_votes=inside.astype(int),
        tie=False,
        status=labels.eq("").map({True: "no_label", False: OUTSIDE}).mask(inside, OK),
    )


def _every_clip(rows: pd.DataFrame, clip_ids: pd.Series) -> pd.DataFrame:
    """One annotator's rows, and one without a label for each clip it says nothing of, in the order of the clips."""
    same = ["strategy", "model", "taxonomy", "asked"]
    whole = rows.set_index("clip_id").reindex(clip_ids).rename_axis("clip_id").reset_index()
    whole[same] = rows[same].iloc[0].to_list()
    silent = ~clip_ids.isin(rows["clip_id"]).to_numpy()
    return whole.assign(
        n_votes=whole["n_votes"].mask(silent, 0).astype(int),
        tie=False,
        status=whole["status"].mask(silent, "no_label"),
    )


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
