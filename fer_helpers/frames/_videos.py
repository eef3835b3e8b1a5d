"""The clips of one file as small videos of their own: frames chosen, cropped, encoded and written, a row each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers.frames._alterations import altered
from fer_helpers.frames._face_crop import Face, crop_to_all
from fer_helpers.frames._key_frames import Record
from fer_helpers.frames.selection import choose, evenly_spaced
from fer_helpers.frames.store import FrameStore
from fer_helpers.media import Footage, Unreadable, mp4, open_footage, probe
from fer_helpers.paths import safe_name

MOST_PER_SECOND = 10.0  # frames; an expression takes half a second or more to rise
MOST_FRAMES = 300  # half a minute; a longer clip is sent whole, with fewer frames a second
MOST_BYTES = 15_000_000  # 20 MB in base64, the most that Gemini takes in a request
UNTIMED = 25.0  # frames a second of picture folders, and of videos that stamp all frames alike; all are shown


def faces_of(frames: pd.DataFrame) -> dict[str, list[Face]] | None:
    """The face in each key frame of a clip; None where none was looked for."""
    if frames["n_faces"].isna().all():
        return None
    found = frames[frames["face_x"].notna()]
    boxes = found[["face_x", "face_y", "face_w", "face_h", "face_score"]].itertuples(index=False, name=None)
    faces: dict[str, list[Face]] = {}
    for clip_id, box in zip(found["clip_id"], boxes, strict=True):
        faces.setdefault(clip_id, []).append(Face(*box))
    return faces


def videos_of_file(
    path: str,
    clips: list[Record],
    corpus: Path,
    margin: float,
    size: int,
    store: FrameStore,
    alterations: tuple[bool, float, float],
) -> list[Record]:
    """Rows of the videos table for `clips`, rows of the clips table that are cut from one file.

    A clip's `faces` are those in its key frames; without any it has no video, and with None whole frames are shown.
    The file is read once, in order, up to the last frame wanted, unless its clips overlap. `alterations` are
    `_alterations.altered`'s.
    """
    rows = [{name: clip[name] for name in ("clip_id", "status", "reason")} for clip in clips if clip["status"] != "ok"]
    good = sorted((clip for clip in clips if clip["status"] == "ok"), key=lambda clip: clip["start_s"])
    footage = open_footage(corpus / path, corpus)
    times = probe(corpus / path, corpus).times if good else np.empty(0)
    for clip in good:
        try:
            made = _video(clip, times, footage, margin, size, store, alterations)
        except Unreadable as error:
            made = {"status": "unreadable", "reason": str(error)}
        rows.append({"clip_id": clip["clip_id"], **made})
    return rows


def _video(
    clip: Record,
    times: np.ndarray,
    footage: Footage,
    margin: float,
    size: int,
    store: FrameStore,
    alterations: tuple[bool, float, float],
) -> Record:
    n, faces = int(clip["n_frames"]), clip["faces"]
    if n < 2:
        return {"status": "still", "reason": "the clip has one frame, which is no video"}
    if faces == []:
        return {"status": "no_face", "reason": "no key frame of the clip shows a face to crop to"}
    first = int(np.searchsorted(times, clip["start_s"]))
    own = times[first : first + n]
    timed = len(own) > 1 and own[0] < own[-1]
    own = own if timed else np.arange(n) / UNTIMED
    shown = chosen(own) if timed else evenly_spaced(range(n), MOST_FRAMES)
    pictures = _pictures(footage, [first + index for index in shown], timed, faces, margin, size)
    video = mp4(((at, altered(picture, *alterations)) for at, picture in pictures), size)
    if len(video.data) > MOST_BYTES:
        said = f"the video has {len(video.data) / 1e6:.1f} MB, and {MOST_BYTES / 1e6:.0f} are the most that is sent"
        return {"status": "too_large", "reason": f"{said}: set a smaller clip_size, or clip_seconds"}
    return {
        "path": store.write(f"{safe_name(clip['clip_id'])}/clip-{video.sha256[:16]}.mp4", video.data),
        "sha256": video.sha256,
        "width": video.width,
        "height": video.height,
        "n_frames": video.n_frames,
        "duration_s": round(float(own[-1] - own[0]) * len(own) / (len(own) - 1), 3),  # the last is shown as others are
        "status": "ok",
        "reason": None if video.n_frames == len(shown) and len(own) == n else _lost(footage),
    }


def _lost(footage: Footage) -> str:
    why = footage.problems[0] if footage.problems else "the decoder left them out, or the file has become shorter"
    return f"frames are lost: {why}"


def chosen(times: np.ndarray) -> list[int]:
    """Indices of the frames that a clip's video shows, of those at `times`, s.

    >>> chosen(np.arange(12) / 25)  # those shown at 0.05, 0.15, 0.25, 0.35 and 0.45 s
    [1, 3, 6, 8, 11]
    """
    return evenly_spaced(choose("fps", len(times), times=times, per_second=MOST_PER_SECOND), MOST_FRAMES)


def _pictures(
    footage: Footage, wanted: list[int], timed: bool, faces: list[Face] | None, margin: float, size: int
) -> Iterator[tuple[float, np.ndarray]]:
    """The frames at the indices `wanted` that can be decoded, and when each is shown, s."""
    for frame in footage.frames(wanted):
        try:
            picture = frame.bgr(0 if faces else size)
        except Unreadable as error:
            footage.problems.append(str(error))
            continue
        at = frame.time_s if timed and frame.time_s is not None else frame.index / UNTIMED
        yield at, crop_to_all(picture, faces, margin) if faces else picture
