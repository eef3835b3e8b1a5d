"""A run as the explorer reads it: its tables, and what is behind one prediction when somebody looks at it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import LABELS, TAXONOMIES
from fer_helpers.errors import RunError
from fer_helpers.explorer._filmstrips import KeyFrames
from fer_helpers.explorer._table import NO_ROW, Series
from fer_helpers.frames import store
from fer_helpers.prompting import find, groups, planning, stages
from fer_helpers.runs import Run

LONGEST = 2000  # characters of a reply that are shown


@dataclass(frozen=True, kw_only=True)
class Source(KeyFrames):
    """The tables of one run, and its key frames.

    All but predictions, clips and frames may be empty, for annotators whose replies or scores are not at hand.
    `corpus` and `model` name what was labelled and who was asked; `surprise` and `drawing` are how `scores` were
    computed.
    """

    name: str
    predictions: pd.DataFrame
    clips: pd.DataFrame
    requests: pd.DataFrame
    answers: pd.DataFrame
    scores: pd.DataFrame
    comparisons: pd.DataFrame
    corpus: str = ""
    model: str = ""
    surprise: str = "positive"
    drawing: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_run(cls, run: Run) -> Source:
        """Everything from the run's folder."""
        names = ("predictions", "clips", "frames", "requests", "answers")
        known = run.params
        return cls(
            name=run.folder.name,
            **{name: run.read(name) for name in names},
            **{name: _if_there(run, name) for name in ("scores", "comparisons")},
            picture=run.picture,
            corpus=known.corpus,
            model=known.model if known.strategies else "",
            surprise=known.surprise_is,
            drawing={"n_resamples": known.n_resamples, "seed": known.bootstrap_seed},
        )

    @classmethod
    def of_tables(
        cls, predictions: pd.DataFrame, clips: pd.DataFrame, frames: pd.DataFrame, folder: Path | None, surprise: str
    ) -> Source:
        """Tables at hand, without replies; frames.path starts in `folder`, without which there are no frames."""
        frames = frames if folder else frames.iloc[:0]
        empty = {name: tables.empty(name) for name in ("requests", "answers", "scores", "comparisons")}
        paths = dict(zip(zip(frames["clip_id"], frames["frame_index"], strict=True), frames["path"], strict=True))

        def picture(clip_id: str, frame_index: int) -> bytes:
            return store.read(folder or Path(), paths[clip_id, frame_index])

        known = {"predictions": predictions, "clips": clips, "frames": frames, **empty}
        return cls(name="predictions", **known, picture=picture, surprise=surprise)

    # Columns are kept as arrays for the reason given at KeyFrames.

    @cached_property
    def _requests(self) -> tuple[dict[str, np.ndarray], list[np.ndarray]]:
        columns = ("frame_indices", "mosaic", "first", "taxonomy", "model", "key")
        indices = self.requests.groupby("clip_id", sort=False).indices
        first = planning.is_first(self.requests)
        return indices, [self.requests.assign(first=first)[name].to_numpy(object) for name in columns]

    @cached_property
    def _answers(self) -> tuple[dict[str, int], list[np.ndarray]]:
        rows = dict(zip(self.answers["key"], range(len(self.answers)), strict=True))
        return rows, [self.answers[name].to_numpy(object) for name in ("status", "label", "raw")]

    @cached_property
    def _predicted(self) -> tuple[np.ndarray, list[np.ndarray]]:
        shares = self.predictions[tables.PROBABILITIES].to_numpy(float)
        return shares, [self.predictions[name].to_numpy(object) for name in ("status", "tokens", "tie")]

    @cached_property
    def _original_of(self) -> dict[str, Any]:
        return dict(zip(self.clips["clip_id"], self.clips["label_original"], strict=True))

    def original(self, clip_id: str) -> str:
        """The corpus's own word for the clip's label; empty if it has none."""
        word = self._original_of.get(clip_id)
        return word[:LONGEST] if isinstance(word, str) else ""

    def about(self, series: Series, position: int, clip_id: str) -> dict[str, Any]:
        """What is behind a prediction: status, probabilities, tokens, and the replies that were pooled."""
        row = series.rows[position]
        if row < 0:
            return {"status": NO_ROW, "replies": []}
        all_shares, (statuses, tokens, ties) = self._predicted
        shares = all_shares[row, [LABELS.index(label) for label in TAXONOMIES[series.taxonomy]]]
        return {
            "status": statuses[row],
            "probabilities": [] if np.isnan(shares).any() else shares.round(3).tolist(),
            "tokens": None if pd.isna(tokens[row]) else int(tokens[row]),
            "tie": bool(ties[row]),
            "replies": self._replies(series, clip_id),
        }

    def _replies(self, series: Series, clip_id: str) -> list[dict[str, Any]]:
        frames = self.key_frames(clip_id)
        try:
            asked_about = {group for stage in stages(series.strategy) for group in groups(find(stage), frames)}
        except ValueError:  # imported, or an ensemble: nothing was asked here
            return []
        replicates = find(series.strategy).replicates
        rows, (indices, mosaics, first, taxonomies, models, keys) = self._requests
        answer_rows, (statuses, labels, raws) = self._answers
        found = []
        for row in rows.get(clip_id, []):
            mine = taxonomies[row] == series.asked and models[row] == series.model and (replicates or first[row])
            wanted = mine and (tuple(indices[row]), mosaics[row]) in asked_about
            at = answer_rows.get(keys[row]) if wanted else None
            if at is not None:
                label = labels[at] if isinstance(labels[at], str) else None
                shown = [frames.index(index) + 1 for index in indices[row]]
                found.append({"frames": shown, "status": statuses[at], "label": label, "words": _words(raws[at])})
        return found


def _if_there(run: Run, table: str) -> pd.DataFrame:
    """A table that the explorer can do without."""
    try:
        return run.read(table)
    except RunError:
        return tables.empty(table)


def _words(raw: object) -> str:
    """The reasons a reply gives; the reply itself if it is something else than a label; cut where it is overlong."""
    text = raw if isinstance(raw, str) else ""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # no JSON, or nested without end
        said = None
    if isinstance(said, dict) and "label" in said:
        text = str(said.get("reasoning", ""))
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]} … ({more:,} characters more)"
