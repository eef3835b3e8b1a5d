"""MAFW: 10,045 clips with eleven single labels; Liu et al., ACM Multimedia 2022."""

from __future__ import annotations

from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.params import Params

VIDEOS: Counts = {"": {"": 10045}}  # Liu et al. 2022; by class, and of frames, not known to this project
CLIPS = {"face": "data/frames", "whole": "data/clips"}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The clips, with label and split of params.fold of five, single labels only.

    A clip is a video, or a folder of aligned faces, as params.corpus_frames says. Besides the seven there are
    contempt, anxiety, helplessness and disappointment.

    Raises:
        CorpusError: the folder, the clips or a fold's list is missing or wrong.
    """
    layouts.require_root(root, "MAFW", "data/clips", "data/frames", "Train & Test Set")
    clips = layouts.needed(root, CLIPS[params.corpus_frames], "unpack it there, or set corpus_frames to the other")
    inside = clips.relative_to(root).as_posix()
    on_disk = {Path(path).stem.casefold(): path for path in tree.at_depth(root.resolve(), inside, 1)}
    lists = f"Train & Test Set/single/no_caption/set_{params.fold}"
    listed = [
        (row.path.casefold(), row)
        for split in ("train", "test")
        for row in _fold(layouts.needed(root, f"{lists}/{split}.txt", "take it from the distribution"), split)
    ]
    return layouts.matched(
        listed, on_disk, lambda name, path: ListedClip(path, name, UNLABELLED, reason="no single-label annotation")
    )


def _fold(path: Path, split: str) -> list[ListedClip]:
    """Rows of a list `00001.mp4 anger`. A number for a label is refused: those in circulation contradict each other."""

    def is_row(cells: list[str]) -> bool:
        return len(cells) == 2 and Path(cells[0]).stem.isdecimal() and not cells[1].isdecimal()

    found = layouts.without_header(layouts.lines(path, " "), is_row, path, "00001.mp4 anger")
    return [ListedClip(Path(name).stem, Path(name).stem, word, split=split) for _, (name, word) in found]


def published(params: Params) -> Counts:
    """The authors' number of videos; clips without a face found may have no frames."""
    return VIDEOS if params.corpus_frames == "whole" else {}


CORPUS = Corpus(
    about="Clips from films, series and short videos of several countries; eleven raters, eleven classes, five folds.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Liu et al. 2022, MAFW: A Large-scale, Multi-modal, Compound Affective Database for Dynamic Facial "
    "Expression Recognition in the Wild",
    apply="https://mafw-database.github.io/MAFW/",
    rows=rows,
    published=published,
)
