"""What requests have cost, online and in batches, with all that was billed and is not kept any more."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from fer_helpers.annotation import _transport
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.errors import ParamsError
from fer_helpers.prompting import pricing

CHUNK = 5000  # entries read at once


def check_priced(cap: float, models: Iterable[str], prices: pricing.PriceBook) -> None:
    """See that a cap in US$ has prices to be held by.

    Raises:
        ParamsError: the price of a model is unknown.
    """
    for model in models:
        if prices.price(model) is None:
            raise ParamsError(
                f"max_cost_usd is {cap}, but the price of {model} is unknown: leave it empty, or "
                "add the price to a price file (parameter prices)"
            )


def spent(planned: pd.DataFrame, archive: Archive, prices: pricing.PriceBook = pricing.OURS) -> float:
    """US$ that the requests of `planned` have been billed so far, however often each was asked.

    Attempts of which no reply came count as what they could have cost; replies without a price count nothing.
    """
    known = archive.prices(planned["key"].unique())
    unpriced = [key for key, (usd, _) in known.items() if usd is None]
    later = {entry.key: price(entry, prices) or 0.0 for entry in archive.get(unpriced).values()}
    return sum((later[key] if usd is None else usd) + earlier for key, (usd, earlier) in known.items())


def parts(planned: pd.DataFrame, archive: Archive) -> Iterator[list[tuple[str, Entry]]]:
    """What is kept of `planned`, by key, some at a time: the replies of all are larger than memory need be."""
    keys = list(planned["key"].unique())
    for start in range(0, len(keys), CHUNK):
        yield list(archive.get(keys[start : start + CHUNK]).items())


def price(entry: Entry, prices: pricing.PriceBook) -> float | None:
    """Price of a kept reply by the tokens it says were billed, US$; None if it does not say, or has no price."""
    return _transport.cost_usd(entry.model, loaded(entry), entry.via, prices)


def loaded(entry: Entry) -> dict[str, Any]:
    """The JSON of a kept reply; empty where it cannot be read."""
    try:
        reply = json.loads(entry.reply)
    except (ValueError, RecursionError):
        return {}
    return reply if isinstance(reply, dict) else {}
