"""What an annotator is called: in tables, figures, sentences, the explorer and the report; decided here alone.

An annotator is a strategy under a model. The strategy alone says enough where one model was asked; where several were,
the model stands behind it. Who was imported goes by its own name, with "(imported)" where a strategy is called so; what
was not asked (a baseline that looks at no picture, an ensemble of several models) goes by its strategy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fer_helpers.prompting import STRATEGIES
from fer_helpers.tables import IMPORTED, NOBODY, SEVERAL


def display_names(annotators: Iterable[tuple[str, str]]) -> list[str]:
    """What to call each of these (strategy, model) where they stand side by side."""
    annotators = list(annotators)
    asked = {model for strategy, model in annotators if _was_asked(strategy, model)}
    own = {
        (strategy, model): f"{strategy} ({model})" if len(asked) > 1 and _was_asked(strategy, model) else strategy
        for strategy, model in annotators
        if strategy != IMPORTED
    }
    taken = {strategy for strategy, _ in annotators} | set(STRATEGIES) | set(own.values())
    for _, model in sorted({pair for pair in annotators if pair[0] == IMPORTED}):
        called = model
        while called in taken:
            called += " (imported)"
        own[IMPORTED, model] = called
        taken.add(called)
    return [own[pair] for pair in annotators]


def _was_asked(strategy: str, model: str) -> bool:
    return strategy != IMPORTED and model not in (NOBODY, SEVERAL)


def annotator_names(table: pd.DataFrame) -> pd.Series:
    """What to call the annotator of each row of predictions or scores."""
    pairs = list(table[["strategy", "model"]].drop_duplicates().itertuples(index=False, name=None))
    called = dict(zip(pairs, display_names(pairs), strict=True))
    return pd.Series(
        [called[pair] for pair in zip(table["strategy"], table["model"], strict=True)], table.index, dtype="str"
    )


def pair_names(row: Mapping[str, Any]) -> tuple[str, str]:
    """What to call the two annotators of a row of the comparisons table."""
    a, b = display_names((row[f"strategy_{x}"], row[f"model_{x}"]) for x in "ab")
    return a, b
