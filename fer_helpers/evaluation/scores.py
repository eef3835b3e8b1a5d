"""Scores of predictions against a corpus's labels, with intervals over clips or subjects; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from fer_helpers import statuses, tables
from fer_helpers.emotions import SEVEN, SURPRISE_VALENCES, TAXONOMIES, valence
from fer_helpers.evaluation._bootstrap import interval, is_single, resample
from fer_helpers.evaluation._of_clips import (
    GROUP,
    UNKNOWN,
    Interval,
    as_columns,
    counted,
    coverage,
    probabilistic,
    top_two,
    wilson,
)
from fer_helpers.evaluation.metrics import margins, metric_of, metrics, of_classes
from fer_helpers.evaluation.naming import annotator_names
from fer_helpers.evaluation.predictions import collapsed, recollapsed, with_missing

KEYS = ["strategy", "model", "taxonomy", "asked"]
ALWAYS, BY_SHARE = "always the commonest class", "at random, by class shares"
CERTAIN = ("UAR", "kappa", "MCC", "recall")  # of who gives every clip one label, whatever the clips
_SCORED = [
    "clip_id",
    "frame_index",
    *KEYS,
    "label",
    *tables.PROBABILITIES,
    "ranking",
    "confidence",
    "n_votes",
    "tie",
    "status",
]


def true_label(label: object, taxonomy: str, surprise: str = "positive") -> str | None:
    """A clip's label in `taxonomy`; None where it has none, or surprise is left out."""
    if not isinstance(label, str):
        return None
    return label if taxonomy == "seven" else valence(label, surprise)


def score(
    predictions: pd.DataFrame,
    clips: pd.DataFrame,
    surprise: str = "positive",
    n_resamples: int = 10_000,
    seed: int = 1,
) -> pd.DataFrame:
    """The scores table: every annotator, question and metric, and the trivial baselines beside them.

    Clips without a label are left out. A clip with a label and no prediction is missing, whether it has a row or
    not: `value` leaves it out, `value_wrong` counts it as wrong, and WAR, UAR and recalls have bounds between which
    they lie whatever the missing predictions would have been (Manski 1990). A label outside of the label set is a
    wrong prediction. Intervals are of `value`, 95 %, over subjects where every labelled clip names its own, else over
    clips; docs/statistics.md says how. Another `surprise` than the predictions' own collapses seven classes anew, which
    needs their rows: three-class predictions alone stay as they are.
    """
    parts: dict[tuple[str, str], list[pd.DataFrame]] = {}
    baselines: dict[tuple[str, str], list[pd.DataFrame]] = {}
    unit = resampled_unit(clips[clips["label"].notna()])
    for joined in by_annotator(predictions, clips, surprise):
        for asked, part in joined.groupby(["taxonomy", "asked"], sort=False):
            baselines.setdefault(asked, _baselines(part, seed))
            parts.setdefault(asked, []).append(_scored(part, unit, n_resamples, seed))
    for asked, blind in baselines.items():
        parts[asked] += [_scored(part, unit, n_resamples, seed) for part in blind]
    return tables.check("scores", pd.concat(chain.from_iterable(parts.values()))) if parts else tables.empty("scores")


def by_annotator(predictions: pd.DataFrame, clips: pd.DataFrame, surprise: str) -> Iterator[pd.DataFrame]:
    """`join` of one annotator after the other, with what scores need; clips and subjects are numbered, not named."""
    known = clips.loc[clips["label"].notna(), ["clip_id", "label", "subject"]]
    number = {name: pd.factorize(known[name], sort=True)[0] for name in GROUP.values()}
    place = pd.Index(known["clip_id"])
    for _, rows in predictions.groupby(["strategy", "model"], sort=False):
        joined = join(rows[[name for name in _SCORED if name in rows]], known, surprise)
        at = place.get_indexer(joined["clip_id"])
        yield joined.assign(**{name: codes[at] for name, codes in number.items()})


def by_surprise(
    predictions: pd.DataFrame, clips: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1
) -> pd.DataFrame:
    """The ternary scores under every convention for surprise, named in a column `surprise`.

    Labels collapsed from seven are collapsed anew; asked directly, only the truth changes with the convention.
    """
    ternary = predictions[(predictions["taxonomy"] == "ternary") & (predictions["asked"] == "ternary")]
    parts = []
    for surprise in SURPRISE_VALENCES:
        rows = pd.concat([ternary, collapsed(predictions, surprise)])
        parts.append(score(rows, clips, surprise, n_resamples, seed).assign(surprise=surprise))
    return pd.concat(parts, ignore_index=True)


def join(predictions: pd.DataFrame, clips: pd.DataFrame, surprise: str = "positive") -> pd.DataFrame:
    """`predictions` with their clip's columns and `truth`, its label in their taxonomy, where it has one.

    Every labelled clip has a row of every annotator and question, without a label where it has no prediction; the
    label of a prediction outside of the label set is "outside". What was collapsed is collapsed by `surprise`.
    """
    known = clips[clips["label"].notna()].drop(columns=["status", "reason"], errors="ignore")
    rows = with_missing(recollapsed(predictions, surprise), known)
    rows = rows.assign(label=rows["label"].mask(rows["status"] == statuses.OUTSIDE, statuses.OUTSIDE))
    at = pd.Index(known["clip_id"]).get_indexer(rows["clip_id"])
    rows, at = rows[at >= 0], at[at >= 0]
    of_clip = {c: known[c].array.take(at) for c in known if c not in ("clip_id", "label")}
    truth = pd.Series(np.nan, index=rows.index, dtype="str")
    for taxonomy in rows["taxonomy"].unique():
        mine = (rows["taxonomy"] == taxonomy).to_numpy()
        meant = known["label"].map({label: true_label(label, taxonomy, surprise) for label in SEVEN})
        truth[mine] = meant.array.take(at[mine])
    joined = rows.assign(label_clip=known["label"].array.take(at), **of_clip, truth=truth)
    return joined[truth.notna()].reset_index(drop=True)


def resampled_unit(labelled: pd.DataFrame) -> str:
    """What is drawn with replacement: "subjects" where every row (of `join`, or of clips) names one, else "clips"."""
    return "subjects" if labelled["subject"].notna().all() else "clips"


def _baselines(labelled: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """Picture-blind baselines: rows as predictions, one for each clip."""
    nothing = dict.fromkeys([*tables.PROBABILITIES, "confidence"], np.nan)
    clips = (
        labelled.drop_duplicates("clip_id")
        .drop(columns="ranking", errors="ignore")
        .assign(model=tables.NOBODY, **nothing)
    )
    shares = clips["truth"].value_counts(normalize=True).sort_index()
    drawn = np.random.default_rng(seed).choice(shares.index, size=len(clips), p=shares)
    return [clips.assign(strategy=ALWAYS, label=shares.idxmax()), clips.assign(strategy=BY_SHARE, label=drawn)]


def _scored(part: pd.DataFrame, unit: str, n_resamples: int, seed: int) -> pd.DataFrame:
    """Rows of the scores table for one annotator and question."""
    labels = TAXONOMIES[part["taxonomy"].iloc[0]]
    answered = part[part["label"].notna()]
    with_missing = tally(part, labels)[0]
    by_group = tally(answered, labels, GROUP[unit])[..., :-1]
    if not with_missing[:, len(labels)].any():  # nothing outside: no column of it
        by_group = by_group[..., :-1]
    counts = with_missing[:, : by_group.shape[-1]]
    found_all = counts + np.eye(*counts.shape) * with_missing[:, -1:]
    value, wrong, best = (named(c, labels) for c in (counts, with_missing, found_all))
    ends = intervals(by_group, labels, n_resamples, seed) if len(answered) else {}
    rows = [
        {
            "metric": name,
            "value": float(value[name]),
            **as_columns(ends.get(name, UNKNOWN)),
            "value_wrong": float(wrong[name]),
            **({"bound_low": wrong[name], "bound_high": best[name]} if metric_of(name).bounded else {}),
            **counted(part, answered),
        }
        for name in value
    ]
    rows += probabilistic(part, labels, unit, n_resamples, seed)
    rows += [top_two(part, unit, n_resamples, seed)] if "ranking" in part and part["ranking"].notna().any() else []
    rows.append(coverage(part, unit, n_resamples, seed))
    return pd.DataFrame(rows).assign(**part.iloc[0][KEYS], resampled=unit)


def tally(rows: pd.DataFrame, labels: Sequence[str], group: str | None = None) -> np.ndarray:
    """Confusion matrices of each `group` in `rows` (or of all), shape (n_groups, n_labels, n_labels + 2).

    `rows` has truth and label; the last two columns count labels outside of the set, and rows without a label.
    """
    n, codes = len(labels), pd.Index([*labels, statuses.OUTSIDE])
    truth, label = (codes.get_indexer(rows[column]) for column in ("truth", "label"))
    label = np.where(label < 0, n + 1, label)
    member = np.unique(rows[group], return_inverse=True)[1] if group else np.zeros(len(rows), int)
    n_groups = member.max(initial=-1) + 1 if group else 1
    cells = (member * n + truth) * (n + 2) + label
    return np.bincount(cells, minlength=n_groups * n * (n + 2)).reshape(n_groups, n, n + 2).astype(float)


def named(confusion: np.ndarray, labels: Sequence[str]) -> dict[str, np.ndarray]:
    """METRICS, and recall, precision and F1 of each class under names like "recall: fear"."""
    of_class = of_classes(confusion)
    by_class = {f"{name}: {label}": of_class[name][..., i] for name in of_class for i, label in enumerate(labels)}
    return {**metrics(confusion), **by_class}


def intervals(by_group: np.ndarray, labels: Sequence[str], n_resamples: int, seed: int) -> dict[str, Interval]:
    """95 % intervals of the metrics in `named`.

    Where groups are single clips, shares of clips (WAR, recall, precision) have Wilson's interval (1927), the rest the
    bootstrap's from smoothed counts; else whole groups are drawn for all. With too few groups it is NaN. Who gives
    every clip one label has none of what is certain then (CERTAIN).

    Args:
        by_group: confusion matrix of each group, shape (n_groups, n_labels, n_columns), at least one.
        labels: names of the labels.
        n_resamples: bootstrap resamples.
        seed: of the random generator.
    """
    counts = by_group.sum(axis=0)
    drawn, centre = resample(by_group, n_resamples, seed)
    value, around, resamples = (named(c, labels) for c in (counts, centre, drawn))
    n_groups = _support(by_group, labels)
    ends = {}
    for name in value:
        metric = metric_of(name)
        centred = np.clip(resamples[name] + (value[name] - around[name]), metric.low, metric.high)
        ends[name] = interval(centred, n_groups.get(name, len(by_group)))
    ends |= _wilson(counts, labels) if is_single(by_group) else {}
    constant = (counts.sum(axis=0) > 0).sum() == 1
    return {name: UNKNOWN if constant and metric_of(name).name in CERTAIN else end for name, end in ends.items()}


def _support(by_group: np.ndarray, labels: Sequence[str]) -> dict[str, int]:
    """Groups that a class's recall, precision and F1 rest on."""
    m = margins(by_group)
    having = {"recall": m.true, "precision": m.predicted, "F1": m.true + m.predicted}
    n_groups = {name: (counts > 0).sum(axis=0) for name, counts in having.items()}
    return {f"{name}: {label}": int(n_groups[name][i]) for name in having for i, label in enumerate(labels)}


def _wilson(counts: np.ndarray, labels: Sequence[str]) -> dict[str, Interval]:
    m = margins(counts)
    shares = {"WAR": (m.hits.sum(), m.true.sum())}
    for i, label in enumerate(labels):
        shares |= {f"recall: {label}": (m.hits[i], m.true[i]), f"precision: {label}": (m.hits[i], m.predicted[i])}
    return {name: wilson(hits, n) for name, (hits, n) in shares.items()}


def in_range(scores: pd.DataFrame) -> bool:
    """Whether every score there is lies between its metric's least and greatest value."""
    known = scores.dropna(subset="value")
    pairs = [(value, metric_of(name)) for value, name in zip(known["value"], known["metric"], strict=True)]
    return all(metric.low - 1e-9 <= value <= metric.high + 1e-9 for value, metric in pairs)


def confusion_matrix(truth: Sequence[str], predicted: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Counts of clips by true label (rows) and predicted label (columns), every label in the order given.

    Labels outside of the set, where there are any, have a last column "outside".
    """
    columns = [*labels, *([statuses.OUTSIDE] if statuses.OUTSIDE in set(predicted) else [])]
    counts = pd.crosstab(pd.Categorical(truth, labels), pd.Categorical(predicted, columns), dropna=False)
    return counts.set_axis(list(labels)).set_axis(columns, axis=1)


def confused_pairs(joined: pd.DataFrame) -> pd.DataFrame:
    """Wrong predictions by (truth, label), the commonest first: clips, their share of the truth, confidence.

    Args:
        joined: predictions of one strategy and question with their `truth`.
    """
    totals = joined["truth"].value_counts()
    wrong = joined[joined["truth"] != joined["label"]]
    pairs = wrong.groupby(["truth", "label"]).agg(clips=("clip_id", "size"), confidence=("confidence", "mean"))
    share = pairs["clips"] / totals.reindex(pairs.index.get_level_values("truth")).to_numpy()
    pairs.insert(1, "share of true label", share)
    pairs = pairs.sort_values(["clips", "share of true label"], ascending=False, kind="stable")
    return pairs.rename_axis(["true label", "predicted label"])


def recalls(joined: pd.DataFrame) -> pd.DataFrame:
    """Recall of each class (columns, in the taxonomy's order) by annotator (rows), of rows with a label."""
    answered = joined[joined["label"].notna()]
    called = annotator_names(answered).rename("annotator")
    right = (answered["truth"] == answered["label"]).groupby([called, answered["truth"]], sort=False)
    recall = right.mean().unstack()
    return recall[[label for label in TAXONOMIES[joined["taxonomy"].iloc[0]] if label in recall]]
