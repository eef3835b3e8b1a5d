"""Class shares and mean valence of a corpus from few human labels and all of the model's: two targets, three sources.

"This corpus": the average over these clips; only the draw is random. "People like these": the average over the people
that the subjects stand for; who they are is random too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtrit  # type: ignore[import-untyped]
from statsmodels.stats.proportion import proportion_confint

from fer_helpers.emotions import SEVEN
from fer_helpers.estimation._design import Design, design
from fer_helpers.estimation.people import valence_of
from fer_helpers.evaluation import MIN_GROUPS
from fer_helpers.tables import TARGETS

CORPUS, PEOPLE = TARGETS
RARE = 5  # fewer clips than this with (or without) a label: no interval narrower than Wilson's of people alone


def estimate_shares(
    population: pd.DataFrame,
    sample: pd.DataFrame,
    truth: pd.DataFrame,
    words: Sequence[str] = SEVEN,
    surprise: str = "left_out",
) -> pd.DataFrame:
    """Share of each label, and mean valence: by the model, by people, by both together.

    The difference estimator with the variance-minimising coefficient (regression estimator, Cochran 1977; PPI++,
    Angelopoulos et al. 2023), within the strata of the draw. Over people, each subject's contributions are summed
    first, so subjects may be labelled in part.

    Args:
        population: of `samples.population`.
        sample: of `samples.draw_core`; clips nobody labelled yet are passed over.
        truth: of `people.by_clip` for the votes that `people.drawn_only` left.
        words: the labels.
        surprise: its valence, as `emotions.valence` has it; left out, seven labels have no mean valence.

    Returns:
        a row a quantity, target and source ("model", "people", "both"): value, ci_low, ci_high (95 %; empty for the
        model alone over this corpus, where only its unknown bias is at stake, and over fewer than ten labelled
        subjects), n (labels used), n_clips, n_subjects, error (standard error), sd (of a clip's residual), and
        saved: by how much the model narrowed the squared width, 1 − V_both/V_people.

    Raises:
        ListError: the sample is a worklist, a mixture, or not of this population.
    """
    truth = truth[truth.index.isin(sample["clip_id"])]
    plan = design(population, sample, truth.index)
    y = truth.reindex(population["clip_id"].iloc[plan.rows])[list(words)].to_numpy(dtype=float)
    f = (population["label"].to_numpy(dtype=object)[:, None] == np.array(list(words), dtype=object)).astype(float)
    answered = population["label"].notna().to_numpy()
    quantities = {f"share: {word}": (y[:, k], f[:, k]) for k, word in enumerate(words)}
    valence = valence_of(words, surprise)
    if valence is not None:
        quantities["mean valence"] = (y @ valence, f @ valence)
    rows = [row for name, (one, other) in quantities.items() for row in _rows(name, one, other, answered, plan)]
    return pd.DataFrame(rows)


def _rows(name: str, y: np.ndarray, f: np.ndarray, answered: np.ndarray, plan: Design) -> list[dict[str, object]]:
    people, both = _values(y, np.zeros_like(f), plan), _values(y, f, plan)
    # People alone would have been drawn simply: the strata are the model's part.
    value, simple = people[0], plan.without_strata()
    average = float(np.sum(plan.weights * (y - value) ** 2) / len(f))
    alone = average / (len(y) - 1) * (1 - len(y) / len(f))
    found = {"people": (value, alone, average**0.5, _by_people(y, np.zeros_like(f), simple)), "both": both}
    n_subjects = len(np.unique(plan.subject[plan.rows])) if plan.subject is not None else 0
    size = {"n": len(y), "n_clips": len(f), "n_subjects": n_subjects}
    rows: list[dict[str, object]] = []
    for target, which, df in ((CORPUS, 1, len(y) - len(plan.n_h)), (PEOPLE, 3, n_subjects - 1)):
        rows.append(
            {"quantity": name, "target": target, "source": "model", **_model(f, answered, plan, target), **size}
        )
        for source, one in found.items():
            error = float(np.sqrt(one[which]))
            low, high = _interval(one[0], error, df, y, len(f), target, name)
            saved = 1 - one[which] / found["people"][which] if found["people"][which] > 0 else np.nan
            row = {"quantity": name, "target": target, "source": source, "value": one[0], "ci_low": low}
            rows.append(row | {"ci_high": high, **size, "error": error, "sd": one[2], "saved": saved})
    return rows


def _values(y: np.ndarray, f: np.ndarray, plan: Design) -> tuple[float, float, float, float]:
    """Estimate, its variance over this corpus, sd of a residual, and its variance over people."""
    fitted = _coefficient(y, f, plan) * f
    residual = y - fitted[plan.rows]
    of = plan.stratum[plan.rows]
    by_stratum = np.bincount(of, residual) / plan.n_h
    value = float(fitted.mean() + by_stratum @ plan.N_h / len(f))
    variance = plan.variance_of_total(residual) / len(f) ** 2
    inner = np.sum(plan.weights * (residual - by_stratum[of]) ** 2) / len(f)
    return value, variance, float(np.sqrt(inner)), _by_people(y, f, plan)


def _coefficient(y: np.ndarray, f: np.ndarray, plan: Design) -> float:
    """λ: covariance of y and f within strata over the variance of f, each stratum by its part in the variance."""
    of = plan.stratum[plan.rows]
    part = plan.N_h**2 / plan.n_h
    deviation = y - (np.bincount(of, y) / plan.n_h)[of]
    f_mean = np.bincount(plan.stratum, f) / plan.N_h
    together = np.bincount(of, deviation * f[plan.rows]) / np.maximum(plan.n_h - 1, 1)
    spread = np.bincount(plan.stratum, (f - f_mean[plan.stratum]) ** 2) / plan.N_h
    return float(part @ together / (part @ spread)) if part @ spread > 1e-12 else 0.0


def _by_people(y: np.ndarray, f: np.ndarray, plan: Design) -> float:
    """Variance over people: squared sums of what each subject contributes to the estimate (linearised)."""
    if plan.subject is None:
        return np.nan
    fitted = _coefficient(y, f, plan) * f
    of = plan.stratum[plan.rows]
    residual = y - fitted[plan.rows]
    mean = np.bincount(of, residual) / plan.n_h
    expected = fitted + mean[plan.stratum]
    each = (expected - expected.mean()) / len(f)
    each[plan.rows] += plan.weights / len(f) * (residual - mean[of])
    n_subjects = plan.subject.max() + 1
    sums = np.bincount(plan.subject, each)
    return float(n_subjects / (n_subjects - 1) * np.sum(sums**2)) if n_subjects > 1 else np.nan


def _interval(
    value: float, error: float, df: int, y: np.ndarray, n_clips: int, target: str, name: str
) -> tuple[float, float]:
    if np.isnan(error) or df < 1 or (target == PEOPLE and df + 1 < MIN_GROUPS):
        return np.nan, np.nan
    if name == "mean valence":
        half = stdtrit(df, 0.975) * error
        return max(-1.0, value - half), min(1.0, value + half)
    return interval_of_share(value, error, df, y, n_clips if target == CORPUS else None)


def interval_of_share(
    value: float, error: float, df: int, y: np.ndarray, n_clips: int | None = None
) -> tuple[float, float]:
    """Student's t and Wilson's interval together: from the lower of their lower ends to the higher of the others.

    Wilson's (1927) knows that a share's error depends on the share. Student's t does not: where few clips of a class
    were drawn by chance, it is too narrow as well as too low. Wilson's gets as many labels as would have this standard
    error (Korn & Graubard 1998), and of a rare class no more than were given.

    Args:
        value, error: the share and its standard error.
        df: degrees of freedom of the error.
        y: of each labelled clip its weight in the share, 0 to 1.
        n_clips: in the corpus, if the share is that of the corpus.
    """
    t, share = stdtrit(df, 0.975), float(np.clip(value, 0, 1))
    low, high = value - t * error, value + t * error
    left = 1 - len(y) / n_clips if n_clips else 1.0
    labels = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else np.inf
    if left > 0 and min(y.sum(), len(y) - y.sum()) < RARE:
        labels = min(labels, len(y) / left)
    if np.isfinite(labels):
        wilson = proportion_confint(share * labels, labels, 2 * ndtr(-t), method="wilson")
        low, high = min(low, wilson[0]), max(high, wilson[1])
    return max(0.0, low), min(1.0, high)


def _model(f: np.ndarray, answered: np.ndarray, plan: Design, target: str) -> dict[str, float]:
    """The model's own answer: nothing is drawn over this corpus; over people, subjects are."""
    value = float(f[answered].mean()) if answered.any() else np.nan
    row = {"value": value, "ci_low": np.nan, "ci_high": np.nan, "error": np.nan, "sd": np.nan, "saved": np.nan}
    if target == CORPUS or plan.subject is None or not answered.any():
        return row
    sums = np.bincount(plan.subject[answered], f[answered] - value)
    n = len(np.unique(plan.subject[answered]))
    if n < MIN_GROUPS:
        return row
    error = float(np.sqrt(n / (n - 1) * np.sum(sums**2)) / answered.sum())
    half = stdtrit(n - 1, 0.975) * error
    return row | {"ci_low": value - half, "ci_high": value + half, "error": error}
