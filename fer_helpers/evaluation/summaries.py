"""Tables for a reader: predictions, scores and comparisons by question and annotator, in words; pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import question
from fer_helpers.evaluation.metrics import METRICS, metric_names, metric_of
from fer_helpers.evaluation.naming import annotator_names
from fer_helpers.evaluation.scores import ALWAYS, CERTAIN
from fer_helpers.evaluation.sweep_findings import change
from fer_helpers.prompting import find
from fer_helpers.statuses import OK, OUTSIDE

NBSP = "\N{NO-BREAK SPACE}"


def of_question(table: pd.DataFrame, taxonomy: str, asked: str = "") -> pd.DataFrame:
    """Rows of predictions, scores or comparisons about one question; `asked` empty: asked for directly."""
    return table[(table["taxonomy"] == taxonomy) & (table["asked"] == (asked or taxonomy))]


def named(table: pd.DataFrame) -> pd.DataFrame:
    """Predictions or scores with columns `question` and `annotator`, in words."""
    questions = [question(*pair) for pair in zip(table["taxonomy"], table["asked"], strict=True)]
    return table.assign(question=questions, annotator=annotator_names(table))


def with_interval(scores: pd.DataFrame) -> pd.Series:
    """Each score as "0.58 [0.52, 0.65]"; without an interval alone; a dash where it is undefined.

    A baseline's score that is the same whatever the clips is "constant".
    """
    ends = scores[["value", "ci_low", "ci_high", "metric", "strategy"]].itertuples(index=False)
    words = []
    for value, low, high, metric, strategy in ends:
        constant = strategy == ALWAYS and metric_of(metric).name in CERTAIN and pd.isna(low) and not pd.isna(value)
        words.append(in_brackets(value, low, high) + (f"{NBSP}(constant)" if constant else ""))
    return pd.Series(words, index=scores.index, dtype="str")


def in_brackets(value: float, low: float, high: float) -> str:
    """A number and its interval, unbroken: "0.58 [0.52, 0.65]"; without an interval alone; a dash for none.

    >>> in_brackets(0.5, float("nan"), float("nan")), in_brackets(*[float("nan")] * 3)
    ('0.50', '–')
    """
    if pd.isna(value):
        return "–"
    return f"{value:.2f}" if pd.isna(low) else f"{value:.2f} [{low:.2f}, {high:.2f}]".replace(" ", NBSP)


def bullets(sentences: Iterable[str], width: int = 100) -> str:
    """`sentences` as a list in plain text; names in them may be anybody's, so no markup is read."""
    return "\n".join(textwrap.fill(line, width, initial_indent="- ", subsequent_indent="  ") for line in sentences)


def pooled(predicted: pd.DataFrame) -> pd.DataFrame:
    """How predictions came about, by question and annotator: rows, missing, ties and means of the vote.

    Labels outside of the label set have a column where there are any.
    """
    outside = predicted["status"] == OUTSIDE
    rows = named(predicted).assign(missing=predicted["label"].isna() & ~outside, outside=outside)
    beside = {"outside": ("outside", "sum")} if outside.any() else {}
    return rows.groupby(["question", "annotator"], sort=False).agg(
        rows=("clip_id", "size"),
        missing=("missing", "sum"),
        **beside,
        ties=("tie", "sum"),
        votes=("n_votes", "mean"),
        agreement=("agreement", "mean"),
        confidence=("confidence", "mean"),
    )


def missing(predicted: pd.DataFrame) -> pd.DataFrame:
    """Predictions without a label, by annotator, taxonomy and status."""
    rows = named(predicted[~predicted["status"].isin([OK, OUTSIDE])])
    return rows.groupby(["annotator", "taxonomy", "status"], sort=False).size().to_frame("rows")


def missing_counted(scores: pd.DataFrame) -> pd.DataFrame:
    """Bounded metrics of one question with missing predictions left out, counted as wrong, and between bounds.

    Annotators without a missing prediction have no row: all would be equal.
    """
    scores = scores[scores["n_missing"] > 0]
    rows = named(scores[scores["metric"].isin(metric_names("bounded")) & (scores["model"] != tables.NOBODY)])
    ways = {"n_missing": "missing", "value": "left out", "value_wrong": "counted as wrong"}
    columns = [*ways, "bound_low", "bound_high"]
    return _by_metric(rows).set_index(["metric", "annotator"])[columns].rename(columns=ways)


def _by_metric(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with the rows of a metric together, in the order of METRICS."""
    order = {name: position for position, name in enumerate(METRICS)}
    return table.sort_values("metric", key=lambda names: names.map(order), kind="stable")


def words(scores: pd.DataFrame, metrics: Iterable[str]) -> pd.DataFrame:
    """Scores with intervals, in words: a row for each annotator (no baseline), a column for each of `metrics`."""
    rows = named(scores).assign(words=with_interval(scores))
    rows = rows[rows["model"] != tables.NOBODY]
    wide = rows.pivot_table(index="annotator", columns="metric", values="words", aggfunc="first", sort=False)
    return wide[[metric for metric in metrics if metric in wide]]


def beside_corrected(scores: pd.DataFrame, corrected: pd.DataFrame) -> pd.DataFrame:
    """Compared metrics against the corpus's labels, and against corrected ones, of the same question."""
    both = {"the corpus's labels": scores, "corrected": corrected}
    return pd.concat({name: words(table, metric_names("compared")) for name, table in both.items()}, axis=1).swaplevel(
        axis=1
    )


def ways_to_three(comparisons: pd.DataFrame) -> pd.DataFrame:
    """`comparisons.direct_or_collapsed` by metric and strategy, a column for each way."""
    heads = dict(zip(["value_a", "value_b"], comparisons[["model_a", "model_b"]].iloc[0], strict=True))
    rows = _by_metric(comparisons).set_index(["metric", "strategy_a"]).rename_axis(["metric", "strategy"])
    return rows[["value_a", "value_b", "difference", "ci_low", "ci_high", "p_holm"]].rename(columns=heads)


def price_and_score(spent: pd.DataFrame, scores: pd.DataFrame, metrics: Iterable[str]) -> pd.DataFrame:
    """What strategies that judge whole clips spend, beside `metrics` and the interval of the first.

    Args:
        spent: of `predictions.spent`.
        scores: of the same question.
        metrics: names of the columns to add; ci_low and ci_high are the first one's.
    """
    first, *_ = metrics = list(metrics)
    whole = spent.loc[[name for name in spent.index if not find(name).per_frame]]
    own = scores[scores["strategy"].isin(whole.index) & ~scores["model"].isin([tables.NOBODY, tables.SEVERAL])]
    values = own.pivot(index="strategy", columns="metric", values="value").reindex(columns=metrics)
    ends = own[own["metric"] == first].set_index("strategy")[["ci_low", "ci_high"]]
    return whole.join(values).join(ends)


def labels_by_annotator(predicted: pd.DataFrame) -> pd.DataFrame:
    """Labels of one question: a row for each clip, a column for each annotator that judges whole clips."""
    rows = predicted[predicted["frame_index"].isna()]
    label = rows["label"].mask(rows["status"] == OUTSIDE, OUTSIDE)
    rows = rows.assign(annotator=annotator_names(rows), label=label)
    wide = rows.pivot(index="clip_id", columns="annotator", values="label")
    return wide[list(rows["annotator"].unique())]


def disagreements(labels: pd.DataFrame) -> pd.DataFrame:
    """Rows of `labels_by_annotator` in which annotators give different labels."""
    return labels[labels.nunique(axis=1) > 1].sort_index()


def by_strength(joined: pd.DataFrame) -> pd.DataFrame:
    """Recall of emotions by how strong they are meant to be, and the share predicted neutral instead."""
    rows = joined[(joined["truth"] != "neutral") & joined["intensity"].notna()]
    rows = rows.assign(recall=rows["truth"] == rows["label"], neutral=rows["label"] == "neutral")
    strength = pd.cut(rows["intensity"], [0, 0.5, 0.75, 1], labels=["≤ 0.5", "≤ 0.75", "≤ 1"], include_lowest=True)
    columns = {"clip_id": "size", "recall": "mean", "neutral": "mean"}
    table = rows.groupby(strength, observed=True).agg(columns)
    return table.set_axis(["clips", "recall", "predicted neutral"], axis=1)


def by_confidence(joined: pd.DataFrame) -> pd.DataFrame:
    """Mean confidence and share correct in bands of confidence."""
    names = ["up to 0.4", "up to 0.6", "up to 0.8", "up to 1"]
    bands = pd.cut(joined["confidence"], [0, 0.4, 0.6, 0.8, 1], labels=names, include_lowest=True)
    bands = bands.rename("confidence band")
    rows = joined.assign(right=joined["truth"] == joined["label"]).groupby(bands, observed=True)
    columns = {"clip_id": "size", "confidence": "mean", "right": "mean"}
    return rows.agg(columns).rename(columns={"clip_id": "clips"})


def surest_wrong(joined: pd.DataFrame, n: int = 6) -> pd.DataFrame:
    """The `n` wrong predictions of greatest confidence."""
    wrong = joined[joined["truth"] != joined["label"]]
    return wrong.sort_values(["confidence", "clip_id"], ascending=[False, True]).head(n)


def of_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """The effects table for a reader: a row for each metric and choice, named in words."""
    rows = effects.assign(choice=[change(row) for row in effects.to_dict("records")]).set_index(["metric", "choice"])
    columns = {"value": "effect", "p_holm": "p (Holm)", "n_sets": "pairs or fours", "n_clips": "clips"}
    return rows[["value", "ci_low", "ci_high", "p_holm", "detectable", "n_sets", "n_clips"]].rename(columns=columns)
