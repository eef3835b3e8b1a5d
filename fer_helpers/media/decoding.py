"""The frames of one file in order, whether it is a video or a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from fer_helpers.errors import one_line
from fer_helpers.media import animations, videos
from fer_helpers.media.animations import Drawn
from fer_helpers.media.images import (
    Unreadable,
    decode_grey,
    decode_picture,
    fitted,
    header,
    is_pictures,
    pictures_of,
    plain_jpeg_size,
)
from fer_helpers.media.videos import Shot


class Still:
    """A picture file that is a clip's frame; read when it is looked at."""

    time_s = None
    nbytes = 0

    def __init__(self, index: int, file: Path) -> None:
        self.index = index
        self._file = file

    def _data(self) -> bytes:
        try:
            return self._file.read_bytes()
        except OSError as error:
            raise Unreadable(f"picture cannot be read: {one_line(error)}") from error

    def bgr(self, size: int) -> np.ndarray:
        """As `images.decode_picture`, in the picture's own size whatever `size`."""
        return decode_picture(self._data())

    @cached_property
    def grey(self) -> np.ndarray:
        """As `images.decode_grey`."""
        return decode_grey(self._data())

    def jpeg(self, size: int) -> tuple[bytes, int, int] | None:
        """The file's own bytes, width and height if it is a plain, whole JPEG not larger than `size`.

        Raises:
            Unreadable: if it is no picture, or a broken one.
        """
        data = self._data()
        shape = plain_jpeg_size(data)
        if not shape or fitted(*shape, size) != shape or not self.grey.size:  # grey: it can be decoded
            return None
        return data, *shape


Frame = Shot | Still | Drawn


class Video:
    """A video or animated picture, decoded forward; asked for what lies behind, it starts again."""

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []  # libav's reasons for frames that did not come out
        self.seen: list[int] = []  # indices of those that did
        self._path = path
        self._shots: Iterator[Shot | Drawn] = iter(())
        self._next: Shot | Drawn | None = None
        self._at = 0  # the first index that can still come, once begun
        self._begun = False

    def frames(self, wanted: Sequence[int]) -> Iterator[Shot | Drawn]:
        """The frames at the indices `wanted`, ascending, that can be decoded; nothing after the last is touched."""
        if not wanted:
            return
        if not self._begun or wanted[0] < self._at:
            self._begun, self._next, self.seen = True, None, []
            read = animations.drawn if is_pictures(self._path) else videos.shots
            self._shots = read(self._path, self.problems)
        keep, last = set(wanted), wanted[-1]
        while (shot := self._next or next(self._shots, None)) and shot.index <= last:
            self._next, self._at = None, shot.index + 1
            self.seen.append(shot.index)
            if shot.index in keep:
                yield shot
            if shot.index == last:
                return
        self._next = shot  # belongs to the next clip


class Pictures:
    """A picture, or a folder of pictures in natural order."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.problems = ["the picture is gone"]
        self.seen: list[int] = []
        self._files = files

    def frames(self, wanted: Sequence[int]) -> Iterator[Still]:
        """The pictures at the indices `wanted` that are there."""
        for index in wanted:
            if index < len(self._files):
                self.seen.append(index)
                yield Still(index, self._files[index])


Footage = Video | Pictures


def open_footage(path: Path, corpus: Path) -> Footage:
    """The frames of the video, picture or folder of pictures `path` of `corpus`."""
    if path.is_dir() or (is_pictures(path) and not _is_animated(path)):
        return Pictures(pictures_of(path, corpus))
    return Video(path)


def _is_animated(path: Path) -> bool:
    try:
        return header(path).is_animated
    except Unreadable:
        return False
