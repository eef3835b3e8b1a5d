"""Key frames of clips that need not exist, and what is asked about them."""

import pandas as pd

from fer_helpers import endpoint, tables
from fer_helpers.prompting import planning


def frames_of(clips: dict[str, int]) -> pd.DataFrame:
    """The frames table of clips with so many key frames."""
    rows = [
        {
            "clip_id": clip,
            "frame_index": 3 * number,
            "time_s": 0.12 * number,
            "path": f"frames/{clip}/{number}.jpg",
            "sha256": f"{clip}-{number}",
            "width": 224,
            "height": 224,
            "status": "ok",
        }
        for clip, n in clips.items()
        for number in range(n)
    ]
    return tables.check("frames", pd.DataFrame(rows))


def videos_of(clips: list[str], seconds: float = 2.4) -> pd.DataFrame:
    """The videos table of clips of 24 frames, but for the last, which is too large."""
    rows = [
        {"clip_id": clip, "path": f"frames/{clip}/clip.mp4", "sha256": f"{clip}-video", "width": 384, "height": 216,
         "n_frames": 24, "duration_s": seconds, "status": "ok"}
        for clip in clips[:-1]
    ]  # fmt: skip
    return tables.check("videos", pd.DataFrame([*rows, {"clip_id": clips[-1], "status": "too_large", "reason": "…"}]))


def planned_for(n: int, model: str = endpoint.MODEL) -> pd.DataFrame:
    """One request each about the clips "0", "1", ... with one key frame."""
    frames = frames_of({str(number): 1 for number in range(n)})
    return planning.plan(frames, ["per_frame"], ["seven"], planning.Asking(model))
