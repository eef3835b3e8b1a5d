"""Which of the model's labels can be taken without looking, and with what promise: exact for this corpus.

Thresholds of confidence are tried from strict to loose, each by an exact hypergeometric test of "more than `limit`
of the accepted clips are wrong", until the first that fails (fixed-sequence testing; Learn then Test, Angelopoulos
et al. 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fer_helpers.errors import ListError
from fer_helpers.estimation.people import check_queue
from fer_helpers.estimation.samples import AUDIT

MIN_PILOT = 10  # labels among the clips above a threshold, to choose it
STEPS = ["n_accepted", "n_labelled", "n_wrong", "p", "passed"]
LEVELS = 20  # thresholds: the surest 5 %, 10 %, ... 100 % of the clips


@dataclass(frozen=True)
class Acceptance:
    """Labels taken without looking, or none.

    Attributes:
        accepted: their clip_ids; none if nothing can be certified.
        promise: in words, for the finished labels; empty if nothing can be certified.
        more: about how many more labels the promise would need; 0 if it holds, None if the errors seen are too many
        for any.
        sentence: the result in words.
        steps: the tests made: n_accepted, n_labelled, n_wrong, p, passed.
    """

    accepted: pd.Index
    promise: str
    more: int | None
    sentence: str
    steps: pd.DataFrame


def p_value(n_accepted: int, n_labelled: int, n_wrong: float, limit: float) -> float:
    """P(at most `n_wrong` wrong among the labelled), had the accepted just more than `limit` of them wrong.

    Args:
        n_accepted: clips that would be accepted.
        n_labelled: of these drawn at random and labelled.
        n_wrong: of these wrong; a tied clip counts as its share against the model, rounded up in sum.
        limit: the largest tolerable share wrong.
    """
    wrong = min(n_accepted, int(np.floor(limit * n_accepted + 1e-9)) + 1)
    return float(stats.hypergeom.cdf(np.ceil(n_wrong - 1e-9), n_accepted, wrong, n_labelled))


def labels_needed(limit: float, delta: float, error: float = 0.0, n_accepted: int | None = None) -> int | None:
    """Labels of accepted clips that certify `limit` if a share `error` of them is wrong; None if no number does.

    Whole errors make the p value a saw; bisection ends at one of its teeth, so a few labels fewer may do.

    Args:
        limit, delta: as of `accept`.
        error: expected share wrong.
        n_accepted: clips to accept; None for a corpus without end (binomial).

    >>> labels_needed(0.1, 0.1), labels_needed(0.02, 0.025), labels_needed(0.02, 0.025, error=0.01)
    (22, 183, 851)
    """
    if error >= limit:
        return None
    most = n_accepted or 2**40

    def enough(n: int) -> bool:
        wrong = np.ceil(error * n - 1e-9)
        p = p_value(n_accepted, n, wrong, limit) if n_accepted else stats.binom.cdf(wrong, n, limit)
        return bool(p <= delta)

    if not enough(most):
        return None
    high = 1
    while not enough(min(high, most)):
        high *= 2
    low, high = high // 2, min(high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def accept(
    population: pd.DataFrame, sample: pd.DataFrame, truth: pd.DataFrame, limit: float = 0.1, delta: float = 0.1
) -> Acceptance:
    """The loosest threshold that a simple random sample certifies: at most `limit` wrong, with probability 1 − `delta`.

    Args:
        population: of `samples.population`.
        sample: `draw_core(..., stratified=False)`. A stratified core is no random sample of the accepted clips:
            choose a threshold by it (`would_accept`), and certify that by an audit (`accept_audited`).
        truth: of `people.by_clip`.
        limit: largest tolerable share of wrong labels among the accepted.
        delta: probability that the promise is broken, at most.

    Raises:
        ListError: the sample is not a simple random core.
    """
    check_queue(sample)
    if list(sample["stratum"].unique()) != ["all"]:
        raise ListError("accept needs a simple random core: this sample is stratified or an audit; use accept_audited")
    rows, wrong = _labelled(population, truth[truth.index.isin(sample["clip_id"])])
    rank, steps, best = _rank(population), [], None
    for size in _sizes(rank):
        inside = rank[rows] < size
        a = int(inside.sum())
        if p_value(size, a, 0, limit) > delta:  # not even without any error: skipped by a alone
            continue
        k = float(wrong[inside].sum())
        p = p_value(size, a, k, limit)
        steps.append((size, a, k, p, p <= delta))
        if p > delta:
            break
        best = size
    accepted = population.loc[rank < best, "clip_id"] if best else population["clip_id"].iloc[:0]
    a, k = (steps[-1][1:3]) if steps else (len(rows), float(wrong.sum()))
    n_accepted = steps[-1][0] if steps else int((rank < len(rank)).sum())
    return _result(pd.Index(accepted), n_accepted, a, k, limit, delta, steps)


def would_accept(population: pd.DataFrame, sample: pd.DataFrame, truth: pd.DataFrame, limit: float = 0.1) -> pd.Index:
    """First stage: the clips to audit: most clips with an estimated share wrong of at most half of `limit`.

    Half, because an audit of clips that are just good enough certifies nothing. Any choice is allowed here that uses no
    label of the audit; the promise comes from `accept_audited` alone.
    """
    return _good_enough(population, risk_by_coverage(population, sample, truth), limit)


def _good_enough(population: pd.DataFrame, risk: pd.DataFrame, limit: float) -> pd.Index:
    """`would_accept`, of `risk_by_coverage`."""
    good = risk.loc[(risk["n_labelled"] >= MIN_PILOT) & (risk["wrong"] <= limit / 2), "n_accepted"]
    return pd.Index(population.loc[_rank(population) < good.max(), "clip_id"].to_numpy(dtype=object))


def risk_by_coverage(population: pd.DataFrame, sample: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Estimated share wrong among the surest clips, from the strictest threshold to the loosest.

    The risk–coverage curve of selective classification (El-Yaniv & Wiener 2010), each label weighted by the draw.

    Returns:
        columns n_accepted (clips at least that sure), confidence (of the least sure), n_labelled, n_wrong (of these),
        wrong (estimated share; empty where none of them is labelled).
    """
    check_queue(sample)
    rows, wrong = _labelled(population, truth[truth.index.isin(sample["clip_id"])])
    weight = 1 / sample.set_index("clip_id")["probability"].reindex(population["clip_id"].iloc[rows]).to_numpy()
    rank, found = _rank(population), []
    for size in _sizes(rank):
        inside = rank[rows] < size
        share = np.average(wrong[inside], weights=weight[inside]) if inside.any() else np.nan
        least = population.loc[rank < size, "confidence"].min()
        found.append((size, least, int(inside.sum()), float(wrong[inside].sum()), share))
    return pd.DataFrame(found, columns=["n_accepted", "confidence", "n_labelled", "n_wrong", "wrong"])


def certify(
    population: pd.DataFrame,
    core: pd.DataFrame,
    truth: pd.DataFrame,
    audit: pd.DataFrame,
    audited: pd.DataFrame,
    limit: float = 0.1,
    delta: float = 0.1,
    waiting: int = 0,
) -> Acceptance:
    """What can be promised with the labels there are: by a simple core alone, else by the audit, once it is done.

    Args:
        population, limit, delta: as of `accept`.
        core, truth: of `samples.draw_core` and `people.by_clip`.
        audit: the queue as it was recorded: all clips that would be accepted, `order` empty where one was not drawn;
            no rows if there is none yet.
        audited: of `people.by_clip`, from the audit's labels alone.
        waiting: clips of the audit that nobody has looked at. The promise holds for one look, so it is not tested
            before there are none.
    """
    if list(core["stratum"].unique()) == ["all"]:
        return accept(population, core, truth, limit, delta)
    if waiting:
        return _nothing(
            waiting, f"{waiting} clips of the audit are not labelled; it is looked at once, when it is done"
        )
    if len(audit):
        drawn = audit[audit["order"].notna()]
        return accept_audited(population, pd.Index(audit["clip_id"].astype(object)), drawn, audited, limit, delta)
    risk = risk_by_coverage(population, core, truth)
    chosen = _good_enough(population, risk, limit)
    if len(chosen):
        needed = labels_needed(limit, delta, 0.0, len(chosen))
        return _nothing(needed, f"{len(chosen)} clips look good enough; an audit of {needed} or more must confirm it")
    tried = risk[risk["n_labelled"] >= MIN_PILOT]
    if tried.empty:
        return _nothing(None, "too few labels to choose a threshold of confidence")
    best = tried.loc[tried["wrong"].idxmin()]
    return _nothing(
        None,
        f"by the core, no threshold of confidence with {MIN_PILOT} labels above it leaves fewer than about "
        f"{100 * best['wrong']:.0f} % wrong (the {best['n_accepted']:.0f} surest clips); an audit is worth its labels "
        f"at {100 * limit / 2:.0f} % or fewer",
    )


def _nothing(more: int | None, why: str) -> Acceptance:
    return Acceptance(pd.Index([]), "", more, f"Nothing can be certified: {why}.", pd.DataFrame(columns=STEPS))


def accept_audited(
    population: pd.DataFrame,
    accepted: pd.Index,
    sample: pd.DataFrame,
    truth: pd.DataFrame,
    limit: float = 0.1,
    delta: float = 0.1,
) -> Acceptance:
    """Second stage: whether the audit certifies the clips that `would_accept` chose; one test.

    The labelled part of the audit is used in its order, up to the first clip nobody labelled.

    Args:
        accepted: clip_ids, as given to `samples.draw_audit`.
        sample: of `samples.draw_audit`.
        truth: of `people.by_clip`.

    Raises:
        ListError: the sample is no audit, or one of other clips.
    """
    check_queue(sample)
    if sample["queue"].iloc[0] != AUDIT or not sample["clip_id"].astype(object).isin(accepted).all():
        raise ListError("sample is no audit of these accepted clips: draw it by draw_audit with the same clips")
    ordered = sample.sort_values("order")["clip_id"]
    first = ordered[ordered.isin(truth.index).cummin()]
    rows, wrong = _labelled(population, truth[truth.index.isin(first)])
    a, k, p = len(rows), float(wrong.sum()), p_value(len(accepted), len(rows), float(wrong.sum()), limit)
    steps = [(len(accepted), a, k, p, p <= delta)]
    taken = accepted if p <= delta else accepted[:0]
    return _result(taken, len(accepted), a, k, limit, delta, steps)


def _labelled(population: pd.DataFrame, truth: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Positions of labelled clips, and the weight of people's label that is not the model's, each 0 to 1."""
    rows = np.flatnonzero(population["clip_id"].isin(truth.index))
    words = [column for column in truth if column not in ("label", "n_votes")]
    weights = truth.loc[population["clip_id"].iloc[rows], words].to_numpy(dtype=float)
    predicted = population["label"].iloc[rows].to_numpy(dtype=object)
    return rows, 1 - (weights * (predicted[:, None] == np.array(words, dtype=object))).sum(axis=1)


def _rank(population: pd.DataFrame) -> np.ndarray:
    """How many clips are surer than each one; no label or no confidence: never accepted."""
    confidence = population["confidence"].where(population["label"].notna()).to_numpy(dtype=float)
    known = confidence[~np.isnan(confidence)]
    rank = np.full(len(confidence), len(confidence) + 1)
    rank[~np.isnan(confidence)] = len(known) - np.searchsorted(np.sort(known), known, side="right")
    return rank


def _sizes(rank: np.ndarray) -> list[int]:
    """Numbers of accepted clips, from strict to loose; equally sure clips stay together."""
    known = np.sort(rank[rank <= len(rank)])
    wanted = np.ceil(np.arange(1, LEVELS + 1) / LEVELS * len(known)).astype(int)
    return sorted({int(np.searchsorted(known, known[size - 1], side="right")) for size in wanted if size})


def _result(
    accepted: pd.Index,
    n_accepted: int,
    n_labelled: int,
    n_wrong: float,
    limit: float,
    delta: float,
    steps: list[tuple[int, int, float, float, bool]],
) -> Acceptance:
    table = pd.DataFrame(steps, columns=STEPS)
    if len(accepted):
        promise = f"at most {limit:.0%} of these labels wrong, in at least {1 - delta:.0%} of such draws"
        return Acceptance(accepted, promise, 0, f"{len(accepted)} labels can be taken: {promise}.", table)
    needed = labels_needed(limit, delta, n_wrong / max(1, n_labelled), n_accepted) if n_accepted else None
    more = None if needed is None else max(1, needed - n_labelled)
    about = (
        "as many errors as were seen allow no such promise; take stricter thresholds or look at the clips"
        if more is None
        else f"about {more} more labels of such clips would be needed"
    )
    return Acceptance(accepted, "", more, f"Nothing can be certified: {about}.", table)
