"""FER2013: 35,887 grey pictures of 48 x 48 pixels inside a CSV; Goodfellow et al., ICONIP 2013."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from fer_helpers.corpora.corpus import Corpus, Counts, ListedClip
from fer_helpers.corpora.published import _fer_plus_table as fer_plus_table
from fer_helpers.corpora.published import _layouts as layouts
from fer_helpers.errors import CorpusError
from fer_helpers.files import whole_folder
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown

CODES = {0: "angry", 1: "disgust", 2: "fear", 3: "happy", 4: "sad", 5: "surprise", 6: "neutral"}
SPLITS = {"Training": "train", "PublicTest": "valid", "PrivateTest": "test"}
SIDE = 48

# Counted from the file of the challenge; the total and the splits are Goodfellow et al.'s, "Challenges in
# Representation Learning", ICONIP 2013.
PUBLISHED: Counts = {
    "": {
        "angry": 4953, "disgust": 547, "fear": 5121, "happy": 8989, "sad": 6077, "surprise": 4002, "neutral": 6198,
    },
    "train": {"": 28709}, "valid": {"": 3589}, "test": {"": 3589},
}  # fmt: skip


def source(params: Params) -> Path:
    """The CSV with the pictures.

    Raises:
        CorpusError: it is not in params.corpus_path.
    """
    root = resolve(params.corpus_path)
    layouts.require_root(root, "FER2013", "fer2013.csv")
    return layouts.needed(root, "fer2013.csv", "unpack it there")


def folder(params: Params) -> Path:
    """Where the pictures are unpacked to: beside the runs, under a name that changes with the CSV."""
    stat = source(params).stat()
    name = sha256(f"rows {source(params).resolve()} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]
    return resolve(f"outputs/corpora/fer2013-{name}")


def make(params: Params) -> None:
    """Unpack the pictures into `folder`, whole or not at all: PNG files, and rows.csv with what else the CSV says.

    They are called by their row, row0000000.png for the first. A row whose pixels are not 48 x 48 numbers of 0-255
    has a problem in rows.csv and no picture.

    Raises:
        CorpusError: the CSV is missing, or not emotion,pixels,Usage with or without a header.
    """
    path, target = source(params), folder(params)
    if target.exists():
        return
    try:
        with whole_folder(target) as fresh, (fresh / "rows.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(_unpacked(path, fresh))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{shown(path)} cannot be unpacked: {error}; use the file as distributed") from error


def _unpacked(path: Path, fresh: Path) -> Iterator[tuple[str, str, str, str]]:
    """Picture, label, split and problem of each row of the CSV, the picture written to `fresh`."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        # Line by line, so that a stray quote cannot swallow the lines after it.
        cut = (next(csv.reader([text], strict=True), []) for text in tqdm(lines, "unpacking pictures", unit="picture"))
        reader = ((line, cells) for line, cells in enumerate(cut, 1) if cells)
        body = ((line, cells) for line, cells in reader if line > 1 or cells[:1] != ["emotion"])
        for number, (line, cells) in enumerate(body):
            if len(cells) != 3 or cells[2].strip() not in SPLITS:
                raise CorpusError(
                    f"{shown(path)}: line {line} is not emotion,pixels,Usage with a Usage of {', '.join(SPLITS)}; "
                    "use the file as distributed"
                )
            name = f"{fer_plus_table.row_name(number)}.png"
            problem = _write(fresh / name, cells[1])
            yield name, layouts.meaning(CODES, cells[0], path, line), SPLITS[cells[2].strip()], problem


def _write(path: Path, pixels: str) -> str:
    """Write a picture from its numbers; returns what is wrong with them, or nothing."""
    try:
        values = np.frombuffer(bytes(map(int, pixels.split())), np.uint8)
    except ValueError:
        return "its pixels are not numbers from 0 to 255"
    if len(values) != SIDE * SIDE:
        return f"{len(values)} pixels instead of {SIDE} x {SIDE}"
    path.write_bytes(cv2.imencode(".png", values.reshape(SIDE, SIDE))[1].tobytes())
    return ""


def rows(root: Path, params: Params) -> list[ListedClip]:
    """The pictures that `make` unpacked into `root`.

    Their clip_ids are FER+'s names where its table lies beside fer2013.csv, and their rows where it does not.

    Raises:
        CorpusError: FER+'s table is there, but wrong.
    """
    with (root / "rows.csv").open(encoding="utf-8", newline="") as file:
        found = list(csv.reader(file))
    names = layouts.part(resolve(params.corpus_path), fer_plus_table.FILE)
    ids = fer_plus_table.read(names, len(found))[0] if names else [cells[0].removesuffix(".png") for cells in found]
    return [
        ListedClip(name, clip_id, word, split=split, status="unreadable" if problem else "ok", reason=problem or None)
        for clip_id, (name, word, split, problem) in zip(ids, found, strict=True)
    ]


CORPUS = Corpus(
    about="Greyscale pictures of 48 x 48 pixels from a web search by emotion words; labels are known to be noisy.",
    licence="not stated by its authors; a Kaggle competition's data",
    allow_upload=False,
    citation="Goodfellow et al. 2013, Challenges in Representation Learning: A Report on Three Machine Learning "
    "Contests",
    apply="https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
    rows=rows,
    published=lambda _: PUBLISHED,
    folder=folder,
    make=make,
)
