"""FER+: ten votes for each picture of FER2013; Barsoum et al., ICMI 2016."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from fer_helpers.corpora.corpus import Corpus, ListedClip
from fer_helpers.corpora.published import _fer_plus_table as table
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.corpora.published import fer2013
from fer_helpers.params import Params
from fer_helpers.paths import resolve

_NO_LABEL = {"unknown": "raters did not know", "NF": "not a face, raters say", "no majority": "no majority of votes"}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """FER2013's pictures, unpacked in `root`, with the label of the majority of FER+'s raters; ids as in FER2013.

    Raises:
        CorpusError: fer2013new.csv is missing beside fer2013.csv, or does not fit it.
    """
    remedy = "take it from github.com/microsoft/FERPlus and put it beside fer2013.csv"
    path = layouts.needed(resolve(params.corpus_path), table.FILE, remedy)
    pictures = fer2013.rows(root, params)
    _, votes = table.read(path, len(pictures))
    return [_judged(row, majority(given)) for row, given in zip(pictures, votes, strict=True)]


def _judged(row: ListedClip, word: str) -> ListedClip:
    reason = "; ".join(filter(None, [row.reason, _NO_LABEL.get(word)])) or None
    return replace(row, label_original=word, reason=reason)


def majority(votes: list[int]) -> str:
    """The word with more than half of the votes, or "no majority"; `votes` in the order of WORDS.

    As the authors count (Barsoum et al. 2016, and the code they published with it), a word named only once is
    taken for a slip and left out of the total.
    """
    kept = [n if n > 1 else 0 for n in votes]
    most = max(kept)
    return table.WORDS[kept.index(most)] if most > sum(kept) / 2 else "no majority"


CORPUS = Corpus(
    about="FER2013's pictures labelled anew by ten raters each; eight classes, the majority is the label.",
    licence="votes MIT; pictures as FER2013",
    allow_upload=False,
    citation="Barsoum et al. 2016, Training Deep Networks for Facial Expression Recognition with Crowd-Sourced Label "
    "Distribution",
    apply="https://github.com/microsoft/FERPlus",
    rows=rows,
    folder=fer2013.folder,
    make=fer2013.make,
)
