"""How many labels: for a width, for a budget, and what more clips of the same people cannot give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fer_helpers.estimation.shares import PEOPLE

Z = stats.norm.ppf(0.975)


def labels_for(half_width: float, sd: float, n_clips: int) -> int:
    """Labels, drawn simply, for a 95 % interval of ± `half_width` over this corpus (Cochran 1977, section 4.4).

    n₀ = (t·sd/h)² with the t of n − 1, then n₀/(1 + n₀/N).

    Args:
        half_width: wanted, in the quantity's unit (0.03: three percentage points of a share).
        sd: of a clip's residual: at most 0.5 for a share; √(1 − ρ²) times that with a model of correlation ρ.
        n_clips: in the corpus.

    >>> labels_for(0.05, 0.5, 100_000), labels_for(0.05, 0.5, 500)
    (386, 219)
    """
    n = 2.0
    for _ in range(50):  # of t and n by turns; settles in a few
        first = (stats.t.ppf(0.975, max(1.0, n - 1)) * sd / half_width) ** 2
        n = 0.5 * n + 0.5 * max(2.0, first / (1 + first / n_clips))
    return min(n_clips, int(np.ceil(n - 1e-6)))


def plan(numbers: Sequence[int], n_clips: int, sd: float = 0.5, correlation: float = 0.0) -> pd.DataFrame:
    """What numbers of labels buy, before anybody labels: half-widths over this corpus.

    Args:
        numbers: labels, e.g. (100, 200, 400).
        n_clips: in the corpus.
        sd: of people's label: 0.5 at most for a share, 1 at most for valence.
        correlation: ρ of people's label and the model's, from a similar corpus; 0 expects nothing of the model.

    Returns:
        columns n, people (half-width by people alone), both (with the model), saved (1 − ρ² would be left of the
        squared width, so ρ²).
    """
    n = np.minimum(np.array(list(numbers), dtype=float), n_clips)
    half = stats.t.ppf(0.975, n - 1) * sd * np.sqrt((1 - n / n_clips) / n)
    left = np.sqrt(1 - correlation**2)
    return pd.DataFrame({"n": n.astype(int), "people": half, "both": left * half, "saved": correlation**2})


def planned(population: pd.DataFrame, numbers: Sequence[int], words: Sequence[str]) -> pd.DataFrame:
    """What numbers of labels buy, from the model's labels alone: half-widths over this corpus, by people alone.

    Shares are taken to be those of the model's labels, and half of each class to be found: the widest there is.

    Args:
        population: of `samples.population`.
        numbers, words: as of `plan` and `estimate_shares`.

    Returns:
        index n; columns "share: <most frequent>", "share: <rarest>" of the labels that the model gives, WAR, UAR.
    """
    counts = population["label"].value_counts().reindex(list(words), fill_value=0)
    shares = (counts[counts > 0] / max(1, counts.sum())).sort_values(ascending=False, kind="stable")
    ends = list(dict.fromkeys([*shares.index[:1], *shares.index[-1:]]))
    sds = {f"share: {word}": float(np.sqrt(shares[word] * (1 - shares[word]))) for word in ends}
    sds |= {"WAR": 0.5, "UAR": float(0.5 * np.sqrt((1 / shares).sum()) / max(1, len(shares)))}
    halves = {name: plan(numbers, len(population), sd).set_index("n")["people"] for name, sd in sds.items()}
    return pd.DataFrame(halves)


def more_labels(estimates: pd.DataFrame, half_width: float) -> pd.DataFrame:
    """How many more labels each row of `estimate_shares` needs for ± `half_width`, or "label more people".

    Over people like these the variance has a part that labels cannot lower: V_people − V_corpus, how much people
    differ. It bounds the width, however many more clips of the same people are labelled.

    Returns:
        the rows of people and of both, with `floor` (half-width that more clips of these people cannot pass; 0 over
        this corpus), `more` (labels; empty where no number is enough) and `advice`, in words.
    """
    rows = estimates[estimates["source"] != "model"].reset_index(drop=True)
    key = ["quantity", "source"]
    own = rows[rows["target"] != PEOPLE].set_index(key)["error"]
    within = own.loc[pd.MultiIndex.from_frame(rows[key])].to_numpy() ** 2
    people = rows["target"].eq(PEOPLE).to_numpy()
    t = np.where(people, stats.t.ppf(0.975, np.maximum(rows["n_subjects"].astype(float) - 1, 1)), Z)
    between = np.where(people, np.maximum(rows["error"] ** 2 - within, 0), 0)
    room = np.maximum((half_width / t) ** 2 - between, 0)
    rows["floor"] = t * np.sqrt(between)
    with np.errstate(divide="ignore"):
        wanted = [
            labels_for(Z * np.sqrt(left), sd, n) if left > 0 else np.nan
            for left, sd, n in zip(room, rows["sd"], rows["n_clips"], strict=True)
        ]
    rows["more"] = np.maximum(np.array(wanted) - rows["n"], 0)
    unknown = rows["error"].isna()
    rows.loc[unknown, "more"] = np.nan
    rows["advice"] = np.select(
        [unknown, rows["more"].isna(), rows["more"] == 0],
        ["unknown: subjects are not named", "label more people", "enough"],
        "about " + rows["more"].fillna(0).astype(int).astype(str) + " more",
    )
    return rows


def split_budget(correlation: float, label: float, reply: float, budget: float) -> tuple[int, int, int]:
    """Best numbers of clips with and without people's labels for a budget (Neyman's allocation; as in ppi_py).

    Args:
        correlation: of people's label and the model's.
        label: price of people's label of a clip.
        reply: price of the model's.
        budget: in the same unit; every clip gets a reply.

    Returns:
        clips with a label, clips with a reply alone, and how many labels without a model would be as exact.

    >>> split_budget(0.9, 1, 0.1, 1000)
    (605, 3345, 1926)
    """
    if correlation**2 * label <= (1 - correlation**2) * reply:  # replies are not worth their price
        n = int(budget / label)
        return n, 0, n
    per_label, per_reply = np.sqrt((1 - correlation**2) / label), np.sqrt(correlation**2 / reply)
    scale = budget / (label * per_label + reply * per_reply)
    n, total = scale * per_label, scale * per_reply
    effective = 1 / ((1 - correlation**2) / n + correlation**2 / total)
    return round(n), round(total - n), int(effective)
