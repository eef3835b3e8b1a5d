"""What a few people's labels say of a corpus, in sentences computed from the estimates; pure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_helpers.estimation.acceptance import Acceptance
from fer_helpers.estimation.finished import PERSON
from fer_helpers.estimation.shares import CORPUS, PEOPLE
from fer_helpers.estimation.sizes import more_labels
from fer_helpers.evaluation import answers

WIDTH = 0.05  # half-width that is asked for in "how many more"
LITTLE = 0.05  # of the squared width, below which the model saved next to nothing
NOT_SHOWN = (
    "Not shown: whether people's labels are what the person felt; how the model fares on another corpus; and, in the "
    "intervals, the chance of several being wrong at once: each is a 95 % interval by itself."
)


def of_audit(
    core: pd.DataFrame,
    estimates: pd.DataFrame,
    acceptance: Acceptance | None = None,
    replacement: pd.DataFrame | None = None,
) -> list[str]:
    """Notebook 06: how good the model is here, what people perceive, what the model saved, what can be accepted.

    Args:
        core: the queue, of `samples.draw_core`.
        estimates: the table `estimates`.
        acceptance: of `acceptance.certify`.
        replacement: of `replacement.replacement_test`; None with fewer than three raters.
    """
    if estimates.empty:
        return [
            f"Nobody has labelled enough yet: {len(core)} clips are drawn, and an estimate needs two of them labelled.",
            "Until then nothing is known of this corpus but what the model says.",
        ]
    found = [_who(core, estimates), *_performance(estimates), *_shares(estimates), _saved(estimates), *_more(estimates)]
    found += [acceptance.sentence] if acceptance else []
    found += [_replacement(replacement)] if replacement is not None else []
    return [*found, NOT_SHOWN]


def _who(core: pd.DataFrame, estimates: pd.DataFrame) -> str:
    raters, n, n_clips = estimates["raters"].iloc[0], estimates["n"].max(), estimates["n_clips"].max()
    nobody = "" if raters == PERSON else f" These labels are those of the {raters}: nobody was asked."
    return f"{n} of {len(core)} drawn clips are labelled, of {n_clips} in the corpus.{nobody}"


def _performance(estimates: pd.DataFrame) -> list[str]:
    both = estimates[estimates["source"] == "both"].set_index("quantity")
    if "WAR" not in both.index:
        return []
    war, uar = both.loc["WAR"], both.loc["UAR"]
    whose = "people's" if war["raters"] == PERSON else f"the {war['raters']}'s"
    return [
        f"{war['annotator']} gives {whose} label to {_said(war)} of the clips it answered (weighted average recall, "
        f"WAR); the mean recall of the classes (unweighted average recall, UAR) is {_said(uar)}."
    ]


def _class_shares(estimates: pd.DataFrame) -> pd.DataFrame:
    """Of this corpus, by whomever."""
    return estimates[(estimates["target"] == CORPUS) & estimates["quantity"].str.startswith("share: ")]


def _shares(estimates: pd.DataFrame) -> list[str]:
    """The most frequent label, and for which labels the model alone would mislead."""
    mine = _class_shares(estimates)
    both, model = (mine[mine["source"] == source].set_index("quantity") for source in ("both", "model"))
    first = both["value"].idxmax()
    most = f"Perceived most often is {first.removeprefix('share: ')}, in {_said(both.loc[first])} of the clips"
    if model["value"].isna().all():
        return [f"{most}; the model gives no label."]
    outside = (model["value"] < both["ci_low"]) | (model["value"] > both["ci_high"])
    names = [name.removeprefix("share: ") for name in outside.index[outside]]
    alone = (
        f"the model alone gives a share outside the interval for {answers.listed(names)}"
        if names
        else "no share that the model alone gives lies outside its interval"
    )
    return [f"{most}; the model alone says {model.loc[first, 'value']:.2f}. Of {len(both)} labels, {alone}."]


def _saved(estimates: pd.DataFrame) -> str:
    """One number for all class shares: how much smaller the summed squared errors are with the model than without."""
    mine = _class_shares(estimates)
    errors = (mine["error"] ** 2).groupby(mine["source"]).sum()
    n, n_clips = int(mine["n"].max()), int(mine["n_clips"].max())
    if errors["people"] == 0 or n >= n_clips:
        return "Every clip is labelled: there was nothing for the model to save."
    left = errors["both"] / errors["people"]
    change = f"{answers.per_cent(abs(1 - left))} {'smaller' if left < 1 else 'larger'}"
    said = f"the squared width of the class shares is {change}"
    if 1 - left < LITTLE:
        return f"The model's labels saved next to nothing: beside people's labels alone, {said}."
    alone = 1 / ((1 / n - 1 / n_clips) * left + 1 / n_clips)
    return (
        f"The model's labels saved some of people's: {said}, so that {n} labels do what about {alone:.0f} would do "
        "without it."
    )


def _more(estimates: pd.DataFrame, width: float = WIDTH) -> list[str]:
    """How many labels every class share takes, and where more clips of the same people cannot help."""
    shares = estimates[estimates["quantity"].str.startswith("share: ") & (estimates["source"] != "model")]
    rows = more_labels(shares, width)
    rows = rows[rows["source"] == "both"]
    here, people = rows[rows["target"] == CORPUS], rows[(rows["target"] == PEOPLE) & rows["error"].notna()]
    most = int(here["more"].max())
    enough = f"About {most} more labels would bring" if most else "There are enough labels to bring"
    found = [f"{enough} every class share of this corpus to ± {width:.2f}."]
    if people.empty:
        return [*found, "Clips name no subjects: nothing is said of people like these."]
    floor = people[people["more"].isna()]
    if len(floor):
        names = answers.listed(floor["quantity"].str.removeprefix("share: "))
        found.append(
            f"Over people like these, ± {width:.2f} cannot be reached for {names} however many more clips of the same "
            f"people are labelled (at best ± {floor['floor'].max():.2f}): label more people."
        )
    return found


def _replacement(table: pd.DataFrame) -> str:
    tested = table[table["won"].notna()]
    if tested.empty:
        return "Whether the model may replace a rater is not known: no rater has labelled enough clips."
    rate = tested["won"].astype(float).mean()
    verdict = "may" if rate >= 0.5 else "may not"
    return (
        f"By the alternative annotator test the model {verdict} replace a rater: it does at least as well as "
        f"{tested['won'].sum()} of {len(tested)} raters (winning rate {answers.per_cent(rate)}, half is needed)."
    )


def of_redraws(table: pd.DataFrame, estimates: pd.DataFrame, n: int) -> list[str]:
    """How often the intervals of other draws hold the truth, and whether those of this one do.

    Args:
        table: of `estimates.redraws`.
        estimates: the table `estimates` of the draw there is.
        n: clips of each draw.
    """
    raters = estimates["raters"].iloc[0]
    both = table[table["source"] == "both"]
    held, n_draws = both.groupby("quantity", sort=False)["held"].mean(), both["draw"].nunique()
    least = held.idxmin()
    width = (both["ci_high"] - both["ci_low"]).groupby(both["quantity"]).mean()
    low, high = answers.per_cent(held.min()), answers.per_cent(held.max())
    error = 1.96 * np.sqrt(0.95 * 0.05 / n_draws)
    return [
        f"In {n_draws} other draws of {n} clips from this corpus, labelled by the {raters}, the 95 % intervals hold "
        f"the value of the whole corpus in {low} ({least}) to {high} of the draws; "
        f"chance alone puts a true 95 % within ± {100 * error:.0f} of it. Their mean width is {width.min():.2f} to "
        f"{width.max():.2f}.",
        _own(both.drop_duplicates("quantity").set_index("quantity")["true"], estimates),
    ]


def _own(true: pd.Series, estimates: pd.DataFrame) -> str:
    mine = estimates[(estimates["target"] == CORPUS) & (estimates["source"] == "both")].set_index("quantity")
    mine = mine.loc[[name for name in true.index if name in mine.index]].dropna(subset="ci_low")
    missed = list(mine.index[(true[mine.index] < mine["ci_low"]) | (true[mine.index] > mine["ci_high"])])
    which = f"; not that of {answers.listed(missed)}" if missed else ""
    return f"Of the {len(mine)} intervals of this draw, {len(mine) - len(missed)} hold it{which}."


def _said(row: pd.Series) -> str:
    return answers.said_value(row, "labels")
