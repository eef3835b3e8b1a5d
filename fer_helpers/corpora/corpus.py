"""What a corpus says about itself, and a clip as its loader lists it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fer_helpers.params import Params
from fer_helpers.paths import resolve

UNLABELLED = "unlabelled"  # in `label_original` where a labelled corpus gives a clip no label

Counts = Mapping[str, Mapping[str, int]]  # split -> the corpus's word -> clips; split "" or word "" means all


@dataclass(frozen=True, slots=True)
class ListedClip:
    """What is known of a clip before its file is read.

    `label_original` is the corpus's own word, from a name or a documented code, or None if the corpus has no
    labels; `groups` are the values of the columns group_<name>. `status` other than "ok" says that the file is not
    worth reading, and `reason` why, or what is odd.
    """

    path: str
    clip_id: str | None = None
    label_original: str | None = None
    scene: str | None = None
    split: str | None = None
    subject: str | None = None
    intensity: float | None = None
    status: str = "ok"
    reason: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


def _given(params: Params) -> Path:
    return resolve(params.corpus_path)


def _nothing(_: Params) -> None:
    pass


def _unpublished(_: Params) -> Counts:
    return {}


@dataclass(frozen=True)
class Corpus:
    """A corpus: what it is, what its terms say, and how it is read.

    `allow_upload`: its terms let frames go to a hosted model. `rows` lists the clips below a folder without
    opening them and raises CorpusError; `folder` says where the clips lie, `make` puts them there if the corpus
    is not made of files already; `published` are its authors' counts, as far as they are known; `votes` reads its
    raters' own labels (clip_id, rater, label) where they are distributed; `simulated_votes`: nobody was asked for
    these, and they are read without the parameter votes.
    """

    about: str
    licence: str
    allow_upload: bool
    citation: str
    apply: str
    rows: Callable[[Path, Params], list[ListedClip]]
    published: Callable[[Params], Counts] = _unpublished
    folder: Callable[[Params], Path] = _given
    make: Callable[[Params], None] = _nothing
    votes: Callable[[Path], pd.DataFrame] | None = None
    simulated_votes: bool = False
