"""RAVDESS: 24 actors speaking and singing two sentences; Livingstone & Russo, PLoS ONE 2018."""

from __future__ import annotations

import re
from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import Corpus, Counts, ListedClip
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params
from fer_helpers.paths import shown

EMOTIONS = {
    "01": "neutral", "02": "calm", "03": "happy", "04": "sad",
    "05": "angry", "06": "fearful", "07": "disgust", "08": "surprised",
}  # fmt: skip
CHANNELS = {"01": "speech", "02": "song"}
STRENGTHS = {"01": 0.5, "02": 1.0}  # normal and strong: an order, not a measurement
_NAME = re.compile(r"(0[12])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-(\d\d)")

# Livingstone & Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)", 2018: 24 actors say
# 60 trials each, 23 sing 44; neutral has half as many trials as the others, for it has one strength.
SPEECH = dict.fromkeys(EMOTIONS.values(), 192) | {"neutral": 96}
SONG = dict.fromkeys(["calm", "happy", "sad", "angry", "fearful"], 184) | {"neutral": 92}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The videos by their names' seven numbers, wherever they lie below `root`.

    Each performance is distributed twice, with sound and without; one of the two is taken, the silent one if it
    is there, for the pictures are the same.

    Raises:
        CorpusError: the folder is missing, or no video is named like RAVDESS's.
    """
    if not root.is_dir():
        raise CorpusError(f"corpus folder {shown(root)} is not a folder: give the one that holds the Actor folders")
    named = {path: _NAME.fullmatch(Path(path).stem) for path in tree.clips(root.resolve())}
    if not any(named.values()):
        raise CorpusError(
            f"{shown(root)}: no video is named like RAVDESS's 02-01-06-01-02-01-12.mp4; keep the names as distributed"
        )
    taken: dict[tuple[str, ...], ListedClip] = {}
    for path, name in sorted(named.items(), key=lambda item: Path(item[0]).stem):
        if name is None:
            taken[path,] = ListedClip(path, status="unreadable", reason="not named like RAVDESS's videos")
        else:
            taken[name.groups()[1:]] = _row(path, name.groups())  # silent ones, 02, come after 01
    return list(taken.values())


def _row(path: str, fields: tuple[str, ...]) -> ListedClip:
    _, channel, emotion, strength, *_, actor = fields
    return ListedClip(
        path,
        "-".join(fields),
        EMOTIONS[emotion],
        scene=CHANNELS[channel],
        subject=actor,
        intensity=None if EMOTIONS[emotion] == "neutral" else STRENGTHS[strength],
    )


def published(params: Params) -> Counts:
    """What the design gives: of speech, of song, or of both."""
    spoken = {"speech": SPEECH, "song": SONG}.get(params.scene.casefold())
    return {"": spoken or {word: count + SONG.get(word, 0) for word, count in SPEECH.items()}}


CORPUS = Corpus(
    about="24 actors speak and sing two sentences in eight emotions of two strengths; the label is the instruction.",
    licence="CC BY-NC-SA 4.0",
    allow_upload=False,
    citation="Livingstone & Russo 2018, The Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS)",
    apply="https://zenodo.org/records/1188976",
    rows=rows,
    published=published,
)
