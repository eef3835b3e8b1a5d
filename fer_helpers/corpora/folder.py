"""Any folder of videos or pictures, with labels from folder names, from a manifest, or none."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from fer_helpers.corpora import _tree as tree
from fer_helpers.corpora._manifest import read_manifest
from fer_helpers.corpora.corpus import Corpus, ListedClip
from fer_helpers.emotions import parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, pictures_in
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The clips below `root`, or those that the manifest lists.

    A label is the nearest folder below `root` that is named after an emotion (FERV39k's layout is
    Scene/Emotion/clip), or the manifest's where it has a column for it.

    Raises:
        CorpusError: the folder or the manifest is missing, empty or wrong.
    """
    if not root.is_dir():
        found = "is not a folder" if root.exists() else "does not exist"
        raise CorpusError(f"corpus folder {shown(root)} {found}: give the folder that holds the clips")
    root = root.resolve()
    if params.manifest:
        return read_manifest(resolve(params.manifest), root, folder_label, params.other_labels)
    return [
        ListedClip(path, label_original=folder_label(path), reason=_stills(path, root))
        for path in tree.clips(root, params.pictures_as)
    ]


def _stills(path: str, root: Path) -> str | None:
    """What is odd about a clip that is a folder named after an emotion: its pictures may be a clip each."""
    folder = PurePosixPath(path)
    if folder.suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES or not parse_emotion(folder.name):
        return None
    n_pictures = len(pictures_in(root / path, root))
    if n_pictures < 2:
        return None
    return f"{n_pictures} pictures are the frames of one clip; if each is a clip, set pictures_as: clips"


def folder_label(path: str) -> str | None:
    """The nearest folder of `path` named after an emotion; a folder of pictures counts itself."""
    names = PurePosixPath(path)
    is_file = names.suffix.lower() in VIDEO_SUFFIXES | PICTURE_SUFFIXES
    parts = names.parts[:-1] if is_file else names.parts
    return next((name for name in reversed(parts) if parse_emotion(name)), None)


CORPUS = Corpus(
    about="Any folder of videos or pictures, with labels from folder names, a manifest, or none.",
    licence="depends on your clips",
    allow_upload=False,
    citation="",
    apply="",
    rows=rows,
)
