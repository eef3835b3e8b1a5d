"""Does the order in which labels are named move the answers? One label set, named in several rotations; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations

import numpy as np
import pandas as pd

from fer_helpers.emotions import TAXONOMIES
from fer_helpers.evaluation._bootstrap import mean_interval
from fer_helpers.evaluation.comparisons import holm
from fer_helpers.evaluation.sweeps import Sweep
from fer_helpers.prompting import orders

_DRAWN, _FEWEST = 2_000_000, 999  # groups permuted in all, but for the least number of permutations
_AT_ONCE = 200_000
ORDER = "label_order"
PLACES, FLIPS, ACCURACY = "share of answers", "flip rate", "accuracy"
FIRST, MEAN, CIRCULAR, ANY = "first order", "mean over orders", "every order (CircularEval)", "in any order"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
_INTERVAL = ["value", "ci_low", "ci_high", "n_clips"]


@dataclass(frozen=True)
class Rotations:
    """Labels predicted for the same clips, the label set named in several rotations.

    Attributes:
        labels: a row a clip; a column a rotation, called by its number of places, the one to compare with first; empty
            where there is no label.
        truth: true label of each clip; empty where there is none.
        groups: subject or clip of each clip, shape (n_clips,).
        unit: "subjects" or "clips".
        taxonomy: the label set.
    """

    labels: pd.DataFrame
    truth: pd.Series
    groups: np.ndarray
    unit: str
    taxonomy: str

    def of(self, clips: np.ndarray) -> Rotations:
        """Some of the clips, by a mask."""
        return replace(self, labels=self.labels[clips], truth=self.truth[clips], groups=self.groups[clips])

    @property
    def paired(self) -> Rotations:
        """The clips with a label in every rotation; one outside of the label set is a label."""
        return self.of(self.labels.notna().all(axis=1).to_numpy())

    @property
    def named(self) -> Rotations:
        """The clips with a label of the label set in every rotation, the others were named at no place."""
        return self.of(np.all(self._codes >= 0, axis=1))

    @property
    def places(self) -> np.ndarray:
        """Where a label stood, from 0: shape (n_clips, n_rotations, n_rotations).

        [c, a, b] is the place, in rotation b, of the label that clip c was given in rotation a.
        """
        return (self._codes[:, :, None] - np.array(self.labels.columns, int)) % len(TAXONOMIES[self.taxonomy])

    @property
    def _codes(self) -> np.ndarray:
        labels = pd.Index(TAXONOMIES[self.taxonomy])
        return labels.get_indexer(self.labels.to_numpy(object).ravel()).reshape(self.labels.shape)


def of_sweep(sweep: Sweep) -> dict[str, Rotations]:
    """The rotations in which a sweep's cells named the labels, by what else these cells have in common.

    Cells that shuffled the labels, or whose labels were collapsed from another label set, are left out. The name is
    made of the parameters in which there are several such sets of cells; empty where there is one.
    """
    if ORDER not in sweep.cells:
        return {}
    n_labels, direct = len(TAXONOMIES[sweep.taxonomy]), sweep.annotators["asked"] == sweep.taxonomy
    columns: dict[tuple[str, ...], dict[int, pd.Series]] = {}
    others = sweep.cells.drop(columns=ORDER)
    for name in sweep.cells.index[direct]:
        by = orders.rotation(sweep.cells.loc[name, ORDER])
        if by is not None:  # rotated:0 is fixed, and three labels have three rotations: the same requests, asked once
            columns.setdefault(tuple(others.loc[name]), {}).setdefault(by % n_labels, sweep.labels[name])
    found = [(common, pd.DataFrame(labels)) for common, labels in columns.items() if len(labels) > 1]
    several = [at for at in range(len(others.columns)) if len({common[at] for common, _ in found}) > 1]
    return {
        ", ".join(f"{others.columns[at]}: {common[at]}" for at in several): Rotations(
            labels, sweep.truth, sweep.groups, sweep.unit, sweep.taxonomy
        )
        for common, labels in found
    }


def place_shares(asked: Rotations, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """Share of the answers that were named first, second, …, and what it would be if the place meant nothing.

    Had a clip's labels come in any other order of its rotations, each would have stood at each place those rotations
    give it: the expected share is the mean over all these. Where all rotations were asked that is 1 / number of labels
    for every place, whatever the labels' own shares.

    Args:
        asked: only the clips that are `named` count.
        n_resamples: bootstrap resamples of subjects or clips, for 95 % intervals.
        seed: of the random generator.

    Returns:
        rows with level ("named first", …), value, ci_low, ci_high, n_clips, expected; shares are NaN without clips.
    """
    asked = asked.named
    places, rows = asked.places, []
    for place in range(len(TAXONOMIES[asked.taxonomy])):
        found = _mean((places.diagonal(axis1=1, axis2=2) == place).mean(axis=1), asked, n_resamples, seed)
        rows.append(
            {
                "level": f"named {_ORDINALS[place]}",
                **found,
                "expected": (places == place).mean() if len(places) else np.nan,
            }
        )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class PlaceTest:
    """Whether answers depend on the place at which a label is named.

    Attributes:
        p: p value; NaN without clips.
        n_clips: clips that are `Rotations.named`.
        n_changing: of these, clips whose label is not the same in all rotations; the others tell nothing.
        n_groups: subjects or clips that these belong to.
    """

    p: float
    n_clips: int
    n_changing: int
    n_groups: int


def place_test(asked: Rotations, n_resamples: int = 10_000, seed: int = 1) -> PlaceTest:
    """Do answers depend on the place at which a label is named? A permutation test over rotations.

    If the order means nothing, a clip's labels might as well have come in any other order of its rotations. So they are
    permuted among the rotations; all clips of a subject alike, because what moves one of them may move the others.
    The statistic is the sum over places of (answers - expected)² / expected, see `place_shares`.

    Args:
        asked: only the clips that are `named` count.
        n_resamples: permutations; fewer for many groups, but no fewer than 999.
            p = (1 + as large or larger) / (1 + permutations), after Phipson & Smyth (2010).
        seed: of the random generator.
    """
    asked = asked.named
    places = asked.places
    changing = (places != places[:, :1]).any(axis=(1, 2))
    groups = np.unique(asked.groups[changing], return_inverse=True)[1]
    size = PlaceTest(np.nan, len(places), int(changing.sum()), len(np.unique(groups)))
    if not size.n_changing:
        return size if not len(places) else PlaceTest(1.0, len(places), 0, 0)
    n_labels = len(TAXONOMIES[asked.taxonomy])
    counts = (places[changing, :, :, None] == np.arange(n_labels)).astype(float)
    counts = np.stack([np.bincount(groups, one) for one in counts.reshape(len(groups), -1).T], axis=1)
    counts = counts.reshape(size.n_groups, *places.shape[1:], n_labels)  # [g, a, b, place], as in `places`
    expected = counts.sum(axis=(0, 1, 2)) / places.shape[1]

    def distance(answers: np.ndarray) -> np.ndarray:
        away = (answers - expected) ** 2
        return np.divide(away, expected, out=np.zeros_like(away), where=expected > 0).sum(axis=-1)

    observed = distance(counts.diagonal(axis1=1, axis2=2).sum(axis=(0, 2)))
    far = distance(_permuted(counts, n_resamples, seed)) >= observed - 1e-9
    return PlaceTest(float((1 + far.sum()) / (1 + len(far))), size.n_clips, size.n_changing, size.n_groups)


def _permuted(counts: np.ndarray, n_permutations: int, seed: int) -> np.ndarray:
    """Answers at each place, shape (n_permutations, n_labels), each group's labels permuted among the rotations."""
    n_groups, n_rotations, _, n_labels = counts.shape
    every = _all_orders(n_rotations)
    n_permutations = min(n_permutations, max(_FEWEST, _DRAWN // n_groups))
    by_rotation = counts.swapaxes(1, 2).reshape(-1, n_labels).astype(np.float32)  # whole numbers, far from 2**24
    rng, step, parts = np.random.default_rng(seed), max(1, _AT_ONCE // n_groups), []
    for start in range(0, n_permutations, step):
        given = every[rng.integers(len(every), size=(min(step, n_permutations - start), n_groups))]
        chosen = np.zeros((*given.shape, n_rotations), np.float32)  # [permutation, g, b, a]: given[…, b] is a
        np.put_along_axis(chosen, given[..., None], 1, axis=3)
        parts.append(chosen.reshape(len(given), -1) @ by_rotation)
    return np.concatenate(parts)


def place_tests(found: Mapping[str, Rotations], n_resamples: int = 10_000, seed: int = 1) -> dict[str, PlaceTest]:
    """`place_test` of each, p values corrected for their number (Holm 1979)."""
    tests = {name: place_test(asked, n_resamples, seed) for name, asked in found.items()}
    adjusted = holm([test.p for test in tests.values()])
    return {name: replace(test, p=float(p)) for (name, test), p in zip(tests.items(), adjusted, strict=True)}


@lru_cache
def _all_orders(n: int) -> np.ndarray:
    return np.array(list(permutations(range(n))))


def accuracies(asked: Rotations, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """Accuracy in the first order, mean over the orders, and in all of them: CircularEval.

    CircularEval counts a clip as right where it is right in every rotation (Liu et al. 2023, MMBench).

    Args:
        asked: only clips that are `paired` and have a true label count.
        n_resamples: bootstrap resamples of subjects or clips, for 95 % intervals.
        seed: of the random generator.

    Returns:
        rows with level (FIRST, MEAN, CIRCULAR), value, ci_low, ci_high, n_clips; empty without such clips.
    """
    asked = asked.paired
    asked = asked.of(asked.truth.notna().to_numpy())
    right = asked.labels.eq(asked.truth, axis=0).to_numpy()
    scores = {FIRST: right[:, 0], MEAN: right.mean(axis=1), CIRCULAR: right.all(axis=1)}
    rows = [{"level": name, **_mean(values, asked, n_resamples, seed)} for name, values in scores.items()]
    return pd.DataFrame(rows if len(right) else [], columns=["level", *_INTERVAL])


def flip_rates(asked: Rotations, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """Share of clips with another label than in the first rotation, by rotation, and in any of them.

    Args:
        asked: only clips that are `paired` count.
        n_resamples: bootstrap resamples of subjects or clips, for 95 % intervals.
        seed: of the random generator.

    Returns:
        rows with level ("rotated by K", …, ANY), value, ci_low, ci_high, n_clips.
    """
    asked = asked.paired
    other = asked.labels.iloc[:, 1:].ne(asked.labels.iloc[:, 0], axis=0)
    flips = {**{f"rotated by {by}": other[by] for by in other}, ANY: other.any(axis=1)}
    rows = [{"level": name, **_mean(flip.to_numpy(), asked, n_resamples, seed)} for name, flip in flips.items()]
    return pd.DataFrame(rows)


def _mean(values: np.ndarray, asked: Rotations, n_resamples: int, seed: int) -> dict[str, float]:
    low, high = mean_interval(values.astype(float), asked.groups, n_resamples, seed)
    return dict(zip(_INTERVAL, (values.mean() if len(values) else np.nan, low, high, len(values)), strict=True))


def measures(asked: Rotations, n_resamples: int = 10_000, seed: int = 1) -> pd.DataFrame:
    """`place_shares`, `flip_rates` and `accuracies` one below the other, with their name in a column `measure`."""
    made = {PLACES: place_shares, FLIPS: flip_rates, ACCURACY: accuracies}
    parts = [found(asked, n_resamples, seed).assign(measure=name) for name, found in made.items()]
    columns = ["measure", "level", *_INTERVAL, "expected"]
    return pd.concat([part.reindex(columns=columns) for part in parts if len(part)], ignore_index=True)
