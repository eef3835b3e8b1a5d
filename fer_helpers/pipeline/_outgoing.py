"""What leaves a run's folder in a supplement: no picture of a clip unless asked, no path or name of a person, no key.

The rule of pictures: a supplement shows clips if it was asked to, or if they are the demo's, whose faces are rendered
and nobody's. Rendered clips in a folder of one's own count as real. Pictures are let through by what they are, and not
kept back by name: of a figure if its SVG is all drawing, of a notebook's output if it is such a figure.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from fer_helpers import corpora
from fer_helpers.annotation import access
from fer_helpers.emotions import LABELS
from fer_helpers.explorer import marks
from fer_helpers.paths import PACKAGE, ROOT, outputs, resolve
from fer_helpers.runs import Run, people

RENDERED = "demo"  # the corpus whose pictures are nobody's
GONE = "[picture removed]"
# A server that refuses a request may repeat it, picture and all. As base64, on one line or on many, JSON or not.
_DATA = re.compile(r"data:(?:image|video)\\?/[\w.+-]+;base64,(?:[\w+/=-]|\\/|\\r|\\n|\s)*")
_BASE64 = re.compile(r"(?:[\w+/=-]|\\/){400,}|(?:[\w+/=]{60,}(?:\\r|\\n|\s)+){4,}", re.ASCII)
_KEY = re.compile(r"\b(?:(?:sk|gsk|hf|xai)[-_][\w-]{16,}|AIza[\w-]{30,})|(?<=Bearer )\S{8,}", re.ASCII)
_HOME = re.compile(r"""(?<![\w.])(?:/home/|/Users/|[A-Za-z]:\\+Users\\+)[^/\\\s"'<>:]+""")
_PLACES = ("out", "corpus_path", "manifest", "votes", "human_labels", "prices", "face_weights", "prompt", "frame_store")


@dataclass(frozen=True)
class Outgoing:
    """What is done to everything on its way out: `pictures` may go, `raters` go by the names given here."""

    pictures: bool
    raters: Mapping[str, str]
    places: re.Pattern[str]
    masked: Callable[[str], str]

    def text(self, text: str) -> str:
        """`text` without keys, pictures, places of this machine and people's names."""
        text = _KEY.sub("***", self.masked(text))
        if not self.pictures:
            text = _BASE64.sub(GONE, _DATA.sub(GONE, text))
        return self._named(_HOME.sub("~", self.places.sub(_shortened, text)))

    def _named(self, text: str) -> str:
        # A name of one letter is nobody's, and one that is a label would take the labels with it.
        said = [name for name in self.raters if len(name) > 1 and re.search(r"[^\W\d_]", name) and name not in LABELS]
        if not said:
            return text
        one = "|".join(re.escape(name) for name in sorted(said, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{one})(?!\w)", lambda found: self.raters[found[0]], text)

    def table(self, table: pd.DataFrame) -> pd.DataFrame:
        """`table` with its texts as `text` has them; the same one if they are."""
        changed = {}
        for name in table.select_dtypes(include=["object", "string"]):
            before = list(table[name])
            after = [self.text(value) if isinstance(value, str) else value for value in before]
            if any(isinstance(value, str) and value != was for value, was in zip(after, before, strict=True)):
                changed[name] = pd.Series(after, table.index, dtype=object)
        return table.assign(**changed) if changed else table

    def of_raters(self, table: pd.DataFrame, column: str) -> pd.DataFrame:
        """`table` with the people in `column` under their new names, and its other texts as `text` has them."""
        return self.table(table.assign(**{column: table[column].map(self.raters)}))

    def notebook(self, book: Mapping[str, Any], drawn: Iterable[str]) -> dict[str, Any]:
        """An executed notebook; of its pictures those whose text alternatives are the captions `drawn`."""
        left = {"papermill"} if self.pictures else {"papermill", "widgets"}
        return {
            **book,
            "metadata": {name: value for name, value in book["metadata"].items() if name not in left},
            "cells": [self._cell(cell, set(drawn)) for cell in book["cells"]],
        }

    def _cell(self, cell: Mapping[str, Any], drawn: set[str]) -> dict[str, Any]:
        own = {name: value for name, value in cell["metadata"].items() if name != "papermill"}
        found = {**cell, "metadata": own, "source": self._joined(cell["source"])}
        if not self.pictures:
            found.pop("attachments", None)
        if "outputs" in cell:
            shown = [self._output(output, drawn) for output in cell["outputs"]]
            found["outputs"] = [output for output in shown if output.get("data", True)]
        return found

    def _output(self, output: Mapping[str, Any], drawn: set[str]) -> dict[str, Any]:
        found = dict(output)
        for name in ("text", "evalue", "traceback"):
            if name in found:
                found[name] = self._joined(found[name])
        if found["output_type"] == "error":
            found["traceback"] = [found["traceback"]]
        if "data" in output:
            alt = output.get("metadata", {}).get("image/png", {}).get("alt")
            kept = {kind: value for kind, value in output["data"].items() if self._may(kind, alt in drawn)}
            texts = {kind: self._joined(value) for kind, value in kept.items() if kind.startswith("text/")}
            found["data"] = {**kept, **texts}
        return found

    def _may(self, kind: str, drawn: bool) -> bool:
        return self.pictures or kind.startswith("text/") or (kind == "image/png" and drawn)

    def _joined(self, text: str | list[str]) -> str:
        return self.text(text if isinstance(text, str) else "".join(text))


def outgoing(run: Run, pictures: bool) -> Outgoing:
    """What must not leave with `run`; `pictures`: it was asked for them."""
    there = [resolve(getattr(run.params, name)) for name in _PLACES if "://" not in getattr(run.params, name)]
    known = [*there, *map(resolve, run.params.compare_with), outputs(), ROOT, PACKAGE.parent]
    known += [Path.home(), Path(sys.prefix)]
    paths = {str(path) for one in known for path in (one, one.resolve()) if len(path.parts) > 1}
    one = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    return Outgoing(
        pictures or run.params.corpus == RENDERED,
        _raters(run),
        re.compile(rf"(?<![\w.])(?:{one})(?![\w-])"),
        access.of(run.params).masked,
    )


def _shortened(found: re.Match[str]) -> str:
    place = Path(found[0])
    return {Path.home(): "~", ROOT: ".", PACKAGE.parent: ".", outputs(): "outputs"}.get(place, place.name)


def _raters(run: Run) -> dict[str, str]:
    """A name for everybody who labelled, marked or voted; in the order of the names, on which a tie may hang."""
    names = {*people.read(run.folder)["rater"], *(mark.reviewer for mark in marks.read(run.folder))}
    names |= set(people.filled_in(run.params, run.read("clips"))["rater"])
    if run.params.votes not in ("", corpora.OWN):
        names |= set(corpora.votes(run.params, run.read("clips"))["rater"].dropna())
    some = sorted(str(name) for name in names if name)
    return {name: f"rater {number:0{len(str(len(some)))}}" for number, name in enumerate(some, 1)} | {"": ""}
