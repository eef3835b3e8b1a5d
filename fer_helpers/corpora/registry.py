"""The corpora and the clips table each becomes; a published corpus is one module in published/, found by its name."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator
from hashlib import sha256
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pandas as pd

from fer_helpers.corpora import folder, published
from fer_helpers.corpora._probing import clip_ids, probed
from fer_helpers.corpora.corpus import Corpus
from fer_helpers.corpora.demo import rendered_clips
from fer_helpers.emotions import names_another, near_words, parse_emotion
from fer_helpers.errors import CorpusError
from fer_helpers.evaluation import other_annotators
from fer_helpers.lists import same_form
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown

CORPORA: dict[str, Corpus] = {
    "demo": rendered_clips.CORPUS,
    "folder": folder.CORPUS,
    **{
        module.name: import_module(f"{published.__name__}.{module.name}").CORPUS
        for module in pkgutil.iter_modules(published.__path__)
        if not module.name.startswith("_")
    },
}
OWN = "corpus"  # a value of the parameter votes: those that come with the corpus
_KNOWN = ("path", "label_original", "scene", "split", "subject", "intensity", "status", "reason")


def about() -> pd.DataFrame:
    """Every corpus with its licence, whether its terms let frames leave the machine, where to apply, what to cite."""
    facts = ("about", "licence", "allow_upload", "apply", "citation")
    return pd.DataFrame([{fact: getattr(corpus, fact) for fact in facts} for corpus in CORPORA.values()], list(CORPORA))


def location(params: Params) -> Path:
    """The folder that clips.path starts from; the demo's and FER2013's lie beside the runs, named by what they hold."""
    return CORPORA[params.corpus].folder(params)


def prepare(params: Params) -> None:
    """Find out what is wrong with the corpus before a run starts; render or unpack it if that is not done yet.

    Raises:
        CorpusError: the folder or a list in it is missing, empty or wrong.
    """
    CORPORA[params.corpus].make(params)
    listed(params)


def listed(params: Params) -> pd.DataFrame:
    """Every clip of the corpus before any file is opened: what its names and lists say.

    Columns: clip_id, path, label (one of the seven), label_original, scene, split, subject, intensity, status,
    reason and any group_…. `load` leaves out what `outside` returns.

    Raises:
        CorpusError: the folder or a list in it is missing, empty or wrong; it has no clip of params.scene, or
            no label that params.other_labels maps.
    """
    root = location(params)
    rows = CORPORA[params.corpus].rows(root, params)
    table = pd.DataFrame(map(attrgetter(*_KNOWN), rows), columns=list(_KNOWN), dtype=object)
    table.insert(0, "clip_id", [same_form(name) for name in clip_ids(rows, root)])
    twice = table[table["clip_id"].duplicated(keep=False)]
    if len(twice):
        first, second = twice.loc[twice["clip_id"] == twice["clip_id"].iloc[0], "path"].head(2)
        raise CorpusError(
            f"{shown(root)}: {len(twice)} clips have the same name as another (first: {first!r} and {second!r}); "
            "keep only one of them in the folder"
        )
    table.insert(2, "label", _labels(table["label_original"], params))
    groups = pd.DataFrame([row.groups for row in rows], table.index).replace({"": None})
    table = table.join(groups)
    return _of_scene(table, params) if params.scene else table


def _labels(words: pd.Series, params: Params) -> pd.Series:
    given = params.other_labels if isinstance(params.other_labels, dict) else {}
    mapping = {word.casefold(): label for word, label in given.items()}
    there = {word: parse_emotion(word) for word in words.dropna().unique()}
    others = {word.casefold(): word for word, label in there.items() if label is None}
    # A mapping may also be for the words of an import or of votes; what looks like a slip is for none.
    elsewhere = (word for word in given if word.casefold() not in others and not names_another(word))
    unknown = [word for word in elsewhere if near_words(word, 0.8)]
    if unknown:
        raise CorpusError(
            f"other_labels maps {unknown[0]!r}, which is not one of the labels of {params.corpus} outside the seven: "
            f"they are {', '.join(sorted(others.values())) or 'none'}"
        )
    meant = {word: label or mapping.get(word.casefold()) for word, label in there.items()}
    return words.map(meant).astype(object).where(words.notna(), None)


def _of_scene(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    here = table["scene"].str.casefold() == params.scene.casefold()
    if not here.any():
        known = ", ".join(sorted(table["scene"].dropna().unique())) or "none"
        raise CorpusError(f"{shown(location(params))} has no scene {params.scene!r}: it has {known}")
    return table[here].reset_index(drop=True)


def outside(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    """The rows of `listed` that `load` leaves out: labelled, but with none of the seven, unless they are kept."""
    dropped = table["label"].isna() & table["label_original"].notna() & (params.other_labels != "keep")
    return table[dropped]


def load(params: Params, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The clips table of the corpus that `params` names; the demo is rendered first if it is not there.

    Only what is drawn is looked into. With clip_seconds, n_clips videos are drawn, and n_clips of their pieces.

    Args:
        params: which corpus, and which of its clips.
        table: what `listed` returned for the same `params`, if it is at hand.

    Raises:
        CorpusError: as `prepare`.
    """
    if table is None:
        CORPORA[params.corpus].make(params)
        table = listed(params)
    chosen = _chosen(table, params)
    if chosen.empty:
        raise CorpusError(
            f"{shown(location(params))}: none of the {len(table)} clips has one of the seven labels; "
            "set other_labels to keep, or to a mapping"
        )
    return _drawn(probed(chosen, location(params), params.clip_seconds), params)


def _chosen(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    return _drawn(table.drop(outside(table, params).index).reset_index(drop=True), params)


def _drawn(table: pd.DataFrame, params: Params) -> pd.DataFrame:
    """`n_clips` rows of `table` at random, in its order; all if there are no more or it is the demo."""
    if params.corpus == "demo" or not 0 < params.n_clips < len(table):
        return table
    return table.sample(params.n_clips, random_state=params.seed).sort_index(ignore_index=True)


def fingerprint(params: Params) -> str:
    """Hash of what the corpus says of the clips that are drawn, and of their files' names, sizes and times.

    Another value means that the clips table would be another one.

    Raises:
        CorpusError: as `listed`.
    """
    root, table = location(params), _chosen(listed(params), params)
    digest = sha256(table.to_csv(index=False).encode(errors="surrogateescape"))
    for path in table.loc[table["status"] == "ok", "path"].drop_duplicates():
        for name, stat in _files(str(root / path)):
            digest.update(f"{name} {stat.st_size} {stat.st_mtime_ns}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def votes(params: Params, clips: pd.DataFrame) -> pd.DataFrame:
    """What people saw in `clips`: from the list params.votes, or the corpus's own.

    Returns:
        columns clip_id, rater (empty where only counts are known), label (one of the seven, or another word), count.

    A corpus's simulated ones are read unless there is a list.

    Raises:
        ListError: as `other_annotators.read_votes`.
        CorpusError: the corpus has no votes, or none of these clips.
    """
    corpus = CORPORA[params.corpus]
    if not params.votes and not corpus.simulated_votes:
        return pd.DataFrame(columns=other_annotators.VOTES)
    if params.votes not in ("", OWN):
        return other_annotators.read_votes(resolve(params.votes), clips, params.other_labels)
    if corpus.votes is None:
        raise CorpusError(f"votes is {OWN!r}, but {params.corpus} comes without votes: give a CSV file")
    if not params.votes and not location(params).is_dir():
        return pd.DataFrame(columns=other_annotators.VOTES)  # a demo run read where its clips are not
    found = corpus.votes(location(params))
    mine = found[found["clip_id"].isin(clips["clip_id"])].reset_index(drop=True)
    if mine.empty and params.votes:
        raise CorpusError(f"none of the {len(found)} votes of {params.corpus} is on a clip of this run")
    return mine.assign(rater=mine.get("rater"), count=mine.get("count", 1))[other_annotators.VOTES]


def _files(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Name and state of the file `path`, or of those directly in the folder `path`, in order.

    Without its place: a run that was moved with its corpus is not run again.
    """
    if not os.path.isdir(path):  # noqa: PTH112 - a corpus has very many clips
        yield os.path.basename(path), os.stat(path)  # noqa: PTH116, PTH119
        return
    with os.scandir(path) as scan:
        for entry in sorted(scan, key=lambda entry: entry.name):
            if entry.is_file():
                yield entry.name, entry.stat()
