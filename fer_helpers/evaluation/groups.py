"""Does an annotator do as well for one group of people as for another? Scores by group, gaps and their tests; pure.

All start from `scores.join` of one annotator and question. Groups are columns group_<name> of the clips.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fer_helpers.emotions import TAXONOMIES, question
from fer_helpers.evaluation._bootstrap import MIN_GROUPS, resample
from fer_helpers.evaluation.comparisons import holm
from fer_helpers.evaluation.metrics import metrics
from fer_helpers.evaluation.scores import GROUP, intervals, resampled_unit, tally, wilson
from fer_helpers.tables import GROUP as PREFIX

SCORES = ("WAR", "UAR")
MOST_LEVELS, N_BANDS = 5, 3  # numbers of more values than this are cut into so many bands
_DRAWN = 200_000_000  # people times permutations, at most, but for _FEWEST permutations
_FEWEST, _AT_ONCE = 999, 4_000_000


def names(joined: pd.DataFrame) -> list[str]:
    """The group columns in which clips differ, without their prefix."""
    return [c.removeprefix(PREFIX) for c in joined if c.startswith(PREFIX) and joined[c].nunique() > 1]


def banded(values: pd.Series, people: pd.Series) -> pd.Series:
    """Groups as they are compared: `values`, or numbers of many values in bands of about equally many people.

    A band is called by its least and greatest value.

    >>> banded(pd.Series(["18", "20", "31", "40", "65", "70"]), pd.Series(list("abcdef"))).tolist()
    ['18 to 20', '18 to 20', '31 to 40', '31 to 40', '65 to 70', '65 to 70']
    """
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.nunique() <= MOST_LEVELS or (numbers.isna() & values.notna()).any():
        return values
    of_people = numbers.groupby(people).first().dropna()
    edges = np.quantile(of_people, np.arange(1, N_BANDS) / N_BANDS)
    band = pd.Series(np.searchsorted(edges, numbers), values.index).where(numbers.notna())
    ends = numbers.groupby(band).agg(["min", "max"])
    return band.map({at: f"{row['min']:.3g} to {row['max']:.3g}" for at, row in ends.iterrows()})


def _counted(joined: pd.DataFrame, name: str) -> dict[str, np.ndarray]:
    """Confusion matrices by level of the group `name`, (n_people, n_labels, n_columns), in the levels' order."""
    unit = GROUP[resampled_unit(joined)]
    rows = joined[joined["label"].notna()]
    rows = rows.assign(level=banded(rows[PREFIX + name], rows[unit])).dropna(subset="level")
    levels = rows.drop_duplicates("level").assign(
        first=lambda r: pd.to_numeric(r["level"].str.split().str[0], "coerce")
    )
    order = levels.sort_values(["first", "level"])["level"]
    labels = TAXONOMIES[joined["taxonomy"].iloc[0]]
    return {level: tally(rows[rows["level"] == level], labels, unit)[..., :-1] for level in order}


def by_group(joined: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """WAR and UAR in each group of people, with 95 % intervals over people, or clips where these are not known.

    Args:
        joined: of one annotator and question.
        n_resamples: bootstrap resamples.
        seed: of the random generator.

    Returns:
        rows with group (the column), level, metric, value, ci_low, ci_high (as in `scores`), n_people, n_clips.
    """
    labels, rows = TAXONOMIES[joined["taxonomy"].iloc[0]] if len(joined) else (), []
    for name in names(joined):
        for level, counts in _counted(joined, name).items():
            value, ends = metrics(counts.sum(axis=0), SCORES), intervals(counts, labels, n_resamples, seed)
            of = {"group": name, "level": level, "n_people": len(counts), "n_clips": int(counts.sum())}
            for metric in SCORES:
                low, high = ends[metric]
                rows.append({**of, "metric": metric, "value": float(value[metric]), "ci_low": low, "ci_high": high})
    columns = ["group", "level", "metric", "value", "ci_low", "ci_high", "n_people", "n_clips"]
    return pd.DataFrame(rows, columns=columns)


def gaps(joined: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """The largest gap between groups of people, for each group column and score, with its interval and test.

    Only groups of ten people or more are compared, on the classes that all of these show. The test permutes people,
    with all their clips, between the groups; its statistic is the largest gap, so that it allows for any number of
    groups. The interval is Student's t on the bootstrap errors of the two groups (Welch), widened for the choice
    among all pairs (Bonferroni), and no narrower than the test's critical gap. p values are adjusted over group columns
    (Holm 1979).

    Args:
        joined: of one annotator and question.
        n_resamples: bootstrap resamples, and permutations.
        seed: of the random generator.

    Returns:
        rows with group, metric, lowest and highest (levels), for both value_, ci_low_, ci_high_, n_people_; difference
        (highest - lowest), ci_low, ci_high, p, p_holm, detectable (the least gap of two such groups that is found with
        80 % power), n_people, n_classes, few (levels under ten people), sentence. Without two groups of ten all
        numbers are NaN.
    """
    rows = [row for name in names(joined) for row in _gaps_of(joined, name, n_resamples, seed)]
    for metric in SCORES:
        mine = [row for row in rows if row["metric"] == metric]
        for row, adjusted in zip(mine, holm([row["p"] for row in mine]), strict=True):
            row["p_holm"] = adjusted
    return pd.DataFrame([{**row, "sentence": sentence(row)} for row in rows])


def _gaps_of(joined: pd.DataFrame, name: str, n_resamples: int, seed: int) -> list[dict[str, Any]]:
    """Rows of `gaps` of one group column."""
    every = _counted(joined, name)
    few = {level: len(counts) for level, counts in every.items() if len(counts) < MIN_GROUPS}
    kept = {level: counts for level, counts in every.items() if level not in few}
    base = {
        **{"group": name, "unit": resampled_unit(joined), "question": question(*joined.iloc[0][["taxonomy", "asked"]])},
        "n_all": joined.loc[joined["label"].notna(), "truth"].nunique(),
        **{"n_people": sum(map(len, kept.values())), "few": few, "difference": np.nan, "p": np.nan},
    }
    if len(kept) < 2:
        return [{**base, "metric": metric} for metric in SCORES]
    shown = np.logical_and.reduce([counts.sum(axis=(0, 2)) > 0 for counts in kept.values()])
    kept = {level: counts * shown[:, None] for level, counts in kept.items()}
    kept = {level: counts[counts.sum(axis=(1, 2)) > 0] for level, counts in kept.items()}
    if not shown.any() or min(map(len, kept.values())) < MIN_GROUPS:
        return [{**base, "metric": metric} for metric in SCORES]
    found = compared(list(kept.values()), n_resamples, seed)
    labels, rows = TAXONOMIES[joined["taxonomy"].iloc[0]], []
    ends = [intervals(counts, labels, n_resamples, seed) for counts in kept.values()]
    for metric, gap in found.items():
        row = {**base, **gap, "metric": metric, "n_classes": int(shown.sum())}
        for side in ("lowest", "highest"):
            at = row[side]
            low, high = ends[at][metric]
            row |= {side: list(kept)[at], f"ci_low_{side}": low, f"ci_high_{side}": high}
            row |= {f"n_people_{side}": len(list(kept.values())[at])}
        rows.append(row)
    return rows


def compared(by_level: list[np.ndarray], n_resamples: int = 10_000, seed: int = 1) -> dict[str, dict[str, Any]]:
    """The largest gap of WAR and of UAR between groups of people.

    Args:
        by_level: confusion matrices of each group's people, each (n_people, n_labels, n_columns), n_people > 1.
        n_resamples: bootstrap resamples, and permutations.
        seed: of the random generator.

    Returns:
        by score: lowest and highest (places in `by_level`), value_lowest, value_highest, difference, ci_low, ci_high,
        p, detectable; see `gaps`.
    """
    n_pairs = len(by_level) * (len(by_level) - 1) // 2
    values = metrics(np.stack([counts.sum(axis=0) for counts in by_level]), SCORES)
    drawn = [metrics(resample(counts, n_resamples, seed)[0], SCORES) for counts in by_level]
    largest, results = _permuted(by_level, n_resamples, seed), {}
    for metric in SCORES:
        value = values[metric]
        low, high = int(value.argmin()), int(value.argmax())
        high = high if high != low else (low + 1) % len(value)  # all alike
        n = np.array([len(by_level[at]) for at in (low, high)])
        square = np.array([np.nanvar(drawn[at][metric], ddof=1) for at in (low, high)]) * n / (n - 1)
        gap, error = float(value[high] - value[low]), float(np.sqrt(square.sum()))
        half = detectable = np.nan
        if error > 1e-12:
            df = square.sum() ** 2 / (square**2 / (n - 1)).sum()
            critical = float(np.quantile(largest[metric], 0.95))  # bootstrap errors are too small with rare classes
            half = max(stats.t.ppf(1 - 0.025 / n_pairs, df) * error, critical)
            detectable = critical + stats.t.ppf(0.8, df) * error
        results[metric] = {
            **{"lowest": low, "highest": high, "value_lowest": float(value[low]), "value_highest": float(value[high])},
            **{"difference": gap, "ci_low": gap - half, "ci_high": gap + half, "detectable": detectable},
            "p": float((1 + (largest[metric] >= gap - 1e-12).sum()) / (1 + len(largest[metric]))),
        }
    return results


def _permuted(by_level: list[np.ndarray], n_permutations: int, seed: int) -> dict[str, np.ndarray]:
    """The largest gap of each score where people's groups are permuted, shape (n_permutations,)."""
    people = np.concatenate(by_level)
    hits, true = np.diagonal(people, axis1=1, axis2=2), people.sum(axis=2)
    summed = np.concatenate([hits, true], axis=1)
    n_people, n_labels = hits.shape
    level = np.repeat(np.arange(len(by_level)), [len(counts) for counts in by_level])
    n_permutations = min(n_permutations, max(_FEWEST, _DRAWN // n_people))
    rng, step, parts = np.random.default_rng(seed), max(1, _AT_ONCE // n_people), []
    for start in range(0, n_permutations, step):
        given = rng.permuted(np.tile(level, (min(step, n_permutations - start), 1)), axis=1)
        sums = np.stack([(given == at).astype(float) @ summed for at in range(len(by_level))])
        right, of = sums[..., :n_labels], sums[..., n_labels:]
        recall = np.divide(right, of, out=np.zeros_like(right), where=of > 0)
        war = right.sum(axis=-1) / np.maximum(of.sum(axis=-1), 1)
        parts.append(np.stack([war, recall.sum(axis=-1) / np.maximum((of > 0).sum(axis=-1), 1)]))
    return dict(zip(SCORES, np.ptp(np.concatenate(parts, axis=2), axis=1), strict=True))


def sentence(row: dict[str, Any]) -> str:
    """What a row of `gaps` shows, in words that say no more than its test does."""
    name, of = row["group"], "people" if row["unit"] == "subjects" else "clips"
    few = ", ".join(f"{level} ({n})" for level, n in row["few"].items())
    head = f"{row['metric']} ({row['question']}) by {name}"
    if np.isnan(row["p"]):
        return f"{head}: no verdict, fewer than two groups have ten {of}" + (f": {few}." if few else ".")
    low, high = (
        f"{row[side]} {row[f'value_{side}']:.3f}{_ends(row, side)} ({row[f'n_people_{side}']} {of})"
        for side in ("lowest", "highest")
    )
    p = f"{'Holm-adjusted ' if row['p'] != row['p_holm'] else ''}p " + (
        "< 0.001" if row["p_holm"] < 0.001 else f"= {row['p_holm']:.3f}"
    )
    gap = f"gap {row['difference']:.3f}"
    if not np.isnan(row["ci_low"]):
        gap += f", 95 % interval {row['ci_low']:+.3f} to {row['ci_high']:+.3f}"
    said = f"{low} against {high}: {gap}, {p}; {row['n_people']} {of}"
    if row["n_classes"] < row["n_all"]:
        said += f", on the {row['n_classes']} of {row['n_all']} classes that all these groups show"
    if row["p_holm"] >= 0.05:
        said = f"no significant difference, {said}; minimum detectable gap {row['detectable']:.3f} (80 % power)"
    if few:
        said += f"; no verdict on groups under ten {of}: {few}"
    return f"{head}: {said}."


def _ends(row: dict[str, Any], side: str) -> str:
    low, high = row[f"ci_low_{side}"], row[f"ci_high_{side}"]
    return "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]"


def by_subject(joined: pd.DataFrame) -> pd.DataFrame:
    """Each subject's clips, WAR with Wilson's interval over its clips, and WAR expected from its classes; lowest first.

    Expected: had each of its clips been found as often as all clips of that class.
    """
    rows = joined[joined["label"].notna() & joined["subject"].notna()]
    right = rows["truth"] == rows["label"]
    expected = right.groupby(rows["truth"]).transform("mean")
    table = pd.DataFrame({"clips": 1, "hits": right, "expected": expected}).groupby(rows["subject"]).sum()
    ends = [wilson(hits, n) for hits, n in zip(table["hits"], table["clips"], strict=True)]
    found = table.assign(WAR=table["hits"] / table["clips"], expected=table["expected"] / table["clips"])
    found[["ci_low", "ci_high"]] = np.array(ends).reshape(-1, 2)
    return found[["clips", "WAR", "ci_low", "ci_high", "expected"]].sort_values("WAR", kind="stable")


def spread(joined: pd.DataFrame, n_permutations: int = 10_000, seed: int = 1) -> dict[str, float]:
    """Do subjects differ in how often they are read right by more than chance?

    Hits are permuted among the clips of each class, so that subjects with harder classes are not blamed for these;
    the statistic is the sum over subjects of (hits - expected)² / clips.

    Returns:
        statistic, p (NaN with fewer than two subjects), n_subjects.
    """
    rows = joined[joined["label"].notna() & joined["subject"].notna()]
    hits = pd.crosstab(rows["subject"], rows["truth"], (rows["truth"] == rows["label"]).astype(int), aggfunc="sum")
    true = pd.crosstab(rows["subject"], rows["truth"]).to_numpy()
    if len(true) < 2:
        return {"statistic": np.nan, "p": np.nan, "n_subjects": len(true)}
    hits, n_clips = hits.fillna(0).to_numpy(int), true.sum(axis=1)
    expected = (true * hits.sum(axis=0) / true.sum(axis=0)).sum(axis=1)
    n_permutations = min(n_permutations, max(_FEWEST, _DRAWN // true.size))
    rng = np.random.default_rng(seed)
    drawn = sum(
        rng.multivariate_hypergeometric(column, total, n_permutations, method="marginals")
        for column, total in zip(true.T, hits.sum(axis=0), strict=True)
    )
    observed, permuted = (((h - expected) ** 2 / n_clips).sum(axis=-1) for h in (hits.sum(axis=1), drawn))
    p = float((1 + (permuted >= observed - 1e-9).sum()) / (1 + n_permutations))
    return {"statistic": float(observed), "p": p, "n_subjects": len(true)}


def findings(joined: pd.DataFrame, n_resamples: int = 10_000, seed: int = 1) -> list[str]:
    """Whether `joined`, one annotator's rows of one question, is read alike for everybody, in sentences."""
    found = list(gaps(joined, n_resamples, seed).get("sentence", []))
    people, chance = by_subject(joined), spread(joined, n_resamples, seed)
    if not np.isnan(chance["p"]):
        differ = "more than chance would make them" if chance["p"] < 0.05 else "no more than chance could make them"
        p = "p < 0.001" if chance["p"] < 0.001 else f"p = {chance['p']:.3f}"
        found.append(
            f"WAR of the {chance['n_subjects']} subjects goes from {people['WAR'].iloc[0]:.2f} "
            f"({people.index[0]}, {people['clips'].iloc[0]} clips) to {people['WAR'].iloc[-1]:.2f} "
            f"({people.index[-1]}, {people['clips'].iloc[-1]} clips); they differ {differ} ({p})."
        )
    return found
