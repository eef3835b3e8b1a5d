"""People's labels of a run: those given in the labelling view, and a CSV's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fer_helpers import corpora, tables
from fer_helpers.evaluation import true_label
from fer_helpers.paths import resolve
from fer_helpers.runs.run import Run

FILE, PANEL = "people.jsonl", "panel"
COLUMNS = ["clip_id", "rater", "label", "queue"]


def read(folder: Path) -> pd.DataFrame:
    """What people said in the labelling view."""
    path = folder / FILE
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    return pd.read_json(path, lines=True, dtype=str).drop_duplicates(["clip_id", "rater", "queue"], keep="last")


def all_labels(run: Run) -> pd.DataFrame:
    """What people said: in the labelling view and in the CSV `human_labels`; the panel's until somebody labels."""
    given, own = run.params.human_labels, read(run.folder)
    if given == PANEL:
        simulated = corpora.CORPORA[run.params.corpus].simulated_votes and own.empty
        return _of_panel(run) if simulated else own
    return pd.concat([own, pd.read_csv(resolve(given), dtype=str)], ignore_index=True) if given else own


def _of_panel(run: Run) -> pd.DataFrame:
    drawn = tables.read("draws", run.folder) if (run.folder / "draws.parquet").is_file() else tables.empty("draws")
    return panel(run).merge(drawn.loc[drawn["order"].notna(), ["clip_id", "queue"]], on="clip_id")[COLUMNS]


def panel(run: Run) -> pd.DataFrame:
    """What the simulated panel says of every clip, in the first label set asked for: clip_id, rater, label."""
    votes = corpora.votes(run.params.model_copy(update={"votes": ""}), run.read("clips"))
    taxonomy, surprise = run.params.taxonomies[0], run.params.surprise_is
    said = {word: true_label(word, taxonomy, surprise) for word in votes["label"].unique()}
    return votes.assign(label=votes["label"].map(said))[["clip_id", "rater", "label"]].dropna()
