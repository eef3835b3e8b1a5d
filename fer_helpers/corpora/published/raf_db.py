"""RAF-DB: 15,339 faces from the web with one basic emotion; Li, Deng & Du, CVPR 2017."""

from __future__ import annotations

from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.params import Params

CODES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral"}
PICTURES = {"face": "Image/aligned", "whole": "Image/original"}

# Li, Deng & Du, "Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression Recognition in the Wild",
# CVPR 2017: single-label subset; by class, a count of list_patition_label.txt.
PUBLISHED: Counts = {
    "train": {
        "surprise": 1290, "fear": 281, "disgust": 717, "happy": 4772, "sad": 1982, "angry": 705, "neutral": 2524,
    },
    "test": {
        "surprise": 329, "fear": 74, "disgust": 160, "happy": 1185, "sad": 478, "angry": 162, "neutral": 680,
    },
}  # fmt: skip


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The pictures of the single-label subset (the folder `basic`), aligned faces or as found on the web.

    The split is the prefix of the name.

    Raises:
        CorpusError: the folder, the pictures or the list (list_patition_label.txt, sic) is missing or wrong.
    """
    layouts.require_root(root, "RAF-DB", "EmoLabel/list_patition_label.txt", *PICTURES.values())
    path = layouts.needed(root, "EmoLabel/list_patition_label.txt", "take it from the distribution")
    pictures = layouts.needed(
        root, PICTURES[params.corpus_frames], "unpack it there, or set corpus_frames to the other"
    )
    inside = pictures.relative_to(root).as_posix()
    on_disk = {_name(found): found for found in tree.at_depth(root.resolve(), inside, 1)}

    def is_row(cells: list[str]) -> bool:
        return len(cells) == 2 and cells[1].isdecimal()

    listed = [
        (_name(name), _row(name, layouts.meaning(CODES, code, path, line)))
        for line, (name, code) in layouts.without_header(layouts.lines(path, " "), is_row, path, "train_00001.jpg 5")
    ]
    return layouts.matched(
        listed,
        on_disk,
        lambda name, found: ListedClip(found, name, UNLABELLED, reason="not in list_patition_label.txt"),
    )


def _name(path: str) -> str:
    return Path(path).stem.casefold().removesuffix("_aligned")


def _row(name: str, word: str) -> ListedClip:
    return ListedClip(name, Path(name).stem, word, split=name.partition("_")[0])


CORPUS = Corpus(
    about="Faces from the web, each labelled by about 40 people; seven basic emotions, as aligned faces or as found.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Li, Deng & Du 2017, Reliable Crowdsourcing and Deep Locality-Preserving Learning for Expression "
    "Recognition in the Wild",
    apply="http://www.whdeng.cn/RAF/model1.html",
    rows=rows,
    published=lambda _: PUBLISHED,
)
