"""The clips a corpus lists → the clips table: each file is looked into once, and videos may be cut into pieces."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from fer_helpers import tables
from fer_helpers.corpora.corpus import ListedClip
from fer_helpers.media import NOTE, Probe, can_be_read, probe

_POINTER = b"version https://git-lfs"


def clip_ids(rows: list[ListedClip], root: Path) -> list[str]:
    """A name a row: the corpus's own, or the path without suffix where that could not mean another clip too.

    Otherwise the path itself, which is unique; a folder's with a closing /, so that no file has the same.
    Names ending like a piece's ("#2.0") are left to pieces.
    """
    short, whole = [], []
    for row in rows:
        path = row.path if row.path != "." else root.name
        if row.clip_id:
            short.append(row.clip_id)
            whole.append(row.clip_id)
            continue
        is_file = can_be_read(path) and not (root / row.path).is_dir()
        short.append(path.rpartition(".")[0] if is_file else path)
        whole.append(path if is_file else f"{path}/")
    meant = Counter(name for names in zip(short, whole, strict=True) for name in set(names))
    return [s if meant[s] == 1 and not re.search(r"#[0-9.]+$", s) else w for s, w in zip(short, whole, strict=True)]


def probed(listed: pd.DataFrame, root: Path, clip_seconds: float = 0.0) -> pd.DataFrame:
    """The clips table of `listed`, rows as `corpora.listed` gives them; files are read in threads.

    Args:
        listed: the clips; one whose status is not ok is passed on unread.
        root: folder that listed.path starts from.
        clip_seconds: cut videos into pieces this long, s; 0 leaves them whole. A remainder of at least half a
            piece is a piece, a shorter one is the end of the piece before it, and a video shorter than a piece
            is one piece. Pieces in which no frame is shown are left out.
    """
    root = root.resolve()
    paths = listed.loc[listed["status"] == "ok", "path"].drop_duplicates().tolist()
    # A picture's header is read in less time than joblib takes to hand out one task.
    at_once = min(32, len(paths) // 64 + 1)
    reading = Parallel(n_jobs=-1, prefer="threads", return_as="generator", batch_size=at_once)(
        delayed(_probe)(root / path, root) for path in paths
    )
    probes = dict(zip(paths, tqdm(reading, "reading clips", len(paths), unit="file"), strict=True))
    rows = listed.to_dict("records")
    records = [r for row in rows for r in _records(row, probes.get(row["path"]), clip_seconds)]
    return tables.check("clips", pd.DataFrame(records))


def _probe(path: Path, root: Path) -> Probe:
    found = probe(path, root)
    if found.status == "unreadable" and path.is_file() and path.stat().st_size < 1000:
        with path.open("rb") as file:
            if file.read(len(_POINTER)) == _POINTER:
                return replace(found, reason="Git LFS pointer instead of the file; run `git lfs pull` in the corpus")
    return found


def _records(row: dict[Any, Any], found: Probe | None, clip_seconds: float) -> Iterator[dict[Any, Any]]:
    """The table's rows of one file: one, or one a piece."""
    record = {**row, "start_s": 0.0}
    if found is None or row["status"] != "ok":
        yield {**record, **dict.fromkeys(("n_frames", "duration_s", "fps", "width", "height"))}
        return
    record |= {name: getattr(found, name) for name in ("n_frames", "duration_s", "fps", "width", "height", "status")}
    notes = [NOTE + note for note in found.notes]
    record["reason"] = "; ".join(filter(None, [found.reason, row["reason"], *notes])) or None
    pieces = list(_pieces(found, clip_seconds)) if clip_seconds > 0 and found.duration_s else []
    if len(pieces) < 2:
        yield record
        return
    for start, end, n_frames in pieces:
        cut = {"clip_id": f"{row['clip_id']}#{start}", "start_s": start, "duration_s": round(end - start, 6)}
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
