"""Whole figures of the notebooks, one panel a question or an annotator, with the table each is drawn from."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from fer_helpers.emotions import TAXONOMIES, question
from fer_helpers.evaluation import METRICS, agreement, annotator_names, calibration, scores, summaries
from fer_helpers.figures import comparisons
from fer_helpers.figures.scores import PAPER_METRIC, confusion, forest, heatmap, label_shares
from fer_helpers.figures.style import plain

Drawn = tuple[Figure, pd.DataFrame]


def labels_given(predicted: pd.DataFrame) -> Drawn:
    """Share of each label among the predictions of each annotator; one panel a label set, asked for directly."""
    direct = predicted[predicted["taxonomy"] == predicted["asked"]]
    names = list(direct["taxonomy"].unique())
    figure, axes = plt.subplots(len(names), 1, figsize=(8, 0.9 + 3 * len(names)), squeeze=False)
    for ax, taxonomy in zip(axes[:, 0], names, strict=True):
        label_shares(summaries.of_question(direct, taxonomy), TAXONOMIES[taxonomy], ax)
        ax.set_title(question(taxonomy, taxonomy))
    grouped = summaries.named(direct).groupby(["taxonomy", "annotator"], sort=False)["label"]
    return figure, grouped.value_counts(normalize=True).unstack()


def metric_by_annotator(table: pd.DataFrame, metric: str) -> Drawn:
    """`forest` of one metric of the scores table, one panel a question."""
    rows = table[table["metric"] == metric]
    n_panels, n_annotators = len(rows.drop_duplicates(["taxonomy", "asked"])), annotator_names(rows).nunique()
    size = (1.6 + 2.8 * n_panels, 0.8 + 0.25 * n_annotators)
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
    figure, ax = plt.subplots(figsize=(7, 1 + 0.24 * len(pairs)))
    comparisons.differences(pairs, ax)
    return figure, pairs.drop(columns="sentence")


def reliability_by_annotator(joined: pd.DataFrame, most: int = 6) -> Drawn:
    """Reliability of the first `most` annotators, of the labelled rows with confidence of one question."""
    joined = joined.dropna(subset=["label", "confidence"])
    joined = joined.assign(annotator=annotator_names(joined))
    names = list(joined["annotator"].unique()[:most])
    n_rows = max(1, -(-len(names) // 3))
    figure, axes = plt.subplots(n_rows, 3, figsize=(9.5, 3.2 * n_rows), squeeze=False)
    curves = {}
    for ax, name in zip(axes.flat, names, strict=False):
        mine = joined[joined["annotator"] == name]
        right = (mine["truth"] == mine["label"]).to_numpy()
        curves[name] = calibration.reliability(mine["confidence"].to_numpy(), right)
        comparisons.reliability(curves[name], ax).set_title(plain(name))
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    return figure, pd.concat(curves, names=["annotator"])


def pairwise_agreement(votes: pd.DataFrame, title: str) -> Drawn:
    """Share of clips on which two annotators give the same label, for every pair in `votes`."""
    same = agreement.shares(votes)
    figure, ax = plt.subplots(figsize=(1.8 + 0.55 * len(same), 1.2 + 0.4 * len(same)))
    heatmap(same, ax, "share of clips").set_title(title)
    return figure, same


def price(table: pd.DataFrame, metric: str) -> Drawn:
    """`metric` against what a clip costs (US$, or tokens where nothing is billed) and against key frames.

    Args:
        table: of `summaries.price_and_score`; strategies without a price or score are left out.
        metric: its column with the score.
    """
    unit = "US$ per clip" if table["US$ per clip"].fillna(0).max() > 0 else "tokens per clip"
    rows = table.dropna(subset=metric).rename_axis("name").reset_index()
    rows["n_frames"] = rows["frames per clip"]
    rows["family"] = rows["name"].str.partition(":")[0].mask(rows["n_frames"] == 1, "one frame")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[3, 2])
    comparisons.pareto(rows, unit, metric, axes[0])
    in_several = (rows["n_frames"] == 1) | rows["family"].duplicated(keep=False)
    comparisons.curve(rows[in_several & rows["n_frames"].notna()], metric, axes[1])
    return figure, rows


def confusion_of(joined: pd.DataFrame) -> Drawn:
    """Confusion matrix of one annotator's predictions of one question, as `scores.join` has them."""
    taxonomy, asked = joined.iloc[0][["taxonomy", "asked"]]
    matrix = scores.confusion_matrix(joined["truth"], joined["label"], TAXONOMIES[taxonomy])
    size = 0.72 * len(matrix) + 1.2
    figure, ax = plt.subplots(figsize=(size + 0.6, size))
    unit = "frames" if joined["frame_index"].notna().any() else "clips"
    confusion(matrix, ax, unit).set_title(question(taxonomy, asked))
    return figure, matrix


def recall_by_annotator(joined: pd.DataFrame) -> Drawn:
    """Recall of each class of one question, by annotator."""
    recall = scores.recalls(joined)
    figure, ax = plt.subplots(figsize=(7.5, 0.9 + 0.3 * len(recall)))
    heatmap(recall, ax, "recall")
    return figure, recall
