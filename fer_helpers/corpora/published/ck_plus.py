"""CK+: 593 posed sequences from neutral to the apex, 327 with an emotion; Lucey et al., CVPR Workshops 2010."""

from __future__ import annotations

from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import UNLABELLED, Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params
from fer_helpers.paths import shown

CODES = {
    0: "neutral", 1: "anger", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sadness", 7: "surprise",
}  # fmt: skip
_IMAGES = ("cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images")
_EMOTIONS = ("Emotion", "Emotion_labels/Emotion")

# Lucey et al., "The Extended Cohn-Kanade Dataset (CK+): A complete dataset for action unit and emotion-specified
# expression", CVPRW 2010, table 3.
PUBLISHED: Counts = {
    "": {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happy": 69, "sadness": 28, "surprise": 83},
}


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The sequences, subject/number, each a folder of frames; the label is one number in a file of its own.

    Raises:
        CorpusError: the images or the emotions' files are missing or wrong.
    """
    layouts.require_root(root, "CK+", *_IMAGES)
    images = next(found for path in _IMAGES if (found := layouts.part(root, path)))
    emotions = next((found for path in _EMOTIONS if (found := layouts.part(root, path))), None)
    if emotions is None:
        raise CorpusError(f"{shown(root)} has no Emotion folder: unpack Emotion_labels.zip there")
    inside = images.relative_to(root).as_posix()
    on_disk = {_sequence(path).casefold(): path for path in tree.at_depth(root.resolve(), inside, 2)}
    listed = [(row.path.casefold(), row) for path in sorted(emotions.glob("*/*/[!.]*.txt")) for row in _label(path)]
    return layouts.matched(listed, on_disk, lambda name, path: _row(_sequence(path), UNLABELLED, path))


def _sequence(path: str) -> str:
    return "/".join(path.split("/")[-2:])


def _label(path: Path) -> list[ListedClip]:
    line, cells = layouts.lines(path, " ")[0]
    name = "/".join(path.parts[-3:-1])
    return [_row(name, layouts.meaning(CODES, cells[0], path, line), name)]


def _row(name: str, word: str, path: str) -> ListedClip:
    reason = "no emotion label in the distribution" if word == UNLABELLED else None
    return ListedClip(path, name, word, subject=name.split("/")[0], reason=reason)


CORPUS = Corpus(
    about="123 people pose from neutral to the apex of an expression; labels by FACS coders.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Lucey et al. 2010, The Extended Cohn-Kanade Dataset (CK+)",
    apply="https://www.jeffcohn.net/Resources/",
    rows=rows,
    published=lambda _: PUBLISHED,
)
