"""An interactive confusion matrix for a notebook: choose a strategy and a cell, read which clips are in it."""

from __future__ import annotations

from html import escape

import ipywidgets as widgets
import pandas as pd

from fer_helpers.emotions import TAXONOMIES
from fer_helpers.figures import question
from fer_helpers.scores import confusion_matrix

LONGEST_LIST = 40


class ConfusionExplorer(widgets.VBox):
    """Confusion matrices of labelled predictions, one strategy and question at a time.

    Args:
        joined: clip-level predictions with their `truth` (scores.join), at least one row.
    """

    def __init__(self, joined: pd.DataFrame) -> None:
        self._rows = joined[joined["frame_index"].isna() & joined["label"].notna()]
        asked = self._rows[["taxonomy", "asked"]].drop_duplicates().itertuples(index=False)
        self.strategy = widgets.Dropdown(description="strategy", options=list(self._rows["strategy"].unique()))
        self.question = widgets.Dropdown(
            description="question", options=[(question(*pair), tuple(pair)) for pair in asked]
        )
        self.truth = widgets.Dropdown(description="label")
        self.predicted = widgets.Dropdown(description="predicted")
        self._matrix, self._clips = widgets.HTML(), widgets.HTML()
        for choice in (self.strategy, self.question):
            choice.observe(lambda _: self._draw(), "value")
        for choice in (self.truth, self.predicted):
            choice.observe(lambda _: self._list(), "value")
        self._draw()
        super().__init__(
            [
                widgets.HBox([self.strategy, self.question]),
                self._matrix,
                widgets.HBox([self.truth, self.predicted]),
                self._clips,
            ]
        )

    def __repr__(self) -> str:
        return f"ConfusionExplorer({self._rows['clip_id'].nunique()} clips)"

    @property
    def _part(self) -> pd.DataFrame:
        taxonomy, asked = self.question.value
        rows = self._rows
        chosen = (rows["taxonomy"] == taxonomy) & (rows["asked"] == asked)
        return rows[chosen & (rows["strategy"] == self.strategy.value)]

    @property
    def selection(self) -> pd.DataFrame:
        """The predictions in the chosen cell, the surest first."""
        part = self._part
        cell = part[(part["truth"] == self.truth.value) & (part["label"] == self.predicted.value)]
        return cell.sort_values(["confidence", "clip_id"], ascending=[False, True])

    def _draw(self) -> None:
        labels = list(TAXONOMIES[self.question.value[0]])
        part = self._part
        matrix = confusion_matrix(part["truth"], part["label"], labels)
        if list(self.truth.options) != labels:
            self.truth.options = self.predicted.options = labels
        self._matrix.value = _table(matrix)
        self._list()

    def _list(self) -> None:
        cell = self.selection
        items = "".join(
            f"<li>{escape(row.clip_id)}: {row.confidence:.2f}</li>" for row in cell.head(LONGEST_LIST).itertuples()
        )
        more = f"<p>and {len(cell) - LONGEST_LIST} more</p>" if len(cell) > LONGEST_LIST else ""
        head = f"label {escape(str(self.truth.value))}, predicted {escape(str(self.predicted.value))}"
        self._clips.value = f"<b>{head}: {len(cell)} clips</b><ul>{items}</ul>{more}"


def _table(matrix: pd.DataFrame) -> str:
    """`matrix` as an HTML table, the label in rows, shaded by the share of the row."""
    head = "".join(f"<th>{escape(name)}</th>" for name in matrix.columns)
    body = ""
    for name, row in matrix.iterrows():
        shares = row / max(row.sum(), 1)
        cells = "".join(
            f'<td style="text-align:right;padding:2px 8px;background:rgba(0,114,178,{share:.2f});'
            f'color:{"white" if share > 0.5 else "inherit"}">{count}</td>'
            for count, share in zip(row, shares, strict=True)
        )
        body += f"<tr><th>{escape(str(name))}</th>{cells}</tr>"
    return f"<table><caption>label in rows, predicted in columns</caption><tr><th></th>{head}</tr>{body}</table>"
