"""The clips table turned into key frames and the frames table, by threads here or on a cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from joblib import Parallel, delayed, parallel_config
from tqdm.auto import tqdm

from fer_helpers import tables
from fer_helpers.errors import ParamsError, one_line
from fer_helpers.frames._key_frames import How, Record, of_file
from fer_helpers.frames._videos import faces_of, videos_of_file
from fer_helpers.frames.store import FrameStore


def extract(
    clips: pd.DataFrame,
    corpus: Path,
    out: Path,
    choice: str = "uniform",
    k: int = 5,
    *,
    frame_store: str = "",
    dask_scheduler: str = "",
    n_jobs: int = -1,
    **more: Any,
) -> pd.DataFrame:
    """Write the key frames of `clips` as JPEG files and return the frames table.

    Every clip has at least one row; one whose status is not ok has a reason and no path. Files, hashes and
    table do not depend on who does the work.

    Args:
        clips: the clips table, or some of its rows.
        corpus: folder that clips.path starts from; on a cluster, at the same place on every machine.
        out: the run's folder.
        choice, k: which frames, see `selection.choose`.
        more: what else `_key_frames.How` takes: face_crop, size, quality, ...
        frame_store: folder or fsspec address for the JPEGs; empty: `out`/frames.
        dask_scheduler: address of a Dask scheduler whose workers do the work; empty: threads here.
        n_jobs: threads, as joblib counts them.

    Raises:
        ParamsError: what is asked for cannot be done, the store is of an unknown kind, or there is no such scheduler.
        RunError: a key frame cannot be written.
    """
    how, store = How(choice, k, **more), FrameStore(out, frame_store)
    how.check()
    store.check()
    _check_times(clips, corpus, how)
    work = partial(of_file, corpus=corpus, how=how, store=store)
    return _done("frames", clips, work, "extracting frames", dask_scheduler, n_jobs)


def extract_videos(
    clips: pd.DataFrame,
    frames: pd.DataFrame,
    corpus: Path,
    out: Path,
    size: int,
    *,
    face_margin: float = 0.25,
    grey: bool = False,
    brightness: float = 1.0,
    blur: float = 0.0,
    frame_store: str = "",
    dask_scheduler: str = "",
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Write `clips` as small videos of their own and return the videos table, as `extract` does with key frames.

    Whole frames, or where `frames` were cropped to a face, one window that holds that face in all key frames.

    Args:
        clips, corpus, out, frame_store, dask_scheduler, n_jobs: as `extract`.
        frames: the frames table.
        size: longest side, pixels; 0: no videos are wanted, and the table is empty.
        face_margin, grey, brightness, blur: as in `extract`.

    Raises:
        ParamsError, RunError: as `extract`.
    """
    if not size:
        return tables.empty("videos")
    store = FrameStore(out, frame_store)
    store.check()
    faces = faces_of(frames)
    of_clip = [None if faces is None else faces.get(clip_id, []) for clip_id in clips["clip_id"]]
    work = partial(
        videos_of_file,
        corpus=corpus,
        margin=face_margin,
        size=size,
        store=store,
        alterations=(grey, brightness, blur),
    )
    clips = clips.assign(faces=pd.Series(of_clip, clips.index, dtype=object))
    return _done("videos", clips, work, "encoding clips", dask_scheduler, n_jobs)


def _done(
    name: str, clips: pd.DataFrame, work: Callable[..., list[Record]], what: str, dask_scheduler: str, n_jobs: int
) -> pd.DataFrame:
    """The table `name`, whose rows `work` makes of a file and the clips in it, in the order of `clips`."""
    by_file: dict[str, list[Record]] = {}
    asked = ("path", "clip_id", "start_s", "n_frames", "status", "reason", "faces")
    for clip in clips[[column for column in asked if column in clips]].to_dict("records"):
        by_file.setdefault(clip["path"], []).append({str(column): value for column, value in clip.items()})
    columns = list(tables.SCHEMAS[name].columns)
    rows: list[tuple] = []  # in the schema's order: a third of the memory of as many dicts
    with _workers(dask_scheduler), tqdm(desc=what, total=len(clips), unit="clip") as bar:
        jobs = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(work)(path, of_path) for path, of_path in by_file.items()
        )
        for of_path, found in zip(by_file.values(), jobs, strict=True):
            rows += [tuple(map(row.get, columns)) for row in found]
            bar.update(len(of_path))
    table = pd.DataFrame(rows, columns=columns)
    place = table["clip_id"].map({clip_id: number for number, clip_id in enumerate(clips["clip_id"])})
    within = [column for column in ("frame_index",) if column in columns]
    order = table.assign(place=place).sort_values(["place", *within], kind="stable").index
    return tables.check(name, table.loc[order])


def _check_times(clips: pd.DataFrame, corpus: Path, how: How) -> None:
    several = clips[(clips["status"] == "ok") & (clips["n_frames"] > 1)]
    timeless = [path for path in several["path"] if (corpus / path).is_dir()] if how.choice == "fps" else []
    if timeless:
        raise ParamsError(
            f"frame_choice fps needs frame times, but {len(timeless)} clips are picture folders, "
            f"which have none (first: {timeless[0]!r}): use uniform"
        )


@contextmanager
def _workers(dask_scheduler: str) -> Iterator[None]:
    """joblib's workers within: threads, since decoders release the interpreter's lock, or a cluster's."""
    if not dask_scheduler:
        with parallel_config(backend="threading"):
            yield
        return
    with cluster(dask_scheduler), parallel_config(backend="dask", wait_for_workers_timeout=60):
        yield


@contextmanager
def cluster(dask_scheduler: str) -> Iterator[Any]:
    """A `distributed.Client` of the cluster at an address.

    Raises:
        ParamsError: the package is not installed, nobody is there, or it has no worker.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ParamsError("dask_scheduler needs a package: pip install 'fer-helpers[cluster]'") from error
    try:
        client = Client(dask_scheduler, timeout="5s")
    except (OSError, ValueError) as error:
        raise ParamsError(
            f"dask_scheduler {dask_scheduler!r} cannot be reached ({one_line(error)}): start one with `dask scheduler`"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            raise ParamsError(f"{dask_scheduler} has no worker: start some with `dask worker {dask_scheduler}`")
        yield client


def remove_stale(frames: pd.DataFrame, videos: pd.DataFrame, out: Path) -> int:
    """Delete key frames and videos below `out`/frames that neither table names; returns how many.

    They are an earlier run's. Only files named as this package names them are touched, and nothing in a
    `frame_store`, which runs may share.
    """
    named = {out / path.removeprefix("file://") for table in (frames, videos) for path in table["path"].dropna()}
    stale = [
        file
        for file in (out / "frames").glob("*/*")
        if re.fullmatch(r"(\d{4,}-[0-9a-f]{16}\.jpg|clip-[0-9a-f]{16}\.mp4)(\.part)?", file.name) and file not in named
    ]
    for file in stale:
        file.unlink()
    for folder in {file.parent for file in stale}:
        if not any(folder.iterdir()):
            folder.rmdir()
    return len(stale)
