"""Reviewers' marks on clips: kept as they are made, read back, used as corrected labels and as votes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.files import append_line
from fer_helpers.params import problems_in
from fer_helpers.paths import shown

LOOKS_WRONG = "label looks wrong"
MODEL_WRONG = "model wrong"
VERDICTS = (LOOKS_WRONG, "ambiguous", MODEL_WRONG)
FILE = "marks.jsonl"


class Mark(BaseModel):
    """What a reviewer said of a clip, and of which prediction while looking at it.

    `verdict` None takes the reviewer's earlier mark back. `blind`: the prediction was hidden until this mark.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    clip_id: str = Field(max_length=100_000)
    verdict: Literal[VERDICTS] | None  # type: ignore[valid-type]
    suggested: Literal[SEVEN] | None = None  # type: ignore[valid-type]
    note: str = Field("", max_length=2000)
    label: str | None = None
    predicted: str | None = None
    strategy: str = ""
    model: str = ""
    taxonomy: str = ""
    asked: str = ""
    path: str = ""
    marked_at: str = ""
    reviewer: str = Field("", max_length=100)
    blind: bool = False


def check(values: dict[str, Any]) -> Mark:
    """`values` as a mark.

    Raises:
        RunError: one line that names what is wrong.
    """
    try:
        return Mark(**values)
    except ValidationError as error:
        raise RunError(f"not a valid mark: {problems_in(error, Mark.model_fields)}") from error


def keep(mark: Mark, folder: Path) -> None:
    """Append `mark` to `folder`/marks.jsonl, on the disk on return; several explorers may mark at once.

    Raises:
        RunError: it cannot be written.
    """
    try:
        append_line(folder / FILE, mark.model_dump_json())
    except OSError as error:
        raise RunError(f"{shown(folder / FILE)}: the mark could not be kept: {error}") from error


def read(folder: Path) -> list[Mark]:
    """The marks in `folder`: each reviewer's last of each clip, in the order of first marking; none without a file."""
    path = folder / FILE
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return latest(mark for mark in map(_parsed, lines) if mark)


def latest(marks: Iterable[Mark]) -> list[Mark]:
    """Each reviewer's last mark of each clip, without those taken back."""
    last = {(mark.clip_id, mark.reviewer): mark for mark in marks}
    return [mark for mark in last.values() if mark.verdict]


def _parsed(line: bytes) -> Mark | None:
    try:
        return Mark(**json.loads(line))
    except (ValueError, TypeError):  # blank, or cut off by a crash: it never was a whole mark
        return None


def table(marks: Iterable[Mark]) -> pd.DataFrame:
    """`marks` as a table, one row a clip and reviewer."""
    return pd.DataFrame([mark.model_dump() for mark in marks], columns=list(Mark.model_fields))


def votes(marks: pd.DataFrame) -> pd.DataFrame:
    """`marks` as votes for `evaluation.agreement`: clip_id, rater, label; the reviewers are the raters.

    A reviewer votes for the label that the mark suggests, or, where it says that the model is wrong and suggests
    none, for the clip's own label. Other marks without a suggestion are no vote.

    Args:
        marks: as ConfusionExplorer.marks or `table(read(folder))`.
    """
    affirmed = marks["label"].where(marks["verdict"] == MODEL_WRONG)
    given = marks.assign(rater=marks["reviewer"], label=marks["suggested"].where(marks["suggested"].notna(), affirmed))
    return given.loc[given["label"].notna(), ["clip_id", "rater", "label"]].reset_index(drop=True)


def corrected(clips: pd.DataFrame, marks: pd.DataFrame) -> pd.DataFrame:
    """`clips` with a further column `label_corrected`; `label` stays what the corpus says.

    A label is corrected where a mark says that it looks wrong and the label it suggests has more reviewers' `votes`
    than any other. A doubt without a suggestion, an ambiguous clip and a wrong model leave the label as it is.

    Args:
        clips: the clips table.
        marks: as ConfusionExplorer.marks or `table(read(folder))`.
    """
    wrong = marks[marks["verdict"] == LOOKS_WRONG]
    doubted = set(zip(wrong["clip_id"], wrong["suggested"], strict=True))
    leading = votes(marks).groupby("clip_id")["label"].agg(lambda labels: labels.mode().tolist())
    suggested = {clip: most[0] for clip, most in leading.items() if len(most) == 1 and (clip, most[0]) in doubted}
    better = clips["clip_id"].map(suggested)
    return clips.assign(label_corrected=clips["label"].mask(better.notna(), better))
