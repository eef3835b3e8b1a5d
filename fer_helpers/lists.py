"""Lists that a user made: CSV files with a header, read as text with their line numbers, or refused by line."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from fer_helpers.errors import ListError
from fer_helpers.paths import shown

_SHOWN = 3  # offenders named in a message
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}

Line = tuple[int, list[str]]  # line number in the file, its cells


def read_list(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of a CSV file in UTF-8 as text: nothing is guessed, cells lose outer spaces only.

    The first line names the columns, without regard to case. Cells are separated by commas, or by semicolons or tabs if
    only then the `needed` columns are there. Lines without any text are passed over.

    Args:
        path: the file.
        needed: columns that must be there, in lower case.
        optional: columns that are read where they are there; others are kept too, but a name that is nearly one
            of these is taken for a slip.

    Returns:
        a column for each name in lower case; the index holds the line numbers. At least one row.

    Raises:
        ListError: in one line, naming the line at fault, what was found and the remedy.
    """
    text = _text(path)
    found = (_lines(path, text, delimiter) for delimiter in _DELIMITERS if delimiter in text.partition("\n")[0])
    candidates = [(_columns(lines), lines) for lines in found] or [(_columns(one := _lines(path, text, ",")), one)]
    columns, lines = next((one for one in candidates if set(needed) <= set(one[0])), candidates[0])
    _check_columns(path, columns, needed, optional)
    rows = {number: _cells(path, number, cells, columns) for number, cells in lines[1:]}
    if not rows:
        raise ListError(f"{shown(path)}: no row below its first line; add one for each clip")
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns, dtype="str")
    return table[[name for name in dict.fromkeys(columns) if name]]


def refuse(path: Path, cells: pd.Series, wrong: pd.Series, problem: str, remedy: str) -> None:
    """Raise a ListError about the lines where `wrong`, a mask, holds; `cells` is a column of `read_list`."""
    if wrong.any():
        some = [f"line {line} {_quoted(cell)}" for line, cell in cells[wrong][:_SHOWN].items()]
        some += ["..."] if wrong.sum() > _SHOWN else []
        raise ListError(f"{shown(path)}: {problem} in {wrong.sum()} row(s) ({', '.join(some)}); {remedy}")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise ListError(f"{shown(path)} does not exist; correct its path") from None
    except OSError as error:
        raise ListError(f"{shown(path)} cannot be read: {error.strerror}; give a CSV file") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ListError(f"{shown(path)}: line {line} is not UTF-8; save it as CSV UTF-8") from None


def _lines(path: Path, text: str, delimiter: str) -> list[Line]:
    """Number and cells of each line that has any text. A cell that goes on over a line's end is a forgotten quote."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    lines: list[Line] = []
    before = 0
    try:
        for cells in reader:
            if reader.line_num > before + 1:
                raise csv.Error("a quoted cell goes on over the end of the line")
            before += 1
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                lines.append((before, stripped))
    except csv.Error as error:
        what = "a quote is opened and never closed" if "end of data" in str(error) else str(error)
        raise ListError(f"{shown(path)}: line {before + 1}: {what}; correct its quotes") from None
    return lines


def _columns(lines: Sequence[Line]) -> list[str]:
    return [name.casefold() for name in lines[0][1]] if lines else []


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> None:
    found = ", ".join(_quoted(name) for name in columns[:8]) or "nothing"
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            remedy = f"is {near[0]!r} meant?" if near else "name the columns in the first line, separated by commas"
            raise ListError(f"{shown(path)}: line 1 has no column {name} (found {found}); {remedy}")
    for name in (*needed, *optional):
        near = difflib.get_close_matches(name, set(columns) - {*needed, *optional}, n=1, cutoff=0.8)
        if name not in columns and near:
            raise ListError(f"{shown(path)}: line 1 has a column {near[0]!r}; is {name} meant? Correct or delete it")
        if columns.count(name) > 1:
            raise ListError(f"{shown(path)}: line 1 names {name} {columns.count(name)} times; keep one")


def _cells(path: Path, number: int, cells: list[str], columns: Sequence[str]) -> list[str]:
    """As many cells as columns; a spreadsheet's empty cells behind the last column are dropped."""
    extra = cells[len(columns) :]
    if len(cells) < len(columns) or any(extra):
        raise ListError(
            f"{shown(path)}: line {number} has {len(cells)} cells and the first line {len(columns)} columns; "
            "give each column a cell, and put quotes around a cell that holds the separator"
        )
    return cells[: len(columns)]


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
