"""Whole figures of the notebooks, one panel a question or an annotator, with the table each is drawn from."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_helpers.emotions import TAXONOMIES, question
from fer_helpers.evaluation import (
    METRICS,
    agreement,
    annotator_names,
    confidence,
    findings,
    scores,
    summaries,
    true_label,
)
from fer_helpers.figures import comparisons
from fer_helpers.figures.scores import (
    PAPER_METRIC,
    TRUE,
    confusion,
    dots_with_intervals,
    forest,
    heatmap,
    label_shares,
)
from fer_helpers.figures.style import BLUE, CM, COLUMN, PAGE, plain
from fer_helpers.tables import NOBODY

Drawn = tuple[Figure, pd.DataFrame]
ROW = 0.42 * CM  # a line of 8 pt with some room


def labels_given(predicted: pd.DataFrame, clips: pd.DataFrame, surprise: str = "positive") -> Drawn:
    """Share of each label among the predictions of each annotator, below the corpus's own; one panel a label set."""
    direct = predicted[predicted["taxonomy"] == predicted["asked"]]
    names = list(direct["taxonomy"].unique())
    n_rows = sum(1 + annotator_names(summaries.of_question(direct, name)).nunique() for name in names)
    size = (PAGE, ROW * n_rows + 2.2 * CM * len(names))
    figure, axes = plt.subplots(len(names), 1, figsize=size, squeeze=False)
    shares = []
    for ax, taxonomy in zip(axes[:, 0], names, strict=True):
        truth = clips["label"].map(lambda label, to=taxonomy: true_label(label, to, surprise)).dropna()
        part = summaries.named(summaries.of_question(direct, taxonomy))
        label_shares(part, truth, TAXONOMIES[taxonomy], ax).set_title(question(taxonomy, taxonomy))
        own = pd.DataFrame({"annotator": TRUE, "label": truth})
        both = pd.concat([own, part]).assign(taxonomy=taxonomy).groupby(["taxonomy", "annotator"], sort=False)
        shares.append(both["label"].value_counts(normalize=True).unstack().assign(n=both["label"].count()))
    return figure, pd.concat(shares)


def metric_by_annotator(table: pd.DataFrame, metric: str) -> Drawn:
    """`forest` of one metric of the scores table, one panel a question."""
    rows = table[table["metric"] == metric]
    n_panels, n_annotators = len(rows.drop_duplicates(["taxonomy", "asked"])), annotator_names(rows).nunique()
    size = (COLUMN if n_panels == 1 else PAGE, ROW * n_annotators + 2.2 * CM)
    figure, axes = plt.subplots(1, n_panels, figsize=size, squeeze=False)
    forest(table, metric, axes[0])
    return figure, rows


def caption_of(metric: str) -> str:
    """What `metric_by_annotator` shows."""
    line = "; dashed: the paper's average, of GPT-4o-mini on another corpus" if metric == PAPER_METRIC else ""
    meaning = METRICS[metric].meaning
    return f"{metric}: {meaning}. By annotator, with 95 % intervals; grey: picture-blind baselines{line}."


def all_differences(pairs: pd.DataFrame) -> Drawn:
    """Every pair of annotators in one question and metric, the largest difference first."""
    pairs = pairs.sort_values("difference", ascending=False)
    figure, ax = plt.subplots(figsize=(PAGE, 1.4 * CM + ROW * len(pairs)))
    comparisons.differences(pairs, ax)
    return figure, pairs.drop(columns="sentence")


def reliability_by_annotator(joined: pd.DataFrame, most: int = 6) -> Drawn:
    """Reliability of the first `most` annotators, of the labelled rows with confidence of one question."""
    joined = joined.dropna(subset=["label", "confidence"])
    joined = joined.assign(annotator=annotator_names(joined))
    names = list(joined["annotator"].unique()[:most])
    n_columns = min(3, len(names)) or 1
    n_rows = max(1, -(-len(names) // n_columns))
    size = (COLUMN if n_columns == 1 else PAGE, (7 if n_columns == 1 else 5.6) * CM * n_rows)
    figure, axes = plt.subplots(n_rows, n_columns, figsize=size, squeeze=False)
    bins = {}
    for ax, name in zip(axes.flat, names, strict=False):
        bins[name] = confidence.in_equal_bins(joined[joined["annotator"] == name])
        n = bins[name]["n"]
        each = f"{n.min()}" if n.min() == n.max() else f"{n.min()}–{n.max()}"
        comparisons.reliability(bins[name], ax).set_title(f"{plain(name, 26)}\n{len(n)} bins of {each} clips")
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    return figure, pd.concat(bins, names=["annotator"])


def pairwise_agreement(votes: pd.DataFrame, title: str) -> Drawn:
    """Share of clips on which two annotators give the same label, for every pair in `votes`."""
    same = agreement.shares(votes)
    wide = len(same) > 5
    figure, ax = plt.subplots(figsize=(PAGE if wide else COLUMN, 3.4 * CM + 0.6 * CM * len(same)))
    words = [["" if np.isnan(share) else f"{share:.2f}" for share in row] for row in same.to_numpy(float)]
    heatmap(same, words, ax).set_title(f"{title}: share of clips, n = {votes['clip_id'].nunique()}")
    return figure, same


def price(table: pd.DataFrame, metric: str) -> Drawn:
    """`metric` against what a clip costs: US$, or tokens where nothing is billed.

    Args:
        table: of `summaries.price_and_score`; strategies without a price or score are left out.
        metric: its column with the score.
    """
    rows = table.dropna(subset=metric).rename_axis("name").reset_index()
    figure, ax = plt.subplots(figsize=(PAGE, 8 * CM))
    comparisons.pareto(rows, findings.price_unit(table), metric, ax)
    return figure, rows


def confusion_of(joined: pd.DataFrame) -> Drawn:
    """Confusion matrix of one annotator's predictions of one question, as `scores.join` has them."""
    taxonomy, asked = joined.iloc[0][["taxonomy", "asked"]]
    matrix = scores.confusion_matrix(joined["truth"], joined["label"], TAXONOMIES[taxonomy])
    figure, ax = plt.subplots(figsize=(COLUMN, 2.4 * CM + 0.8 * CM * len(matrix)))
    unit = "frames" if joined["frame_index"].notna().any() else "clips"
    confusion(matrix, ax, unit).set_title(f"{question(taxonomy, asked)}, n = {int(matrix.to_numpy().sum())}")
    return figure, matrix


def recall_by_annotator(scored: pd.DataFrame, joined: pd.DataFrame) -> Drawn:
    """Recall of each class of one question by annotator, with its 95 % interval.

    Args:
        scored: rows of the scores table of that question.
        joined: of `scores.join`, for the clips that each class has.
    """
    rows = scored[scored["metric"].str.startswith("recall: ") & (scored["model"] != NOBODY)].dropna(subset="value")
    rows = rows.assign(annotator=annotator_names(rows), label=rows["metric"].str.removeprefix("recall: "))
    n_clips = joined.drop_duplicates("clip_id")["truth"].value_counts()
    order = [label for label in TAXONOMIES[joined["taxonomy"].iloc[0]] if label in set(rows["label"])]
    wide = rows.pivot(index="annotator", columns="label", values=["value", "ci_low", "ci_high"])
    wide = wide.reindex(pd.unique(rows["annotator"])).reindex(columns=order, level=1)
    values, ends = wide["value"], zip(wide["ci_low"].to_numpy(), wide["ci_high"].to_numpy(), strict=True)
    intervals = [[_ends(*pair) for pair in zip(*row, strict=True)] for row in ends]
    words = [
        [f"{value:.2f}{said}" for value, said in zip(*row, strict=True)]
        for row in zip(values.to_numpy(), intervals, strict=True)
    ]
    figure, ax = plt.subplots(figsize=(PAGE, 1.9 * CM + 0.85 * CM * len(values)))
    heatmap(values.set_axis([f"{label}\n(n = {n_clips[label]})" for label in order], axis=1), words, ax)
    ax.tick_params(axis="x", rotation=0)
    ax.set_title("recall [95 % interval]")
    return figure, rows[["annotator", "label", "value", "ci_low", "ci_high", "n_clips"]]


def by_group(table: pd.DataFrame) -> Drawn:
    """WAR and UAR in each group of people, with 95 % intervals; the clips of a group beside its score.

    Args:
        table: of `groups.by_group`.
    """
    metrics = list(pd.unique(table["metric"]))
    n_rows = len(table) // len(metrics)
    figure, axes = plt.subplots(1, len(metrics), figsize=(PAGE, ROW * n_rows + 1.8 * CM), squeeze=False)
    for ax, metric in zip(axes[0], metrics, strict=True):
        rows = table[table["metric"] == metric]
        names = [f"{plain(row.group, 20)}: {plain(row.level, 20)} ({row.n_people})" for row in rows.itertuples()]
        dots_with_intervals(rows, [BLUE] * len(rows), ax)
        ax.set_yticks(range(len(rows)), names if ax is axes[0, 0] else [""] * len(rows))
        ax.set(xlabel=f"{metric} (95 % interval)", xlim=(0, 1.5), xticks=[0, 0.5, 1])
    axes[0, 0].set_title("group (people)", fontweight="normal")
    return figure, table


def _ends(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"\n[{low:.2f}, {high:.2f}]"
