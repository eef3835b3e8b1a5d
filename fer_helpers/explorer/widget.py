"""The explorer as a widget: what it keeps in Python, and what it answers the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets

from fer_helpers.errors import FerError, RunError
from fer_helpers.evaluation import findings
from fer_helpers.explorer import _accuracies as accuracies
from fer_helpers.explorer import _standalone as standalone
from fer_helpers.explorer import marks
from fer_helpers.explorer._assets import EXPLORER, joined
from fer_helpers.explorer._filmstrips import LARGE, SMALL
from fer_helpers.explorer._run_data import Source
from fer_helpers.explorer._still import still
from fer_helpers.explorer._table import Columns, first_selected, first_view, names_of
from fer_helpers.runs import Run

MOST_ON_A_PAGE = 48
KEPT_STRIPS = 5000  # about 10 kB each


class ConfusionExplorer(anywidget.AnyWidget):
    """An interactive confusion matrix: click a cell, see its clips and why they were labelled so, mark what is wrong.

    Works without labels too: rows are then another annotator's labels. No picture is ever part of its state, so
    none enters a notebook's file; they are sent when a clip is looked at, from this kernel.

    Args:
        run: a run with predictions, or a predictions table.
        clips, frames: the tables, where `run` is a predictions table.
        folder: run's folder, where frames.path starts and marks are kept; needed with tables only. Without it no
            frame is shown and marks last as long as the kernel.
        compare: a second run over the same clips, to be set beside the first.
        strategy: the annotator shown first, as `strategy_shown` names it; the first there is if it is None.
        surprise: valence of surprise in a collapsed label, where `run` is a predictions table.

    Traits to observe or set:
        view: what is shown: series `a` and `b` (-1: none), `rows` ("label", "corrected" or a series), `shares`
            ("row" or "column"), `hide_diagonal`, `blind` (predictions are hidden until a clip is marked), and
            `filters` (scene, split, subject, group_…: values; confidence, agreement: [from, to] in per cent).
        selected: {"matrix": "a", "row": "fear", "column": "surprise"}, at first the pair confused most; a whole row
            or column without the other; empty if nothing is. With two annotators matrix may be "b", or "change" for
            clips that left or entered the cell (without row and column: all that changed). "errors" are all clips
            with a wrong label, "marked" those with a mark of the reviewer, "all" all.
        selection: the clips of the selected cell, all pages, the surest first: DataFrame of clips and predictions.
        reviewer: whose marks are shown and made; may be empty.
        marks: all reviewers' marks, one row a clip and reviewer, columns as marks.Mark.

    Raises:
        RunError: a table is missing, or there is no prediction of any clip.
    """

    _esm = joined(*EXPLORER)
    _css = joined("explorer.css")
    view = traitlets.Dict().tag(sync=True)
    selected = traitlets.Dict().tag(sync=True)
    selection = traitlets.Instance(pd.DataFrame)
    marks = traitlets.Instance(pd.DataFrame)
    reviewer = traitlets.Unicode().tag(sync=True)
    _columns = traitlets.Unicode().tag(sync=True)
    _marks: traitlets.List = traitlets.List().tag(sync=True)  # of all reviewers

    def __init__(
        self,
        run: Run | pd.DataFrame,
        clips: pd.DataFrame | None = None,
        frames: pd.DataFrame | None = None,
        *,
        folder: Path | None = None,
        compare: Run | None = None,
        strategy: str | None = None,
        surprise: str = "positive",
    ) -> None:
        if isinstance(run, Run):
            source, folder = Source.of_run(run), run.folder
        elif clips is None or frames is None:
            raise TypeError("a predictions table needs the clips and frames tables beside it")
        else:
            source = Source.of_tables(run, clips, frames, folder, surprise)
        self._sources = [source, *([Source.of_run(compare)] if compare else [])]
        names = [one.name for one in self._sources]
        if len(set(names)) < len(names):  # two runs/demo in different places
            names = [f"{name} ({number})" for number, name in enumerate(names, 1)]
        runs = dict(zip(names, (one.predictions for one in self._sources), strict=True))
        self._data = Columns(source.clips, runs, source.surprise)
        self._folder = folder
        self._strip = lru_cache(KEPT_STRIPS)(self._new_strip)
        kept = marks.read(folder) if folder else []
        who = findings.chosen(source.predictions, source.scores, strategy) if strategy else None
        view = first_view(self._data, who)
        whole, differences = accuracies.of_run(source, self._data.series)
        about = [
            {"run": name, "corpus": one.corpus, "model": one.model}
            for name, one in zip(names, self._sources, strict=True)
        ]
        super().__init__(
            view=view,
            selected=first_selected(self._data, view),
            selection=pd.DataFrame(),
            marks=marks.table(kept),
            _columns=self._data.packed(first=view, about=about, accuracies=whole, differences=differences),
            _marks=[mark.model_dump() for mark in kept],
        )
        self._select()
        self.observe(lambda _: self._select(), ["view", "selected", "reviewer", "_marks"])
        self.on_msg(self._receive)

    def __repr__(self) -> str:
        return f"ConfusionExplorer({len(self._data.clip_ids)} clips)"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """With a still picture in HTML for viewers without widgets: GitHub, exported pages, some editors."""
        shown = super()._repr_mimebundle_(**kwargs)
        if shown:
            shown[0]["text/html"] = still(self._data, self.view)
        return shown

    def to_html(self, path: Path | str, frames: str = "none") -> Path:
        """Write the explorer as one file that needs no server and reaches no network; returns its path.

        The replies are in it, and the marks made so far with their notes.

        Args:
            path: the file; written whole or not at all.
            frames: "none"; "blurred", a mosaic; or "full": whoever gets the file then has the faces, so ask the
                corpus's terms first.

        Raises:
            RunError: `frames` is none of these.
        """
        if frames not in standalone.FRAMES:
            raise RunError(f"frames is {frames!r}: use one of {', '.join(standalone.FRAMES)}")
        clips = range(len(self._data.clip_ids))
        items = [self._item(clip, range(len(self._data.series))) for clip in clips]
        blurred = frames == "blurred"
        strips = [] if frames == "none" else [self._sources[0].strip(self._id(n), SMALL, blurred) for n in clips]
        state = {name: getattr(self, name) for name in ("_columns", "view", "selected", "reviewer", "_marks")}
        return standalone.write(Path(path), state, items, strips)

    def _id(self, clip: int) -> str:
        return str(self._data.clip_ids[clip])

    def _new_strip(self, source: int, clip: int, side: int) -> bytes:
        return self._sources[source].strip(self._id(clip), side)

    def _item(self, clip: int, series: Iterable[int]) -> dict[str, Any]:
        """What the browser is told of one clip when it is looked at."""
        clip_id, sources = self._id(clip), self._sources
        about = {n: sources[one.source].about(one, clip, clip_id) for n in series for one in [self._data.series[n]]}
        return {"clip": clip, "original": sources[0].original(clip_id), "about": about}

    def _select(self) -> None:
        self.selection = self._rows(self._data.where(self.view, self.selected, self._marked()))

    def _marked(self) -> dict[str, str | None]:
        """The clips that the reviewer marked, and the label of those that are corrected."""
        mine = [mark for mark in self._marks if mark["reviewer"] == self.reviewer]
        return {m["clip_id"]: m["suggested"] if m["verdict"] == marks.LOOKS_WRONG else None for m in mine}

    def _rows(self, at: np.ndarray) -> pd.DataFrame:
        """The clips at these positions: the corpus's label as truth, the first annotator's prediction, the second's."""
        a = self._data.series[self.view["a"]]
        predicted = self._sources[a.source].predictions.drop(columns=["clip_id", "frame_index"])
        shown = predicted.reset_index(drop=True).reindex(a.rows[at]).reset_index(drop=True)
        if self.view["b"] >= 0:
            b = self._data.series[self.view["b"]]
            shown.insert(1, "label_b", names_of(b.codes[at], b.taxonomy))
        shown.insert(0, "truth", names_of(self._data.truth[a.taxonomy][at], a.taxonomy))
        clips = self._sources[0].clips[["clip_id", *self._data.facets, "path"]].iloc[at]
        return pd.concat([clips.reset_index(drop=True), shown], axis=1)

    def _receive(self, _: Any, message: Any, __: Any) -> None:
        """Answer the browser; what goes wrong is said there, where the click was."""
        answers: dict[str, Callable[[dict[str, Any]], None]] = {
            "page": self._send_page,
            "large": self._send_large,
            "scored": self._send_scored,
            "mark": self._mark,
        }
        try:
            answers[message["type"]](message)
        except (FerError, OSError, LookupError, TypeError, ValueError) as error:
            self.send({"type": "problem", "text": f"{type(error).__name__}: {error}"[:500]})

    def _send_page(self, message: dict[str, Any]) -> None:
        clips = [self._valid(clip) for clip in message["clips"][:MOST_ON_A_PAGE]]
        of = self._data.series[message["series"][0]].source
        items = [self._item(clip, message["series"]) for clip in clips]
        strips = [self._strip(of, clip, SMALL) for clip in clips]
        self.send({"type": "page", "id": message["id"], "items": items}, buffers=strips)

    def _send_large(self, message: dict[str, Any]) -> None:
        of = self._data.series[message["series"]].source
        picture = self._new_strip(of, self._valid(message["clip"]), LARGE)
        self.send({"type": "large", "id": message["id"], "clip": message["clip"]}, buffers=[picture])

    def _send_scored(self, message: dict[str, Any]) -> None:
        """Accuracies with intervals of a selection, against the corpus's or the corrected labels."""
        view, data, surprise = message["view"], self._data, self._sources[0].surprise
        clips = self._sources[0].clips
        if view["rows"] == "corrected":
            mine = self.marks[self.marks["reviewer"] == self.reviewer]
            corrected = marks.corrected(clips, mine)
            clips = clips.assign(label=corrected["label_corrected"])
        clips = clips[data.kept(view)]
        shown = {name: data.series[view[name]] for name in "ab" if view[name] >= 0}
        words = {
            name: accuracies.of_selection(self._sources[one.source], one, clips, surprise)
            for name, one in shown.items()
        }
        if "b" in shown:
            words["change"] = accuracies.difference(self._sources, shown["a"], shown["b"], clips, surprise)
        self.send({"type": "scored", "id": message["id"], "words": words})

    def _valid(self, clip: int) -> int:
        if not 0 <= clip < len(self._data.clip_ids):
            raise RunError(f"there is no clip {clip}")
        return clip

    def _mark(self, message: dict[str, Any]) -> None:
        """Keep a mark, then show what is kept: another explorer may have marked other clips meanwhile."""
        clip = self._valid(message["clip"])
        path = str(self._sources[0].clips["path"].iloc[clip])
        now = datetime.now(UTC).isoformat(timespec="seconds")
        mark = marks.check({**message["mark"], "clip_id": self._id(clip), "path": path, "marked_at": now})
        if self._folder:
            marks.keep(mark, self._folder)
            kept = marks.read(self._folder)
        else:
            kept = marks.latest([*(marks.Mark(**one) for one in self._marks), mark])
        self.marks = marks.table(kept)
        self._marks = [one.model_dump() for one in kept]
