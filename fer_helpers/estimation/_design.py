"""A drawn and partly labelled sample beside its corpus, as arrays; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_helpers.errors import ListError
from fer_helpers.estimation.people import check_queue
from fer_helpers.estimation.samples import strata


@dataclass(frozen=True)
class Design:
    """N clips in H strata, n of them labelled.

    Attributes:
        rows: positions of the labelled clips in the population, shape (n,).
        stratum: of every clip, 0 to H − 1, shape (N,).
        n_h: labelled clips of each stratum, shape (H,).
        N_h: clips of each stratum, shape (H,).
        subject: of every clip as an integer, shape (N,); None where a clip names none.
    """

    rows: np.ndarray
    stratum: np.ndarray
    n_h: np.ndarray
    N_h: np.ndarray
    subject: np.ndarray | None

    @property
    def weights(self) -> np.ndarray:
        """How many clips each labelled one stands for, shape (n,)."""
        return (self.N_h / self.n_h)[self.stratum[self.rows]]

    def without_strata(self) -> Design:
        """The same clips as if drawn simply."""
        total = np.array([len(self.stratum)])
        return Design(self.rows, np.zeros_like(self.stratum), np.array([len(self.rows)]), total, self.subject)

    def variance_of_total(self, values: np.ndarray) -> float:
        """Variance of the estimated total of `values`, shape (n,), with the finite-population correction."""
        of = self.stratum[self.rows]
        mean = np.bincount(of, values) / self.n_h
        squares = np.bincount(of, (values - mean[of]) ** 2) / np.maximum(self.n_h - 1, 1)
        return float(np.sum(self.N_h**2 * (1 - self.n_h / self.N_h) * squares / self.n_h))


def design(population: pd.DataFrame, sample: pd.DataFrame, labelled: pd.Index) -> Design:
    """How the `labelled` clips of `sample` stand for `population`.

    Drawn clips without a label are taken for missing at random within their stratum. A stratum with fewer than two
    labels is joined to the next smallest.

    Raises:
        ListError: the sample is no random one of this population, or fewer than two clips are labelled.
    """
    check_queue(sample)
    clip, simple = pd.Index(population["clip_id"].to_numpy(dtype=object)), list(sample["stratum"].unique()) == ["all"]
    names = pd.Series("all", index=clip) if simple else strata(population).set_axis(clip)
    if not (
        sample["clip_id"].astype(object).isin(clip).all()
        and (names[sample["clip_id"]].array == sample["stratum"].array).all()
    ):
        raise ListError("sample: its strata are not those of these predictions; estimate with those it was drawn by")
    stratum, found = pd.factorize(names)
    rows = np.flatnonzero(clip.isin(labelled))
    if len(rows) < 2:
        raise ListError(f"sample: {len(rows)} drawn clip(s) labelled by people; an estimate needs at least 2")
    stratum = _joined(stratum, stratum[rows], len(found))
    subject = pd.factorize(population["subject"])[0] if population["subject"].notna().all() else None
    return Design(rows, stratum, np.bincount(stratum[rows]), np.bincount(stratum), subject)


def _joined(stratum: np.ndarray, labelled: np.ndarray, n_strata: int) -> np.ndarray:
    """Strata numbered anew, each with two labels at least or labelled throughout."""
    to, sizes, counts = np.arange(n_strata), np.bincount(stratum), np.bincount(labelled, minlength=n_strata)
    alive = list(range(n_strata))
    while len(alive) > 1:
        few = [h for h in alive if counts[h] < min(2, sizes[h])]
        if not few:
            break
        one = min(few, key=lambda h: counts[h])
        other = min((h for h in alive if h != one), key=lambda h: counts[h])
        to[to == one] = other
        counts[other] += counts[one]
        sizes[other] += sizes[one]
        alive.remove(one)
    return np.unique(to[stratum], return_inverse=True)[1]
