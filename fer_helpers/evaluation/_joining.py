"""Rows of an outside list by the clips of a run: what is on none of them is counted, wrong names are refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from fer_helpers.lists import refuse, remark, same_form
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES

_SUFFIXES = PICTURE_SUFFIXES | VIDEO_SUFFIXES
FEW = 0.02  # of a list's clips and of a run's; fewer in common are a chance


def of_run(path: Path, rows: pd.DataFrame, clips: pd.DataFrame) -> pd.DataFrame:
    """The rows of a list that are on a clip of the run, under the run's clip_id; the others are counted in a remark.

    A clip_id may be in another Unicode form, and may have the suffix of a picture or video that the run's has not.

    Raises:
        ListError: a clip_id is empty; or next to no clip of the run is named, or more are named in another way (with
            folders or without, in another case) than in the run's. The message has an example of both.
    """
    refuse(path, rows["clip_id"], rows["clip_id"] == "", "clip_id is empty", "name the clip")
    run = {same_form(name): name for name in clips["clip_id"]}
    given = rows["clip_id"].map(same_form)
    meant = given.where(given.isin(run), given.map(_bare)).map(run)
    unknown = meant.isna()
    if unknown.any():
        named = set(meant)
        left = [name for name, own in run.items() if own not in named]
        near = _near(left, given[unknown].unique())
        n_found = meant.nunique()
        if n_found < max(1, len(near)) or n_found < FEW * min(len(run), given.nunique()):
            example = next(iter(near.items()), None)
            hint = (
                f"write {example[0]!r} for {example[1]!r}" if example else f"the run has names like {next(iter(run))!r}"
            )
            refuse(
                path, rows["clip_id"], unknown, "clip_id is not in the run", f"{hint} (clip_id in its clips.parquet)"
            )
        remark(
            path,
            f"{unknown.sum()} of {len(rows)} row(s) are on clips that are not in this run and are left out (first: "
            f"{rows['clip_id'][unknown].iloc[0]!r}); {n_found} of the run's {len(run)} clips have a row",
        )
    return rows.assign(clip_id=meant)[~unknown]


def _bare(name: str) -> str:
    """A clip's name without the suffix of a file."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in _SUFFIXES else name


def _near(names: Iterable[str], given: Iterable[str]) -> dict[str, str]:
    """Those of a run's `names` that a list seems to mean by another, which ends alike but for case and suffix."""
    endings: dict[str, str] = {}
    for other in given:
        for ending in _endings(other):
            endings.setdefault(ending, other)
    whole = {_plain(other): other for other in given}
    found = {
        name: endings.get(_plain(name)) or next(filter(None, map(whole.get, _endings(name))), None) for name in names
    }
    return {name: other for name, other in found.items() if other}


def _plain(name: str) -> str:
    return _bare(name.replace("\\", "/").strip("/")).casefold()


def _endings(name: str) -> list[str]:
    """a/b/c -> a/b/c, b/c, c."""
    parts = _plain(name).split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]
