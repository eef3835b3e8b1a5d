"""People's labels given in the labelling view: kept in the run's folder as they are given, and read back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from unicodedata import category, normalize

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fer_helpers.emotions import LABELS
from fer_helpers.errors import RunError
from fer_helpers.estimation import AUDIT, CORE, WORKLIST
from fer_helpers.files import append_line
from fer_helpers.params import problems_in
from fer_helpers.paths import shown

FILE = "people.jsonl"
QUEUES = (CORE, AUDIT, WORKLIST)
CANNOT_TELL, SKIP = "cannot tell", "skip"  # what people say instead of a label, as estimation.read_labels knows it


def rater_name(text: str) -> str:
    """A name as typed, in the one form in which it is kept; a ValueError if it is none."""
    name = " ".join(normalize("NFC", text).split())
    if not 1 <= len(name) <= 100 or any(category(letter) in ("Cc", "Cs") for letter in name):
        raise ValueError("give a name of 1 to 100 letters")
    return name


class _Given(BaseModel):
    """One line of people.jsonl."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    clip_id: str = Field(min_length=1)
    rater: Annotated[str, AfterValidator(rater_name)]
    label: Literal[(*LABELS, CANNOT_TELL, SKIP)]  # type: ignore[valid-type]
    queue: Literal[QUEUES]  # type: ignore[valid-type]
    labelled_at: str = ""


def keep(row: Mapping[str, Any], folder: Path) -> None:
    """Append `row` to `folder`/people.jsonl, on the disk on return; several processes may do so at once.

    Args:
        row: clip_id, rater (a name; white space around and within it becomes single spaces), label (of a label set,
            CANNOT_TELL or SKIP), queue (of QUEUES), labelled_at (ISO 8601).
        folder: the run's.

    Raises:
        RunError: the row is no such row, or cannot be written.
    """
    try:
        given = _Given(**row)
    except ValidationError as error:
        raise RunError(f"not a valid label: {problems_in(error, _Given.model_fields)}") from error
    try:
        append_line(folder / FILE, given.model_dump_json())
    except OSError as error:
        raise RunError(f"{shown(folder / FILE)}: the label could not be kept: {error}") from error


def read(folder: Path) -> pd.DataFrame:
    """What people said in `folder`, as text: clip_id, rater, label, queue, labelled_at; no rows without a file.

    One row a rater, clip and queue, the last one given, in the order of giving. `estimation.read_labels` takes it.
    """
    path = folder / FILE
    lines = path.read_bytes().splitlines() if path.is_file() else []
    rows = [vars(row) for row in map(_parsed, lines) if row]
    table = pd.DataFrame(rows, columns=list(_Given.model_fields), dtype=str)
    return table.drop_duplicates(["clip_id", "rater", "queue"], keep="last", ignore_index=True)


def _parsed(line: bytes) -> _Given | None:
    try:
        return _Given.model_validate_json(line)
    except ValidationError:  # blank, or cut off by a crash: it never was a whole line
        return None
