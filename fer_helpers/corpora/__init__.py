"""The corpora: one module each turns a folder into the clips table; a new one is one entry here."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from fer_helpers.corpora import demo, folder
from fer_helpers.params import Params
from fer_helpers.paths import resolve


@dataclass(frozen=True)
class Corpus:
    """What a corpus is and what its terms say; `allow_upload`: frames may go to a hosted model."""

    about: str
    licence: str
    allow_upload: bool


CORPORA = {
    "demo": Corpus(
        about="Faces drawn from FACS action units by this project; the label is what the renderer intended.",
        licence="CC0; no person's picture",
        allow_upload=True,
    ),
    "folder": Corpus(
        about="Any folder of videos or pictures, with labels from folder names, a manifest, or none.",
        licence="the user's to know",
        allow_upload=False,
    ),
}


def location(params: Params) -> Path:
    """The corpus folder of `params`; the demo's lies beside the runs and is named by what it holds."""
    if params.corpus == "demo":
        return resolve(f"outputs/corpora/demo-{params.n_clips}-seed{params.seed}")
    return resolve(params.corpus_path)


def load(params: Params) -> pd.DataFrame:
    """The clips table of the corpus that `params` names; the demo is rendered first if it is not there.

    Raises:
        CorpusError: the folder or the manifest is missing or wrong.
    """
    root = location(params)
    if params.corpus == "demo":
        demo.render_corpus(root, params.n_clips, params.seed)
        return folder.load(root, root / "manifest.csv")
    manifest = resolve(params.manifest) if params.manifest else None
    clips = folder.load(root, manifest, params.clip_seconds, params.pictures_as)
    if params.n_clips and params.n_clips < len(clips):
        clips = clips.sample(params.n_clips, random_state=params.seed).sort_index(ignore_index=True)
    return clips


def prepare(params: Params) -> None:
    """Find out what is wrong with the corpus before a run starts; render the demo if it is not there yet.

    Raises:
        CorpusError: the folder or the manifest is missing, empty or wrong.
    """
    root = location(params)
    if params.corpus == "demo":
        demo.render_corpus(root, params.n_clips, params.seed)
    else:
        folder.listed(root, resolve(params.manifest) if params.manifest else None, params.pictures_as)


def fingerprint(params: Params) -> str:
    """Hash of the names, sizes and times of the corpus's files: another value, another corpus."""
    digest = sha256(params.manifest.encode())
    manifest = [resolve(params.manifest)] if params.manifest else []
    for path in [*manifest, *sorted(location(params).rglob("*"))]:
        stat = path.stat()
        digest.update(f"{path.name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return digest.hexdigest()
