"""The order in which labels are named: a model may prefer a place in it; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from fer_helpers.emotions import SEVEN


def rotation(label_order: str) -> int | None:
    """By how many places `label_order` rotates the taxonomy's labels to the left; None: they are drawn per request.

    Raises:
        ValueError: it is no order.

    >>> rotation("fixed"), rotation("rotated:2"), rotation("shuffled")
    (0, 2, None)
    """
    if label_order == "shuffled":
        return None
    found = re.fullmatch(r"rotated:([0-9])", label_order, re.ASCII)
    if label_order != "fixed" and not (found and int(found[1]) < len(SEVEN)):
        raise ValueError(f"must be fixed, shuffled, or rotated:K, K from 0 to {len(SEVEN) - 1}")
    return int(found[1]) if found else 0


def ordered(labels: Sequence[str], label_order: str, drawn_by: str) -> tuple[str, ...]:
    """`labels` in the order they are named; `drawn_by` is the seed of a shuffled one.

    Rotated further than there are labels, they start anew: of three labels rotated:3 is rotated:0.

    >>> ordered(["negative", "neutral", "positive"], "rotated:1", "")
    ('neutral', 'positive', 'negative')
    """
    by = rotation(label_order)
    if by is None:
        return tuple(Random(drawn_by).sample(labels, len(labels)))
    by %= len(labels)
    return (*labels[by:], *labels[:by])
