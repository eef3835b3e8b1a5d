"""Which cells of a sweep are set against each other, and what one number a clip says about them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fer_helpers.errors import RunError
from fer_helpers.evaluation._bootstrap import MIN_GROUPS
from fer_helpers.evaluation.comparisons import POWER

_AT_ONCE = 4_000_000  # signs held in memory at a time
Change = tuple[str, str]  # a parameter's level, and the reference it stands in the place of


@dataclass(frozen=True)
class Contrast:
    """One change of a parameter, or of two together, in cells that agree in all other parameters.

    Attributes:
        changes: by parameter: one for a main effect, two for their interaction.
        sets: positions of cells set against each other, shape (n_sets, 2 ** len(changes)).
        n_left_out: cells with the level or reference of a main effect that no other cell can be set against.
    """

    changes: Mapping[str, Change]
    sets: np.ndarray
    n_left_out: int

    @property
    def signs(self) -> np.ndarray:
        """Of the cells in a set: + for the level, − for the reference; of an interaction their product."""
        return np.array([(-1) ** sum(which) for which in product((0, 1), repeat=len(self.changes))])


def varying(cells: pd.DataFrame) -> pd.DataFrame:
    """The parameters (columns) in which cells (rows) differ; those that never vary apart are one, named after all.

    Raises:
        RunError: two cells agree in all of them.

    >>> table = {"model": ["a", "b"], "base_url": ["x", "y"], "seed": ["1", "1"]}
    >>> varying(pd.DataFrame(table, index=["one", "two"])).to_dict("list")
    {'model, base_url': ['a, x', 'b, y']}
    """
    alike: dict[tuple[int, ...], list[str]] = {}
    for name in cells:
        codes, levels = pd.factorize(cells[name])
        if len(levels) > 1:
            alike.setdefault(tuple(codes.tolist()), []).append(name)
    merged = {", ".join(names): cells[names].agg(", ".join, axis=1) for names in alike.values()}
    found = pd.DataFrame(merged, index=cells.index)
    if found.duplicated().any() or (len(cells) > 1 and found.empty):
        twins = list(cells.index[found.duplicated(keep=False)] if len(found.columns) else cells.index)
        raise RunError(f"{twins[0]} and {twins[1]} have the same parameters: leave one of them out")
    return found


def contrasts(cells: pd.DataFrame) -> list[Contrast]:
    """Every level of every parameter against its first one, then every pair of parameters' interactions.

    A main effect that no two cells can show has no sets; an interaction that no four cells can show is left out.

    Args:
        cells: of `varying`; the order of the rows says which level is a parameter's first.
    """
    changes = {name: [(level, of[0]) for level in of[1:]] for name, of in _levels(cells).items()}
    mains = [_contrast(cells, {name: change}) for name, own in changes.items() for change in own]
    pairs = [
        _contrast(cells, {one: a, other: b})
        for one, other in combinations(changes, 2)
        for a, b in product(changes[one], changes[other])
    ]
    return [*mains, *(pair for pair in pairs if len(pair.sets))]


def _levels(cells: pd.DataFrame) -> dict[str, list[str]]:
    return {name: list(dict.fromkeys(cells[name])) for name in cells}


def _contrast(cells: pd.DataFrame, changes: Mapping[str, Change]) -> Contrast:
    place = {levels: at for at, levels in enumerate(cells.itertuples(index=False, name=None))}
    columns = {list(cells).index(name): change for name, change in changes.items()}
    sets = []
    for levels in place:
        if all(levels[at] == level for at, (level, _) in columns.items()):
            partners = [
                tuple(dict(zip(columns, which, strict=True)).get(at, own) for at, own in enumerate(levels))
                for which in product(*columns.values())
            ]
            if all(partner in place for partner in partners):
                sets.append([place[partner] for partner in partners])
    shape = np.array(sets, dtype=int).reshape(len(sets), 2 ** len(changes))
    concerned = np.logical_and.reduce([cells[name].isin(change) for name, change in changes.items()]).sum()
    return Contrast(changes, shape, int(concerned - len(np.unique(shape))))


def of_clips(contrast: Contrast, values: np.ndarray) -> np.ndarray:
    """What a contrast is on each clip: the mean over its sets of cells of which all have a value; NaN without one.

    Args:
        contrast: of two cells a set, or of four.
        values: a number a clip and cell, NaN where there is none, shape (n_clips, n_cells).
    """
    return mean_of_known(values[:, contrast.sets] @ contrast.signs)


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean of each row's values that are not NaN; NaN where all are."""
    known = ~np.isnan(values)
    return np.divide(np.nansum(values, axis=1), known.sum(axis=1), out=np.full(len(values), np.nan),
                     where=known.any(axis=1))  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A mean over clips, and how unsure it is; NaN where too few groups, or no spread, say nothing about that.

    Attributes:
        value: the mean.
        error: its standard error.
        low, high: its 95 % interval.
        by_group: what each group of clips adds to the value.
        n_clips, n_groups: that have a value.
    """

    value: float
    error: float
    low: float
    high: float
    by_group: np.ndarray
    n_clips: int
    n_groups: int

    @property
    def detectable(self) -> float:
        """The true value that would be found in 80 % of such samples: 2.8 standard errors (Bloom 1995)."""
        return POWER * self.error


def estimate(values: np.ndarray, classes: np.ndarray, groups: np.ndarray) -> Estimate:
    """The mean over classes of the mean over their clips, with its interval over whole groups of clips.

    A difference of UARs is such a mean of the differences clip by clip, one of WARs with a single class. Its error is
    the linearised one of a sum over groups (Cochran 1977, section 6.4, in each class), Student's t with one degree less
    than there are groups. The clips of a rare class may be alike by chance, so that each class has the weight of one
    clip more, as unlike its class's mean as clips are on average: with clips for groups and equal variances that makes
    the squared error unbiased.

    Args:
        values: one a clip, NaN where there is none, shape (n,).
        classes: the class of each, as integers from 0; all 0 for a plain mean.
        groups: the subject or clip that each belongs to, as integers from 0; `by_group` has all of them.

    Two clips of four are 1, both of one class; the other class is a single clip:

    >>> round(float(estimate(np.array([1.0, 1, 0, 0]), np.array([0, 0, 0, 1]), np.arange(4)).value), 3)
    0.333
    """
    known, n_all = ~np.isnan(values), groups.max(initial=-1) + 1
    values, groups, (_, of_class) = values[known], groups[known], np.unique(classes[known], return_inverse=True)
    n, n_groups = np.bincount(of_class), len(np.unique(groups))
    if not len(values):
        return Estimate(np.nan, np.nan, np.nan, np.nan, np.zeros(n_all), 0, 0)
    weight = (1 / (len(n) * n))[of_class]
    value, apart = (weight * values).sum(), values - (np.bincount(of_class, values) / n)[of_class]
    error, half = np.nan, np.nan
    if n_groups >= MIN_GROUPS and len(values) > len(n) and np.abs(apart).max() > 1e-12:
        spread = (apart**2).sum() / (len(values) - len(n))
        squared = (np.bincount(groups, weight * apart) ** 2).sum() * n_groups / (n_groups - 1)
        error = np.sqrt(squared + spread * (1 / (len(n) * n) ** 2).sum())
        half = stats.t.ppf(0.975, n_groups - 1) * error
    by_group = np.bincount(groups, weight * values, minlength=n_all)
    return Estimate(value, error, value - half, value + half, by_group, len(values), n_groups)


def sign_flips(by_group: np.ndarray, n_permutations: int, seed: int, one_sided: bool = False) -> np.ndarray:
    """p values of no contrast, shape (n_contrasts,): level and reference change places in whole groups at random.

    p = (1 + as large or larger) / (1 + permutations) (Phipson & Smyth 2010).

    Args:
        by_group: what each group adds to each contrast, shape (n_groups, n_contrasts); the same flips for all of them.
        n_permutations: how many.
        seed: of the random generator.
        one_sided: only contrasts above 0 count.
    """
    size = (lambda total: total) if one_sided else np.abs
    rng, observed, extreme = np.random.default_rng(seed), size(by_group.sum(axis=0)), np.zeros(by_group.shape[1])
    step = max(1, _AT_ONCE // max(len(by_group), 1))
    for start in range(0, n_permutations, step):
        shape = (min(step, n_permutations - start), len(by_group))
        signs = rng.integers(0, 2, shape, dtype=np.int8) * 2.0 - 1
        extreme += (size(signs @ by_group) >= observed - 1e-12).sum(axis=0)
    return (1 + extreme) / (1 + n_permutations)
