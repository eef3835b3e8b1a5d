"""What can become of a clip, a frame, a request or a prediction: every status and what it means, decided here alone.

A failure is never an answer and never a wrong answer.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """One status.

    Attributes:
        name: as it stands in the tables.
        meaning: in words, for readers.
        failure: there is no usable label, picture or file.
        rank: of two replies to one request the one of higher rank is kept; of equals the later.
        reused: a kept reply with this status is not asked for again.
    """

    name: str
    meaning: str
    failure: bool = True
    rank: int = 0
    reused: bool = False


def _named(*statuses: Status) -> dict[str, Status]:
    return {status.name: status for status in statuses}


OK, ERROR, OUTSIDE = "ok", "error", "outside"

CLIP = _named(
    Status(OK, "the file can be read", failure=False),
    Status("unreadable", "the file cannot be read; the reason says why"),
    Status("empty", "there is nothing in it"),
)
FRAME = _named(
    Status(OK, "the frame is there", failure=False),
    Status("unreadable", "the frame cannot be decoded; the reason says why"),
    Status("empty", "the clip has no frame"),
    Status("no_face", "no face was found where one was looked for"),
)
VIDEO = FRAME | _named(
    Status(OK, "the clip is there as a video", failure=False),
    Status("still", "the clip is a single frame"),
    Status("too_large", "the video has more bytes than a request should"),
)
ANSWER = _named(
    Status(OK, "one of the labels asked for", failure=False, rank=2, reused=True),
    Status("refused", "the model declined, in its refusal field or in words", rank=1, reused=True),
    Status("filtered", "a safety filter stopped the request or the reply", rank=1, reused=True),
    Status("truncated", "the reply was cut at its limit of tokens before the label was complete", rank=1, reused=True),
    Status("invalid", "the reply is none of the labels asked for", rank=1, reused=True),
    Status(ERROR, "no reply came, or none that can be one; asked again in the next run"),
)
PREDICTION = ANSWER | _named(
    Status("no_frame", "the clip has no key frame, or no video where that is asked about"),
    Status("not_asked", "nothing was asked about the clip"),
    Status("no_label", "an imported annotator gave the clip no label"),
    Status(OUTSIDE, "an imported annotator gave a label outside the label set: wrong, not missing", failure=False),
    Status("left_out", "surprise, which has no valence under surprise_is: left_out"),
)
RETRIABLE = tuple(name for name, status in ANSWER.items() if status.failure and status.reused)


def reused(retry: Collection[str] = ()) -> set[str]:
    """The statuses of kept replies that are not asked for again, but for those in `retry`."""
    return {name for name, status in ANSWER.items() if status.reused} - set(retry)
