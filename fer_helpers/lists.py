"""Lists that people made: tables as text files, read as text with their line numbers, or refused by line."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fer_helpers.emotions import SEVEN, names_another, near_words, parse_emotion
from fer_helpers.errors import ListError
from fer_helpers.paths import shown

_SHOWN = 3  # offenders named in a message
_DELIMITERS = (",", ";", "\t", " ")
_MARKS = {  # byte order marks; the longer one first where one begins with another
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# What else people call a column: a header with such a word is not passed over where the column is not there.
_CALLED = {"label": {"emotion", "expression", "category", "class", "annotation", "truth", "prediction"}}

Line = tuple[int, list[str]]  # line number in the file, its cells


def read_list(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> pd.DataFrame:
    """The rows of a list with a header as text: nothing is guessed, cells lose outer spaces only.

    UTF-8, or UTF-16 and UTF-32 with a byte order mark. The first line with text names the columns; case, spaces,
    hyphens and underscores in the names make no difference. Cells are separated by commas, semicolons, tabs or spaces:
    by the first of them under which the `needed` columns are there. Lines without any text are passed over. A column
    without a name that only counts the rows, as pandas writes it, is left out with a remark.

    Args:
        path: the file.
        needed: columns that must be there, in lower case, words joined by _.
        optional: columns that are read where they are there; others are kept too, but a name that looks like one
            of these is taken for a slip. With "" a first column without a name is kept under that name.

    Returns:
        a column for each name; the index holds the line numbers. At least one row.

    Raises:
        ListError: in one line, naming the line at fault, what was found and the remedy.
    """
    text = _text(path)
    delimiter = _delimiter(text, needed)
    lines = _lines(path, text, delimiter)
    columns = _columns(lines[0][1], [*needed, *optional]) if lines else []
    _check_columns(path, columns, needed, optional)
    rows = {number: _cells(path, number, cells, columns) for number, cells in lines[1:]}
    if not rows:
        raise ListError(f"{shown(path)}: no row below its first line; add one for each clip")
    table = pd.DataFrame(list(rows.values()), index=list(rows), columns=columns, dtype="str")
    return _named(path, table, keep_first="" in optional)


def header(path: Path) -> list[str]:
    """The names in the first line of a list, in lower case with _ between words, cut where that gives most names.

    Raises:
        ListError: the file cannot be read.
    """
    return max((_columns(cells, ()) for cells in _cuts(_first(_text(path))).values()), key=len)


def read_lines(path: Path, delimiter: str = ",", columns: tuple[int, ...] = ()) -> list[Line]:
    """The lines of a list that have any text, whether or not it has a header, cut into cells without outer spaces.

    A space as delimiter means any white space. Of a line long enough only `columns` are kept, for lists whose other
    columns would fill the memory.

    Raises:
        ListError: the file cannot be read, is empty, or has a quote that is not closed in its line.
    """
    text = _text(path)
    if delimiter == " ":
        found = [(n, line.split()) for n, line in enumerate(re.split(r"\r\n|\r|\n", text), 1) if line.strip()]
    else:
        found = _lines(path, text, delimiter, columns)
    if not found:
        raise ListError(f"{shown(path)}: is empty; use the file as distributed")
    return found


def refuse(path: Path, cells: pd.Series, wrong: pd.Series, problem: str, remedy: str) -> None:
    """Raise a ListError about the lines where `wrong`, a mask, holds; `cells` is a column of `read_list`."""
    if wrong.any():
        some = [f"line {line} {_quoted(cell)}" for line, cell in cells[wrong][:_SHOWN].items()]
        some += ["..."] if wrong.sum() > _SHOWN else []
        raise ListError(f"{shown(path)}: {problem} in {wrong.sum()} row(s) ({', '.join(some)}); {remedy}")


def remark(path: Path, what: str) -> None:
    """Say something about a list that is read all the same."""
    warnings.warn(f"{shown(path)}: {what}", stacklevel=3)


def once(path: Path, rows: pd.DataFrame, keys: Sequence[str], problem: str, remedy: str) -> pd.DataFrame:
    """`rows` without those that repeat another in every column, of which a remark says how many.

    Raises:
        ListError: rows with the same `keys` differ in something else; `problem` and `remedy` say so.
    """
    again = rows.duplicated()
    kept = rows[~again]
    refuse(path, kept[keys[0]], kept.duplicated(list(keys), keep=False), problem, remedy)
    if again.any():
        remark(path, f"{again.sum()} row(s) repeat another and count once (first: line {rows.index[again][0]})")
    return kept


def read_labels(path: Path, cells: pd.Series, other_labels: str | Mapping[str, str], also: str = "") -> pd.Series:
    """The words of a list as labels: one of the seven, another emotion's word in lower case, or "" for an empty cell.

    The one rule for labels outside the seven, in manifests, lists of true labels, imports and votes: the mapping in
    `other_labels` (the parameter) comes first; then a word that names another emotion, or none, stays what it is; any
    other word is a slip, and refused. What becomes of words that stay, the caller decides: a true label is dropped
    or kept unlabelled, a prediction is outside the label set and wrong, a vote is a vote for that word.

    Raises:
        ListError: a word that is no emotion's and is not mapped; the message names the lines, and the word it is near.
    """
    mapped = mapping(other_labels)
    meant = {word: parse_emotion(word) or mapped.get(word.casefold(), word.casefold()) for word in cells.unique()}
    known = {word for word, label in meant.items() if not word or label in SEVEN or names_another(word)}
    wrong = ~cells.isin(known)
    if wrong.any():
        near = near_words(cells[wrong].iloc[0])
        hint = f"is {near[0]!r} meant? " if near else ""
        seven = f"{', '.join(SEVEN[:-1])} or {SEVEN[-1]}"
        refuse(path, cells, wrong, f"unknown label{also}", f"{hint}use {seven}, name it in other_labels, or "
            "write other for a label outside the seven")  # fmt: skip
    return cells.map(meant)


def mapping(other_labels: str | Mapping[str, str]) -> dict[str, str]:
    """Word in lower case -> label, as far as the parameter other_labels is a mapping."""
    given = other_labels if isinstance(other_labels, Mapping) else {}
    return {word.strip().casefold(): label for word, label in given.items()}


def as_cell(text: str) -> str:
    """Untrusted `text` as a cell that a spreadsheet shows as it is: on one line, and never a formula.

    >>> as_cell("=1+1"), as_cell("two" + chr(10) + "lines")
    ("'=1+1", 'two lines')
    """
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).split())
    return f"'{plain}" if plain[:1] in {"=", "+", "-", "@"} else plain


def same_form(text: str) -> str:
    """`text` in the one Unicode form (NFC) in which names are compared, whatever a disk or list made of them."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


# --- bytes, lines, cells --------------------------------------------------------------------------------


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ListError(f"{shown(path)} does not exist; correct its path") from None
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise ListError(f"{shown(path)} cannot be read: {what}; give a CSV file") from error
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = "UTF-8" if encoding.startswith("utf-8") else encoding.upper()
        raise ListError(f"{shown(path)}: line {line} is not {what}; save it as CSV UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ListError(f"{shown(path)}: line {line} has a zero byte; save it as CSV UTF-8")
    return text


def _first(text: str) -> str:
    """The first line that has any text but separators."""
    return next((line for line in re.split(r"\r\n|\r|\n", text) if line.strip(" \t,;")), "")


def _cuts(line: str) -> dict[str, list[str]]:
    """Cells of a line by each delimiter that lists have."""
    return {d: next(csv.reader([line], delimiter=d, skipinitialspace=True), []) for d in _DELIMITERS}


def _delimiter(text: str, needed: Sequence[str]) -> str:
    """What separates the cells: the first under which the first line has the needed columns, or any other cell."""
    cut = _cuts(_first(text))
    right = (d for d, cells in cut.items() if set(needed) <= set(_columns(cells, needed)))
    return next(right, next((d for d, cells in cut.items() if len(cells) > 1 and d != " "), ","))


def _lines(path: Path, text: str, delimiter: str, columns: tuple[int, ...] = ()) -> list[Line]:
    """Number and cells of each line that has any text. A cell that goes on over a line's end is a forgotten quote."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    lines: list[Line] = []
    before = 0
    try:
        for cells in reader:
            if reader.line_num > before + 1:
                raise csv.Error("a quoted cell goes on over the end of the line")
            before += 1
            if any(cell.strip() for cell in cells):
                taken = [cells[c] for c in columns] if columns and len(cells) > max(columns) else cells
                lines.append((before, [cell.strip() for cell in taken]))
    except csv.Error as error:
        what = "a quote is opened and never closed" if "end of data" in str(error) else str(error)
        raise ListError(f"{shown(path)}: line {before + 1}: {what}; correct its quotes") from None
    return lines


def _cells(path: Path, number: int, cells: list[str], columns: Sequence[str]) -> list[str]:
    """As many cells as columns; a spreadsheet's empty cells behind the last column are dropped."""
    extra = cells[len(columns) :]
    if len(cells) < len(columns) or any(extra):
        raise ListError(
            f"{shown(path)}: line {number} has {len(cells)} cells and the first line {len(columns)} columns; "
            "give each column a cell, and put quotes around a cell that holds the separator"
        )
    return cells[: len(columns)]


# --- columns --------------------------------------------------------------------------------------------


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", same_form(name).casefold())


def _columns(cells: Sequence[str], known: Sequence[str]) -> list[str]:
    by_key = {_key(name): name for name in known}
    plain = (re.sub(r"[\s_-]+", "_", same_form(cell.strip()).casefold()) for cell in cells)
    return [by_key.get(_key(name), name) for name in plain]


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str], optional: Sequence[str]) -> None:
    found = ", ".join(_quoted(name) for name in columns[:8]) or "nothing"
    others = [name for name in columns if name and name not in {*needed, *optional}]
    for name in needed:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1) or [o for o in others if _called(o, name)]
            remedy = f"is {near[0]!r} meant?" if near else "name the columns in the first line, separated by commas"
            raise ListError(f"{shown(path)}: line 1 has no column {name} (found {found}); {remedy}")
    for name in optional:
        near = difflib.get_close_matches(name, others, n=1, cutoff=0.8) or [o for o in others if _called(o, name)]
        if name and name not in columns and near:
            raise ListError(f"{shown(path)}: line 1 has a column {near[0]!r}; is {name} meant? Correct or delete it")
    for name in columns:
        if name and columns.count(name) > 1:
            raise ListError(f"{shown(path)}: line 1 names {name} {columns.count(name)} times; keep one")


def _called(header: str, name: str) -> bool:
    """Whether a header has the word `name` in it, or another for the same."""
    words = {word for part in header.split("_") for word in (part, part.removesuffix("s"))}
    return not words.isdisjoint({name, *_CALLED.get(name, ())})


def _named(path: Path, table: pd.DataFrame, keep_first: bool) -> pd.DataFrame:
    """`table` without columns that have no name: empty ones, and the numbers of pandas' rows.

    Raises:
        ListError: a column without a name says something.
    """
    keep = []
    for position, name in enumerate(table.columns):
        cells = table.iloc[:, position]
        nameless = not name or re.fullmatch(r"unnamed: ?_?\d+", name) is not None
        if not nameless or (keep_first and position == 0):
            keep.append(position)
        elif cells.str.fullmatch(r"\d{1,12}").all():
            remark(path, f"column {position + 1}, numbers without a name as pandas writes them, is left out")
        else:
            refuse(path, cells, cells != "", f"column {position + 1} has no name, but cells", "name or delete it")
    return table.iloc[:, keep]


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
