"""A corpus's manifest: the CSV that lists its clips, read as untrusted text."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fer_helpers.corpora.corpus import ListedClip
from fer_helpers.emotions import SEVEN, parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, pictures_in
from fer_helpers.paths import shown

_SHOWN = 3  # offenders named in a message


Line = tuple[int, dict[str, str]]  # line number in the file, cells by column


def read_manifest(manifest: Path, root: Path, path_label: Callable[[str], str | None]) -> list[ListedClip]:
    """The rows of `manifest`, a CSV file in UTF-8 whose paths start at the corpus folder `root` (resolved).

    Column `path` (with / or \\) is required; `clip_id, label, subject, scene, split, intensity` are read
    where they are there, and other columns ignored. An empty label means unlabelled; without a column for
    labels, `path_label` says what a path means.

    Raises:
        CorpusError: in one line, naming the lines at fault, what was found and the remedy.
    """
    lines = _lines(manifest)

    def refuse(column: str, wrong: Callable[[str], bool], problem: str, remedy: str) -> None:
        found = [(n, cells.get(column, "")) for n, cells in lines if wrong(cells.get(column, ""))]
        if found:
            some = ", ".join(f"line {n} {_quoted(cell)}" for n, cell in found[:_SHOWN])
            more = ", ..." if len(found) > _SHOWN else ""
            raise CorpusError(f"{shown(manifest)}: {problem} in {len(found)} row(s) ({some}{more}); {remedy}")

    refuse("path", lambda p: not p, "path is empty", "give the clip's path from the corpus folder")
    refuse("path", _is_absolute, "path is absolute", "give it from the corpus folder")
    refuse("path", lambda p: _leads_outside(p, root), "path leads out of the corpus folder", "copy the file into it")
    refuse("path", lambda p: not _exists(p, root), f"no such file in {shown(root)}", "correct or delete the rows")
    refuse(
        "path", lambda p: not _is_clip(p, root), "path is not a video, picture or folder of pictures", "delete the rows"
    )
    refuse(
        "label", lambda w: bool(w) and parse_emotion(w) is None, "unknown label", f"use {_seven()} or leave it empty"
    )
    refuse("intensity", lambda x: bool(x) and _share(x) is None, "intensity is not a number 0-1", "correct them")
    names = Counter(cells.get("clip_id") or cells["path"] for _, cells in lines)
    refuse("clip_id", lambda name: names[name] > 1, "duplicate clip_id", "give each clip its own")
    refuse("path", lambda p: names[p] > 1, "duplicate path without clip_id", "give each row a clip_id")
    return [_row(cells, path_label) for _, cells in lines]


def _lines(manifest: Path) -> list[Line]:
    try:
        # utf-8-sig drops the mark that Windows programs put in front; newline="" lets csv see line ends.
        with manifest.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True, restval="")
            columns = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = columns
            lines = [(reader.line_num, {k: v.strip() for k, v in cells.items() if k is not None}) for cells in reader]
    except UnicodeDecodeError as error:
        raise CorpusError(f"{shown(manifest)}: not UTF-8 at byte {error.start}; save it as CSV UTF-8") from error
    except OSError as error:
        raise CorpusError(f"manifest {shown(manifest)} cannot be read: {error.strerror}; correct its path") from error
    except csv.Error as error:
        raise CorpusError(f"{shown(manifest)}: not a CSV file: {error}; save it as CSV UTF-8") from error
    if "path" not in columns:
        found = ", ".join(_quoted(name) for name in columns[:8]) or "nothing"
        raise CorpusError(
            f"{shown(manifest)}: line 1 has no column path (found {found}); "
            "name the columns in the first line, separated by commas"
        )
    if not lines:
        raise CorpusError(f"{shown(manifest)}: lists no clip; add one row per clip")
    return [(number, {**cells, "path": _with_slashes(cells["path"])}) for number, cells in lines]


def _row(cells: dict[str, str], path_label: Callable[[str], str | None]) -> ListedClip:
    return ListedClip(
        path=cells["path"],
        clip_id=cells.get("clip_id") or None,
        label_original=cells["label"] or None if "label" in cells else path_label(cells["path"]),
        scene=cells.get("scene") or None,
        split=cells.get("split") or None,
        subject=cells.get("subject") or None,
        intensity=_share(cells.get("intensity", "")),
    )


def _with_slashes(path: str) -> str:
    return PurePosixPath(path.replace("\\", "/")).as_posix() if path else ""


def _is_absolute(path: str) -> bool:
    return path.startswith("/") or re.match(r"[A-Za-z]:", path) is not None


def _leads_outside(path: str, root: Path) -> bool:
    try:
        return ".." in path.split("/") or not (root / path).resolve().is_relative_to(root)
    except (OSError, ValueError):  # too long a name, or a zero byte in it: no such file
        return False


def _exists(path: str, root: Path) -> bool:
    try:
        return (root / path).exists()
    except (OSError, ValueError):
        return False


def _is_clip(path: str, root: Path) -> bool:
    if (root / path).is_dir():
        return bool(pictures_in(root / path, root))
    return Path(path).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES


def _share(text: str) -> float | None:
    try:
        return float(text) if 0 <= float(text) <= 1 else None
    except ValueError:
        return None


def _seven() -> str:
    return ", ".join(SEVEN[:-1]) + f" or {SEVEN[-1]}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
