"""Probabilities in a list of predictions: by column or as a list, of all classes or of some."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from fer_helpers.emotions import TAXONOMIES, TERNARY, names_another, near_words, parse_emotion
from fer_helpers.errors import ListError
from fer_helpers.lists import refuse, remark
from fer_helpers.paths import shown

_PREFIX = "prob_"
_NEAR_ONE = (0.98, 1.02)  # rounded probabilities add up to this; they are scaled to 1


def with_probabilities(path: Path, rows: pd.DataFrame, mapped: Mapping[str, str]) -> pd.DataFrame:
    """`rows` with the probabilities of columns prob_<word>, or of `probabilities` and `label_order`, by our labels.

    Returns:
        columns prob_<label> as text, also for words outside the seven, of which `mapped` may name more.

    Raises:
        ListError: a column looks like one of probabilities but is named by no emotion's word, or two mean the same.
    """
    named = {column: _label(path, column, mapped) for column in rows if _is_share(column)}
    by_label: dict[str, str] = {}
    for column, label in named.items():
        if by_label.setdefault(label, column) != column:
            raise ListError(f"{shown(path)}: line 1 has {by_label[label]!r} and {column!r} for {label}; keep one")
    rows = rows.rename(columns={column: _PREFIX + label for column, label in named.items()})
    if "probabilities" not in rows:
        return rows
    order = rows.get("label_order", pd.Series("", rows.index))
    cells = zip(rows.index, rows["probabilities"], order, strict=True)
    listed = pd.DataFrame([_listed(path, *cell, mapped) for cell in cells], index=rows.index).fillna("")
    both = [column for column in listed if column in rows]
    if both:
        raise ListError(f"{shown(path)}: line 1 has both probabilities and {both[0]}; keep one")
    return rows.join(listed)


def _is_share(column: str) -> bool:
    return column.startswith(_PREFIX) or any(parse_emotion(word) for word in column.split("_"))


def _label(path: Path, column: str, mapped: Mapping[str, str]) -> str:
    word = column.removeprefix(_PREFIX)
    label = _meaning(word, mapped) if column.startswith(_PREFIX) else None
    if label is None:
        near = [*filter(None, map(parse_emotion, column.split("_"))), *near_words(word)]
        hint = f"is {_PREFIX}{near[0]} meant? Correct" if near else "correct"
        raise ListError(f"{shown(path)}: line 1 has a column {column!r}; {hint} or delete it")
    return label


def _meaning(word: str, mapped: Mapping[str, str]) -> str | None:
    word = word.strip().casefold()
    known = word in TERNARY or word in mapped or names_another(word)
    return parse_emotion(word) or (word if known else None)


def _listed(path: Path, line: int, values: str, order: str, mapped: Mapping[str, str]) -> dict[str, str]:
    """`probabilities` of one row by the labels of its `label_order`; both are JSON lists or separated by spaces."""
    if not values:
        return {}
    numbers, words = _items(values), _items(order)
    labels = [_meaning(word, mapped) for word in words]
    if not labels or len(numbers) != len(labels) or None in labels or len(set(labels)) < len(labels):
        raise ListError(
            f"{shown(path)}: line {line} has {len(numbers)} probabilities and label_order {order!r}: name the labels "
            "they belong to, in their order"
        )
    return {f"{_PREFIX}{label}": number for label, number in zip(labels, numbers, strict=True)}


def _items(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = text.replace(",", " ").split()
    return [str(item) for item in found] if isinstance(found, list) else [str(found)]


def probabilities(
    path: Path, name: str, rows: pd.DataFrame, taxonomy: str, labels: pd.Series, mapped: Mapping[str, str]
) -> pd.DataFrame:
    """Columns prob_<label>, shape (rows, labels), each row empty or adding up to 1.

    Classes that the annotator called `name` never gives a probability are 0, and a remark says so. The probability of
    a word outside the set goes to the label it is mapped to; rows in which other words have more than a rounding
    error are left without probabilities: the rest is no distribution over the set.

    Args:
        path: the list.
        name: of the annotator.
        rows: its rows, as of `with_probabilities`.
        taxonomy: of its labels.
        labels: its labels, one a row.
        mapped: words outside the seven, in lower case -> label.

    Raises:
        ListError: values are no probabilities, or a label that is given has none.
    """
    ours = [_PREFIX + label for label in TAXONOMIES[taxonomy]]
    text = rows[[column for column in rows if column.startswith(_PREFIX)]]
    text = text.reindex(columns=[*ours, *(column for column in text if column not in ours)], fill_value="")
    numbers = text.apply(pd.to_numeric, errors="coerce")
    given = (text != "").any(axis=1)
    odd = ((text != "") & ~(numbers.ge(0) & numbers.le(_NEAR_ONE[1]))).any(axis=1)
    total = numbers.sum(axis=1)
    wrong = given & (odd | ~total.between(*_NEAR_ONE))
    percent = wrong.any() and total[wrong].between(98, 102).all()
    some = f"give {', '.join(ours)}, each from 0 to 1, with sum 1"
    some = "they look like per cent: divide them by 100" if percent else some
    refuse(path, rows["clip_id"], wrong, "invalid probabilities", some)
    numbers = _merged(numbers, mapped)
    _check_own(path, numbers, given, labels)
    never = [column.removeprefix(_PREFIX) for column in ours if numbers[column].isna().all()]
    if given.any() and never:
        remark(path, f"annotator {name!r} gives {', '.join(never)} no probability, which is taken for 0")
    inside = numbers[ours].sum(axis=1)
    beyond = given & (total - inside > 1 - _NEAR_ONE[0])
    if beyond.any():
        what = "are left without probabilities, of which a part is for labels outside the set"
        remark(path, f"{beyond.sum()} row(s) of annotator {name!r} {what}")
    return numbers[ours].fillna(0).div(inside, axis=0).where(given & ~beyond)


def _merged(numbers: pd.DataFrame, mapped: Mapping[str, str]) -> pd.DataFrame:
    """`numbers` with those of mapped words added to the labels they are mapped to."""
    words = {column: column.removeprefix(_PREFIX) for column in numbers}
    labels = {column: _PREFIX + mapped.get(word, word) for column, word in words.items()}
    return numbers.T.groupby(labels, sort=False).sum(min_count=1).T


def _check_own(path: Path, numbers: pd.DataFrame, given: pd.Series, labels: pd.Series) -> None:
    """Refuse rows whose label has no probability: an annotator who gives it does use the class."""
    without = pd.Series(False, labels.index)
    for column in numbers:
        empty = numbers[column].isna()
        without |= (labels == column.removeprefix(_PREFIX)) & (empty & given | (empty.all() & given.any()))
    refuse(path, labels, without, "the label has no probability", "give every label that is used its probability")


def own_share(shares: pd.DataFrame, labels: pd.Series) -> pd.Series:
    """The probability of each row's own label, NaN where it has none."""
    codes = shares.columns.get_indexer(_PREFIX + labels.fillna(""))
    own = shares.to_numpy(float)[np.arange(len(shares)), codes]
    return pd.Series(np.where(codes >= 0, own, np.nan), shares.index)
