"""Videos and pictures as files: opening them, decoding them as a viewer shows them, how much they move."""

from pathlib import PurePath

from fer_helpers.media.decoding import Footage, Frame, open_footage
from fer_helpers.media.encoding import mp4
from fer_helpers.media.images import (
    GREY_SIDE,
    PICTURE_SUFFIXES,
    Unreadable,
    decode_picture,
    fitted,
    is_picture,
    is_pictures,
    leads_outside,
    natural,
    pictures_in,
    pictures_of,
    pixelated,
)
from fer_helpers.media.motion import Curve, of_clip
from fer_helpers.media.probing import NOTE, Probe, probe
from fer_helpers.media.videos import VIDEO_SUFFIXES, shots

__all__ = [
    "GREY_SIDE",
    "NOTE",
    "PICTURE_SUFFIXES",
    "VIDEO_SUFFIXES",
    "Curve",
    "Footage",
    "Frame",
    "Probe",
    "Unreadable",
    "can_be_read",
    "decode_picture",
    "fitted",
    "is_picture",
    "is_pictures",
    "leads_outside",
    "mp4",
    "natural",
    "of_clip",
    "open_footage",
    "pictures_in",
    "pictures_of",
    "pixelated",
    "probe",
    "shots",
]


def can_be_read(name: str) -> bool:
    """Whether a file of this name is taken for a video or picture: by its suffix, whatever is in it."""
    return PurePath(name).suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES
