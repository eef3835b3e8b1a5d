"""Any folder of videos or pictures as the clips table, with or without a manifest."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from fer_helpers import tables
from fer_helpers.corpora.manifest import Row, read_manifest
from fer_helpers.emotions import parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.media import VIDEO_SUFFIXES, Probe, probe
from fer_helpers.paths import shown
from fer_helpers.pictures import PICTURE_SUFFIXES, is_picture, leads_outside, natural


def load(
    folder: Path,
    manifest: Path | None = None,
    clip_seconds: float = 0.0,
    pictures_as: str = "frames",
) -> pd.DataFrame:
    """The clips table of the videos and pictures below `folder`.

    Labels come from the nearest folder below `folder` that is named after an emotion (FERV39k's layout is
    Scene/Emotion/clip), or from the manifest's `label` column where there is one. Hidden files and
    symbolic links out of the folder are passed over: whoever packed the corpus could otherwise have
    any file of this machine read and sent to a model. A file that cannot be read is a row with a reason.

    Args:
        folder: the corpus.
        manifest: CSV whose column `path` lists the clips to load (see `manifest.read_manifest`).
        clip_seconds: cut videos into pieces this long, s; 0 leaves them whole. A remainder of at least
            half a piece is a piece, a shorter one is the end of the piece before it, and a video
            shorter than a piece is one piece. Pieces in which no frame is shown are left out.
        pictures_as: "frames", a folder's pictures in natural order are one clip; "clips", each is one.

    Raises:
        CorpusError: the folder or manifest is missing, empty or wrong.
    """
    root = folder.resolve()
    rows = listed(folder, manifest, pictures_as)
    paths = list(dict.fromkeys(row.path for row in rows))
    reading = Parallel(n_jobs=-1, prefer="threads", return_as="generator")(
        delayed(probe)(root / path, root) for path in paths
    )
    probes = dict(zip(paths, tqdm(reading, "reading clips", len(paths), unit="file"), strict=True))
    named = zip(rows, _clip_ids(rows, root), strict=True)
    records = [r for row, name in named for r in _records(row, name, probes[row.path], clip_seconds)]
    return tables.check("clips", pd.DataFrame(records))


def listed(folder: Path, manifest: Path | None = None, pictures_as: str = "frames") -> list[Row]:
    """The clips of `load` before any file is opened: all that can be wrong with the folder or its manifest.

    Raises:
        CorpusError: as `load`.
    """
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise CorpusError(f"corpus folder {shown(folder)} {found}: give the folder that holds the clips")
    root = folder.resolve()
    return read_manifest(manifest, root) if manifest else [Row(path=p) for p in _find(folder, root, pictures_as)]


# --- finding clips --------------------------------------------------------------------------------------


@dataclass
class _Found:
    paths: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


def _find(folder: Path, root: Path, pictures_as: str) -> list[str]:
    """Paths of the clips below `folder`, relative with /, in natural order."""
    found = _Found()
    waiting = [""]
    while waiting:
        waiting += _scan(folder, waiting.pop(), root, pictures_as, found)
    odd = [p for p in found.paths if re.search(r"[\ud800-\udfff]", p)]
    if odd:
        raise CorpusError(
            f"corpus folder {shown(folder)}: {len(odd)} file names are not UTF-8, {odd[0]!r} first; rename them"
        )
    if found.outside:
        warnings.warn(
            f"corpus folder {shown(folder)}: {len(found.outside)} symbolic links that lead out of it were not "
            f"followed, {found.outside[0]!r} first; copy what they point to if it belongs to the corpus",
            stacklevel=3,
        )
    if not found.paths:
        looked_for = " ".join(sorted(s[1:] for s in VIDEO_SUFFIXES | PICTURE_SUFFIXES))
        raise CorpusError(
            f"corpus folder {shown(folder)} has no video or picture: looked for {looked_for} at any depth"
        )
    return sorted(found.paths, key=natural)


def _scan(folder: Path, inside: str, root: Path, pictures_as: str, found: _Found) -> list[str]:
    """Add the clips directly in the folder `inside`; return the folders in it, as paths ending in /."""
    try:
        with os.scandir(folder / inside) as scan:
            entries = [e for e in scan if not e.name.startswith(".") and e.name != "__MACOSX"]
    except OSError as error:
        raise CorpusError(f"corpus folder {shown(folder / inside)} cannot be read: {error.strerror}") from error
    found.outside += [inside + e.name for e in entries if leads_outside(e, root)]
    pictures = [e.name for e in entries if is_picture(e, root)]
    if pictures_as == "clips":
        found.paths += [inside + name for name in pictures]
    elif pictures:
        found.paths.append(inside.rstrip("/") or ".")
    found.paths += [inside + e.name for e in entries if _is_video(e, root)]
    # A link to a folder inside the corpus would list its clips twice, or run in circles.
    return [f"{inside}{e.name}/" for e in entries if e.is_dir(follow_symlinks=False)]


def _is_video(entry: os.DirEntry[str], root: Path) -> bool:
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a tree has very many entries
    return suffix in VIDEO_SUFFIXES and entry.is_file() and not leads_outside(entry, root)


# --- rows of the table ----------------------------------------------------------------------------------


def _clip_ids(rows: list[Row], folder: Path) -> list[str]:
    """A name a row: the manifest's, or the path without suffix where that could not mean another clip too.

    Otherwise the path itself, which is unique; a folder's with a closing /, so that no file has the same.
    Names ending like a piece's ("#2.0") are left to pieces.
    """
    short, whole = [], []
    for row in rows:
        path = row.path if row.path != "." else folder.name
        is_file = PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES
        is_file = is_file and not (folder / row.path).is_dir()
        short.append(row.clip_id or (path.rpartition(".")[0] if is_file else path))
        whole.append(row.clip_id or (path if is_file else f"{path}/"))
    meant = Counter(name for names in zip(short, whole, strict=True) for name in set(names))
    return [s if meant[s] == 1 and not re.search(r"#[0-9.]+$", s) else w for s, w in zip(short, whole, strict=True)]


def _records(row: Row, clip_id: str, found: Probe, clip_seconds: float) -> Iterator[dict[str, Any]]:
    """The table's rows of one file: one, or one a piece."""
    label, original = (row.label, row.label_original) if row.labelled else _folder_label(row.path)
    record = {
        **{name: getattr(row, name) for name in ("path", "scene", "split", "subject", "intensity")},
        **{name: getattr(found, name) for name in ("n_frames", "duration_s", "fps", "width", "height")},
        **{"clip_id": clip_id, "start_s": 0.0, "label": label, "label_original": original},
        **{"status": found.status, "reason": found.reason},
    }
    pieces = list(_pieces(found, clip_seconds)) if clip_seconds > 0 and found.duration_s else []
    if len(pieces) < 2:
        yield record
        return
    for start, end, n_frames in pieces:
        cut = {"clip_id": f"{clip_id}#{start}", "start_s": start, "duration_s": round(end - start, 6)}
        yield {**record, **cut, "n_frames": n_frames}


def _pieces(found: Probe, seconds: float) -> Iterator[tuple[float, float, int]]:
    """Start, end (s) and number of frames of the pieces of a video in which any frame is shown."""
    duration = float(found.duration_s or 0)
    last = max(0, int(duration / seconds + 0.5) - 1)
    # From the frames, not from the duration: one false time stamp can claim years of nothing. A frame on
    # the border of two pieces may round to either.
    near = np.floor(found.times / seconds).astype(int)
    for number in np.unique(np.concatenate([near, near + 1]).clip(0, last)).tolist():
        start = round(number * float(seconds), 6)
        end = duration if number == last else round((number + 1) * float(seconds), 6)
        n_frames = int(np.subtract(*np.searchsorted(found.times, [end, start])))
        if n_frames:
            yield start, end, n_frames


def _folder_label(path: str) -> tuple[str | None, str | None]:
    """Label and word of the nearest folder named after an emotion; a picture folder counts itself."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES:
        parts = parts[:-1]
    for part in reversed(parts):
        if emotion := parse_emotion(part):
            return emotion, part
    return None, None
