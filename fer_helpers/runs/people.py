"""What people say of clips: given in the labelling view and kept in the run's folder, or in a file of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from fer_helpers import corpora, tables
from fer_helpers.evaluation import true_label
from fer_helpers.params import Params
from fer_helpers.paths import resolve
from fer_helpers.runs import _filled_in
from fer_helpers.runs.run import Run

FILE = "people.jsonl"
PANEL = "panel"
COLUMNS = ["clip_id", "rater", "label", "queue"]


def read(folder: Path) -> pd.DataFrame:
    """What people said in the labelling view, as text: clip_id, rater, label, queue, labelled_at; empty if nothing."""
    path = folder / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return pd.DataFrame([json.loads(line) for line in lines if line], columns=[*COLUMNS, "labelled_at"])


def all_labels(run: Run) -> pd.DataFrame:
    """What people said of the run's clips, whatever the queue, as `estimation.read_labels` takes it.

    First the rows of the file that the parameter human_labels names, then those given in the labelling view: where a
    rater has both, the latter are the later ones. The simulated panel labels the drawn clips of the demo, until
    somebody labels.

    Returns:
        text columns clip_id, rater, label, queue (empty where a file names none). Nothing is left out: `read_labels`
        says by its rules which rows count.

    Raises:
        ListError: the file is not such a list; names the line, what was found and the remedy.
    """
    given = read(run.folder)[COLUMNS]
    if run.params.human_labels == PANEL:
        return given if len(given) else _of_panel(run)
    return pd.concat([filled_in(run.params, run.read("clips")), given], ignore_index=True)


def filled_in(params: Params, clips: pd.DataFrame) -> pd.DataFrame:
    """The rows of the file that human_labels names, as `all_labels` has them; none without one.

    Raises:
        ListError: as `all_labels`.
    """
    if params.human_labels in ("", PANEL):
        return pd.DataFrame(columns=COLUMNS)
    return _filled_in.read(resolve(params.human_labels), clips["clip_id"])


def _of_panel(run: Run) -> pd.DataFrame:
    drawn = tables.read("draws", run.folder) if (run.folder / "draws.parquet").is_file() else tables.empty("draws")
    return panel(run).merge(drawn.loc[drawn["order"].notna(), ["clip_id", "queue"]], on="clip_id")[COLUMNS]


def panel(run: Run) -> pd.DataFrame:
    """What the demo's simulated panel says of every clip, in the first label set asked for: clip_id, rater, label.

    No rows in another corpus: nobody was asked.
    """
    votes = corpora.votes(run.params.model_copy(update={"votes": ""}), run.read("clips"))
    taxonomy, surprise = run.params.taxonomies[0], run.params.surprise_is
    said = {word: true_label(word, taxonomy, surprise) for word in votes["label"].unique()}
    return votes.assign(label=votes["label"].map(said))[["clip_id", "rater", "label"]].dropna()
