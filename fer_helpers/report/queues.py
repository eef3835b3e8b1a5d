"""A queue for people to label elsewhere, blind to the model: a CSV to fill in, or tasks for Label Studio."""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pandas as pd

from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import RunError
from fer_helpers.estimation import CANNOT_TELL
from fer_helpers.files import whole_folder, write_whole
from fer_helpers.lists import as_cell, read_list
from fer_helpers.paths import shown
from fer_helpers.runs import Run

_TASKS, _PAGE = "tasks.json", "config.xml"


def write_csv(run: Run, sample: pd.DataFrame, path: Path) -> None:
    """Write `sample` as a list with columns label and rater to fill in; rows that are in the file already stay.

    Args:
        run: its clips table is read.
        sample: one queue, of `draws.drawn`; its order is the file's.
        path: CSV in UTF-8 with a byte order mark, which spreadsheets need to read it as such.

    Raises:
        ListError: the file there is no such list.
    """
    rows = _blind(run, sample).map(as_cell)
    rows.insert(2, "label", "")
    rows.insert(3, "rater", "")
    if path.is_file():
        before = read_list(path, ["clip_id", "label", "rater", "queue"])
        same = pd.MultiIndex.from_frame(rows[["clip_id", "queue"]]).isin(
            pd.MultiIndex.from_frame(before[["clip_id", "queue"]])
        )
        rows = pd.concat([before, rows[~same]]).fillna("")
    write_whole(path, "\ufeff" + rows.to_csv(index=False))


def write_tasks(run: Run, sample: pd.DataFrame, folder: Path) -> None:
    """Write `sample` as tasks without predictions, and the labelling page's configuration.

    Args:
        run, sample: as `write_csv`.
        folder: takes the place of what was there before, if that was such tasks.

    Raises:
        RunError: `folder` holds something else.
    """
    if folder.exists() and {path.name for path in folder.iterdir()} - {_TASKS, _PAGE}:
        raise RunError(f"{shown(folder)} holds something that is no tasks: choose another folder")
    tasks = [{"data": row} for row in _blind(run, sample).to_dict("records")]
    with whole_folder(folder) as fresh:
        (fresh / _TASKS).write_text(json.dumps(tasks, indent=1), encoding="utf-8")
        words = [*TAXONOMIES[run.params.taxonomies[0]], CANNOT_TELL]
        (fresh / _PAGE).write_text(page('<Text name="clip" value="$path"/>', words), encoding="utf-8")


def page(shows: str, words: list[str]) -> str:
    """Label Studio's configuration: what it `shows`, called clip, and one of `words` to choose."""
    choices = "".join(f"<Choice value={quoteattr(word)}/>" for word in words)
    return f'<View>{shows}<Choices name="label" toName="clip" choice="single">{choices}</Choices></View>\n'


def _blind(run: Run, sample: pd.DataFrame) -> pd.DataFrame:
    """What a rater may know of each clip: neither the model's label nor the stratum, which is that label."""
    return sample[["clip_id", "queue"]].merge(run.read("clips")[["clip_id", "path"]], on="clip_id")[
        ["clip_id", "path", "queue"]
    ]
