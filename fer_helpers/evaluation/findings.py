"""What scores, tests and errors show, in sentences computed from the tables; pure."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fer_helpers import statuses, tables
from fer_helpers.emotions import SURPRISE_VALENCES, question
from fer_helpers.errors import RunError
from fer_helpers.evaluation._bootstrap import MIN_GROUPS
from fer_helpers.evaluation.answers import listed, people_or_clips, per_cent, said_share, said_value
from fer_helpers.evaluation.naming import annotator_names, pair_names
from fer_helpers.evaluation.scores import confused_pairs

BEST, BY = "best", "UAR"  # the annotator shown is the one with the highest of these
Annotator = tuple[str, str]  # strategy, model
_WHO, QUESTION = ["strategy", "model"], ["taxonomy", "asked"]
NOT_SHOWN = (
    "Not shown: how other models, other corpora or other wordings would fare; whether a difference that was not found "
    "is none; and whether the true labels are what people perceive."
)


def chosen(predicted: pd.DataFrame, scores: pd.DataFrame, wanted: str) -> Annotator:
    """The annotator (strategy, model) that `strategy_shown` means.

    Args:
        predicted: the predictions table, with at least one row.
        scores: the scores table; empty without true labels.
        wanted: "best": the highest UAR of the first question among annotators that judge whole clips, the first
            one without scores; a strategy; "imported", the first imported annotator; NAME or "imported:NAME", this
            one.

    Raises:
        RunError: the annotator is not in this run.
    """
    whole = predicted[predicted["frame_index"].isna()]
    every = list((whole if len(whole) else predicted)[_WHO].drop_duplicates().itertuples(index=False, name=None))
    if wanted == BEST:
        mine = scores[(scores["metric"] == BY) & (scores["model"] != tables.NOBODY)]
        first = (
            mine[(mine["taxonomy"] == mine["taxonomy"].iloc[0]) & (mine["asked"] == mine["asked"].iloc[0])]
            if len(mine)
            else mine
        )
        known = first.set_index(_WHO)["value"].dropna()
        return max(every, key=lambda one: known.get(one, -1.0))
    theirs = set(predicted.loc[predicted["strategy"] == tables.IMPORTED, "model"])
    wanted = f"{tables.IMPORTED}:{wanted}" if wanted in theirs else wanted
    strategy, _, name = wanted.partition(":") if wanted.startswith(tables.IMPORTED) else (wanted, "", "")
    found = predicted[(predicted["strategy"] == strategy) & (predicted["model"].eq(name) | (name == ""))]
    if found.empty:
        names = listed(f"imported:{model}" if kind == tables.IMPORTED else kind for kind, model in every)
        raise RunError(f"strategy_shown is {wanted!r}, which this run does not have: use best, {names}")
    strategy, model = found[_WHO].iloc[0]
    return strategy, model


def called(predicted: pd.DataFrame, who: Annotator) -> str:
    """What to call one annotator of the predictions table."""
    return str(annotator_names(predicted)[(predicted["strategy"] == who[0]) & (predicted["model"] == who[1])].iloc[0])


def of_run(scores: pd.DataFrame, comparisons: pd.DataFrame) -> list[str]:
    """`of_strategies` of every question, and what none of it shows."""
    if scores.empty:
        return of_strategies(scores, comparisons)
    found: list[str] = []
    for _, mine in scores.groupby(QUESTION, sort=False):
        same = (comparisons[QUESTION] == mine[QUESTION].iloc[0]).all(axis=1)
        found += of_strategies(mine, comparisons[same])
    return [*found, NOT_SHOWN]


def of_strategies(scores: pd.DataFrame, comparisons: pd.DataFrame) -> list[str]:
    """Which annotator is better in one question, by how much, and whether by more than chance.

    Args:
        scores: rows of the scores table of one question.
        comparisons: rows of the comparisons table of that question.
    """
    mine = scores[scores["metric"] == BY].dropna(subset="value")
    blind, mine = mine[mine["model"] == tables.NOBODY], mine[mine["model"] != tables.NOBODY]
    if mine.empty:
        why = "Without true labels" if blind.empty else "Without a predicted label"
        return [f"{why}, no annotator can be called better than another."]
    mine = mine.assign(annotator=annotator_names(mine))
    best, least = mine.loc[mine["value"].idxmax()], mine.loc[mine["value"].idxmin()]
    rows = comparisons[comparisons["metric"] == BY]
    found = [
        f"{question(best['taxonomy'], best['asked']).capitalize()}: {best['annotator']} has the highest unweighted "
        f"average recall (UAR), {said_value(best, best['resampled'])} on {best['n_clips']} clips"
        + (f"; the lowest is {least['value']:.2f} ({least['annotator']})" if len(mine) > 1 else "")
        + (f"; the better picture-blind baseline reaches {blind['value'].max():.2f}." if len(blind) else ".")
    ]
    if len(mine) > 1:
        found.append(
            f"It was chosen after the fact as the best of {len(mine)}: expect a somewhat lower value on new clips."
        )
    return [*found, *_tests(rows, (best["strategy"], best["model"]), best["annotator"])]


def rows_of(joined: pd.DataFrame, who: Annotator) -> pd.DataFrame:
    """Rows of `scores.join` of one annotator that are right or wrong: a label, or one outside the label set."""
    strategy, model = who
    answered = joined["label"].notna() | (joined["status"] == statuses.OUTSIDE)
    return joined[(joined["strategy"] == strategy) & (joined["model"] == model) & answered]


def _tests(rows: pd.DataFrame, best: Annotator, name: str) -> list[str]:
    """How many pairs differ, and from which others the best one does."""
    tested = rows.dropna(subset="p_holm")
    if tested.empty:
        return ["No two annotators could be compared: a test needs two that judge the same labelled clips."]
    apart = tested[tested["p_holm"] < 0.05]
    least = tested["detectable"].dropna()
    found = [
        f"{len(apart)} of {len(tested)} pairs differ significantly in {BY} (Holm-adjusted p < 0.05)"
        + (
            f"; differences of less than {least.min():.2f} to {least.max():.2f}, depending on the pair, would probably "
            "be missed (80 % power)."
            if len(least)
            else "."
        )
    ]
    ours = tested[
        [best in ((row.strategy_a, row.model_a), (row.strategy_b, row.model_b)) for row in tested.itertuples()]
    ]
    if ours.empty:
        return found
    others = [next(other for other in pair_names(row) if other != name) for row in ours.to_dict("records")]
    beaten = [other for other, p in zip(others, ours["p_holm"], strict=True) if p < 0.05]
    alike = [other for other in others if other not in beaten]
    if beaten:
        found.append(f"{name} is significantly better than {listed(beaten)}.")
    if alike:
        found.append(
            f"There is no significant difference between {name} and {listed(alike, 'or')}; that is not equality."
        )
    return found


def price_unit(price: pd.DataFrame) -> str:
    """The column of `summaries.price_and_score` that is a price: US$, or tokens where nothing is billed."""
    return "US$ per clip" if price["US$ per clip"].fillna(0).max() > 0 else "tokens per clip"


def of_price(price: pd.DataFrame, metric: str) -> list[str]:
    """What the best strategy costs beside the cheapest.

    Args:
        price: of `summaries.price_and_score`.
        metric: its column with the score.
    """
    unit = price_unit(price)
    known = price.dropna(subset=[unit, metric])
    if len(known) < 2:
        return []
    cost, score = known[unit].astype(float), known[metric].astype(float)
    best, cheapest = score.idxmax(), cost.idxmin()
    if cost[best] <= cost[cheapest]:
        return [f"No strategy is cheaper than the one with the highest {metric}, {best}: {cost[best]:.4g} {unit}."]
    return [
        f"The highest {metric} ({best}) costs {cost[best]:.4g} {unit}, {cost[best] / cost[cheapest]:.1f} times as much "
        f"as the cheapest ({cheapest}), which scores {score[best] - score[cheapest]:.2f} lower."
    ]


def by_convention(scores: pd.DataFrame) -> pd.DataFrame:
    """UAR collapsed from seven under every valence of surprise (columns), and how far they lie apart.

    Args:
        scores: of `scores.by_surprise`.
    """
    rows = scores[(scores["metric"] == BY) & (scores["asked"] == "seven") & (scores["model"] != tables.NOBODY)]
    rows = rows.assign(annotator=annotator_names(rows))
    order = [surprise for surprise in SURPRISE_VALENCES if surprise in set(rows["surprise"])]
    wide = rows.pivot(index="annotator", columns="surprise", values="value").reindex(pd.unique(rows["annotator"]))[
        order
    ]
    n_clips = rows.groupby("surprise")["n_clips"].max()
    wide = wide.rename(columns={name: f"{name} (n = {n_clips[name]})" for name in order})
    return wide.assign(**{"largest − smallest": wide.max(axis=1) - wide.min(axis=1)})


def of_convention(table: pd.DataFrame) -> str:
    """What `by_convention` shows, in a sentence."""
    *ways, apart = table.columns
    if table[ways].isna().all(axis=None):
        return "What the valence given to surprise changes is not known: no clip has a predicted label."
    table = table.dropna(axis="columns", how="all")
    ways = [way for way in ways if way in table]
    best = table[ways].idxmax().drop_duplicates()
    most = table[apart].idxmax()
    highest = f"{best.iloc[0]} is highest under each of them" if len(best) == 1 else f"the highest is {listed(best)}"
    return (
        f"The valence given to surprise moves {BY} by at most {table[apart].max():.2f} ({most}); {highest}. "
        "The scores in a column share their clips; where surprise is left out, they are fewer."
    )


def of_errors(joined: pd.DataFrame, name: str) -> list[str]:
    """Which expressions one annotator confuses, and whether its confidence warns of it.

    Args:
        joined: labelled rows of `scores.join` of one annotator and question.
        name: what to call the annotator.
    """
    if joined.empty:
        return ["Without true labels no error is known: only disagreement between annotators can be looked at."]
    unit = "frames" if joined["frame_index"].notna().any() else "clips"
    right, groups = joined["truth"] == joined["label"], people_or_clips(joined)
    found = [f"{name} gives the true label to {said_share(right, groups)} {unit}."]
    if not right.all():
        recall = right.groupby(joined["truth"]).mean()
        worst = joined["truth"] == recall.idxmin()
        found.append(f"It finds {recall.idxmin()} least often: {said_share(right[worst], groups[worst])} {unit}.")
        true, predicted = next(iter(confused_pairs(joined).index))
        of_true = joined["truth"] == true
        pair = said_share(joined.loc[of_true, "label"] == predicted, groups[of_true])
        found.append(f"Most often confused: {true}, predicted as {predicted} in {pair} {unit}.")
    return [*found, *_warning(joined, right, groups)]


def _warning(joined: pd.DataFrame, right: pd.Series, groups: pd.Series, n_resamples: int = 500) -> list[str]:
    """Whether wrong labels are less confident than right ones: area under the ROC curve, drawing whole groups."""
    known = joined["confidence"].notna()
    right, sure, groups = right[known].to_numpy(), joined.loc[known, "confidence"].to_numpy(), groups[known]
    if len(set(right)) < 2:
        return []
    area, members = area_under_roc(right, sure), list(groups.groupby(groups).indices.values())
    found = f"A right label is more confident than a wrong one in {per_cent(area)} of pairs (50 %: no warning at all"
    if len(members) < MIN_GROUPS:
        return [f"{found}; too few for an interval)."]
    rng, areas = np.random.default_rng(1), []
    for _ in range(n_resamples):
        drawn = np.concatenate([members[at] for at in rng.integers(0, len(members), len(members))])
        if len(set(right[drawn])) > 1:
            areas.append(area_under_roc(right[drawn], sure[drawn]))
    low, high = np.quantile(areas, [0.025, 0.975])
    verdict = "confidence warns of errors" if low > 0.5 else "confidence does not reliably warn of errors"
    return [f"{found}; 95 % interval {low * 100:.0f} to {per_cent(high)}): {verdict}."]


def area_under_roc(right: np.ndarray, confidence: np.ndarray) -> float:
    """Share of pairs of a right and a wrong label in which the right one is more confident; ties count half.

    >>> float(area_under_roc(np.array([True, False, True]), np.array([0.9, 0.8, 0.7])))
    0.5
    """
    ranks, n = stats.rankdata(confidence), right.sum()
    return (ranks[right].sum() - n * (n + 1) / 2) / (n * (len(right) - n))
