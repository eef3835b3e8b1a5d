"""Finds out whether one server takes videos, by a second of grey: nobody's clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fer_helpers.annotation import _failures, access
from fer_helpers.annotation._probe import Capabilities
from fer_helpers.errors import EndpointError
from fer_helpers.media import mp4
from fer_helpers.prompting import content, planning, replies

if TYPE_CHECKING:
    import openai

_SIDE, _FRAMES = 64, 10


def with_video(client: openai.OpenAI, to: access.Access, asking: planning.Asking, found: Capabilities) -> Capabilities:
    """`found`, of a server that takes a video as well: as a video_url or, where that is refused, an image_url.

    Raises:
        EndpointError: it takes neither, passes over both, or no request can fare better.
    """
    said = ""
    for omitted in (found.omitted, f"{found.omitted} {content.CLIP_AS_IMAGE}".strip()):
        tried = replace(found, omitted=omitted)
        body = _body(replace(asking, **tried.asking))  # type: ignore[arg-type]
        try:
            reply = _post(client, body)
        except Exception as error:
            failure, status = _failures.judge(error), getattr(error, "status_code", 0)
            reason = to.masked(failure.reason)
            if failure.kind == "account" and status != 404:  # the model is there: it was asked about a picture
                raise access.ends_run(failure, error, to, asking.model) from None
            if failure.kind not in ("request", "account"):
                raise EndpointError(
                    f"{to.base_url} fails at a request with a video: {reason}; run again, or leave whole_clip out of "
                    "strategies"
                ) from None
            said = said or reason
            continue
        if not _passed_over(client, body, reply):
            return replace(tried, video=True)
        said = said or "it answers, but passes over the video"
    raise EndpointError(
        f"model {asking.model!r} at {to.base_url} takes no videos ({said}): leave whole_clip out of strategies"
    )


def _post(client: openai.OpenAI, body: Mapping[str, Any]) -> dict[str, Any]:
    return dict(client.post("/chat/completions", body=body, cast_to=object))  # type: ignore[call-overload]


def _body(asking: planning.Asking) -> dict[str, Any]:
    grey = np.full((_SIDE, _SIDE, 3), 128, np.uint8)
    video = mp4(((number / _FRAMES, grey) for number in range(_FRAMES)), _SIDE)
    about = {"clip_id": ["probe"], "status": "ok", "sha256": video.sha256, "width": _SIDE, "height": _SIDE}
    frames = pd.DataFrame({**about, "frame_index": 0})
    videos = pd.DataFrame({**about, "n_frames": _FRAMES, "duration_s": 1.0})
    row = dict(planning.plan(frames, ["whole_clip"], ["ternary"], asking, videos).iloc[0])
    body = planning.body_of(row, [content.url_of_clip(video.data)])
    body["messages"][0]["content"][0]["text"] += " Every frame is grey: if nothing fits, take the first label."
    return body


def _passed_over(client: openai.OpenAI, body: dict[str, Any], reply: Mapping[str, Any]) -> bool:
    """Whether the server counts no more tokens with the video than without: it did not look at it."""
    (message,) = body["messages"]
    blind = {**body, "messages": [{**message, "content": message["content"][:1]}]}
    try:
        without = replies.billed(_post(client, blind))[0]
    except Exception:  # it wants something to look at
        return False
    seen = replies.billed(reply)[0]
    return seen is not None and without is not None and seen <= without
