"""A supplement opened: its files checked, a study made of it, and its tables made again from the replies.

A supplement may be anybody's. Nothing in it is executed: the notebooks that make the tables again are this
installation's own, and its parameters are taken with every place replaced (`supplement.portable`).
"""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
import yaml

from fer_helpers import corpora, params, tables
from fer_helpers.annotation import Archive
from fer_helpers.errors import RunError, one_line
from fer_helpers.files import whole_folder
from fer_helpers.params import Params
from fer_helpers.paths import resolve
from fer_helpers.pipeline import steps, supplement
from fer_helpers.pipeline.supplement import HERE, NAME, PARAMS, REPLIES, RUN, SUMS
from fer_helpers.runs import AUDIT, NOTEBOOKS, create_study, hold, people, read_manifest, write_manifest

STUDY_PARAMS = Path("params", "supplement.yaml")
MOST_TIMES = 100  # what an archive may grow to, as a multiple of its size; ours grow to less than 20 times theirs
_SLACK = 10_000_000  # bytes that any archive may hold
_CHUNK = 1 << 20
_AS_SHIPPED = "as shipped: its checksum is right; making it again takes the clips"
_README = """# The supplement of {name}, opened

`{here}/` is the supplement as it was shipped; its README says what is in it. `{out}/` has the tables made again from
its replies.

    fer-helpers open .                            # make and compare them again
    fer-helpers run params/supplement.yaml        # everything, from the clips on: {clips}
"""

Files = Mapping[str, Callable[[], Any]]


def is_opened(folder: Path) -> bool:
    """Whether `folder` is a study that `unpack` made."""
    return (folder / STUDY_PARAMS).is_file() and (folder / HERE / SUMS).is_file()


def unpack(source: Path, study: Path) -> None:
    """Make the study `study` of the supplement `source`, an archive or its folder; whole or not at all.

    Raises:
        RunError: a file is missing, changed, unknown or leads out of the supplement; `study` holds something already.
    """
    if study.exists() and (not study.is_dir() or any(study.iterdir())):
        raise RunError(f"{study} holds something already: name a new folder with --into")
    with _files(source) as files:
        sums = _sums(files, source)
        with whole_folder(study) as fresh:
            create_study(fresh)
            for name, expected in sums.items():
                _copy(files[name], fresh / HERE / name, expected, f"{source}: {name}")
            with files[SUMS]() as listed:
                (fresh / HERE / SUMS).write_bytes(listed.read())
            _begin(fresh, source)


def _begin(study: Path, source: Path) -> None:
    """The study's own parameters and README."""
    for name in (PARAMS, REPLIES, f"{RUN}/manifest.json", f"{RUN}/clips.parquet"):
        if not (study / HERE / name).is_file():
            raise RunError(f"{source} is not a run's supplement: it has no {name}")
    given = params.validate(params.flat_yaml(study / HERE / PARAMS), f"{source}: {PARAMS}")
    safe = supplement.portable(given)
    words = yaml.safe_dump(safe.model_dump(), sort_keys=False, allow_unicode=True)
    head = "# Of the supplement, with replies from it alone. The archive of replies lies in outputs/.\n"
    (study / STUDY_PARAMS).write_text(head + words, encoding="utf-8")
    clips = "put the corpus into clips/" if safe.corpus_path else "the demo renders its own"
    about = _README.format(name=Path(safe.out).name, here=HERE, out=safe.out, clips=clips)
    (study / "README.md").write_text(about, encoding="utf-8")


@contextmanager
def _files(source: Path) -> Iterator[Files]:
    """The files of a supplement by name, each to be opened; refuses what is no plain file of it."""
    if source.is_dir():
        yield _in_folder(source)
        return
    try:
        with zipfile.ZipFile(source) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir()]
            for entry in entries:
                kind = stat.S_IFMT(entry.external_attr >> 16)
                _check_name(entry.filename, source, kind in (0, stat.S_IFREG) and not entry.flag_bits & 1)
            names = [entry.filename.casefold() for entry in entries]
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise RunError(f"{source} has {twice!r} twice: it was not made by fer-helpers, or was changed")
            whole, most = sum(entry.file_size for entry in entries), source.stat().st_size * MOST_TIMES + _SLACK
            if whole > most:
                raise RunError(f"{source} would unpack to {whole:,} bytes, {most:,} at most are believed: get it anew")
            yield {entry.filename: partial(packed.open, entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise RunError(f"{source} is no whole zip archive ({one_line(error)}): get it anew") from error


def _in_folder(source: Path) -> Files:
    found = {}
    for above, folders, names in os.walk(source):
        for name in [*names, *(one for one in folders if Path(above, one).is_symlink())]:
            path = Path(above, name)
            inside = path.relative_to(source).as_posix()
            _check_name(inside, source, stat.S_ISREG(path.lstat().st_mode))
            found[inside] = partial(path.open, "rb")
    return found


def _check_name(name: str, source: Path, plain: bool) -> None:
    if not NAME.fullmatch(name) or ".." in name.split("/"):
        raise RunError(f"{source} has a file {name[:200]!r}, which is no safe name: it is not a supplement")
    if not plain:
        raise RunError(f"{source} has {name!r}, a link, an encrypted or a special file: it is not a supplement")


def _sums(files: Files, source: Path) -> dict[str, str]:
    """The checksums that a supplement lists, of exactly the files that it has."""
    if SUMS not in files:
        raise RunError(f"{source} is not a supplement: it has no {SUMS}; give the archive or the folder it unpacks to")
    with files[SUMS]() as listed:
        lines = listed.read(100_000_000).decode("utf-8", "replace").splitlines()
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in sorted((files.keys() - {SUMS}) ^ sums.keys()):
        wrong = "is missing" if name in sums else f"is not in {SUMS}"
        raise RunError(f"{source}: {name[:200]!r} {wrong}; get the supplement anew")
    return sums


def _copy(opened: Callable[[], IO[bytes]], to: Path, expected: str, called: str) -> None:
    digest = sha256()
    to.parent.mkdir(parents=True, exist_ok=True)
    with opened() as data, to.open("wb") as copy:
        while part := data.read(_CHUNK):
            digest.update(part)
            copy.write(part)
    if digest.hexdigest() != expected:
        raise RunError(f"{called} has another checksum than {SUMS} says: it was changed or damaged; get it anew")


def replay(study: Path, say: Callable[[str], None]) -> pd.DataFrame:
    """Make the tables of an opened supplement again from its replies; nothing is asked and no network is used.

    Args:
        study: of `unpack`; the process's own, so that its paths begin there.
        say: told each step.

    Returns:
        a row for each table of the supplement: its rows, and `result`: "same", "differs: ..." or how it was checked.

    Raises:
        FerError: the replies or tables cannot be read, or a notebook failed.
    """
    shipped = study / HERE / RUN
    known = params.validate(params.flat_yaml(study / STUDY_PARAMS), str(STUDY_PARAMS))
    known = known.model_copy(update={"faces": "none", "votes": "" if known.votes == corpora.OWN else known.votes})
    out = resolve(known.out)
    with Archive(resolve(known.archive)) as kept:
        say(f"{kept.import_(study / HERE / REPLIES)} new replies in {known.archive}")
    notebooks = [NOTEBOOKS[3]] if not known.strategies else list(NOTEBOOKS[2:4])
    if (shipped / "estimates.parquet").is_file():
        notebooks.append(AUDIT)
        if known.human_labels == people.PANEL and not (shipped / people.FILE).is_file():
            corpora.prepare(known)  # the simulated panel's labels lie with the rendered clips
    made = {name for name, by in tables.WRITTEN_BY.items() if by in notebooks}
    with hold(out):
        _lay_out(shipped, out, known, made)
        for notebook in notebooks:
            say(f"{notebook}, from the replies")
            steps.run_notebook(notebook, steps.own(notebook, known), out)
    rows = []
    for name in tables.SCHEMAS:
        if (shipped / f"{name}.parquet").is_file():
            before = tables.read(name, shipped)
            again = name in made
            result = difference(before, tables.read(name, out), tables.SCHEMAS[name].unique) if again else _AS_SHIPPED
            rows.append({"table": name, "rows": len(before), "result": result})
    return pd.DataFrame(rows).set_index("table")


def _lay_out(shipped: Path, out: Path, known: Params, made: set[str]) -> None:
    """Begin the run anew in `out` with what does not follow from the replies."""
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    inside = [f"{name}.parquet" for name in tables.SCHEMAS if name not in made]
    inside += [f"{tables.IMPORTED}/predictions.parquet", "people.jsonl", "marks.jsonl"]
    inside += [f"prompts/{path.name}" for path in sorted((shipped / "prompts").glob("*"))]
    for name in made:
        (out / f"{name}.parquet").unlink(missing_ok=True)
    for name in inside:
        if (shipped / name).is_file():
            (out / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(shipped / name, out / name)
    facts = read_manifest(shipped).get("facts", {})
    write_manifest(out, {"params": known.model_dump(), "facts": facts})


def difference(shipped: pd.DataFrame, again: pd.DataFrame, keys: list[str]) -> str:
    """ "same", or in which columns or rows two tables with the same `keys` differ.

    Numbers are the same if they agree to nine digits: another processor's last digits are no other result.
    """
    columns = sorted(set(shipped) ^ set(again))
    if columns:
        return f"differs: columns {', '.join(columns)} in one alone"
    one, two = (table.set_index(pd.MultiIndex.from_frame(table[keys].astype(str))) for table in (shipped, again))
    apart = len(one.index.symmetric_difference(two.index))
    if apart or len(one) != len(two):
        return f"differs: {apart} rows in one alone"
    two = two.loc[one.index]
    found = {name: int((~_alike(one[name], two[name])).sum()) for name in shipped}
    apart_in = [f"{name} ({n} rows)" for name, n in found.items() if n]
    return f"differs: {', '.join(apart_in)}" if apart_in else "same"


def _alike(one: pd.Series, two: pd.Series) -> np.ndarray:
    if pd.api.types.is_float_dtype(one) and pd.api.types.is_float_dtype(two):
        return np.isclose(one.to_numpy(float), two.to_numpy(float), rtol=1e-9, atol=1e-12, equal_nan=True)
    return np.array([_plain(a) == _plain(b) for a, b in zip(one, two, strict=True)], dtype=bool)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | list):
        return [str(item) for item in value]
    return None if pd.isna(value) else value
