"""What loaders of published corpora share: finding their parts, reading their lists, matching lists and disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from fer_helpers.corpora.corpus import ListedClip
from fer_helpers.errors import CorpusError, ListError
from fer_helpers.lists import Line, read_lines, same_form
from fer_helpers.paths import shown


def part(folder: Path, path: str) -> Path | None:
    """The file or folder `path` (with /) below `folder`, whatever the case of its names; None if there is none."""
    for name in path.split("/"):
        if not folder.is_dir():
            return None
        exact = folder / name
        alike = (p for p in folder.iterdir() if p.name.casefold() == name.casefold())
        found = exact if exact.exists() else next(alike, None)
        if found is None:
            return None
        folder = found
    return folder


def needed(folder: Path, path: str, remedy: str) -> Path:
    """`part`, or a CorpusError that ends in `remedy`."""
    found = part(folder, path)
    if found is None:
        raise CorpusError(f"{shown(folder)} has no {path}: {remedy}")
    return found


def require_root(folder: Path, corpus: str, *landmarks: str) -> None:
    """Check that `folder` is the one that `corpus` is given by: one of `landmarks` is in it.

    Raises:
        CorpusError: if not; it names the right folder if that is up to two levels below or three above.
    """
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise CorpusError(f"corpus folder {shown(folder)} {found}: give the folder of {corpus}")

    def is_root(candidate: Path) -> bool:
        return any(part(candidate, landmark) for landmark in landmarks)

    if is_root(folder):
        return
    wanted = " or ".join(landmarks)
    above = islice(folder.resolve().parents, 3)
    below = [p for pattern in ("*", "*/*") for p in sorted(folder.glob(pattern)) if p.is_dir()]
    other = next((candidate for candidate in [*below, *above] if is_root(candidate)), None)
    if other:
        raise CorpusError(f"{shown(folder)} is not the folder of {corpus}, which holds {wanted}: give {shown(other)}")
    raise CorpusError(f"{shown(folder)} is not the folder of {corpus}: there is no {wanted} in it or near it")


def lines(path: Path, delimiter: str = ",", columns: tuple[int, ...] = ()) -> list[Line]:
    """`lists.read_lines` of a list as distributed.

    Raises:
        CorpusError: the file cannot be read, is not UTF-8, is empty, or has an open quote.
    """
    try:
        return read_lines(path, delimiter, columns)
    except ListError as error:
        raise CorpusError(f"{error}, or use the file as distributed") from error


def without_header(found: list[Line], is_row: Callable[[list[str]], bool], path: Path, form: str) -> list[Line]:
    """The lines that are rows: a first line that is none is a header, whether the file should have one or not.

    Raises:
        CorpusError: a later line is no row of the `form` named; no line is.
    """
    body = found if is_row(found[0][1]) else found[1:]
    wrong = [(n, cells) for n, cells in body if not is_row(cells)]
    if wrong or not body:
        some = ", ".join(f"line {n} {' '.join(cells)[:60]!r}" for n, cells in wrong[:3]) or "a header only"
        raise CorpusError(
            f"{shown(path)}: {len(wrong) or 'no'} line(s) of the form {form!r} expected, found {some}; "
            "use the file as distributed"
        )
    return body


def meaning(codes: Mapping[int, str], cell: str, path: Path, line: int) -> str:
    """The word of an integer code ("3", "3.0"), as the corpus documents it.

    Raises:
        CorpusError: the code is not documented.
    """
    with suppress(ValueError, KeyError):
        number = float(cell)
        if number.is_integer():
            return codes[int(number)]
    known = ", ".join(f"{code} {word}" for code, word in codes.items())
    raise CorpusError(
        f"{shown(path)}: line {line}: {cell[:60]!r} is not a code of this corpus ({known}); use the file as distributed"
    )


def matched(
    listed: Sequence[tuple[str, ListedClip]], on_disk: Mapping[str, str], unlisted: Callable[[str, str], ListedClip]
) -> list[ListedClip]:
    """Rows of what is listed and of what is on the disk, each clip once, in whatever Unicode form its name is.

    Args:
        listed: name in lower case, and the row a list gives it. A second row of a name becomes a remark.
        on_disk: name in lower case -> path from the corpus folder.
        unlisted: makes the row of a name and path that no list has.
    """
    rows: dict[str, ListedClip] = {}
    on_disk = {same_form(name): path for name, path in on_disk.items()}
    for spelt, row in listed:
        name = same_form(spelt)
        if name in rows:
            remark = f"listed more than once: {_said(rows[name])} and {_said(row)}"
            rows[name] = replace(rows[name], reason=remark)
        elif name in on_disk:
            rows[name] = replace(row, path=on_disk[name])
        else:
            rows[name] = replace(row, status="unreadable", reason="listed, but not on disk")
    if listed and not any(name in on_disk for name in rows):
        first = next(iter(rows.values()))
        raise CorpusError(
            f"none of the {len(rows)} listed clips is on disk (first: {first.path!r}): unpack the corpus as "
            "distributed, and look for a folder within a folder of the same name"
        )
    return [*rows.values(), *(unlisted(name, path) for name, path in on_disk.items() if name not in rows)]


def _said(row: ListedClip) -> str:
    return " ".join(filter(None, [row.split, row.label_original]))
