"""CREMA-D: 7,442 acted clips with the votes of a crowd; Cao et al., IEEE Trans. Affective Computing 2014."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError, ListError
from fer_helpers.evaluation import other_annotators
from fer_helpers.lists import read_list, remark
from fer_helpers.params import Params
from fer_helpers.paths import shown

EMOTIONS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
FACE_ONLY = "2"  # queryType; 1 is the voice alone, 3 both
STRENGTHS = {"LO": 0.2, "MD": 0.5, "HI": 0.8, "XX": None}  # the corpus's own dispLevel: 20, 50, 80 of 100
BROKEN = {
    "1076_MTI_NEU_XX": "nearly empty",
    "1076_MTI_SAD_XX": "nearly empty",
    "1064_TIE_SAD_XX": "nearly empty",
    "1064_IEO_DIS_MD": "a minute with all emotions of the sentence",
}
_NAME = re.compile(r"(\d{4})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)")

# The names of the 7,442 clips in the distribution's SentenceFilenames.csv.
PUBLISHED: Counts = {"": dict.fromkeys(EMOTIONS.values(), 1271) | {"neutral": 1087}}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The videos by their names, `1001_IEO_NEU_XX` = actor, sentence, emotion, level, wherever they lie below `root`.

    Raises:
        CorpusError: the folder is missing, or no video is named like CREMA-D's.
    """
    if not root.is_dir():
        raise CorpusError(f"corpus folder {shown(root)} is not a folder: give the one that holds VideoFlash")
    named = {path: _NAME.fullmatch(Path(path).stem) for path in tree.clips(root.resolve())}
    if not any(named.values()):
        raise CorpusError(
            f"{shown(root)}: no video is named like CREMA-D's 1001_IEO_NEU_XX.flv; keep the names as distributed"
        )
    return [_row(path, name) for path, name in named.items()]


def _row(path: str, name: re.Match[str] | None) -> ListedClip:
    if name is None:
        return ListedClip(path, status="unreadable", reason="not named like CREMA-D's videos")
    actor, _, emotion, level = name.groups()
    broken = BROKEN.get(name[0])
    return ListedClip(
        path,
        name[0],
        EMOTIONS[emotion],
        subject=actor,
        intensity=STRENGTHS[level.ljust(2, "X")],
        status="unreadable" if broken else "ok",
        reason=f"known to be broken: {broken}" if broken else None,
    )


def votes(root: Path) -> pd.DataFrame:
    """What raters saw in the silent videos: columns clip_id, rater, label; from finishedResponses.csv.

    As the authors do, answers that took longer than 10 s are left out. A rater's practice and repeated trials are
    not in that file.

    Raises:
        CorpusError: the file is missing or has not its columns.
    """
    remedy = "take it from the distribution, or set votes to its processedResults/tabulatedVotes.csv"
    path = layouts.needed(root, "finishedResponses.csv", remedy)
    try:
        table = read_list(path, ["clipname", "localid", "respemo", "querytype", "ttr"], [""])
    except ListError as error:
        raise CorpusError(f"{error}, or use the file as distributed") from error
    in_time = pd.to_numeric(table["ttr"], errors="coerce") <= 10_000
    mine = table[(table["querytype"] == FACE_ONLY) & in_time]
    label = mine["respemo"].str.casefold().map(other_annotators.LETTERS)
    votes = pd.DataFrame({"clip_id": mine["clipname"], "rater": mine["localid"], "label": label})
    again = votes.duplicated(["clip_id", "rater"])
    left = int((label.isna() | again).sum())
    if left:
        remark(path, f"{left} answer(s) that are no emotion's letter, or a rater's second to a clip, are left out")
    return votes[label.notna() & ~again].reset_index(drop=True)


CORPUS = Corpus(
    about="91 actors say twelve sentences in six emotions (no surprise); the label is the instruction.",
    licence="ODbL 1.0 (database), DbCL 1.0 (contents)",
    allow_upload=False,
    citation="Cao et al. 2014, CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset",
    apply="https://github.com/CheyneyComputerScience/CREMA-D",
    rows=rows,
    published=lambda _: PUBLISHED,
    votes=votes,
)
