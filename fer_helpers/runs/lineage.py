"""Which tables a table was made from, so that none is read beside others than those it belongs to.

`draws` has no parents here: what people labelled must outlive a run that only repeats what is there. `draws.read`
compares it with the tables beside it by what they say.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fer_helpers.errors import RunError
from fer_helpers.paths import shown
from fer_helpers.tables import IMPORTED, WRITTEN_BY

MADE_FROM = {
    "clips": (),
    "frames": ("clips",),
    "videos": ("clips", "frames"),
    "requests": ("frames", "videos"),
    "answers": ("requests",),
    "predictions": ("clips", "frames", "requests", "answers", f"{IMPORTED}/predictions"),
    "scores": ("clips", "predictions"),
    "comparisons": ("clips", "predictions"),
    "estimates": ("clips", "predictions", "draws", "people.jsonl"),
    "labels": ("clips", "predictions", "draws", "people.jsonl"),
    "effects": (),  # of tables in other folders: notebook 07 notes their hashes
    "flips": (),
}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes; empty if there is none."""
    if not path.is_file():
        return ""
    found = path.stat()
    return _hash(path, found.st_mtime_ns, found.st_size, found.st_ino)


@lru_cache(64)
def _hash(path: Path, *_: int) -> str:
    return sha256(path.read_bytes()).hexdigest()


def as_found(folder: Path) -> dict[str, dict[str, str]]:
    """The parents of every table in `folder`, if those that lie there belong together."""
    return {name: parents(name, folder) for name in MADE_FROM if (folder / f"{name}.parquet").is_file()}


def parents(table: str, folder: Path) -> dict[str, str]:
    """Hashes of the tables that `table` is made from, as they lie in `folder` now; empty where there is none."""
    return {name: file_hash(folder / _file(name)) for name in MADE_FROM[table]}


def _file(name: str) -> str:
    return name if name.endswith(".jsonl") else f"{name}.parquet"


def check(table: str, folder: Path, manifest: Mapping[str, Any]) -> None:
    """See that `table`, and each table it was made from, still belongs to those beside it.

    Raises:
        RunError: one does not, or its notebook did not get far enough to write it; names the notebook to run again.
    """
    known = manifest.get("tables")
    if known is None:  # a run made before this was noted
        return
    for name in MADE_FROM[table]:
        if (folder / f"{name}.parquet").is_file() and name in MADE_FROM:
            check(name, folder, manifest)  # first, so that the earliest notebook is named
    again = f"run notebook {WRITTEN_BY[table]} again"
    where = shown(folder / f"{table}.parquet")
    if table not in known:
        raise RunError(f"{where} is left over from before a notebook that did not finish: {again}")
    now = parents(table, folder)
    for name, was in known[table].items():
        if was != now.get(name, ""):
            raise RunError(f"{where} was made from another {_file(name)} than the one beside it: {again}")
