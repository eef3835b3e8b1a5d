"""What people said they perceived: one row a rater and clip, or how many raters said what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fer_helpers.emotions import names_another, near_words, parse_emotion
from fer_helpers.errors import ListError
from fer_helpers.evaluation._joining import of_run
from fer_helpers.lists import header, mapping, once, read_labels, read_list, refuse, remark
from fer_helpers.paths import shown

VOTES = ["clip_id", "rater", "label", "count"]
# CREMA-D's answers by letter, and the columns of its tabulated votes.
LETTERS = {"a": "angry", "d": "disgust", "f": "fear", "h": "happy", "n": "neutral", "s": "sad"}
_FACE_ONLY = "2"  # how a row's number begins in that table; 1 is the voice alone, 3 both
_NAMES = ("clip_id", "image_name", "filename", "clipname")  # what the clip's column is called in tables of counts


def read_votes(path: Path, clips: pd.DataFrame, other_labels: str | Mapping[str, str] = "drop") -> pd.DataFrame:
    """Human votes from a list, as far as they are on the clips of a run.

    Either one row a vote, `clip_id, rater, label`, or how many raters said what: `clip_id, label, count`, or a column
    of counts for each label, as in FER+'s table (Image name, neutral, happiness, ..., contempt, unknown, NF) and
    CREMA-D's tabulated votes (fileName, A, D, F, H, N, S; those on the face alone are taken). A label outside the seven
    is kept as its word unless `other_labels` (the parameter) maps it: a vote is never dropped, for that would make
    raters agree.

    Returns:
        columns clip_id; rater, empty where only counts are known; label, one of the seven or another word; count, how
        many raters the row stands for: 1 where there is a rater.

    Raises:
        ListError: a column is missing, a value is wrong, or next to none of the run's clips is named; the message
            names the lines and the remedy. A rater who did not answer has no row.
    """
    names = header(path)
    words = {} if "label" in names else _counted(path, names, other_labels)
    if words:
        rows = _wide(path, next(name for name in _NAMES if name in names), words, clips)
    else:
        rows = _long(path, names, clips, other_labels)
    return rows[VOTES].astype({"count": int}).reset_index(drop=True)


def _long(path: Path, names: Sequence[str], clips: pd.DataFrame, other_labels: str | Mapping[str, str]) -> pd.DataFrame:
    needed = (
        ["clip_id", "label", "count"] if "count" in names and "rater" not in names else ["clip_id", "rater", "label"]
    )
    rows = read_list(path, needed, ["count"])
    rows = rows.assign(**{name: rows.get(name, "") for name in ("rater", "count")})[VOTES]
    refuse(path, rows["label"], rows["label"] == "", "label is empty", "delete the rows of raters who did not answer")
    rows["label"] = read_labels(path, rows["label"], other_labels)
    nobody = (rows["rater"] == "") & (rows["count"] == "")
    refuse(path, rows["clip_id"], nobody, "rater is empty", "name the rater, or say in a column count how many")
    rows["count"] = _whole(path, rows["count"].mask(rows["count"] == "", "1"))
    several = (rows["rater"] != "") & (rows["count"] != 1)
    refuse(path, rows["rater"], several, "one rater with a count other than 1", "leave rater empty for counts")
    rows = of_run(path, rows, clips)
    keys = ["clip_id", "rater"]
    people = once(path, rows[rows["rater"] != ""], keys, "two labels by one rater", "give one label per clip and rater")
    counted = rows[rows["rater"] == ""]
    counted = once(path, counted, ["clip_id", "label"], "two counts of one label", "give one per clip and label")
    found = pd.concat([people, counted]).sort_index()
    return found.assign(rater=found["rater"].replace({"": None}))[found["count"] > 0]


def _counted(path: Path, names: Sequence[str], other_labels: str | Mapping[str, str]) -> dict[str, str]:
    """Column of counts -> label, if the list is a table of counts.

    Raises:
        ListError: beside such columns one looks like a slip of another.
    """
    if not any(name in names for name in _NAMES):
        return {}
    if set(LETTERS) <= set(names):
        return LETTERS
    mapped = mapping(other_labels)
    found = {
        n: parse_emotion(n) or mapped.get(n, n) for n in names if parse_emotion(n) or n in mapped or names_another(n)
    }
    if len(found) < 2:
        return {}
    for name in names:
        near = near_words(name, 0.85)
        if name not in found and near:
            raise ListError(f"{shown(path)}: line 1 has a column {name!r}; is {near[0]} meant? Correct or delete it")
    return found


def _wide(path: Path, clip_column: str, words: Mapping[str, str], clips: pd.DataFrame) -> pd.DataFrame:
    rows = read_list(path, [clip_column, *words], [""]).rename(columns={clip_column: "clip_id"})
    if words is LETTERS:
        rows = _on_faces(path, rows)
    nameless = rows["clip_id"] == ""
    if nameless.any():
        remark(path, f"{nameless.sum()} row(s) without a clip's name are left out")
    rows = rows.loc[~nameless, ["clip_id", *words]]
    counts = rows[list(words)].apply(lambda cells: _whole(path, cells.mask(cells == "", "0")))
    rows = of_run(path, pd.concat([rows[["clip_id"]], counts], axis=1), clips)
    rows = once(path, rows, ["clip_id"], "two rows of one clip that differ", "keep one row a clip")
    votes = rows.melt("clip_id", list(words), "label", "count", ignore_index=False)
    votes["label"] = votes["label"].map(words)
    summed = votes[votes["count"] > 0].groupby(["clip_id", "label"], sort=False)["count"].sum().reset_index()
    silent = len(rows) - summed["clip_id"].nunique()
    if silent:
        remark(path, f"{silent} clip(s) have no vote")
    return summed.assign(rater=None)


def _on_faces(path: Path, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of CREMA-D's table whose raters saw the face and heard nothing, by the number in the nameless column."""
    if "" not in rows:
        return rows
    odd = ~rows[""].str.fullmatch(r"[123]\d{5}")
    refuse(path, rows[""], odd, "no number of CREMA-D's (2xxxxx: the face alone)", "use the file as distributed")
    face = rows[""].str.startswith(_FACE_ONLY)
    if not face.all():
        remark(path, f"{(~face).sum()} row(s) of raters who heard the voice are left out")
    return rows[face]


def _whole(path: Path, cells: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = ~(numbers.ge(0) & numbers.lt(1e9) & numbers.mod(1).eq(0))
    refuse(path, cells, wrong, "count is not a whole number", "give how many raters said so")
    return numbers.astype(int)
