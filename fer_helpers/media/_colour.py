"""Pictures with an ICC profile, as sRGB."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}  # what a profile calls the colours of Pillow's modes
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(64)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform, or None if there is none to make: the profile is broken, another mode's, or sRGB itself."""
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES[mode]:
            return None
        transform = ImageCms.buildTransform(source, _SRGB, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if mode == "CMYK":
        return transform
    levels = np.linspace(0, 255, 6).astype(np.uint8)
    axes = [levels] * len(mode)
    colours = np.stack(np.meshgrid(*axes), -1).reshape(1, -1, len(mode))
    patches = Image.fromarray(colours if mode == "RGB" else colours[..., 0])
    moved = np.asarray(transform.apply(patches)).astype(int) - np.asarray(patches.convert("RGB"))
    return transform if np.abs(moved).max() > 1 else None


def is_srgb(profile: bytes | None, mode: str) -> bool:
    """Whether pixels of `mode` need no conversion."""
    return not profile or mode not in _SPACES or _to_srgb(profile, mode) is None


def srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` as RGB or RGBA in sRGB, by its ICC `profile` (perceptual intent), if it has one that fits.

    Its transparency is kept.
    """
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode not in _SPACES:
        image = image.convert("L" if image.mode in ("1", "LA") else "RGB")
    transform = _to_srgb(profile, image.mode) if profile else None
    image = transform.apply(image) if transform else image.convert("RGB")
    if alpha:
        image.putalpha(alpha)
    return image
