"""The key frames of one file: decoded once, chosen, cropped, encoded and written, each a row of the frames table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_helpers.errors import ParamsError, one_line
from fer_helpers.frames._alterations import altered
from fer_helpers.frames._face_crop import FACES, Face, check_detector, crop, find_faces, pick, steadied
from fer_helpers.frames.selection import CURVES, choose
from fer_helpers.frames.store import FrameStore
from fer_helpers.media import Curve, Footage, Frame, Unreadable, fitted, open_footage, probe
from fer_helpers.paths import safe_name

_AS_IT_IS = 90  # quality from which a JPEG picture that needs no change is not encoded anew
_HELD = 2**28  # bytes of decoded frames that wait for a choice; a longer clip is decoded a second time

Record = dict[str, Any]  # of the clips or the frames table


@dataclass(frozen=True)
class How:
    """How key frames are made.

    Attributes:
        choice, k, per_second: which frames are kept, see `selection.choose`.
        face_crop: "none", or the detector: "haar" or "yunet" (see `_face_crop.find_faces`).
        face_choice: which of several faces: "largest", or "central", nearest to the picture's middle.
        face_margin: of the face box's longer side, added on every side.
        face_weights: YuNet's ONNX file.
        size: longest side of the JPEGs, pixels; larger pictures are scaled down, smaller ones never up; 0:
            no scaling.
        quality: of the JPEGs, 1-100. A JPEG picture that needs no change is passed on as its own bytes, at any
            quality from 90.
        grey, brightness, blur: alterations of the cropped and scaled picture, see `_alterations.altered`.
    """

    choice: str = "uniform"
    k: int = 5
    per_second: float = 2.0
    face_crop: str = "none"
    face_choice: str = "largest"
    face_margin: float = 0.25
    face_weights: str = ""
    size: int = 512
    quality: int = 90
    grey: bool = False
    brightness: float = 1.0
    blur: float = 0.0

    def check(self) -> None:
        """See before any work that all this can be done.

        Raises:
            ParamsError: as `selection.choose` and `_face_crop.check_detector`, or an unknown `face_choice`.
        """
        choose(self.choice, 0, self.k, per_second=self.per_second)
        check_detector(self.face_crop, self.face_weights)
        if self.face_choice not in FACES:
            raise ParamsError(f"face choice {self.face_choice!r} is unknown: use one of {', '.join(FACES)}")


@dataclass(frozen=True)
class _Clip:
    clip_id: str
    folder: str  # in the store; a clip's id is untrusted text
    start_s: float
    first: int  # index in the file of the clip's first frame
    times: np.ndarray  # of its frames, s from its start; empty if nobody asked


@dataclass(frozen=True)
class _Jpeg:
    data: bytes
    width: int
    height: int
    face: Face | None = None
    n_faces: int | None = None


# --- a file ---------------------------------------------------------------------------------------------


def of_file(path: str, clips: list[Record], corpus: Path, how: How, store: FrameStore) -> list[Record]:
    """Rows of the frames table for `clips`, rows of the clips table that are cut from one file.

    The file is read once, in order, on one thread, up to the last frame wanted from it, whatever is chosen.
    Two kinds of clips are the exception: those that overlap, and those whose choice looks at every frame
    (peak) and that are longer than memory should hold.
    """
    rows = [{name: clip[name] for name in ("clip_id", "status", "reason")} for clip in clips if clip["status"] != "ok"]
    good = sorted((clip for clip in clips if clip["status"] == "ok"), key=lambda clip: clip["start_s"])
    footage = open_footage(corpus / path, corpus)
    probed = how.choice == "fps" or any(clip["start_s"] for clip in good)
    times = probe(corpus / path, corpus).times if probed else np.empty(0)
    for row in good:
        first = int(np.searchsorted(times, row["start_s"]))
        own = times[first : first + row["n_frames"]] - row["start_s"]
        clip = _Clip(row["clip_id"], safe_name(row["clip_id"]), row["start_s"], first, own)
        rows += _of_clip(clip, row["n_frames"], footage, how, store)
    return rows


def _of_clip(clip: _Clip, n: int, footage: Footage, how: How, store: FrameStore) -> list[Record]:
    curve = Curve()
    if how.choice in CURVES:
        chosen, frames = _looked_through(clip, n, footage, how, curve)
    else:
        chosen = choose(how.choice, n, how.k, times=_times(clip, n), per_second=how.per_second)
        frames = _watched(clip, footage.frames([clip.first + index for index in chosen]), curve)
    rows = {frame.index - clip.first: _row(clip, frame, made, store) for frame, made in _made(frames, how)}
    whole = how.choice in CURVES or how.choice == "all"
    motion = dict(enumerate(curve.energy(n))) if whole else curve.beside()
    for index, row in rows.items():
        row["motion"] = motion.get(index)
    return [rows.get(index) or _lost(clip, n, index, footage) for index in chosen]


def _times(clip: _Clip, n: int) -> np.ndarray:
    """Of the clip's frames; a picture is shown at once. A video that has become shorter has its last times twice."""
    return np.pad(clip.times, (0, n - len(clip.times)), mode="edge") if len(clip.times) else np.zeros(n)


def _watched(clip: _Clip, frames: Iterable[Frame], curve: Curve) -> Iterator[Frame]:
    for frame in frames:
        _add(clip, frame, curve)
        yield frame


def _add(clip: _Clip, frame: Frame, curve: Curve) -> bool:
    try:
        curve.add(frame.index - clip.first, frame.grey)
    except Unreadable:  # the row says so
        return False
    return True


def _looked_through(clip: _Clip, n: int, footage: Footage, how: How, curve: Curve) -> tuple[list[int], Iterable[Frame]]:
    """Indices chosen after a look at all frames of the clip, and those frames, from memory if they fit."""
    held: dict[int, Frame] = {}
    room = _HELD
    usable = np.zeros(n, bool)
    for frame in footage.frames(range(clip.first, clip.first + n)):
        usable[frame.index - clip.first] = _add(clip, frame, curve)
        room -= frame.nbytes
        held[frame.index] = frame
        if room < 0:
            held.clear()
    chosen = choose(how.choice, n, how.k, np.where(usable, curve.energy(n), -1.0))
    wanted = [clip.first + index for index in chosen]
    return chosen, [held[i] for i in wanted if i in held] if room >= 0 else footage.frames(wanted)


# --- a frame --------------------------------------------------------------------------------------------


def _row(clip: _Clip, frame: Frame, made: _Jpeg | Record, store: FrameStore) -> Record:
    time_s = None if frame.time_s is None else round(frame.time_s - clip.start_s, 6)
    index = frame.index - clip.first
    row: Record = {"clip_id": clip.clip_id, "frame_index": index, "time_s": time_s}
    if not isinstance(made, _Jpeg):
        return {**row, **made}
    digest = sha256(made.data).hexdigest()
    # With the hash in its name a file is never taken for another run's.
    path = store.write(f"{clip.folder}/{index:04d}-{digest[:16]}.jpg", made.data)
    face = {f"face_{name}": value for name, value in asdict(made.face).items()} if made.face else {}
    row |= {"path": path, "sha256": digest, "width": made.width, "height": made.height}
    return {**row, **face, "n_faces": made.n_faces, "status": "ok"}


def _lost(clip: _Clip, n: int, index: int, footage: Footage) -> Record:
    seen = [i - clip.first for i in footage.seen if clip.first <= i < clip.first + n]
    silent = "the decoder left it out" if index < max(seen, default=-1) else "the video ends early"
    why = footage.problems[0] if footage.problems else silent
    n_seen = len(seen)
    reason = f"frame cannot be decoded: {why}; {n_seen} of the clip's {n} frames came out"
    return {"clip_id": clip.clip_id, "frame_index": index, "status": "unreadable", "reason": reason}


def _made(frames: Iterable[Frame], how: How) -> Iterator[tuple[Frame, _Jpeg | Record]]:
    """Each frame with its JPEG, or what its row says instead."""
    if how.face_crop == "none":
        for frame in frames:
            yield frame, _or_reason(_whole, frame, how)
        return
    # The key frames before and after one are held, so that a face's box can be steadied.
    looked = ((frame, _or_reason(_looked_at, frame, how)) for frame in frames)
    before, now = None, next(looked, None)
    while now:
        after = next(looked, None)
        found = now[1]
        if isinstance(found, _Looked):
            around = [other[1].face for other in (before, after) if other and isinstance(other[1], _Looked)]
            yield now[0], _or_reason(_cropped, found, around, how)
        else:
            yield now[0], found
        before, now = now, after


def _or_reason(make: Callable, *arguments: Any) -> Any:
    try:
        return make(*arguments)
    except Unreadable as error:
        return {"status": "unreadable", "reason": str(error)}


def _whole(frame: Frame, how: How) -> _Jpeg:
    changed = how.grey or how.brightness != 1 or how.blur or how.quality < _AS_IT_IS
    passed_on = None if changed else frame.jpeg(how.size)
    return _Jpeg(*passed_on) if passed_on else _encoded(frame.bgr(how.size), how)


@dataclass(frozen=True)
class _Looked:
    picture: np.ndarray
    face: Face
    n_faces: int


def _looked_at(frame: Frame, how: How) -> _Looked | Record:
    picture = frame.bgr(0)  # a face is looked for, and its box given, in the frame as it is
    faces = find_faces(picture, how.face_crop, how.face_weights)
    face = pick(faces, how.face_choice, picture.shape[1], picture.shape[0])
    if face is None:
        return {"status": "no_face", "reason": f"no face was found by {how.face_crop}", "n_faces": 0}
    return _Looked(picture, face, len(faces))


def _cropped(found: _Looked, around: list[Face], how: How) -> _Jpeg:
    face = steadied(found.face, around)
    made = _encoded(crop(found.picture, face, how.face_margin), how)
    return replace(made, face=face, n_faces=found.n_faces)


def _encoded(picture: np.ndarray, how: How) -> _Jpeg:
    """`picture` (uint8 BGR) scaled, altered and compressed."""
    height, width = picture.shape[:2]
    width, height = fitted(width, height, how.size)
    if (height, width) != picture.shape[:2]:
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    picture = altered(picture, how.grey, how.brightness, how.blur)
    try:
        _, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, how.quality])
    except cv2.error as error:
        raise Unreadable(f"the frame cannot be a JPEG: {one_line(error)}") from error
    return _Jpeg(jpeg.tobytes(), width, height)
