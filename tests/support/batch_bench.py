"""A run that is annotated through the Batch API, step by step, and cut off where a test wants."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pandas as pd

from fer_helpers import endpoint
from fer_helpers.annotation import Access, batch_ledger, batches, online
from fer_helpers.annotation.archive import Archive
from fer_helpers.annotation.batch_files import Limits
from fer_helpers.annotation.batch_ledger import ENDED, Ledger
from fer_helpers.endpoint import BatchFaults
from fer_helpers.prompting import planning
from tests.support.chat import encoded, noise
from tests.support.plans import frames_of

FRAMES = frames_of({"a": 3, "b": 2, "c": 1})
PLANNED = planning.plan(FRAMES, ["per_frame", "multi_frame"], ["seven", "ternary"], planning.Asking(endpoint.MODEL))
N = PLANNED["key"].nunique()
PICTURES = {
    (row.clip_id, row.frame_index): encoded(noise(number, 48, 64), "jpeg")
    for number, row in enumerate(FRAMES.itertuples())
}


def picture(clip_id: str, frame_index: int) -> bytes:
    return PICTURES[clip_id, frame_index]


class Bench:
    """A run's folder and archive, and a served endpoint to submit to."""

    def __init__(self, url: str, folder: Path, client: openai.OpenAI) -> None:
        self.url, self.folder, self.client = url, folder, client
        folder.mkdir(exist_ok=True)

    @contextlib.contextmanager
    def archive(self):
        with Archive(self.folder / "archive.sqlite") as opened:
            yield opened

    def submit(self, planned: pd.DataFrame = PLANNED, **limits: Any) -> list[batch_ledger.Shard]:
        with self.archive() as archive:
            return batches.submit(planned, picture, archive, self.folder, Access(self.url), Limits(**limits))

    def collect(self) -> pd.DataFrame:
        with self.archive() as archive:
            return batches.collect(archive, self.folder, Access(self.url))

    def missing(self) -> int:
        with self.archive() as archive:
            return len(batches.missing(PLANNED, archive, self.folder))

    def answers(self) -> pd.DataFrame:
        with self.archive() as archive:
            return online.kept(PLANNED, archive)

    def batches(self) -> list[Any]:
        return list(self.client.batches.list())

    def ended(self) -> Bench:
        while any(item.status not in ENDED for item in self.batches()):
            time.sleep(0.01)
        return self

    def ledger(self) -> list[batch_ledger.Shard]:
        return Ledger(self.folder).shards


@contextlib.contextmanager
def bench(tmp_path: Path, **faults: Any):
    with (
        endpoint.serve(batch_faults=BatchFaults(**faults)) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        yield Bench(url, tmp_path / "run", client)


class Cut(BaseException):
    """The end of a process, as far as its own code can tell."""


@contextlib.contextmanager
def cut_off(step: int, end: Callable[[], None]):
    """Call `end` in the place of writing the ledger for the `step`-th time with a shard in it."""
    save, left = Ledger.save, [step]

    def save_or_end(self: Ledger) -> None:
        left[0] -= bool(self.shards)
        if left[0]:
            save(self)
        else:
            end()

    Ledger.save = save_or_end  # type: ignore[method-assign]
    try:
        yield
    finally:
        Ledger.save = save  # type: ignore[method-assign]


def now() -> None:
    raise Cut
