"""A run as a paper's supplement: one archive to read in a browser, and to make its tables again from the replies."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from fer_helpers import corpora, report, tables
from fer_helpers.annotation import Archive
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import RunError
from fer_helpers.explorer import ConfusionExplorer, marks
from fer_helpers.files import naming, whole_file
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown
from fer_helpers.pipeline import _crate
from fer_helpers.pipeline._outgoing import Outgoing, outgoing
from fer_helpers.prompting import FORMS, PROMPTS, pricing, prompts
from fer_helpers.runs import EVERY, Run, hold, people, read_manifest, sweeps, write_manifest
from fer_helpers.tables import IMPORTED

SUMS = "SHA256SUMS"
RUN, REPLIES, PARAMS = "run", "replies.parquet", "params.yaml"
HERE = "supplement"  # where a study that was made of a supplement keeps it
NAME = re.compile(r"(?:\w[\w.-]*/)*\w[\w.-]*")  # of every file in a supplement: safe on every system
AS_CSV = 10_000  # rows of a table that is also written for people
_ESSENTIAL = ("clips", "predictions", "scores")
_PLACES = ("frames", "videos")  # tables whose column path names what does not go along
_TEMPLATE = Path(__file__).with_name("supplement.md")


def write(run: Run, to: Path, faces: bool = False) -> list[str]:
    """Write the supplement of `run` to the archive `to`, whole or not at all; the same run gives the same bytes.

    Args:
        run: finished; nothing in its folder is changed.
        to: a .zip file, which is replaced.
        faces: with pictures of clips: figures, notebooks, pages as the run shows them, and its key frames.

    Returns:
        the names of the files in the archive.

    Raises:
        RunError: the folder is a sweep's, or its tables are missing or do not belong together; `to` is no .zip.
    """
    if to.suffix.lower() != ".zip":
        raise RunError(f"{to} does not end in .zip: give the name of an archive")
    with hold(run.folder), tempfile.TemporaryDirectory(prefix="fer-supplement-") as place, naming(place):
        for name in _ESSENTIAL:
            run.read(name)
        folder = Path(place, HERE)
        _fill(run, folder, outgoing(run, faces), faces)
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        strange = [name for name in names if not NAME.fullmatch(name)]
        if strange:
            raise RunError(f"{shown(run.folder)} has a file that is safe on no other system: rename {strange[0]!r}")
        _crate.write(folder, run, names)
        names = sorted([*names, _crate.FILE])
        sums = "".join(f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
        (folder / SUMS).write_text(sums, encoding="utf-8")
        with whole_file(to) as beside:
            _pack(folder, [*names, SUMS], beside)
    return [*names, SUMS]


def refuse_sweep(folder: Path) -> None:
    """Raise RunError if `folder` is a sweep's, which has no replies of its own."""
    if (folder / sweeps.TABLE).is_file() or (folder / sweeps.PLAN).is_file():
        cell = next((path.parent.name for path in sorted(folder.glob("*/manifest.json"))), "a_cell")
        raise RunError(f"{shown(folder)} is a sweep: a supplement is of one run, such as {shown(folder / cell)}")


def portable(params: Params) -> Params:
    """`params` for a study made of their supplement: nothing is asked, and no path leads out of the study.

    What it gives it leaves as it is, so that those of somebody else's supplement are made safe by it, too.
    """
    mine = params.prompt in PROMPTS
    changed = {
        "out": f"outputs/{re.sub(r'[^A-Za-z0-9_-]+', '-', Path(params.out).name).strip('-') or 'run'}",
        "corpus_path": "clips" if params.corpus_path else "",
        "manifest": f"clips/{Path(params.manifest).name}" if params.manifest else "",
        "face_weights": Path(params.face_weights).name,
        "frame_store": "",
        "dask_scheduler": "",
        "base_url": "replay",
        "archive": "outputs/archive.sqlite",
        "api_key_env": "",
        "allow_upload": False,
        "allow_plain_http": False,
        "max_cost_usd": 0.0,
        "prices": f"{HERE}/prices.yaml" if params.prices else "",
        "prompt": params.prompt if mine else f"{HERE}/{RUN}/prompts/{Path(params.prompt).name}",
        "votes": params.votes if params.votes in ("", corpora.OWN) else f"{HERE}/votes.csv",
        "human_labels": f"{HERE}/human_labels.csv" if people.file_of(params) else params.human_labels,
        "compare_with": [],
        "sweep_folder": Params.model_fields["sweep_folder"].default,
        "sweep_runs": [],
    }
    return params.model_copy(update=changed)


def _fill(run: Run, folder: Path, out: Outgoing, faces: bool) -> None:
    """Everything but metadata and checksums."""
    copy = Run(folder / RUN / run.folder.name, _params(run, folder, out, faces))  # its pages bear its name
    copy.folder.mkdir(parents=True)
    _tables(run, copy.folder, out)
    _people(run, folder, copy.folder, out)
    captions = _figures(run, copy.folder, out)
    _manifest(run, copy, captions, out)
    _notebooks(run, copy.folder, captions, out)
    if out.pictures and run.params.strategies:
        for row in run.read("frames").dropna(subset="path").itertuples():
            _put(copy.folder / _place(row.path), run.picture(row.clip_id, int(row.frame_index)))
    report.write(copy)
    if (run.folder / "explorer.html").is_file():
        shows = "none" if copy.params.faces == "auto" else copy.params.faces
        explorer = ConfusionExplorer(copy, strategy=copy.params.strategy_shown)
        explorer.to_html(copy.folder / "explorer.html", frames=shows)
    if not faces:
        for path in (copy.folder / "frames").glob("*"):
            shutil.rmtree(path)
    for path in copy.folder.iterdir():
        path.rename(folder / RUN / path.name)
    copy.folder.rmdir()
    _replies(run, folder / REPLIES, out)
    _words(run, copy.params, folder, faces)


def _params(run: Run, folder: Path, out: Outgoing, faces: bool) -> Params:
    """The parameters of the copy, as the run had them but for places; files that they name go along."""
    params, requests = run.params, run.read("requests")
    own = [path for name in requests["prompt"].unique() for path in (run.folder / "prompts").glob(f"{name}.*")]
    for path in own:
        _put(folder / RUN / run.folder.name / "prompts" / path.name, path.read_bytes())
    price = run.prices.price(params.model)
    if params.prices:
        _put(folder / "prices.yaml", out.text(resolve(params.prices).read_text(encoding="utf-8")))
    elif price and price != pricing.OURS.price(params.model):  # known by the address alone, which a replay has not
        _put(folder / "prices.yaml", yaml.safe_dump({"prices": {params.model: price.model_dump(exclude_none=True)}}))
        params = params.model_copy(update={"prices": "prices.yaml"})
    shows = ("full" if faces and params.faces == "auto" else params.faces) if out.pictures else "none"
    changed = {"faces": shows, **({"prompt": own[0].name} if own else {})}
    moved = portable(params.model_copy(update=changed))
    kept = params.model_dump(include={"base_url", "max_cost_usd", "allow_upload", "allow_plain_http"})
    header = "# Nothing is asked: the replies are in the archive. Clips go into the folder `clips`.\n"
    _put(folder / PARAMS, header + yaml.safe_dump(moved.model_dump(), sort_keys=False, allow_unicode=True))
    return moved.model_copy(update=kept)


def _tables(run: Run, copy: Path, out: Outgoing) -> None:
    """Each table as Parquet, byte by byte where nothing in it stays behind; small ones as CSV, too."""
    for name, path in _found_tables(run.folder).items():
        table = pd.read_parquet(path)
        found = out.table(table)
        if path.stem in _PLACES and (table["path"].dropna() != table["path"].dropna().map(_place)).any():
            found = found.assign(path=table["path"].map(_place, na_action="ignore"))
        target = copy / path.relative_to(run.folder)
        target.parent.mkdir(exist_ok=True)
        if found is table:
            target.write_bytes(path.read_bytes())
        else:
            found.to_parquet(target, index=False)
        if len(found) <= AS_CSV:
            _put(copy / "csv" / f"{name}.csv", found.to_csv(index=False))


def _found_tables(folder: Path) -> dict[str, Path]:
    """The tables in a run's folder, and the predictions that were imported, by name."""
    there = {name: folder / f"{name}.parquet" for name in tables.SCHEMAS}
    there["imported_predictions"] = folder / IMPORTED / "predictions.parquet"
    return {name: path for name, path in there.items() if path.is_file()}


def _place(path: str) -> str:
    """Where a key frame lies in the copy, wherever it lies in the run: a store has an address of its own."""
    parts = re.split(r"[/\\]", path)
    return "/".join(parts if parts[0] == "frames" else ["frames", *parts[-2:]])


def _people(run: Run, folder: Path, copy: Path, out: Outgoing) -> None:
    """What people said: labels, marks, votes; raters have numbers in the place of names."""
    for file, column, table in (
        (people.FILE, "rater", people.read(run.folder)),
        (marks.FILE, "reviewer", marks.table(marks.read(run.folder))),
    ):
        if len(table):
            _put(copy / file, out.of_raters(table, column).to_json(orient="records", lines=True))
    clips = run.read("clips")
    if people.file_of(run.params):
        _put(
            folder / "human_labels.csv", out.of_raters(people.filled_in(run.params, clips), "rater").to_csv(index=False)
        )
    if run.params.votes not in ("", corpora.OWN):
        _put(folder / "votes.csv", out.of_raters(corpora.votes(run.params, clips), "rater").to_csv(index=False))


def _figures(run: Run, copy: Path, out: Outgoing) -> dict[str, str]:
    """Write the run's figures that may go; returns their captions by name.

    Key frames stand in a figure as pictures, and all else that the notebooks draw is lines and text.
    """
    found = {}
    for name, caption in read_manifest(run.folder).get("figures", {}).items():
        files = {suffix: run.folder / "figures" / f"{name}.{suffix}" for suffix in ("svg", "png", "pdf", "csv")}
        there = {suffix: path.read_bytes() for suffix, path in files.items() if path.is_file()}
        if out.pictures or ("svg" in there and not re.search(rb"<image|<foreignObject", there["svg"], re.IGNORECASE)):
            found[name] = caption
            for suffix, data in there.items():
                data = out.text(data.decode()).encode() if suffix in ("svg", "csv") else data
                _put(copy / "figures" / f"{name}.{suffix}", data)
    return found


def _manifest(run: Run, copy: Run, captions: dict[str, str], out: Outgoing) -> None:
    """What was done and with what; hashes and steps are of the run's own folder, and the checksums take their place."""
    whole = read_manifest(run.folder)
    kept: dict[str, Any] = {"facts": whole.get("facts", {}), "made_with": whole.get("made_with", {})}
    said = json.loads(out.text(json.dumps({**kept, "figures": captions}, ensure_ascii=False)))
    write_manifest(copy.folder, {"params": copy.params.model_dump(), **said})


def _notebooks(run: Run, copy: Path, captions: dict[str, str], out: Outgoing) -> None:
    for name in EVERY:
        path = run.folder / "notebooks" / f"{name}.ipynb"
        if path.is_file():
            book = out.notebook(json.loads(path.read_text(encoding="utf-8")), captions.values())
            _put(copy / "notebooks" / path.name, json.dumps(book, indent=1, ensure_ascii=False) + "\n")


def _replies(run: Run, path: Path, out: Outgoing) -> None:
    """The replies to the run's requests, as `fer-helpers archive import` takes them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with Archive(resolve(run.params.archive)) as kept:
        kept.export(path, run.read("requests")["key"])
    whole = pq.read_table(path)
    column = pa.array([out.text(reply) for reply in whole["reply"].to_pylist()], pa.string())
    pq.write_table(whole.set_column(whole.schema.get_field_index("reply"), "reply", column), path, compression="zstd")


def _words(run: Run, params: Params, folder: Path, faces: bool) -> None:
    """The texts: README, licence, citation, prompts, and the versions it was made with."""
    corpus, clips = corpora.CORPORA[params.corpus], run.read("clips")
    _put(folder / "CITATION.cff", _crate.citation())
    _put(folder / "requirements.lock", _crate.lock())
    _put(folder / "LICENSE.md", _crate.licence(corpus, faces))
    form = params.reply_form if params.reply_form in FORMS else FORMS[0]
    asked = ["# Prompts\n\nThe words beside two key frames."]
    for prompt in run.read("requests")["prompt"].unique():
        for taxonomy in params.taxonomies:
            labels = prompts.find(prompt).ordered(TAXONOMIES[taxonomy])
            asked += [f"## {prompt}, {taxonomy}", prompts.text(prompt, labels, 2, form)]
    _put(folder / "prompts.md", "\n\n".join(asked) + "\n")
    environment = jinja2.Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    _put(
        folder / "README.md",
        environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
            name=re.sub(r"[^\w .-]", "-", run.folder.name),
            params=params,
            corpus=corpus,
            n_clips=len(clips),
            made_with=read_manifest(run.folder).get("made_with", {}),
            faces=faces,
            files=sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()),
        ),
    )


def _put(path: Path, data: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def _pack(folder: Path, names: list[str], to: Path) -> None:
    """The files as a zip archive that depends on nothing but their names and bytes."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for name in names:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o644 << 16, 3
            packed.writestr(entry, (folder / name).read_bytes())
