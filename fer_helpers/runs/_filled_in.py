"""Labels that people filled in elsewhere: a CSV, or what Label Studio exports as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from fer_helpers import tables
from fer_helpers.errors import ListError
from fer_helpers.lists import as_cell, read_list, refuse, same_form
from fer_helpers.paths import shown


def read(path: Path, clip_ids: pd.Series) -> pd.DataFrame:
    """The rows of a file as text: clip_id, rater, label, queue (empty where it names none).

    A clip is known by the run's name for it, or by that name as `as_cell` wrote it, if no other's looks the same; what
    is neither stays as it is.

    Raises:
        ListError: in one line, naming the line at fault, what was found and the remedy.
    """
    rows = _label_studio(path) if path.suffix.lower() == ".json" else _csv(path)
    given, names = rows["clip_id"].astype(object), clip_ids.astype(object)
    others = ~given.isin(names)
    if others.any():
        known = pd.Series(names.to_numpy(), index=[same_form(as_cell(name)) for name in names])
        known = known[~known.index.duplicated(keep=False)]
        given[others] = given[others].map(same_form).map(known).fillna(given[others])
    return rows.assign(clip_id=given)


def _csv(path: Path) -> pd.DataFrame:
    rows = read_list(path, ["clip_id", "rater", "label"], ["queue"])
    rows = rows.assign(queue=rows["queue"].str.lower() if "queue" in rows else "")
    nobody = (rows["rater"] == "") & (rows["label"] != "")
    refuse(path, rows["clip_id"], nobody, "a label without a rater", "write who gave it in column rater")
    strange = ~rows["queue"].isin(["", *tables.QUEUES])
    refuse(path, rows["queue"], strange, "unknown queue", f"use {', '.join(tables.QUEUES)}, or leave it empty")
    return rows[["clip_id", "rater", "label", "queue"]].reset_index(drop=True)


def _label_studio(path: Path) -> pd.DataFrame:
    """Finished annotations in Label Studio's JSON (not JSON-MIN): a rater is who completed it."""
    try:
        rows = list(_annotations(json.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise ListError(f"{shown(path)} does not exist; correct its path") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ListError(
            f"{shown(path)} is no export of Label Studio's tasks ({type(error).__name__}: {error}): export as JSON, or "
            "give a CSV file"
        ) from error
    return pd.DataFrame(rows, columns=["clip_id", "rater", "label", "queue"])


def _annotations(tasks: Any) -> Iterator[tuple[str, str, str, str]]:
    if not isinstance(tasks, list):
        raise TypeError("no list of tasks")
    for task in tasks:
        for one in task["annotations"]:
            who = one["completed_by"]
            who = str(who.get("email") or who["id"]) if isinstance(who, dict) else str(who)
            said = [result["value"]["choices"][0] for result in one["result"] if result["type"] == "choices"]
            label = "skip" if one.get("was_cancelled") or not said else said[0]
            yield task["data"]["clip_id"], who, label, task["data"].get("queue", "")
