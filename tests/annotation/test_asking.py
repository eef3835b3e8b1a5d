"""What a run asks in its two rounds; which clips a cascade goes on with."""

import asyncio
from types import SimpleNamespace

import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.annotation import asking

FRAMES = pd.DataFrame({"clip_id": ["a", "a", "b", "b"], "frame_index": [0, 1, 0, 1], "status": "ok"})
# The middle frame is the later of two; "all" are both frames of a clip.
PLANNED = pd.DataFrame(
    [(f"{clip} {kind}", clip, frames) for clip in "ab" for kind, frames in (("middle", [1]), ("all", [0, 1]))],
    columns=["key", "clip_id", "frame_indices"],
).assign(taxonomy="seven", mosaic=False, replicate=0, tokens_in=1, tokens_out=1, cost_usd=0.0)


def answers(part):
    """The middle frame of a is sure, that of b is not."""
    shares = part["key"].map({"a middle": 0.9, "b middle": 0.4}).fillna(0.8)
    given = {"key": part["key"], "status": "ok", "label": "sad", "prob_sad": shares, "model_requested": "m"}
    return tables.check("answers", pd.DataFrame(given).assign(created="2026-01-01T00:00:00+00:00"))


def run(*strategies):
    return SimpleNamespace(
        params=SimpleNamespace(strategies=list(strategies), cascade_below=0.6, taxonomies=["seven", "ternary"])
    )


@pytest.mark.parametrize(
    ("strategies", "rounds"),
    [
        (["cascade"], [["a middle", "b middle"], ["a middle", "b middle", "b all"]]),
        (["single_frame"], [["a middle", "b middle"]]),
        (["cascade", "multi_frame"], [["a middle", "a all", "b middle", "b all"]]),
    ],
)
def test_a_second_round_asks_about_the_unsure_clips_of_a_cascade(monkeypatch, strategies, rounds):
    """And there is none where nothing more has to be asked."""
    seen = []

    async def answered(_, part):
        seen.append(list(part["key"]))
        return answers(part)

    monkeypatch.setattr(asking, "answered", answered)
    due, found = asyncio.run(asking.ask(run(*strategies), PLANNED, FRAMES))
    assert seen == rounds
    assert list(due["key"]) == list(found["key"]) == rounds[-1]


def test_clips_that_went_on_are_counted_by_cascade_and_label_set():
    table = asking.continued(run("single_frame", "cascade"), PLANNED, answers(PLANNED), FRAMES)
    assert table.to_dict("index") == {"cascade": {"seven": 1, "ternary": 0}}
    assert asking.continued(run("single_frame"), PLANNED, answers(PLANNED), FRAMES).empty
