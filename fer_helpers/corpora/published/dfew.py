"""DFEW: over 16,000 clips from films, most of them with one label; Jiang et al., ACM Multimedia 2020."""

from __future__ import annotations

import re
from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Corpus, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params
from fer_helpers.paths import shown

CODES = {1: "Happy", 2: "Sad", 3: "Neutral", 4: "Angry", 5: "Surprise", 6: "Disgust", 7: "Fear"}
CLIPS = {"face": ("clip_224x224", "clip_224x224_16f"), "whole": ("original",)}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The clips, with label and split of params.fold of five.

    A clip is a folder of frames cropped to the face, or a video, as params.corpus_frames says; in no list of
    the fold are those that have several labels.

    Raises:
        CorpusError: the folder, the clips or a fold's list is missing or wrong.
    """
    layouts.require_root(root, "DFEW", "EmoLabel_DataSplit", "Clip")
    clips = layouts.needed(root, "Clip", "unpack the clips there")
    places = [place for name in CLIPS[params.corpus_frames] if (place := layouts.part(clips, name))]
    if not places:
        wanted = " or ".join(CLIPS[params.corpus_frames])
        raise CorpusError(f"{shown(clips)} has no {wanted}: unpack it there, or set corpus_frames to the other")
    inside = f"{clips.name}/{places[0].name}"
    on_disk = {_number(Path(path).stem): path for path in tree.at_depth(root.resolve(), inside, 1)}
    listed = [(row.path, row) for split in ("train", "test") for row in _fold(_list(root, split, params.fold), split)]
    return layouts.matched(
        listed, on_disk, lambda name, path: ListedClip(path, name, UNLABELLED, reason="no single-label annotation")
    )


def _number(name: str) -> str:
    return name.zfill(5)


def _list(root: Path, split: str, fold: int) -> Path:
    """The list of a fold: its folder is called train(single-labeled) or alike, the file set_1.csv or alike."""
    folder = layouts.needed(root, "EmoLabel_DataSplit", "take it from the distribution")
    found = sorted(
        path
        for path in folder.glob("*/*")
        if path.parent.name.casefold().startswith(split) and re.search(rf"set_?{fold}\.csv$", path.name.casefold())
    )
    if not found:
        raise CorpusError(
            f"{shown(folder)} has no {split}(single-labeled)/set_{fold}.csv: copy it from the distribution"
        )
    return found[0]


def _fold(path: Path, split: str) -> list[ListedClip]:
    def is_row(cells: list[str]) -> bool:
        return len(cells) == 2 and cells[0].isdecimal()

    found = layouts.without_header(layouts.lines(path), is_row, path, "video_name,label")
    return [
        ListedClip(_number(name), _number(name), layouts.meaning(CODES, code, path, line), split=split)
        for line, (name, code) in found
    ]


CORPUS = Corpus(
    about="Clips from more than 1,500 films, as videos and as frames cropped to the face; ten raters, five folds.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Jiang et al. 2020, DFEW: A Large-Scale Database for Recognizing Dynamic Facial Expressions in the Wild",
    apply="https://dfew-dataset.github.io/",
    rows=rows,
)
