"""What people say of clips: given in the labelling view and kept in the run's folder, or in a file of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from unicodedata import category, normalize

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fer_helpers import corpora, tables
from fer_helpers.emotions import LABELS, SEVEN
from fer_helpers.errors import ListError, RunError
from fer_helpers.estimation import CANNOT_TELL, SKIP
from fer_helpers.evaluation import other_annotators, true_label
from fer_helpers.files import append_line
from fer_helpers.params import Params, problems_in
from fer_helpers.paths import resolve, shown
from fer_helpers.runs import _filled_in
from fer_helpers.runs.run import Run

FILE = "people.jsonl"
PANEL = "panel"
COLUMNS = ["clip_id", "rater", "label", "queue"]


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
    queue: Literal[tables.QUEUES]  # type: ignore[valid-type]
    labelled_at: str = ""


def keep(row: Mapping[str, Any], folder: Path) -> None:
    """Append `row` to `folder`/people.jsonl, on the disk on return; several processes may do so at once.

    Args:
        row: clip_id, rater (a name; white space around and within it becomes single spaces), label (of a label set,
            CANNOT_TELL or SKIP), queue (of `tables.QUEUES`), labelled_at (ISO 8601).
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
    return _rows(folder / FILE)


def _rows(path: Path) -> pd.DataFrame:
    lines = path.read_bytes().splitlines() if path.is_file() else []
    rows = [vars(row) for row in map(_parsed, lines) if row]
    table = pd.DataFrame(rows, columns=list(_Given.model_fields), dtype=str)
    return table.drop_duplicates(["clip_id", "rater", "queue"], keep="last", ignore_index=True)


def _parsed(line: bytes) -> _Given | None:
    try:
        return _Given.model_validate_json(line)
    except ValidationError:  # blank, or cut off by a crash: it never was a whole line
        return None


def human_votes(params: Params, clips: pd.DataFrame) -> pd.DataFrame:
    """What people saw in `clips`, as `corpora.votes`; `params.votes` may also be a people.jsonl, of any run.

    Of several labels that a rater gave a clip the last counts; who skipped it or could not tell has no vote.

    Raises:
        ListError: as `corpora.votes`; or the file has no label of these clips, or labels of three classes.
        CorpusError: as `corpora.votes`.
    """
    path = resolve(params.votes)
    if path.suffix != ".jsonl":
        return corpora.votes(params, clips)
    rows = _rows(path).drop_duplicates(["clip_id", "rater"], keep="last")
    given = rows[rows["clip_id"].isin(clips["clip_id"]) & ~rows["label"].isin([CANNOT_TELL, SKIP])]
    if given.empty:
        raise ListError(
            f"{shown(path)} has no label of a clip of this run: give the people.jsonl of a run of its clips"
        )
    if not given["label"].isin(SEVEN).all():
        raise ListError(f"{shown(path)} has labels of three classes: votes are of the seven (taxonomies: [seven])")
    return given.assign(count=1)[other_annotators.VOTES].reset_index(drop=True)


def all_labels(run: Run) -> pd.DataFrame:
    """What people said of the run's clips, whatever the queue, as `estimation.read_labels` takes it.

    First the rows of the file that the parameter human_labels names, then those given in the labelling view: where a
    rater has both, the latter are the later ones. The simulated panel labels the drawn clips of the demo, until
    somebody labels.

    Returns:
        text columns clip_id, rater, label, queue (empty where a file names none). Nothing is left out: `read_labels`
        says by its rules which rows count.

    Raises:
        ListError: the file is not such a list; names the line, what was found and the remedy.
    """
    if simulated(run):
        return _of_panel(run)
    return pd.concat([filled_in(run.params, run.read("clips")), read(run.folder)[COLUMNS]], ignore_index=True)


def simulated(run: Run) -> bool:
    """Whether a simulated panel stands in for people: the corpus has one, human_labels names it, nobody labelled."""
    has_one = corpora.CORPORA[run.params.corpus].simulated_votes
    return has_one and run.params.human_labels == PANEL and read(run.folder).empty


def file_of(params: Params) -> Path | None:
    """The file that human_labels names; None where it names none."""
    return None if params.human_labels in ("", PANEL) else resolve(params.human_labels)


def filled_in(params: Params, clips: pd.DataFrame) -> pd.DataFrame:
    """The rows of the file that human_labels names, as `all_labels` has them; none without one.

    Raises:
        ListError: as `all_labels`.
    """
    path = file_of(params)
    return _filled_in.read(path, clips["clip_id"]) if path else pd.DataFrame(columns=COLUMNS)


def _of_panel(run: Run) -> pd.DataFrame:
    drawn = tables.read("draws", run.folder) if (run.folder / "draws.parquet").is_file() else tables.empty("draws")
    return panel(run).merge(drawn.loc[drawn["order"].notna(), ["clip_id", "queue"]], on="clip_id")[COLUMNS]


def panel(run: Run) -> pd.DataFrame:
    """What the demo's simulated panel says of every clip, in the first label set asked for: clip_id, rater, label.

    No rows in another corpus: nobody was asked.
    """
    votes = corpora.votes(run.params.model_copy(update={"votes": ""}), run.read("clips"))
    taxonomy, surprise = run.params.taxonomies[0], run.params.surprise_is
    said = {word: true_label(word, taxonomy, surprise) for word in votes["label"].unique()}
    return votes.assign(label=votes["label"].map(said))[["clip_id", "rater", "label"]].dropna()
