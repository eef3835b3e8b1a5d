"""A queue of clips that people label: what is shown next to whom, and the keeping of what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import FerError, RunError
from fer_helpers.estimation import CANNOT_TELL, SKIP
from fer_helpers.explorer._filmstrips import LARGE, KeyFrames
from fer_helpers.paths import shown
from fer_helpers.runs import Run, draws, people

_FINISHED = (
    "Thank you: all {n} clips are done. Next: run notebook 06_label_audit, or fer-helpers run with this run's "
    "parameters, to see what follows from the labels."
)


def queue_of(run: Run, queue: str) -> list[str]:
    """The clip_ids drawn for `queue`, in the order in which they are labelled.

    Raises:
        RunError: there is no such queue, or nothing was drawn for it.
    """
    if queue not in tables.QUEUES:
        raise RunError(f"queue is {queue!r}: must be one of {', '.join(tables.QUEUES)}")
    mine = draws.drawn(draws.read(run), queue)
    if mine.empty:
        raise RunError(f"{shown(run.folder)} has no clips drawn for {queue}: draw some with fer-helpers sample first")
    return [str(clip) for clip in mine["clip_id"]]


class Desk:
    """Answers the messages of the labelling view in a browser, in a kernel or over HTTP.

    The browser is told a clip's number in the queue, its key frames, the reviewer's own label and the label set:
    not its name, which may tell the true label, and nothing of predictions, strata or other reviewers. Every label
    is in people.jsonl in the run's folder before the next clip is shown.

    Args:
        run: a run with key frames, of which clips were drawn.
        queue: "core", "audit" or "worklist".

    Raises:
        RunError: as `queue_of`, or there is no frames table.
    """

    def __init__(self, run: Run, queue: str) -> None:
        self.clips = queue_of(run, queue)
        self.queue = queue
        self.labels = list(TAXONOMIES[run.params.taxonomies[0]])
        self.frames = KeyFrames(frames=run.read("frames"), picture=run.picture)
        self._folder = run.folder
        # A class looks at the same few clips at the same time, and making a strip takes five times as long as the rest.
        self._strip = lru_cache(64)(lambda clip_id: self.frames.strip(clip_id, LARGE))

    def reply(self, message: Any) -> tuple[dict[str, Any], list[bytes]]:
        """The answer to a message, which may be anything, and its picture; what goes wrong is said in it."""
        try:
            rows = people.read(self._folder)
            rater = _known(people.rater_name(message["rater"]), rows)
            said = self._said(rows, rater)
            if message["type"] == "answer":
                clip = self._keep(rater, message)
                said.pop(clip, None)
                said[clip] = message["label"]
            return self._shown(rater, said, message)
        except (FerError, OSError, LookupError, TypeError, ValueError) as error:
            number = message.get("id") if isinstance(message, dict) else None
            return {"type": "problem", "id": number, "text": str(error)[:500]}, []

    def _keep(self, rater: str, message: dict[str, Any]) -> int:
        """Keep an answer, once it is one that can have been given; returns the clip's number."""
        clip, label = _whole(message["clip"]), message["label"]
        if not 0 <= clip < len(self.clips):
            raise RunError(f"there is no clip {clip} in the queue")
        if label not in self._answers:
            raise RunError(f"label is {label!r}: must be one of {', '.join(self._answers)}")
        row = {"clip_id": self.clips[clip], "rater": rater, "label": label, "queue": self.queue}
        people.keep({**row, "labelled_at": datetime.now(UTC).isoformat(timespec="seconds")}, self._folder)
        return clip

    @property
    def _answers(self) -> tuple[str, ...]:
        return (*self.labels, CANNOT_TELL, SKIP)

    def _said(self, rows: pd.DataFrame, rater: str) -> dict[int, str]:
        """What `rater` answered, by the clip's number in the queue, the latest last; `rows` are `people.read`'s."""
        rows = rows[(rows["rater"] == rater) & (rows["queue"] == self.queue) & rows["label"].isin(self._answers)]
        number = {clip_id: at for at, clip_id in enumerate(self.clips)}
        return {number[row.clip_id]: row.label for row in rows.itertuples() if row.clip_id in number}

    def _shown(self, rater: str, said: dict[int, str], message: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
        """The next clip, or the one that was answered `back` answers before."""
        back = min(max(0, _whole(message["back"])), len(said))
        skipped = [clip for clip, label in said.items() if label == SKIP]
        waiting = [*(clip for clip in range(len(self.clips)) if clip not in said), *skipped]
        clip = list(said)[-back] if back else next(iter(waiting), None)
        told = {
            "clip": clip,
            "said": said.get(-1 if clip is None else clip),
            "back": back,
            "first": back == len(said),
            "rater": rater,
            "done": len(said) - len(skipped),
            "of": len(self.clips),
            "skipped": len(skipped),
            "words": "" if waiting else _FINISHED.format(n=len(self.clips)),
        }
        picture = b"" if clip is None else self._strip(self.clips[clip])
        return {"type": "clip", "id": message["id"], **told}, [picture]


def _known(rater: str, rows: pd.DataFrame) -> str:
    """`rater` as that person was written before: Ana and ana are one rater, not two who agree."""
    return {name.casefold(): name for name in rows["rater"]}.get(rater.casefold(), rater)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
