"""Key frames: which frames of a clip to keep, and the clips table turned into JPEG files and the frames table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from fer_helpers import media, tables
from fer_helpers.errors import ParamsError
from fer_helpers.face_crop import Face, crop, largest_face
from fer_helpers.motion import differences, motion_energy, smoothed
from fer_helpers.paths import safe_name
from fer_helpers.pictures import Unreadable, decode_picture, is_pictures, one_line, pictures_of, plain_jpeg_size

FACE_CROPS = ("none", "haar")


# --- choosing -------------------------------------------------------------------------------------------


def _middle(n: int, k: int, motion: np.ndarray | None) -> list[int]:
    return [n // 2] if n else []


def _uniform(n: int, k: int, motion: np.ndarray | None) -> list[int]:
    return sorted({(2 * part + 1) * n // (2 * k) for part in range(k)}) if n else []


def _all(n: int, k: int, motion: np.ndarray | None) -> list[int]:
    return list(range(n))


def _peak(n: int, k: int, motion: np.ndarray | None) -> list[int]:
    if motion is None or len(motion) != n:
        raise ParamsError(f"frame choice peak needs the motion of all {n} frames")
    apart = max(1, n // (2 * k))  # rounded down, so that k frames can always be found
    kept: list[int] = []
    for index in np.argsort(-motion, kind="stable").tolist():
        if len(kept) < k and all(abs(index - other) >= apart for other in kept):
            kept.append(index)
    return sorted(kept)


CHOICES: dict[str, Callable[[int, int, np.ndarray | None], list[int]]] = {
    "middle": _middle,
    "uniform": _uniform,
    "all": _all,
    "peak": _peak,
}


def choose(choice: str, n: int, k: int, motion: np.ndarray | None = None) -> list[int]:
    """Indices of the key frames of a clip of `n` frames, ascending, each once.

    Args:
        choice: "middle", the frame nearest the clip's middle (the later of two); "uniform", the frames at
            the centres of `k` equal parts, all `n` if there are fewer; "all"; "peak", the `k` frames of
            greatest motion, the greatest first and none within n/(2k) frames (rounded down) of one kept.
        n: frames in the clip; 0 gives none.
        k: key frames for uniform and peak, at least 1.
        motion: shape (n,), as `motion_energy`; for peak.

    Raises:
        ParamsError: unknown choice, `k` below 1, or peak without motion of shape (n,).
    """
    if choice not in CHOICES:
        raise ParamsError(f"frame choice {choice!r} is unknown: use one of {', '.join(CHOICES)}")
    if k < 1:
        raise ParamsError(f"key frames a clip: {k} is below 1; ask for at least one")
    return CHOICES[choice](n, k, motion)


# --- extracting -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _How:
    choice: str
    k: int
    face_crop: str
    size: int
    quality: int
    out: Path


@dataclass(frozen=True)
class _Clip:
    clip_id: str
    start_s: float
    n_frames: int
    first: int  # index in the file of the clip's first frame


@dataclass(frozen=True)
class _Jpeg:
    data: bytes
    width: int
    height: int
    face: Face | None = None


Row = dict[str, Any]  # of the clips or the frames table
Wanted = dict[int, list[tuple[_Clip, int]]]  # index in the file: the clips that keep it, and its index there


def extract(
    clips: pd.DataFrame,
    corpus: Path,
    out: Path,
    choice: str = "uniform",
    k: int = 5,
    face_crop: str = "none",
    size: int = 512,
    quality: int = 90,
    n_jobs: int = -1,
) -> pd.DataFrame:
    """Write the key frames of `clips` as JPEG files below `out`/frames and return the frames table.

    Every clip has at least one row; one whose status is not ok has a reason and no path. Each file is
    decoded once (twice for peak), in order, on one thread, up to the last frame wanted from it. The
    files and the table do not depend on `n_jobs`.

    Args:
        clips: the clips table, or some of its rows.
        corpus: folder that clips.path starts from.
        out: the run's folder, where frames.path starts.
        choice, k: which frames are kept, see `choose`.
        face_crop: "none", or "haar" for a square around the largest frontal face with 25 % margin.
        size: longest side of the JPEGs, pixels; larger ones are scaled down, smaller ones never up; 0:
            no scaling. A JPEG picture that needs no change is passed on as its own bytes.
        quality: of the JPEGs, 1-100.
        n_jobs: threads, as joblib counts them.

    Raises:
        ParamsError: as `choose`, or an unknown `face_crop`.
    """
    choose(choice, 0, k, np.empty(0))
    if face_crop not in FACE_CROPS:
        raise ParamsError(f"face crop {face_crop!r} is unknown: use one of {', '.join(FACE_CROPS)}")
    how = _How(choice, k, face_crop, size, quality, out)
    by_file: dict[str, list[Row]] = {}
    for clip in clips[["path", "clip_id", "start_s", "n_frames", "status", "reason"]].to_dict("records"):
        by_file.setdefault(clip["path"], []).append({str(name): value for name, value in clip.items()})
    jobs = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(
        delayed(_of_file)(corpus, path, of_file, how) for path, of_file in by_file.items()
    )
    rows = []
    with tqdm(desc="extracting frames", total=len(clips), unit="clip") as bar:
        for of_file, found in zip(by_file.values(), jobs, strict=True):
            rows += found
            bar.update(len(of_file))
    place = {clip_id: number for number, clip_id in enumerate(clips["clip_id"])}
    rows.sort(key=lambda row: (place[row["clip_id"]], row.get("frame_index", 0)))
    return tables.check("frames", pd.DataFrame(rows, columns=list(tables.SCHEMAS["frames"].columns)))


def _of_file(corpus: Path, path: str, clips: list[Row], how: _How) -> list[Row]:
    """Rows of all clips that are cut from one file, so that it is decoded once."""
    rows = [{name: clip[name] for name in ("clip_id", "status", "reason")} for clip in clips if clip["status"] != "ok"]
    good = [clip for clip in clips if clip["status"] == "ok"]
    if good:
        take = _from_pictures if is_pictures(corpus / path) else _from_video
        rows += take(corpus / path, corpus, _wanted(corpus / path, corpus, good, how), how)
    return rows


def _wanted(path: Path, corpus: Path, clips: list[Row], how: _How) -> Wanted:
    starts = np.array([clip["start_s"] for clip in clips])
    firsts = np.searchsorted(media.probe(path, corpus).times, starts) if starts.any() else starts.astype(int)
    moved = differences(path, corpus) if how.choice == "peak" else np.empty(0)
    wanted: Wanted = {}
    for row, first in zip(clips, firsts.tolist(), strict=True):
        clip = _Clip(row["clip_id"], row["start_s"], row["n_frames"], first)
        own = moved[first : first + clip.n_frames]
        motion = smoothed(np.pad(own, (0, clip.n_frames - len(own))))
        for index in choose(how.choice, clip.n_frames, how.k, motion):
            wanted.setdefault(first + index, []).append((clip, index))
    return wanted


def _from_video(path: Path, _: Path, wanted: Wanted, how: _How) -> list[Row]:
    rows: list[Row] = []
    problems: list[str] = []
    seen: list[int] = []
    last = max(wanted)
    for shot in media.shots(path, problems):
        seen.append(shot.index)
        for clip, index in wanted.pop(shot.index, []):
            time_s = round(shot.time_s - clip.start_s, 6)
            rows.append(_row(clip, index, time_s, how, partial(_frame_jpeg, shot.frame, how)))
        if shot.index >= last:
            break
    why = problems[0] if problems else "the video ends early"
    for clip, index in chain.from_iterable(wanted.values()):
        n_seen = sum(clip.first <= i < clip.first + clip.n_frames for i in seen)
        reason = f"frame cannot be decoded: {why}; {n_seen} of the clip's {clip.n_frames} frames came out"
        rows.append({"clip_id": clip.clip_id, "frame_index": index, "status": "unreadable", "reason": reason})
    return rows


def _from_pictures(path: Path, corpus: Path, wanted: Wanted, how: _How) -> list[Row]:
    pictures = pictures_of(path, corpus)
    return [
        _row(clip, index, None, how, partial(_picture_jpeg, pictures, index, how))
        for clip, index in chain.from_iterable(wanted.values())
    ]


def _row(clip: _Clip, index: int, time_s: float | None, how: _How, encode: Callable[[], _Jpeg | None]) -> Row:
    row: Row = {"clip_id": clip.clip_id, "frame_index": index, "time_s": time_s}
    try:
        jpeg = encode()
    except Unreadable as error:
        return {**row, "status": "unreadable", "reason": str(error)}
    if jpeg is None:
        return {**row, "status": "no_face", "reason": "no frontal face was found"}
    path = f"frames/{safe_name(clip.clip_id)}/{index:04d}.jpg"  # a clip's id is untrusted text
    _write_whole(how.out / path, jpeg.data)
    face = {f"face_{name}": value for name, value in asdict(jpeg.face).items()} if jpeg.face else {}
    digest = sha256(jpeg.data).hexdigest()
    return {**row, "path": path, "sha256": digest, "width": jpeg.width, "height": jpeg.height, **face, "status": "ok"}


def _write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)


def _frame_jpeg(frame: av.VideoFrame, how: _How) -> _Jpeg | None:
    # A face is looked for, and its box given, in the frame as it is; without one, scaling goes first and is cheap.
    return _encoded(media.bgr(frame, how.size if how.face_crop == "none" else 0), how)


def _picture_jpeg(pictures: list[Path], index: int, how: _How) -> _Jpeg | None:
    try:
        data = pictures[index].read_bytes()
    except (OSError, IndexError) as error:
        raise Unreadable(f"picture cannot be read: {one_line(error)}") from error
    same = plain_jpeg_size(data) if how.face_crop == "none" else None
    if same and media.fitted(*same, how.size) == same:
        return _Jpeg(data, *same)
    return _encoded(decode_picture(data), how)


def _encoded(picture: np.ndarray, how: _How) -> _Jpeg | None:
    """`picture` (uint8 BGR) cropped, scaled and compressed; None if it should show a face and does not."""
    face = largest_face(picture) if how.face_crop == "haar" else None
    if face:
        picture = crop(picture, face)
    elif how.face_crop == "haar":
        return None
    height, width = picture.shape[:2]
    width, height = media.fitted(width, height, how.size)
    if (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    try:
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, how.quality])
    except cv2.error as error:
        raise Unreadable(f"the frame cannot be a JPEG: {one_line(error)}") from error
    return _Jpeg(jpeg.tobytes(), width, height, face)


__all__ = ["CHOICES", "FACE_CROPS", "choose", "extract", "motion_energy"]
