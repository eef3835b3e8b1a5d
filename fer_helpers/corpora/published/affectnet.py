"""AffectNet: faces from the web, annotated by hand; Mollahosseini et al., IEEE Trans. Affective Computing 2019."""

from __future__ import annotations

from pathlib import Path

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora.corpus import Corpus, ListedClip
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError
from fer_helpers.params import Params
from fer_helpers.paths import shown

CODES = {
    0: "Neutral", 1: "Happy", 2: "Sad", 3: "Surprise", 4: "Fear", 5: "Disgust", 6: "Anger", 7: "Contempt",
    8: "None", 9: "Uncertain", 10: "Non-Face",
}  # fmt: skip
LISTS = {"train": "training.csv", "valid": "validation.csv"}
_LISTS, _IMAGES = "Manually_Annotated_file_lists", "Manually_Annotated_Images"
_COLUMNS = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The manually annotated pictures, with the splits training and validation (one list is enough).

    Raises:
        CorpusError: the pictures or both lists are missing, or a list is wrong.
    """
    layouts.require_root(root, "AffectNet", _LISTS, _IMAGES)
    images = layouts.needed(root, _IMAGES, "unpack the parts of Manually_Annotated there")
    lists = layouts.needed(root, _LISTS, "unpack Manually_Annotated_file_lists.zip there")
    found = {split: path for split, name in LISTS.items() if (path := layouts.part(lists, name))}
    if not found:
        raise CorpusError(f"{shown(lists)} has neither {' nor '.join(LISTS.values())}: use them as distributed")
    on_disk = {_name(path): path for path in tree.at_depth(root.resolve(), images.name, 2)}
    listed = [(row.path.casefold(), row) for split, path in found.items() for row in _split(path, split)]
    named = {name for name, _ in listed}
    # The rest is in the other list or annotated by a machine: a million files that are nobody's concern here.
    return layouts.matched(
        listed, {n: p for n, p in on_disk.items() if n in named}, lambda name, path: ListedClip(path, name)
    )


def _name(path: str) -> str:
    return "/".join(path.split("/")[-2:]).casefold()


def _split(path: Path, split: str) -> list[ListedClip]:
    def is_row(cells: list[str]) -> bool:
        return len(cells) == 2 and cells[1].isdecimal()

    found = layouts.without_header(layouts.lines(path, columns=(0, 6)), is_row, path, _COLUMNS)
    return [
        ListedClip(name, name.rpartition(".")[0], layouts.meaning(CODES, code, path, line), split=split)
        for line, (name, code) in found
    ]


CORPUS = Corpus(
    about="Faces from a web search in six languages; eight expressions by one rater each, three codes for none.",
    licence="academic applicants, non-commercial; no redistribution",
    allow_upload=False,
    citation="Mollahosseini, Hasani & Mahoor 2019, AffectNet: A Database for Facial Expression, Valence, and Arousal "
    "Computing in the Wild",
    apply="http://mohammadmahoor.com/affectnet/",
    rows=rows,
)
