"""All that a labelled sample says of its corpus in one table, in words, and what other draws would have said; pure."""

from __future__ import annotations

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.estimation.finished import PERSON
from fer_helpers.estimation.performance import estimate_performance
from fer_helpers.estimation.samples import draw_core
from fer_helpers.estimation.shares import CORPUS, estimate_shares
from fer_helpers.evaluation import summaries

REDRAWS = 500
_RESAMPLES = 400  # of UAR in a redraw; enough for a coverage, and five times as fast as an estimate's 2,000


def estimate(
    population: pd.DataFrame,
    sample: pd.DataFrame,
    truth: pd.DataFrame,
    taxonomy: str,
    surprise: str = "left_out",
    raters: str = PERSON,
    n_resamples: int = 2000,
) -> pd.DataFrame:
    """`estimate_shares` and `estimate_performance` as the table `estimates`.

    Args:
        population, sample, truth, surprise, n_resamples: as of these two.
        taxonomy: the label set, a key of TAXONOMIES.
        raters: who labelled, in words.

    Returns:
        the table; without rows where fewer than two drawn clips are labelled, without WAR, UAR and recalls where
        fewer than two of those are that the model answered.
    """
    found = _estimated(population, sample, truth, taxonomy, surprise, n_resamples)
    if found.empty:
        return tables.empty("estimates")
    who = {"taxonomy": taxonomy, "annotator": population["annotator"].iloc[0], "raters": raters}
    return tables.check("estimates", found.assign(**who))


def _estimated(
    population: pd.DataFrame,
    sample: pd.DataFrame,
    truth: pd.DataFrame,
    taxonomy: str,
    surprise: str,
    n_resamples: int,
) -> pd.DataFrame:
    words, known = TAXONOMIES[taxonomy], truth.index.intersection(sample["clip_id"])
    if len(known) < 2:
        return pd.DataFrame()
    found = [estimate_shares(population, sample, truth, words, surprise)]
    if population.loc[population["clip_id"].isin(known), "label"].notna().sum() >= 2:
        found.append(estimate_performance(population, sample, truth, words, n_resamples))
    return pd.concat(found, ignore_index=True)


def in_words(estimates: pd.DataFrame) -> pd.DataFrame:
    """Estimates as "0.21 [0.18, 0.25]" by target and quantity (rows) and by whom (columns); a dash where there is none.

    Returns:
        columns target, quantity, then "model alone", "<raters> alone", "both together".
    """
    numbers = estimates[["value", "ci_low", "ci_high"]].itertuples(index=False)
    said = [summaries.in_brackets(*row).replace("-0.00", "0.00") for row in numbers]
    wide = estimates.assign(said=said).pivot_table(
        index=["target", "quantity"], columns="source", values="said", aggfunc="first", sort=False
    )
    names = by_whom(estimates["raters"].iloc[0] if len(estimates) else PERSON)
    return wide.reindex(columns=list(names)).rename(columns=names).rename_axis(columns=None).reset_index()


def by_whom(raters: str) -> dict[str, str]:
    """Column `source` of estimates in words, in the order they stand beside each other."""
    return {"model": "model alone", "people": f"{raters} alone", "both": "both together"}


def redraws(
    population: pd.DataFrame,
    truth: pd.DataFrame,
    n: int,
    taxonomy: str,
    surprise: str = "left_out",
    n_draws: int = REDRAWS,
) -> pd.DataFrame:
    """What `n_draws` other cores of `n` clips would have said of this corpus, where all that people would say is known.

    Args:
        population, taxonomy, surprise: as of `estimate`.
        truth: of `people.by_clip`, of every clip.
        n: clips to draw each time.

    Returns:
        columns draw, quantity (shares, mean valence, WAR, UAR), source (people, both), value, ci_low, ci_high, true
        (the value were every clip labelled), held (whether the interval holds it); draws without an interval are left
        out.
    """

    # pandas takes long to look up values in Arrow's strings
    clips = population.astype(dict.fromkeys(("clip_id", "subject", "label", "status"), object))

    def of_core(n: int, seed: int) -> pd.DataFrame:
        core = draw_core(clips, n, seed)
        found = _estimated(clips, core, truth, taxonomy, surprise, _RESAMPLES)
        mine = (found["target"] == CORPUS) & (found["source"] != "model") & ~found["quantity"].str.startswith("recall")
        return found.loc[mine, ["quantity", "source", "value", "ci_low", "ci_high"]]

    whole = of_core(len(population), 0).set_index(["quantity", "source"])["value"].rename("true")
    drawn = pd.concat({seed: of_core(n, seed) for seed in range(1, n_draws + 1)}, names=["draw"]).droplevel(1)
    table = drawn.reset_index().join(whole, on=["quantity", "source"]).dropna(subset=["ci_low", "true"])
    held = (table["ci_low"] - 1e-9 <= table["true"]) & (table["true"] <= table["ci_high"] + 1e-9)
    return table.assign(held=held)
