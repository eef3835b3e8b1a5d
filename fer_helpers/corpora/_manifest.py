"""A corpus's manifest: the CSV that lists its clips, read as untrusted text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fer_helpers.corpora.corpus import ListedClip
from fer_helpers.emotions import SEVEN, parse_emotion
from fer_helpers.lists import read_list, refuse
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, pictures_in
from fer_helpers.paths import shown
from fer_helpers.tables import GROUP

_OPTIONAL = ("clip_id", "label", "subject", "scene", "split", "intensity")


def read_manifest(manifest: Path, root: Path, path_label: Callable[[str], str | None]) -> list[ListedClip]:
    """The rows of `manifest`, a CSV file in UTF-8 whose paths start at the corpus folder `root` (resolved).

    Column `path` (with / or \\) is required; `clip_id, label, subject, scene, split, intensity` and
    `group_…` are read where they are there, and other columns ignored. An empty label means unlabelled; without a
    column for labels, `path_label` says what a path means.

    Raises:
        ListError: in one line, naming the lines at fault, what was found and the remedy.
    """
    rows = read_list(manifest, ["path"], _OPTIONAL)
    rows["path"] = rows["path"].map(_with_slashes)

    def check(column: str, wrong: Callable[[str], bool], problem: str, remedy: str) -> None:
        if column in rows:
            refuse(manifest, rows[column], rows[column].map(wrong).astype(bool), problem, remedy)

    check("path", lambda p: not p, "path is empty", "give the clip's path from the corpus folder")
    check("path", _is_absolute, "path is absolute", "give it from the corpus folder")
    check("path", lambda p: _leads_outside(p, root), "path leads out of the corpus folder", "copy the file into it")
    check("path", lambda p: not _exists(p, root), f"no such file in {shown(root)}", "correct or delete the rows")
    check(
        "path", lambda p: not _is_clip(p, root), "path is not a video, picture or folder of pictures", "delete the rows"
    )
    check("label", lambda w: bool(w) and parse_emotion(w) is None, "unknown label", f"use {_seven()} or leave it empty")
    check("intensity", lambda x: bool(x) and _share(x) is None, "intensity is not a number 0-1", "correct them")
    names = rows["path"].mask(rows["clip_id"] != "", rows["clip_id"]) if "clip_id" in rows else rows["path"]
    twice = names.duplicated(keep=False)
    own = names == rows.get("clip_id", "")
    refuse(manifest, names, twice & own, "duplicate clip_id", "give each clip its own")
    refuse(manifest, names, twice & ~own, "duplicate path without clip_id", "give each row a clip_id")
    return [_row(cells, path_label) for cells in rows.to_dict("records")]


def _row(cells: dict[str, str], path_label: Callable[[str], str | None]) -> ListedClip:
    return ListedClip(
        path=cells["path"],
        clip_id=cells.get("clip_id") or None,
        label_original=cells["label"] or None if "label" in cells else path_label(cells["path"]),
        scene=cells.get("scene") or None,
        split=cells.get("split") or None,
        subject=cells.get("subject") or None,
        intensity=_share(cells.get("intensity", "")),
        groups={name: cell for name, cell in cells.items() if name.startswith(GROUP) and cell},
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
