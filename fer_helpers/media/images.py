"""Pictures on disk: which files of a folder they are, their size from the header, their pixels upright."""

from __future__ import annotations

import io
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fer_helpers.errors import one_line

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
GREY_SIDE = 64  # pixels a side of the small copies in which frames are compared
_EXIF_ORIENTATION = 0x112
_TURNED = (5, 6, 7, 8)  # EXIF orientations that swap width and height
# Not every decoder Pillow has: a file's bytes choose among these, whatever its suffix says.
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
# A picture that cannot be decoded is a row with a reason, not a line on stderr. OpenCV's libjpeg and libpng
# print what they stumble over; Pillow raises, or warns, which is silenced here.
warnings.filterwarnings("ignore", module=r"PIL\b")
_ABOUT_PIXELS = {  # Pillow's names for what a JPEG header says of its own pixels
    *("jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"),
    *("adobe", "adobe_transform", "progressive", "progression", "icc_profile"),
}


class Unreadable(Exception):
    """A file or frame cannot be decoded; the message is one line for a table's `reason`."""


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sorting key that puts img2 before img10."""
    pieces = re.split(r"([0-9]+)", text.lower())
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in pieces if p] + [(2, 0, text)]


def leads_outside(entry: os.DirEntry[str], root: Path) -> bool:
    """Whether `entry` is a symbolic link to something that is not below `root` (a resolved folder)."""
    return entry.is_symlink() and not Path(entry.path).resolve().is_relative_to(root)


def is_picture(entry: os.DirEntry[str], root: Path) -> bool:
    """Whether a folder's entry is a picture file of the corpus `root`: no hidden file, no link out of it."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122 - a tree has very many entries
    return (
        suffix in PICTURE_SUFFIXES
        and not entry.name.startswith(".")
        and entry.is_file()
        and not leads_outside(entry, root)
    )


def pictures_in(folder: Path, root: Path) -> list[Path]:
    """The pictures directly in `folder`, naturally sorted: a clip stored as pictures, frame by frame."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if is_picture(entry, root)]
    return [folder / name for name in sorted(names, key=natural)]


def is_pictures(path: Path) -> bool:
    """Whether a clip's path names a picture or a folder of pictures, and no video."""
    return path.is_dir() or path.suffix.lower() in PICTURE_SUFFIXES


def pictures_of(path: Path, corpus: Path) -> list[Path]:
    """The frames of the clip `path`, a picture or a folder of pictures of `corpus`, in order."""
    return pictures_in(path, corpus.resolve()) if path.is_dir() else [path]


@dataclass(frozen=True)
class _Header:
    kind: str
    mode: str
    width: int
    height: int
    orientation: int
    metadata: bool  # what a camera or program wrote about the picture: EXIF, XMP, comments, ...


def _header(source: Path | io.BytesIO) -> _Header:
    # Pillow reads the header only; OpenCV has no such call and would decode every picture.
    try:
        with Image.open(source, formats=_FORMATS) as image:
            orientation = image.getexif().get(_EXIF_ORIENTATION, 1) if "exif" in image.info else 1
            metadata = not set(image.info) <= _ABOUT_PIXELS
            return _Header(image.format or "", image.mode, *image.size, orientation, metadata)
    except Exception as error:  # Pillow raises whatever a broken header makes its parsers stumble over
        raise Unreadable("not a picture that can be read") from error


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of a picture as shown, from its header.

    Raises:
        Unreadable: if it has no header of a known picture format.
    """
    header = _header(path)
    turned = header.orientation in _TURNED
    return (header.height, header.width) if turned else (header.width, header.height)


def plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height if `data` is a whole grey or colour JPEG and nothing but a picture, else None.

    One with EXIF or other metadata is not: where and with what a face was photographed must not travel with it.

    Raises:
        Unreadable: as `picture_size`.
    """
    header = _header(io.BytesIO(data))
    whole = data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")  # the last scan has an end
    plain = whole and header.kind == "JPEG" and header.mode in ("L", "RGB") and not header.metadata
    return (header.width, header.height) if plain else None


def _opened(data: bytes, draft: int = 0) -> Image.Image:
    """The picture in `data`, 8 bits a channel, decoded whole; a JPEG as small as its format offers from `draft` up."""
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        if draft:
            image.draft("L", (draft, draft))
        if image.mode.startswith("I"):  # 16 bits a pixel
            return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8))
        image.load()
        return image
    except Exception as error:  # as in _header
        raise Unreadable(f"not a picture that can be decoded: {one_line(error)}") from error


def decode_picture(data: bytes) -> np.ndarray:
    """A picture file's bytes as (height, width, 3) uint8 BGR, upright by its EXIF orientation, on black.

    Raises:
        Unreadable: if they are no picture or an incomplete one.
    """
    image = _opened(data)
    with suppress(Exception):  # a broken EXIF block says nothing; the pixels are whole
        image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image.convert("RGBA"))
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[..., ::-1])


def decode_grey(data: bytes) -> np.ndarray:
    """A picture file's bytes as (GREY_SIDE, GREY_SIDE) uint8 grey: only good for comparing pictures.

    Raises:
        Unreadable: as `decode_picture`.
    """
    grey = _opened(data, draft=GREY_SIDE).convert("L")
    return np.asarray(grey.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX))


def fitted(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side scaled down to `size` pixels; never up, and 0 means as it is."""
    scale = size / max(width, height)
    if size == 0 or scale >= 1:
        return width, height
    return max(1, round(width * scale)), max(1, round(height * scale))
