"""Video frames of high dynamic range or a wide gamut, as sRGB.

libswscale could do this too, but takes seconds to prepare for each new size. The curves of BT.601 and BT.709 are
shown as they are, as players show them; their matrices and ranges are libswscale's business.
"""

from __future__ import annotations

from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorTrc

_HDR = {int(ColorTrc.SMPTE2084): "PQ", int(ColorTrc.ARIB_STD_B67): "HLG"}
_WIDE = {int(ColorPrimaries.BT2020): "BT.2020", int(ColorPrimaries.SMPTE432): "Display P3"}
_TO_BT709 = {  # linear light, from the primaries' chromaticities; BT.2020's as in ITU-R BT.2087
    "BT.2020": [[1.6605, -0.5877, -0.0728], [-0.1246, 1.1330, -0.0084], [-0.0182, -0.1006, 1.1187]],
    "Display P3": [[1.2249, -0.2247, 0.0], [-0.0421, 1.0419, 0.0], [-0.0196, -0.0786, 1.0979]],
}
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of BT.2020's primaries
_WHITE = 203  # cd/m² of diffuse white in HDR (ITU-R BT.2408)
_PEAK = 1000 / _WHITE  # the screen HLG is meant for, and most PQ is mastered on
_KNEE = 0.8  # light above it, of white's, makes room for what is brighter than white


def converted(frame: av.VideoFrame) -> str | None:
    """What a reader should know of the colours: that they are tone-mapped, or were of a wider gamut."""
    if frame.color_trc in _HDR:
        return f"HDR ({_HDR[frame.color_trc]}), tone-mapped to sRGB"
    if frame.color_primaries in _WIDE:
        return f"{_WIDE[frame.color_primaries]} colours, converted to sRGB"
    return None


@lru_cache
def _curve(transfer: str | None) -> np.ndarray:
    """Light of each code of 16 bits, 1 for diffuse white (HLG: of the scene): shape (65536,). ITU-R BT.2100."""
    code = np.arange(65536) / 65535
    if transfer == "PQ":
        root = code ** (1 / 78.84375)
        light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        light *= 10000 / _WHITE
    elif transfer == "HLG":
        bright = (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12
        light = np.where(code <= 0.5, code**2 / 3, bright)
    else:
        light = code**2.4  # BT.1886
    return light.astype(np.float32)


@lru_cache
def _codes(hdr: bool) -> np.ndarray:
    """The code, 0-255, of each 65535th of light: sRGB's, or for SDR as it was coded."""
    light = np.arange(65536) / 65535
    code = (
        np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055) if hdr else light ** (1 / 2.4)
    )
    return np.round(255 * code).astype(np.uint8)


def _tone_mapped(light: np.ndarray) -> np.ndarray:
    """`light` (height, width, 3) with what is above the knee drawn in, so that the peak becomes white; hues stay.

    Above the knee it is Reinhard et al. 2002 ("Photographic tone reproduction for digital images", ACM TOG
    21:267-276, eq. 4); below, light is left as it is, so that faces keep their level.
    """
    most = light.max(axis=2)
    above = (np.maximum(most, _KNEE) - _KNEE) / (1 - _KNEE)
    peak = (_PEAK - _KNEE) / (1 - _KNEE)
    drawn = _KNEE + (1 - _KNEE) * above * (1 + above / peak**2) / (1 + above)
    return light * np.where(most > _KNEE, drawn / np.maximum(most, _KNEE), 1)[..., None]


def srgb(codes: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """`codes`, `frame`'s RGB as (height, width, 3) uint16, as sRGB, uint8."""
    transfer = _HDR.get(frame.color_trc)
    light = _curve(transfer)[codes]
    if transfer == "HLG":
        light *= _PEAK * (light @ _LUMA)[..., None] ** 0.2
    if wide := _WIDE.get(frame.color_primaries):
        light = cv2.transform(light, np.array(_TO_BT709[wide], np.float32))
    light = _tone_mapped(np.maximum(light, 0)) if transfer else light
    return _codes(transfer is not None)[(light.clip(0, 1) * 65535 + 0.5).astype(np.uint16)]
