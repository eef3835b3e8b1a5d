"""What the browser counts: a run's clips and predictions as compact columns of small integers; pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, question, valence
from fer_helpers.errors import RunError
from fer_helpers.evaluation import display_names, true_label
from fer_helpers.statuses import OUTSIDE
from fer_helpers.tables import GROUP

NO_LABEL = "no label"  # the last column: every status that left a clip without one
NO_ROW = "not asked"  # status of a clip an annotator has no prediction of
FACETS = ("scene", "split", "subject")
EVERYTHING = [0, 100]  # per cent
KEYS = ["strategy", "model", "taxonomy", "asked"]


@dataclass(frozen=True)
class Series:
    """One annotator's labels for one question.

    Args:
        source: which of the explorer's runs it is from.
        codes: index of each clip's label in the taxonomy; the number of labels for an answer outside them, which is
            wrong but not missing; else -1 - index of its status; shape (n_clips,).
        confidence: per cent; -1 where there is none, shape (n_clips,).
        agreement: of the votes, per cent; -1 where there is none, shape (n_clips,).
        rows: the clip's row in the run's predictions, -1 where there is none, shape (n_clips,).
    """

    source: int
    strategy: str
    model: str
    taxonomy: str
    asked: str
    codes: np.ndarray
    confidence: np.ndarray
    agreement: np.ndarray
    rows: np.ndarray


class Columns:
    """All the explorer counts, filters and selects by.

    Confidence and agreement are whole per cents here and in the browser, so that both filter alike.

    Args:
        clips: the clips table of the first run; the others' clips are matched to it by clip_id.
        runs: name of each run -> its predictions. Frame-level rows are left out.
        surprise: valence of surprise where seven classes are collapsed to three.

    Raises:
        RunError: a run has no prediction of any of the clips.
    """

    def __init__(self, clips: pd.DataFrame, runs: Mapping[str, pd.DataFrame], surprise: str = "positive") -> None:
        self.clip_ids = pd.Index(clips["clip_id"])
        self.runs = list(runs)
        self.statuses = [NO_ROW]
        self.series: list[Series] = []
        for number, (name, predictions) in enumerate(runs.items()):
            found = self._series_of(number, predictions)
            if not any((one.rows >= 0).any() for one in found):
                raise RunError(f"{name} has no predictions for these {len(clips)} clips: run notebook 04 first")
            self.series += found
        self.truth = {
            taxonomy: _codes([true_label(label, taxonomy, surprise) for label in clips["label"]], labels)
            for taxonomy, labels in TAXONOMIES.items()
        }
        self.collapsed = _codes([valence(label, surprise) for label in SEVEN], TERNARY)
        groups = [name for name in clips if name.startswith(GROUP)]
        self.facets = {name: _facet(clips[name]) for name in (*FACETS, *groups)}

    def _series_of(self, source: int, predictions: pd.DataFrame) -> list[Series]:
        whole = predictions["frame_index"].isna().to_numpy()
        numbered = predictions.assign(row=np.arange(len(predictions)))[whole]
        return [
            self._series(source, dict(zip(KEYS, map(str, key), strict=True)), part)
            for key, part in numbered.groupby(KEYS, sort=False)
        ]

    def _series(self, source: int, key: dict[str, str], part: pd.DataFrame) -> Series:
        at = self.clip_ids.get_indexer(part["clip_id"])
        part, at = part[at >= 0], at[at >= 0]
        for status in part["status"].unique():
            if status not in self.statuses:
                self.statuses.append(status)
        names = TAXONOMIES[key["taxonomy"]]
        labels = np.where(part["status"] == OUTSIDE, len(names), _codes(part["label"], names))
        failed = -1 - pd.Index(self.statuses).get_indexer(part["status"])
        return Series(
            source,
            **key,
            codes=self._column(at, np.where(labels >= 0, labels, failed)),
            confidence=self._column(at, _per_cent(part["confidence"])),
            agreement=self._column(at, _per_cent(part["agreement"])),
            rows=self._column(at, part["row"].to_numpy()),
        )

    def _column(self, at: np.ndarray, values: np.ndarray) -> np.ndarray:
        column = np.full(len(self.clip_ids), -1)
        column[at] = values
        return column

    def title(self, series: Series) -> str:
        """What tells a series from the others: its annotator's name, and its run where there are several."""
        names = display_names((one.strategy, one.model) for one in self.series)
        named = next(name for name, one in zip(names, self.series, strict=True) if one is series)
        return f"{named} · {self.runs[series.source]}" if len(self.runs) > 1 else named

    def packed(self, **more: Any) -> str:
        """JSON for the browser, with `more` in it; a notebook writes each item of a list on its own line, so it is one
        string.
        """
        series = [
            {
                "title": self.title(one),
                "question": question(one.taxonomy, one.asked),
                "run": self.runs[one.source],
                **{name: getattr(one, name) for name in ("source", *KEYS)},
                **{name: getattr(one, name).tolist() for name in ("codes", "confidence", "agreement")},
            }
            for one in self.series
        ]
        data = {
            **more,
            "clips": self.clip_ids.tolist(),
            "labels": TAXONOMIES,
            "truth": {taxonomy: codes.tolist() for taxonomy, codes in self.truth.items()},
            "collapsed": self.collapsed.tolist(),
            "statuses": self.statuses,
            "facets": {
                name: {"values": values, "codes": codes.tolist()} for name, (values, codes) in self.facets.items()
            },
            "series": series,
        }
        return json.dumps(data, separators=(",", ":"))

    def where(
        self, view: Mapping[str, Any], selected: Mapping[str, Any], marked: Mapping[str, str | None]
    ) -> np.ndarray:
        """Positions of the clips that `selected` names under the filters of `view`, the surest first.

        In a blind view they are in the order of the table: their order would tell how sure the annotator is.

        Args:
            view: as ConfusionExplorer.view.
            selected: as ConfusionExplorer.selected.
            marked: clip_id -> suggested label or None, of every clip with a mark.
        """
        chosen = self._chosen(view, selected, marked) & self.kept(view)
        at = np.flatnonzero(chosen)
        if view["blind"]:
            return at
        of = view["b"] if selected.get("matrix") == "b" and view["b"] >= 0 else view["a"]
        return at[np.argsort(-self.series[of].confidence[at], kind="stable")]

    def _chosen(self, view: Mapping[str, Any], selected: Mapping[str, Any], marked: Mapping[str, Any]) -> np.ndarray:
        matrix = selected.get("matrix")
        a, b = (np.maximum(self.series[view[name]].codes, -1) for name in "ab")
        rows, everything = self.row_codes(view, marked), np.ones(len(a), bool)
        names = self.names(view)
        row, column = (selected.get(name) for name in ("row", "column"))
        if matrix == "all":
            return everything
        if matrix == "marked":
            return np.isin(self.clip_ids, list(marked))
        if matrix == "errors":
            return (rows >= 0) & (a >= 0) & ((rows != a) | (a == names.index(OUTSIDE)))
        if matrix not in ("a", "b", "change") or (matrix != "a" and view["b"] < 0):
            return ~everything
        if {row, column} - {None, *names} or (matrix != "change" and row is None and column is None):
            return ~everything
        in_row = everything if row is None else rows == _code(names, row)
        in_a, in_b = (everything if column is None else codes == _code(names, column) for codes in (a, b))
        return in_row & {"a": in_a, "b": in_b, "change": (in_a | in_b) & (a != b)}[matrix]

    def names(self, view: Mapping[str, Any]) -> list[str]:
        """Rows and columns of the matrix: the labels, answers outside them, and no label."""
        return [*TAXONOMIES[self.series[view["a"]].taxonomy], OUTSIDE, NO_LABEL]

    def counts(self, view: Mapping[str, Any], marked: Mapping[str, str | None]) -> np.ndarray:
        """The first annotator's matrix under the filters of `view`; rows and columns as `names`."""
        n = len(self.names(view))
        counts = np.zeros((n, n), int)
        kept = self.kept(view)
        columns = np.maximum(self.series[view["a"]].codes, -1)
        np.add.at(counts, (self.row_codes(view, marked)[kept], columns[kept]), 1)  # -1 is the last: no label
        return counts

    def row_codes(self, view: Mapping[str, Any], marked: Mapping[str, str | None]) -> np.ndarray:
        """Which row of the matrix each clip is in; -1 for the row without a label."""
        if isinstance(view["rows"], int):
            return np.maximum(self.series[view["rows"]].codes, -1)
        taxonomy = self.series[view["a"]].taxonomy
        codes = self.truth[taxonomy].copy()
        if view["rows"] == "corrected":
            for clip_id, suggested in marked.items():
                if suggested in SEVEN and clip_id in self.clip_ids:
                    seven = SEVEN.index(suggested)
                    codes[self.clip_ids.get_loc(clip_id)] = seven if taxonomy == "seven" else self.collapsed[seven]
        return codes

    def kept(self, view: Mapping[str, Any]) -> np.ndarray:
        """The clips that pass the filters; confidence and agreement are those of the first annotator."""
        kept = np.ones(len(self.clip_ids), bool)
        filters, series = view["filters"], self.series[view["a"]]
        for name, wanted in filters.items():
            if name in self.facets and wanted:
                values, codes = self.facets[name]
                kept &= np.isin(codes, [values.index(value) for value in wanted if value in values])
            elif name in ("confidence", "agreement") and list(wanted) != EVERYTHING:
                column = getattr(series, name)
                kept &= (column >= max(wanted[0], 0)) & (column <= wanted[1])
        return kept


def first_view(data: Columns, who: tuple[str, str] | None = None) -> dict[str, Any]:
    """What an explorer shows at first: the annotator (strategy, model), or the first, against the labels there are."""
    named = [number for number, one in enumerate(data.series) if (one.strategy, one.model) == who]
    a = (named or [0])[0]
    question = (data.series[a].taxonomy, data.series[a].asked)
    others = [n for n, one in enumerate(data.series) if n != a and (one.taxonomy, one.asked) == question]
    labelled = bool((data.truth[question[0]] >= 0).any())
    rows = "label" if labelled or not others else others[0]
    return {"a": a, "b": -1, "rows": rows, "shares": "row", "hide_diagonal": False, "blind": False, "filters": {}}


def first_selected(data: Columns, view: Mapping[str, Any]) -> dict[str, str]:
    """The most confused pair, of two as frequent the one with the larger share of its row; else the fullest cell.

    Nothing where no clip has a label in both row and column.
    """
    names = data.names(view)
    n = names.index(OUTSIDE)
    answered = data.counts(view, {})[:n, :-1]
    square, totals = answered[:, :n], np.maximum(answered.sum(axis=1), 1)
    wrong = square * (1 - np.eye(n, dtype=int))
    counts = wrong if wrong.any() else square
    if not counts.any():
        return {}
    row, column = max(np.ndindex(n, n), key=lambda at: (counts[at], counts[at] / totals[at[0]]))
    return {"matrix": "a", "row": names[row], "column": names[column]}


def names_of(codes: np.ndarray, taxonomy: str) -> pd.Series:
    """Labels of `codes`; empty where a code is none."""
    names = TAXONOMIES[taxonomy]
    return pd.Series([names[code] if code >= 0 else None for code in codes], dtype="str")


def _code(names: Sequence[str], name: str) -> int:
    return -1 if name == NO_LABEL else names.index(name)


def _codes(labels: Collection[str | None], names: Sequence[str]) -> np.ndarray:
    return pd.Categorical(pd.Series(list(labels), dtype=object), list(names)).codes.astype(int)


def _per_cent(shares: pd.Series) -> np.ndarray:
    return np.nan_to_num(np.rint(shares.to_numpy(float) * 100), nan=-1).astype(int)


def _facet(values: pd.Series) -> tuple[list[str | None], np.ndarray]:
    """The values there are, in order and None last, and the index of each clip's value."""
    codes, names = pd.factorize(values.astype(object), sort=True)
    known: list[str | None] = [str(name) for name in names]
    if (codes < 0).any():
        known.append(None)
    return known, np.where(codes < 0, len(known) - 1, codes)
