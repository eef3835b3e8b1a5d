"""Lists of clips with what is known of them: a corpus's manifest, and true labels without any file; untrusted text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import pandas as pd

from fer_helpers import tables
from fer_helpers.corpora.corpus import ListedClip
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import ListError
from fer_helpers.lists import once, read_labels, read_list, refuse, remark, same_form
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, pictures_in
from fer_helpers.params import Params
from fer_helpers.paths import shown

_KNOWN = ("subject", "scene", "split", "intensity")


def read_manifest(
    manifest: Path, root: Path, path_label: Callable[[str], str | None], other_labels: str | Mapping[str, str] = "drop"
) -> list[ListedClip]:
    """The rows of `manifest`, a list whose paths start at the corpus folder `root` (resolved).

    Column `path` (with / or \\) is required; `clip_id, label, subject, scene, split, intensity` and any
    `group_<name>` are read where they are there, and other columns ignored. A path may be absolute if it leads into
    `root`, and in another Unicode form than on the disk. An empty label means unlabelled; without a column for
    labels, `path_label` says what a path means.

    Raises:
        ListError: in one line, naming the lines at fault, what was found and the remedy.
    """
    rows = read_list(manifest, ["path"], ("clip_id", "label", *_KNOWN))
    spelt = _Spelling(root)
    rows["path"] = rows["path"].map(spelt.as_on_disk)

    def check(wrong: Callable[[str], bool], problem: str, remedy: str) -> None:
        refuse(manifest, rows["path"], rows["path"].map(wrong).astype(bool), problem, remedy)

    check(lambda p: not p, "path is empty", "give the clip's path from the corpus folder")
    check(_is_absolute, "path is absolute", "give it from the corpus folder")
    check(lambda p: _leads_outside(p, root), "path leads out of the corpus folder", "copy the file into it")
    check(lambda p: not _exists(p, root), f"no such file in {shown(root)}", "correct or delete the rows")
    check(lambda p: not _is_clip(p, root), "path is not a video, picture or folder of pictures", "delete the rows")
    _check_facts(manifest, rows, other_labels)
    rows = rows[[name for name in rows if name in ("path", "clip_id", "label", *_KNOWN) or _is_group(name)]]
    names = rows["path"].mask(rows["clip_id"] != "", rows["clip_id"]) if "clip_id" in rows else rows["path"]
    rows = once(manifest, rows.assign(name=names), ["name"], "duplicate clip_id", "give each clip its own")
    return [_row(cells, path_label) for cells in rows.to_dict("records")]


def read_truth(path: Path, params: Params) -> pd.DataFrame:
    """True labels without any video, as a clips table whose rows need no file: `clip_id, label`, one row a clip.

    `subject, scene, split, intensity` and any `group_<name>` are read where they are there. An empty label means
    unlabelled. Labels outside the seven are treated as a corpus's, by params.other_labels: dropped rows are counted in
    a remark.

    Returns:
        the clips table: status ok, path "", nothing known of frames or length.

    Raises:
        ListError: in one line, naming the lines at fault, what was found and the remedy.
    """
    rows = read_list(path, ["clip_id", "label"], _KNOWN)
    refuse(path, rows["label"], rows["clip_id"] == "", "clip_id is empty", "name the clip")
    rows["clip_id"] = rows["clip_id"].map(same_form)
    _check_facts(path, rows, params.other_labels)
    rows = rows[[name for name in rows if name in ("clip_id", "label", *_KNOWN) or _is_group(name)]]
    rows = once(path, rows, ["clip_id"], "two rows of one clip that differ", "keep one row a clip")
    label = read_labels(path, rows["label"], params.other_labels)
    outside = ~label.isin([*SEVEN, ""])
    if outside.any() and params.other_labels != "keep":
        words = ", ".join(f"{n} {word}" for word, n in label[outside].value_counts().items())
        remark(path, f"{outside.sum()} row(s) with a label outside the seven are left out ({words}); see other_labels")
        rows, label = rows[~outside], label[~outside]
    if rows.empty:
        raise ListError(f"{shown(path)}: no row has one of the seven labels; set other_labels to keep, or to a mapping")
    given = rows.drop(columns=["label", "intensity"], errors="ignore").replace({"": None})
    facts = {"path": "", "start_s": 0.0, "status": "ok", "label": label.where(label.isin(SEVEN), None)}
    facts |= {"label_original": rows["label"].replace({"": None}).where(rows["label"] != "", None)}
    if "intensity" in rows:
        facts["intensity"] = rows["intensity"].map(_share)
    return tables.check("clips", given.assign(**facts))


def _check_facts(path: Path, rows: pd.DataFrame, other_labels: str | Mapping[str, str]) -> None:
    if "label" in rows:
        read_labels(path, rows["label"], other_labels)
    if "intensity" in rows:
        wrong = rows["intensity"].map(lambda x: bool(x) and _share(x) is None).astype(bool)
        refuse(path, rows["intensity"], wrong, "intensity is not a number 0-1", "correct them")


def _is_group(name: str) -> bool:
    return name.startswith(tables.GROUP) and name != tables.GROUP


def _row(cells: dict[str, str], path_label: Callable[[str], str | None]) -> ListedClip:
    return ListedClip(
        path=cells["path"],
        clip_id=cells.get("clip_id") or None,
        label_original=cells["label"] or None if "label" in cells else path_label(cells["path"]),
        scene=cells.get("scene") or None,
        split=cells.get("split") or None,
        subject=cells.get("subject") or None,
        intensity=_share(cells.get("intensity", "")),
        groups={name: value for name, value in cells.items() if _is_group(name)},
    )


class _Spelling:
    """Paths of a list as the disk spells them: from `root`, with /, in the Unicode form of the folder's entries."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._inside = cache(self._entries)

    def as_on_disk(self, path: str) -> str:
        """`path` from the root; one that is nowhere on the disk stays what it is but for its slashes."""
        if not path:
            return ""
        path = PurePosixPath(path.replace("\\", "/")).as_posix()
        for root in (self.root.as_posix(), same_form(self.root.as_posix())):
            if path == root or path.startswith(f"{root}/"):
                path = path[len(root) + 1 :] or "."
        if path.isascii() or _is_absolute(path) or _exists(path, self.root):
            return path
        found = ""
        for part in path.split("/"):
            found = f"{found}/{self._inside(found).get(same_form(part), part)}".lstrip("/")
        return found

    def _entries(self, inside: str) -> dict[str, str]:
        try:
            return {same_form(name): name for name in os.listdir(self.root / inside)}  # noqa: PTH208
        except (OSError, ValueError):
            return {}


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
