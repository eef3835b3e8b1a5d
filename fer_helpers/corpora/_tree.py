"""Which clips lie below a folder: videos and folders of pictures, without opening any."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path

from fer_helpers.errors import CorpusError
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, is_picture, leads_outside, natural
from fer_helpers.paths import shown

_LITTER = {"thumbs.db", "desktop.ini"}
_DOCUMENTS = """
.csv .tsv .txt .json .jsonl .xml .yaml .yml .md .rst .pdf .html .log .xls .xlsx .ods .doc .docx .npy .npz .mat .pkl
.parquet .py .ipynb .bib .srt .vtt
"""
_READ = VIDEO_SUFFIXES | PICTURE_SUFFIXES | set(_DOCUMENTS.split())


def entries(folder: Path, root: Path) -> list[os.DirEntry[str]]:
    """What lies directly in `folder` of the corpus `root` (resolved), but for hidden files and archives' litter.

    Symbolic links out of the corpus are left out with a warning: whoever packed the corpus could otherwise have
    any file of this machine read and sent to a model.

    Raises:
        CorpusError: the folder cannot be read, or a name is not UTF-8.
    """
    try:
        with os.scandir(folder) as scan:
            found = [entry for entry in scan if not entry.name.startswith(".") and entry.name != "__MACOSX"]
    except OSError as error:
        raise CorpusError(f"corpus folder {shown(folder)} cannot be read: {error.strerror}") from error
    odd = [entry.name for entry in found if re.search(r"[\ud800-\udfff]", entry.name)]
    if odd:
        # In a locale without UTF-8, Python takes names in UTF-8 for something else.
        remedy = "rename them" if sys.getfilesystemencoding() == "utf-8" else "set PYTHONUTF8=1, or rename them"
        raise CorpusError(
            f"corpus folder {shown(folder)}: {len(odd)} file names are not UTF-8 (first: {odd[0]!r}); {remedy}"
        )
    outside = [entry.name for entry in found if leads_outside(entry, root)]
    if outside:
        warnings.warn(
            f"corpus folder {shown(folder)}: {len(outside)} symbolic links that lead out of the corpus were not "
            f"followed (first: {outside[0]!r}); copy what they point to if it belongs to the corpus",
            stacklevel=2,
        )
    return [entry for entry in found if entry.name not in set(outside)]


def is_video(entry: os.DirEntry[str]) -> bool:
    """Whether a folder's entry is a video file by its suffix."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a tree has very many entries
    return suffix in VIDEO_SUFFIXES and entry.is_file()


def clips(root: Path, pictures_as: str = "frames") -> list[str]:
    """Paths of all videos, and of all folders with pictures or (`pictures_as` "clips") all pictures, below `root`.

    They start at `root`, a resolved folder, use /, and are in natural order.

    Raises:
        CorpusError: as `entries`, or there is none.
    """
    found: list[str] = []
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        here = entries(root / inside, root)
        pictures = [entry.name for entry in here if is_picture(entry, root)]
        if pictures_as == "clips":
            found += [inside + name for name in pictures]
        elif pictures:
            found.append(inside.rstrip("/") or ".")
        found += [inside + entry.name for entry in here if is_video(entry)]
        # A link to a folder inside the corpus would list its clips twice, or run in circles.
        waiting += [f"{inside}{entry.name}/" for entry in here if entry.is_dir(follow_symlinks=False)]
    if not found:
        looked_for = " ".join(sorted(suffix[1:] for suffix in VIDEO_SUFFIXES | PICTURE_SUFFIXES))
        others = ", ".join(f"{len(names)} {suffix}" for suffix, names in unread(root).items())
        raise CorpusError(
            f"corpus folder {shown(root)} has no video or picture: looked for {looked_for} at any depth"
            + (f", found {others}; convert them" if others else "")
        )
    return sorted(found, key=natural)


def unread(root: Path) -> dict[str, list[str]]:
    """Files below `root` that this project cannot read, by suffix in lower case; lists and documents are not meant."""
    found: dict[str, list[str]] = {}
    for folder, inside, files in os.walk(root):
        inside[:] = sorted(name for name in inside if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(files):
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a tree has very many entries
            if suffix not in _READ and not name.startswith(".") and name.lower() not in _LITTER:
                found.setdefault(suffix or "no suffix", []).append(
                    Path(folder, name).relative_to(root).as_posix().encode(errors="replace").decode()
                )
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def at_depth(root: Path, inside: str, depth: int) -> list[str]:
    """Paths below the folder `inside` of `root`, `depth` names deep: its clips, in a layout that is known.

    Nothing deeper is looked at: what a clip's folder holds is read when the clip is. Videos and pictures may
    stand for folders at the last level.

    Raises:
        CorpusError: as `entries`, or the folder is a link out of the corpus.
    """
    if not (root / inside).resolve().is_relative_to(root):
        raise CorpusError(
            f"{shown(root / inside)} is a link out of the corpus, which is not followed: move the files there"
        )
    level = [inside]
    for _ in range(depth - 1):
        level = [f"{path}/{e.name}" for path in level for e in entries(root / path, root) if e.is_dir()]
    found = [
        f"{path}/{entry.name}"
        for path in level
        for entry in entries(root / path, root)
        if entry.is_dir() or is_video(entry) or is_picture(entry, root)
    ]
    return sorted(found, key=natural)
