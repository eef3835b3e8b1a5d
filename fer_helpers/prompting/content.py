"""What a model is shown: key frames, their mosaic, or the clip itself; as parts of a request, and in tokens; pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fer_helpers.frames import mosaic_grid, mosaic_of
from fer_helpers.prompting.pricing import PriceBook
from fer_helpers.prompting.strategies import find

CLIP_AS_IMAGE = "video_url"  # among a request's omitted fields: the clip goes as an image_url
Picture = Callable[[str, int | None], bytes]  # clip_id, frame_index -> JPEG; with None -> the clip as MP4


@dataclass(frozen=True)
class Clip:
    """A clip's video: hash of what it shows, pixels, frames, and length in s."""

    sha256: str
    width: int
    height: int
    n_frames: int
    duration_s: float


def clips(videos: pd.DataFrame | None) -> dict[str, Clip]:
    """The videos that are there, by clip_id; `videos` is the table of that name."""
    if videos is None:
        return {}
    rows = videos[videos["status"] == "ok"]
    facts = rows[["sha256", "width", "height", "n_frames", "duration_s"]].itertuples(index=False, name=None)
    return {clip_id: Clip(*of_clip) for clip_id, of_clip in zip(rows["clip_id"], facts, strict=True)}


def wants_clips(strategies: Iterable[str]) -> bool:
    """Whether one of `strategies` asks about clips as videos."""
    return any(find(name).video for name in strategies)


def is_clip(request: Mapping[str, Any]) -> bool:
    """Whether a row of the requests table is about the clip itself."""
    return len(request["frame_indices"]) == 0


def parts(request: Mapping[str, Any], urls: Sequence[str]) -> list[dict[str, Any]]:
    """Parts of a message's content for a row of the requests table, a URL each; see `urls_of`.

    `video_url` is what vLLM, SGLang and OpenRouter call a video. Google's compatible endpoint documents image_url for
    data of any medium.
    """
    omitted = request["omitted"].split()
    if is_clip(request):
        kind = "image_url" if CLIP_AS_IMAGE in omitted else "video_url"
        return [{"type": kind, kind: {"url": url}} for url in urls]
    looked_at = {} if "detail" in omitted else {"detail": request["detail"]}
    return [{"type": "image_url", "image_url": {"url": url, **looked_at}} for url in urls]


def urls_of(request: Mapping[str, Any], picture: Picture) -> list[str]:
    """The pictures of a row of the requests table, or its clip, as `data:` URLs; `picture` gives the bytes."""
    clip_id = request["clip_id"]
    if is_clip(request):
        return [url_of_clip(picture(clip_id, None))]
    jpegs = [picture(clip_id, index) for index in request["frame_indices"]]
    jpegs = [mosaic_of(jpegs)] if request["mosaic"] else jpegs
    return ["data:image/jpeg;base64," + base64.b64encode(jpeg).decode() for jpeg in jpegs]


def url_of_clip(mp4: bytes) -> str:
    """A video's bytes as a `data:` URL."""
    return "data:video/mp4;base64," + base64.b64encode(mp4).decode()


def tokens(sizes: Sequence[tuple[int, int]], as_mosaic: bool, model: str, detail: str, prices: PriceBook) -> int:
    """Tokens of pictures of `sizes` (width, height), each by itself or all as one."""
    if as_mosaic:
        columns, rows, width, height = mosaic_grid(sizes)
        sizes = [(columns * width, rows * height)]
    return sum(prices.image_tokens(model, width, height, detail) for width, height in sizes)


def tokens_of_clip(clip: Clip, model: str, detail: str, prices: PriceBook) -> tuple[int, bool]:
    """Tokens of a clip, and whether that is how `model` counts; otherwise as if each frame were a picture."""
    known = prices.video_tokens(model, clip.duration_s)
    if known is not None:
        return known, True
    return clip.n_frames * prices.image_tokens(model, clip.width, clip.height, detail), False
