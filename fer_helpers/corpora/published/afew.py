"""AFEW: clips from films by split and emotion, as in the EmotiW challenges; Dhall et al., IEEE MultiMedia 2012."""

from __future__ import annotations

from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.emotions import SEVEN, parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params
from fer_helpers.paths import shown

# EmotiW 2016: Dhall et al., "EmotiW 2016: Video and Group-Level Emotion Recognition Challenges", ICMI 2016.
PUBLISHED: Counts = {
    "train": {
        "Angry": 133, "Disgust": 74, "Fear": 81, "Happy": 150, "Neutral": 144, "Sad": 117, "Surprise": 74,
    },
    "val": {"Angry": 64, "Disgust": 40, "Fear": 46, "Happy": 63, "Neutral": 63, "Sad": 61, "Surprise": 46},
}  # fmt: skip


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The clips: <split>/<Emotion>/<clip>, each a video or a folder of frames; the test set has no labels.

    Raises:
        CorpusError: the folder is missing or not laid out so.
    """
    layouts.require_root(root, "AFEW", "Train_AFEW", "Val_AFEW", "Train", "Val")
    found = [
        _row(path, split)
        for entry in tree.entries(root, root.resolve())
        for split in ("train", "val", "test")
        if entry.is_dir() and entry.name.casefold().startswith(split)
        for path in _clips(root.resolve(), entry.name)
    ]
    if not found:
        raise CorpusError(
            f"{shown(root)}: no clip at <split>/<Emotion>/<clip>, with emotions {', '.join(SEVEN)}; "
            "use the folders as distributed"
        )
    return found


def _clips(root: Path, inside: str) -> list[str]:
    """Clips in the emotions' folders; without any, those directly in the folder, as in the test set."""
    emotions = [e.name for e in tree.entries(root / inside, root) if e.is_dir() and parse_emotion(e.name)]
    if not emotions:
        return [path for path in tree.at_depth(root, inside, 1) if (root / path).is_file()]
    return [path for name in emotions for path in tree.at_depth(root, f"{inside}/{name}", 1)]


def _row(path: str, split: str) -> ListedClip:
    parts = path.split("/")
    word = parts[1] if len(parts) == 3 else UNLABELLED
    return ListedClip(path, "/".join([split, *parts[1:-1], Path(path).stem]), word, split=split)


CORPUS = Corpus(
    about="Clips from films by split and emotion, the corpus of the EmotiW challenges.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Dhall et al. 2012, Collecting Large, Richly Annotated Facial-Expression Databases from Movies",
    apply="https://users.cecs.anu.edu.au/~few_group/AFEW.html",
    rows=rows,
    published=lambda _: PUBLISHED,
)
