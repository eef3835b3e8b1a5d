"""FER+'s table, fer2013new.csv: its pictures' names and votes, row by row beside fer2013.csv."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError
from fer_helpers.paths import shown

FILE = "fer2013new.csv"
WORDS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip


def read(path: Path, n_pictures: int) -> tuple[list[str], list[list[int]]]:
    """Of each row the picture's clip_id, and its votes in the order of WORDS.

    The id is the "Image name" without .png. Its number is not the row's: rows without a picture have no name, and are
    called by their row, as `row_name` does. A name that stands twice names neither of its pictures: both are called by
    their rows, so that a list of names can never put a label on the wrong one.

    Raises:
        CorpusError: the table is not as distributed, or has not a row for each of `n_pictures`.
    """

    def is_row(cells: list[str]) -> bool:
        return len(cells) == 2 + len(WORDS) and all(cell.isdecimal() for cell in cells[2:])

    form = "Usage,Image name," + ",".join(WORDS)
    found = layouts.without_header(layouts.lines(path), is_row, path, form)
    if len(found) != n_pictures:
        raise CorpusError(
            f"{shown(path)} has {len(found)} rows and fer2013.csv {n_pictures}: both must be from the same "
            "distribution, row by row"
        )
    names = [cells[1].removesuffix(".png") for _, cells in found]
    times = Counter(names)
    ids = [name if name and times[name] == 1 else row_name(row) for row, name in enumerate(names)]
    return ids, [[int(n) for n in cells[2:]] for _, cells in found]


def row_name(row: int) -> str:
    """What the picture of a row of fer2013.csv, from 0, is called where FER+ gives it no name of its own."""
    return f"row{row:07d}"
