"""Tables of one run or several: scores in words, statuses, errors, and what differs between runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from fer_helpers import statuses, tables
from fer_helpers.emotions import LABELS, question
from fer_helpers.evaluation import (
    annotator_names,
    board,
    comparisons,
    ensembles,
    findings,
    metric_names,
    other_annotators,
    predictions,
    scores,
    summaries,
)
from fer_helpers.runs import Run


def read(run: Run, table: str) -> pd.DataFrame:
    """A table of the run; empty where it has none, as runs of imported predictions have no frames or answers."""
    if (run.folder / f"{table}.parquet").is_file():
        return run.read(table)
    return tables.empty(table)


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
    counts = read(run, "answers")["status"].value_counts()
    rows = [(name, int(counts[name]), status.meaning) for name, status in statuses.ANSWER.items() if name in counts]
    return pd.DataFrame(rows, columns=["status", "requests", "meaning"])


def published(run: Run) -> pd.DataFrame:
    """Published results on the run's corpus and in what their protocols differ from the run's; empty if none is known.

    A row a result, see `evaluation.board.beside`.
    """
    params = run.params
    return board.beside(
        params.corpus,
        params.scene,
        read(run, "answers")["model_requested"].unique(),
        params.taxonomies,
        str(params.n_frames) if params.frame_choice in ("uniform", "peak") else "",
        params.n_clips,
    )


def commonest_errors(run: Run, most: int = 3) -> pd.DataFrame:
    """The errors that most requests ended with, in the server's words, and how many each."""
    answers = read(run, "answers")
    said = answers.loc[answers["status"] == statuses.ERROR, "raw"].fillna("").str.slice(0, 200)
    return said.value_counts().head(most).rename_axis("error").reset_index(name="requests")


def _wide(scores: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Scores in words: a row for each of `keys`, a column a metric, annotators under the name a reader knows."""
    questions = [question(*pair) for pair in zip(scores["taxonomy"], scores["asked"], strict=True)]
    named = scores.assign(question=questions, strategy=annotator_names(scores), words=summaries.with_interval(scores))
    return named.pivot_table(index=keys, columns="metric", values="words", aggfunc="first", sort=False)


def side_by_side(runs: Sequence[Run]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of several runs of one corpus over their common clips, and the paired comparisons between them.

    Each strategy is compared with itself. Under the strategy that the first run shows (`pooled_strategy`), the runs are
    pooled as several annotators as well. Raises RunError as `other_annotators.merged_runs`.
    """
    params = runs[0].params
    every = [(run.folder.name, run.read("predictions"), run.read("clips")) for run in runs]
    predicted, clips = other_annotators.merged_runs(every)
    predicted = predictions.recollapsed(predicted, params.surprise_is)
    raters = predicted[(predicted["strategy"] == pooled_strategy(runs)) & predicted["frame_index"].isna()]
    pooled = [ensembles.ensemble(name, raters) for name in ensembles.ENSEMBLES] if len(raters) else []
    drawing = {"n_resamples": params.n_resamples, "seed": params.bootstrap_seed}
    scored = scores.score(pd.concat([predicted, *pooled]), clips, params.surprise_is, **drawing)
    found = comparisons.compare(predicted, clips, params.surprise_is, within="strategy", **drawing)
    metrics = metric_names("compared")
    return _wide(scored[scored["metric"].isin(metrics)], ["question", "strategy"])[metrics], found


def pooled_strategy(runs: Sequence[Run]) -> str:
    """The strategy under which several runs are pooled: the one that the first shows."""
    first = runs[0]
    return findings.chosen(first.read("predictions"), read(first, "scores"), first.params.strategy_shown)[0]


def compared_text(runs: Sequence[Run], scored: pd.DataFrame, found: pd.DataFrame) -> str:
    """`side_by_side` for a terminal, question by question, and what was pooled."""
    lines = [scored.to_string(), f"Pooled as several annotators: {pooled_strategy(runs)} of {len(runs)} runs."]
    for (taxonomy, asked), part in found.groupby(["taxonomy", "asked"], sort=False):
        lines += [f"\n{question(taxonomy, asked)}:", summaries.bullets(part["sentence"])]
    return "\n".join(lines)


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
