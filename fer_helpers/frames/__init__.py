"""Step 02: which frames of a clip are its key frames, which face in them, and where they are kept."""

from fer_helpers.frames import store
from fer_helpers.frames._face_crop import check_detector
from fer_helpers.frames.extraction import cluster, extract, remove_stale
from fer_helpers.frames.mosaic import mosaic_grid, mosaic_of
from fer_helpers.frames.selection import choose, evenly_spaced
from fer_helpers.frames.store import FrameStore

__all__ = [
    "FrameStore",
    "check_detector",
    "choose",
    "cluster",
    "evenly_spaced",
    "extract",
    "mosaic_grid",
    "mosaic_of",
    "remove_stale",
    "store",
]
