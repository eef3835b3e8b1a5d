"""FERV39k: 38,935 clips of 22 scenes as folders of frames; Wang et al., CVPR 2022."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.emotions import parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.media import pictures_in
from fer_helpers.params import Params
from fer_helpers.paths import shown

FRAMES = {"face": "2_ClipsforFaceCrop", "whole": "3_ClipsforScenImages"}

# Wang et al., "FERV39k: A Large-Scale Multi-Scene Dataset for Facial Expression Recognition in Videos", CVPR 2022,
# and a count of its split files.
ALL_SCENES: Counts = {"train": {"": 31088}, "test": {"": 7847}}
DAILY_LIFE: Counts = {
    "train": {"Angry": 512, "Sad": 400, "Happy": 386, "Neutral": 368, "Fear": 110, "Surprise": 68, "Disgust": 24},
    "test": {"Angry": 128, "Sad": 101, "Happy": 97, "Neutral": 93, "Fear": 28, "Surprise": 17, "Disgust": 7},
}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The clips of params.scene, or of all 22, with the official split.

    A clip is a folder of frames, Scene/Emotion/number, cropped to the face or whole as params.corpus_frames says.
    The label is the emotion's folder: integers for it that are in circulation contradict each other.

    Raises:
        CorpusError: the folder, the frames or a split file is missing or wrong, or there is no such scene.
    """
    layouts.require_root(root, "FERV39k", "4_setups", *FRAMES.values())
    frames = layouts.needed(root, FRAMES[params.corpus_frames], "unpack it there, or set corpus_frames to the other")
    scenes = [entry.name for entry in tree.entries(frames, root.resolve()) if entry.is_dir()]
    wanted = [name for name in scenes if params.scene.casefold() in ("", name.casefold())]
    if not wanted:
        known = ", ".join(sorted(scenes)) or "none"
        raise CorpusError(f"{shown(frames)} has no scene {params.scene!r}: it has {known}")
    on_disk = {
        path.partition("/")[2].casefold(): path
        for scene in wanted
        for path in tree.at_depth(root.resolve(), f"{frames.name}/{scene}", 2)
    }
    folders = {name: root / path for name, path in on_disk.items()}
    listed = [
        (row.path.casefold(), row)
        for split in ("train", "test")
        for row in _split(layouts.needed(root, f"4_setups/All_scenes/{split}_All.csv", _REMEDY), split, folders)
        if not params.scene or row.path.casefold().startswith(f"{params.scene.casefold()}/")
    ]

    def unlisted(_: str, path: str) -> ListedClip:
        return replace(_row(path.partition("/")[2], None, "in no split file"), path=path)

    return layouts.matched(listed, on_disk, unlisted)


_REMEDY = "take 4_setups from the distribution; without it the splits are unknown"


_FORM = re.compile(r"(?:.*/)?([^/]+/[^/]+/[^/ ]+)/? (?:(\d+) \d+|([^\d ]+))")


def _split(path: Path, split: str, on_disk: Mapping[str, Path]) -> list[ListedClip]:
    """Rows of a split file: `Scene/Emotion/number Emotion`, without a header.

    Or, as video loaders want them, `/any/path/Scene/Emotion/number 29 0`: how many frames, and a code. The code is not
    looked at: several are in circulation.
    """

    def is_row(cells: list[str]) -> bool:
        return _read(cells) is not None

    form = "Scene/Emotion/number Emotion, or /path/Scene/Emotion/number frames code"
    found = layouts.without_header(layouts.lines(path, " "), is_row, path, form)
    rows = []
    for _, cells in found:
        name, n_frames, word = _read(cells).groups()  # type: ignore[union-attr]
        odd = _contradiction(name, word) if word else _other_length(on_disk.get(name.casefold()), int(n_frames))
        rows.append(_row(name, split, odd))
    return rows


def _read(cells: list[str]) -> re.Match[str] | None:
    return _FORM.fullmatch(" ".join(cells).replace("\\", "/"))


def _contradiction(name: str, word: str) -> str | None:
    emotion = name.split("/")[1]
    if parse_emotion(word) == parse_emotion(emotion):
        return None
    return f"labelled {word} by the split file and {emotion} by its folder, which is followed"


def _other_length(folder: Path | None, n_frames: int) -> str | None:
    """What is odd about a clip of `n_frames` by the split file, if it is on disk: another number there."""
    n_there = len(pictures_in(folder, folder)) if folder and folder.is_dir() else n_frames
    return None if n_there == n_frames else f"{n_there} frames on disk, {n_frames} by the split file"


def _row(name: str, split: str | None, reason: str | None) -> ListedClip:
    scene, emotion, _ = name.split("/")
    return ListedClip(name, name, label_original=emotion, scene=scene, split=split, reason=reason)


def published(params: Params) -> Counts:
    """The authors' counts: by class for DailyLife, in total for all scenes together."""
    if params.scene.casefold() == "dailylife":
        return DAILY_LIFE
    return {} if params.scene else ALL_SCENES


CORPUS = Corpus(
    about="Clips of 1-2 s from films, series and shows in 22 scenes, as frames; labels by crowd and experts.",
    licence="university applicants, non-commercial, 'not available to a third party'",
    allow_upload=False,
    citation="Wang et al. 2022, FERV39k: A Large-Scale Multi-Scene Dataset for Facial Expression Recognition in Videos",
    apply="https://wangyanckxx.github.io/Proj_CVPR2022_FERV39k.html",
    rows=rows,
    published=published,
)
