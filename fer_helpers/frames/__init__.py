"""Step 02: which frames are a clip's key frames, which face in them, the clip as a video, and where all are kept."""

from fer_helpers.frames import store
from fer_helpers.frames._face_crop import check_detector
from fer_helpers.frames._videos import MOST_FRAMES, MOST_PER_SECOND
from fer_helpers.frames.extraction import cluster, extract, extract_videos, remove_stale
from fer_helpers.frames.mosaic import mosaic_grid, mosaic_of
from fer_helpers.frames.selection import choose, evenly_spaced
from fer_helpers.frames.store import FrameStore

__all__ = [
    "MOST_FRAMES",
    "MOST_PER_SECOND",
    "FrameStore",
    "check_detector",
    "choose",
    "cluster",
    "evenly_spaced",
    "extract",
    "extract_videos",
    "mosaic_grid",
    "mosaic_of",
    "remove_stale",
    "store",
]
