"""Whether the model behind a name is still the one that gave a run's labels: some requests are asked again, twice."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pandas as pd

from fer_helpers import statuses
from fer_helpers.annotation import access, asking
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.estimation import drift_test
from fer_helpers.files import write_whole
from fer_helpers.paths import shown
from fer_helpers.runs import Run

FOLDER = "drift"
ANCHORS = "anchors.json"
LEVEL = 0.05
ROUNDS = ("now", "repeat")


@dataclass(frozen=True)
class Drift:
    """What one check found.

    Attributes:
        time: when it was made, ISO 8601, UTC.
        anchors: requests that were answered both times.
        changed: of these, answers that differ from the kept ones.
        noise: answers that differ between the two times of asking.
        odd: anchors of which exactly one of the three answers differs from the other two.
        odd_kept: of these, anchors whose kept answer is the one that differs.
        p: exact p value of the test, see `estimation.drift_test`.
        models: models that say they answered, then and now, and their fingerprints.
    """

    time: str
    anchors: int
    changed: int
    noise: int
    odd: int
    odd_kept: int
    p: float
    models: dict[str, list[str]]

    @property
    def alarm(self) -> bool:
        return self.p <= LEVEL

    @property
    def sentence(self) -> str:
        """The finding in words."""
        rates = (
            f"{self.changed} of {self.anchors} answers differ from the kept ones, {self.noise} of {self.anchors} "
            f"between two immediate repeats (exact p = {self.p:.2g})"
        )
        if self.alarm:
            return f"The model has changed: {rates}. Labels from before and after must not be mixed."
        return f"No sign of a change: {rates}. A change of fewer answers than the repeats' noise would not be seen."


def anchors(run: Run, n: int) -> pd.DataFrame:
    """The requests of `run` that are asked again: the same at every check, at most `n`, one a clip first.

    They are chosen at the first check, by the hash of their keys, among the requests that have a reply, and written
    into the run's folder.

    Raises:
        RunError: the run has no replies, or none of the anchors is among its requests any more.
    """
    requests, answers = run.read("requests"), run.read("answers")
    path = run.folder / FOLDER / ANCHORS
    if path.is_file():
        keys = json.loads(path.read_text(encoding="utf-8"))
    else:
        replied = answers.loc[answers["status"] != statuses.ERROR, "key"]
        usable = requests[requests["key"].isin(replied)].drop_duplicates("key")
        usable = usable.assign(by_chance=[sha256(f"anchor {key}".encode()).hexdigest() for key in usable["key"]])
        usable = usable.sort_values("by_chance")
        usable = usable.assign(turn=usable.groupby("clip_id").cumcount()).sort_values(["turn", "by_chance"])
        keys = usable["key"].head(n).tolist()
        if not keys:
            raise RunError(f"{shown(run.folder)} has no replies to compare with: run notebook 03 first")
        write_whole(path, json.dumps(keys))
    chosen = requests[requests["key"].isin(keys)].drop_duplicates("key")
    if chosen.empty:
        raise RunError(f"{shown(path)} names requests that this run does not have any more: remove it to begin anew")
    return chosen


def check(run: Run, n: int = 200, max_cost_usd: float | None = None) -> Drift:
    """Ask the anchors of `run` twice, compare with the kept replies, and write what was found into the run's folder.

    The new replies are kept beside, in drift/, and change nothing in the run. A check that was interrupted goes on
    where it was.

    Raises:
        FerError: as `anchors` and `asking.answered`; ParamsError for a replay, which asks nobody.
    """
    if run.params.base_url == access.REPLAY:
        raise ParamsError("base_url is replay, which asks nobody: check for drift where the model can be asked")
    chosen, folder = anchors(run, n), run.folder / FOLDER
    archives = [folder / f"unfinished_{name}.sqlite" for name in ROUNDS]
    now, repeat = (_asked(run, chosen, path, max_cost_usd) for path in archives)
    kept = run.read("answers").set_index("key")
    twice = set(_usable(now).index) & set(_usable(repeat).index)
    both = [key for key in chosen["key"] if key in twice]
    if not both:
        raise RunError("no anchor was answered twice: nothing can be said; run again")
    found = drift_test(*(_outcome(table).loc[both] for table in (kept, now, repeat)))
    models = {
        when: sorted({f"{row.model_returned} {row.fingerprint}" for row in table.loc[both].itertuples()})
        for when, table in (("kept", kept), ("now", now))
    }
    result = Drift(time=datetime.now(UTC).isoformat(timespec="milliseconds"), **found, models=models)
    stamp = result.time.replace(":", "").replace("+0000", "Z")
    for name, path in zip(ROUNDS, archives, strict=True):
        path.rename(folder / f"{stamp}_{name}.sqlite")
    write_whole(folder / f"{stamp}.json", json.dumps({**result.__dict__, "finding": result.sentence}, indent=1))
    return result


def _asked(run: Run, chosen: pd.DataFrame, path: Path, max_cost_usd: float | None) -> pd.DataFrame:
    """Answers to the anchors, by key, from an archive of their own."""
    own = {"archive": str(path), "max_cost_usd": max_cost_usd or 0.0, "retry_statuses": []}
    beside = Run(run.folder, run.params.model_copy(update=own))
    return asyncio.run(asking.answered(beside, chosen)).set_index("key")


def _usable(answers: pd.DataFrame) -> pd.DataFrame:
    return answers[answers["status"] != statuses.ERROR]


def _outcome(answers: pd.DataFrame) -> pd.Series:
    """The label, or the status where there is none: a refusal that was not there before is a change, too."""
    return answers["label"].fillna(answers["status"])
