"""Pictures on disk: which files of a folder they are, their size from the header, their pixels upright."""

from __future__ import annotations

import ctypes
import io
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError, features

from fer_helpers.errors import one_line
from fer_helpers.media._colour import is_srgb, srgb

_MOSAIC = 10  # squares that a pixelated picture is made of, each way

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm"),
    "AVIF": (".avif",) if features.check("avif") else (),
    "GIF": (),  # a video by its suffix, whatever other suffix it has a picture
}
PICTURE_SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
GREY_SIDE = 64  # pixels a side of the small copies in which frames are compared
_EXIF_ORIENTATION = 0x112
_TURNS = {  # how to show a picture of each EXIF orientation but 1
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNED = (5, 6, 7, 8)  # those that swap width and height
_PNG, _JPEG, _END = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"\xff\xd9"
# Not every decoder Pillow has: a file's bytes choose among these, whatever its suffix says.
FORMATS = tuple(_SUFFIXES)
_ANIMATED = ("PNG", "WEBP", "AVIF", "GIF")
# A picture that cannot be decoded is a row with a reason, not a line on stderr. OpenCV's libjpeg and libpng
# print what they stumble over; Pillow raises, or warns, which is silenced here.
warnings.filterwarnings("ignore", module=r"PIL\b")
with suppress(AttributeError, OSError):  # libtiff prints too, unless told not to; Pillow has no call for that
    _pillow = ctypes.CDLL(Image.core.__file__)
    _pillow.TIFFSetErrorHandler(None)
    _pillow.TIFFSetWarningHandler(None)
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
class Header:
    """What a picture file says before its pixels; `shown` is its width and height upright."""

    kind: str
    mode: str
    width: int
    height: int
    orientation: int
    is_animated: bool
    only_picture: bool  # nothing that a camera or program wrote about it (EXIF, XMP, comments), and no other colours

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as shown."""
        return (self.height, self.width) if self.orientation in _TURNED else (self.width, self.height)


def _orientation(image: Image.Image) -> int:
    """How the picture is to be turned, 1-8, as EXIF or XMP say; 1 if that cannot be read."""
    if image.format == "TIFF":  # Pillow turns it by itself
        return 1
    with suppress(Exception):  # Pillow raises whatever a broken block makes its parsers stumble over
        said = image.getexif().get(_EXIF_ORIENTATION, 1)
        return said if said in _TURNS else 1
    return 1


def header(source: Path | io.BytesIO) -> Header:
    """What the picture file `source` says before its pixels.

    Raises:
        Unreadable: it has no header of a known picture format.
    """
    # Pillow reads the header only; OpenCV has no such call and would decode every picture.
    try:
        with _open(source) as image:
            if image.format == "PNG" and _speaks_late(source):
                image.load()
            plain = set(image.info) <= _ABOUT_PIXELS and is_srgb(image.info.get("icc_profile"), image.mode)
            animated = image.format in _ANIMATED and getattr(image, "n_frames", 1) > 1
            return Header(image.format or "", image.mode, *image.size, _orientation(image), animated, plain)
    except Exception as error:  # as in _orientation
        raise Unreadable("not a picture that can be read") from error


def _open(source: Path | io.BytesIO) -> Image.Image:
    try:
        return Image.open(source, formats=FORMATS)
    except Exception:
        data = source.getvalue() if isinstance(source, io.BytesIO) else source.read_bytes()
        if not data.startswith(_PNG):
            raise
        return Image.open(io.BytesIO(_critical(data)), formats=("PNG",))


def _speaks_late(source: Path | io.BytesIO) -> bool:
    """Whether a PNG may have something to say about its pixels after them, where Pillow reads it with them."""
    data = source.getvalue() if isinstance(source, io.BytesIO) else source.read_bytes()
    return max(data.rfind(b"eXIf"), data.rfind(b"iTXt")) > data.find(b"IDAT")


def _critical(data: bytes) -> bytes:
    """A PNG's bytes without the chunks it can be shown without (PNG, 5.4): one that is broken costs no picture."""
    kept, at = [_PNG], len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 5].isupper() or data[at + 4 : at + 8] == b"tRNS":
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def lacks_end(path: Path) -> bool:
    """Whether a JPEG file has no end marker after its last scan."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        return _END not in file.read() and not _is_whole(path.read_bytes())


def _is_whole(data: bytes) -> bool:
    return data.rfind(_END) > data.rfind(b"\xff\xda")  # the last scan has an end


def plain_jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height if `data` is a whole grey or colour JPEG and nothing but a picture in sRGB, else None.

    One with EXIF or other metadata is not: where and with what a face was photographed must not travel with it.

    Raises:
        Unreadable: as `header`.
    """
    found = header(io.BytesIO(data))
    plain = _is_whole(data) and found.kind == "JPEG" and found.mode in ("L", "RGB") and found.only_picture
    return (found.width, found.height) if plain else None


def _opened(data: bytes, draft: int = 0) -> Image.Image:
    """The picture in `data`, 8 bits a channel, decoded whole; a JPEG as small as its format offers from `draft` up."""
    try:
        image = _open(io.BytesIO(data))
        if draft:
            image.draft("L", (draft, draft))
        image.load()
        return image
    except Exception as error:  # as in _orientation
        if data.startswith(_JPEG) and not _is_whole(data) and (whole := _completed(data, draft)):
            return whole
        about = "" if isinstance(error, UnidentifiedImageError) else f": {one_line(error)}"  # it names an address
        raise Unreadable(f"not a picture that can be decoded{about}") from error


def _completed(data: bytes, draft: int) -> Image.Image | None:
    """A JPEG without its end marker, if nothing else of it is missing: then what follows its data changes nothing."""
    with suppress(Unreadable):
        one, other = (_opened(data + filler + _END, draft) for filler in (b"", bytes(range(1, 200))))
        return one if one.tobytes() == other.tobytes() else None
    return None


def bgr_of(image: Image.Image) -> np.ndarray:
    """A decoded picture as (height, width, 3) uint8 BGR sRGB, upright, on black."""
    profile, orientation = image.info.get("icc_profile"), _orientation(image)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    image = srgb(image, profile)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    return np.ascontiguousarray(np.asarray(image)[..., ::-1])


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey levels of 16 bits, or whatever they are, as bytes."""
    if grey.dtype.kind == "f":
        grey = grey * (255.0 if grey.max(initial=0) <= 1 else 1.0)
        return grey.clip(0, 255).astype(np.uint8)
    return (grey.astype(np.uint32) >> 8).clip(0, 255).astype(np.uint8)


def decode_picture(data: bytes) -> np.ndarray:
    """A picture file's bytes as (height, width, 3) uint8 BGR sRGB, upright as EXIF or XMP say, on black.

    Raises:
        Unreadable: if they are no picture or pixels are missing.
    """
    try:
        return bgr_of(_opened(data))
    except (OSError, ValueError, SyntaxError) as error:
        raise Unreadable(f"not a picture that can be decoded: {one_line(error)}") from error


def pixelated(image: np.ndarray) -> np.ndarray:
    """`image`, (height, width, 3) uint8, as a smoothed mosaic of 10 × 10.

    It hides who somebody is from a reader; it is no anonymisation that withstands an attack.
    """
    mosaic = cv2.resize(image, (_MOSAIC, _MOSAIC), interpolation=cv2.INTER_AREA)
    return cv2.resize(mosaic, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def decode_grey(data: bytes) -> np.ndarray:
    """A picture file's bytes as (GREY_SIDE, GREY_SIDE) uint8 grey: only good for comparing pictures.

    Raises:
        Unreadable: as `decode_picture`.
    """
    image = _opened(data, draft=GREY_SIDE)
    if image.mode.startswith(("I", "F")):
        image = Image.fromarray(_eight_bits(np.asarray(image)))
    return np.asarray(image.convert("L").resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX))


def fitted(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side scaled down to `size` pixels; never up, and 0 means as it is."""
    scale = size / max(width, height)
    if size == 0 or scale >= 1:
        return width, height
    return max(1, round(width * scale)), max(1, round(height * scale))
