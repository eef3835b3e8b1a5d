"""A run's folder: its tables, figures, key frames and manifest; what a notebook starts with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fer_helpers import params as parameters
from fer_helpers import tables
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.files import whole_file, write_whole
from fer_helpers.frames import store
from fer_helpers.params import Params
from fer_helpers.paths import ROOT, outputs, resolve, shown
from fer_helpers.prompting import planning, pricing, prompts
from fer_helpers.runs import busy, lineage
from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.notebooks import EVERY, NOTEBOOKS, declared, set_by_papermill
from fer_helpers.tables import IMPORTED, WRITTEN_BY

# The project's own folders, which no run is written into; a test compares them with git's.
OURS = [
    ROOT / name for name in ("benchmarks", "docs", "fer_helpers", "interop", "notebooks", "params", "tests", "website")
]
PROMPT_FILES = "prompts"  # folder of a run in which the user's prompt files are kept that its requests were made with
MARKS = {"manifest.json", "lock.json", "sweep.json", "cells.csv"}  # by which a folder is known for a run's or a sweep's
BEFORE_MANIFEST = {
    "lock",
    "notebooks",
    "params.yaml",
    "clips.parquet",
}  # a run cut off early; papermill writes copies first
OF_ASKING = ("frames", "requests", "answers")  # tables that a run without strategies has none of


class Run:
    """One run: `folder` on disk, `params` as known so far, and the tables that pass between notebooks.

    A run that a notebook began (`start`) notes in the manifest what that notebook did.
    """

    def __init__(self, folder: Path, params: Params, notebook: str = "") -> None:
        self.folder = folder
        self.params = params
        self._notebook = notebook
        self._wrote = False

    def read(self, table: str) -> pd.DataFrame:
        """A table an earlier notebook wrote; empty if no model was asked and only asking would have made it.

        Raises:
            RunError: it is not there, or does not belong to the tables beside it; names the notebook to run.
        """
        if table in OF_ASKING and not self.params.strategies:
            return tables.empty(table)
        found = tables.read(table, self.folder)
        if table == "requests":
            for path in sorted((self.folder / PROMPT_FILES).glob("*")):
                prompts.learn(path)
        lineage.check(table, self.folder, read_manifest(self.folder))
        return found

    def write(self, table: str, rows: pd.DataFrame) -> str:
        """Check and write a table, whole or not at all; returns its path as shown to a reader."""
        before = self._found()
        path = tables.write(table, rows, self.folder)
        for prompt in rows["prompt"].unique() if table == "requests" else ():
            prompts.keep(prompt, self.folder / PROMPT_FILES)
        self._note("tables", {**before, table: lineage.parents(table, self.folder)})
        return shown(path)

    def imported(self) -> pd.DataFrame:
        """Other annotators' predictions, as `fer-helpers import` left them; empty if there are none."""
        folder = self.folder / IMPORTED
        if (folder / "predictions.parquet").is_file():
            return tables.read("predictions", folder)
        return tables.empty("predictions")

    def picture(self, clip_id: str, frame_index: int | None) -> bytes:
        """JPEG bytes of a key frame; of None, MP4 bytes of the clip as a small video."""
        path = self._videos[clip_id] if frame_index is None else self._paths[clip_id][frame_index]
        return store.read(self.folder, path)

    def pictures(self, clip_id: str) -> list[bytes]:
        """JPEG bytes of all key frames of a clip, in the order of time; empty if it has none."""
        return [self.picture(clip_id, index) for index in self._paths.get(clip_id, {})]

    @cached_property
    def _paths(self) -> dict[str, dict[int, str]]:
        paths: dict[str, dict[int, str]] = {}
        for row in self.read("frames").dropna(subset="path").itertuples():
            paths.setdefault(row.clip_id, {})[int(row.frame_index)] = row.path
        return paths

    @cached_property
    def _videos(self) -> dict[str, str]:
        there = self.read("videos").dropna(subset="path")
        return dict(zip(there["clip_id"], there["path"], strict=True))

    def save_figure(self, name: str, figure: Figure, table: pd.DataFrame, caption: str) -> None:
        """Write `figure` as PDF, SVG and PNG, and the table it was drawn from as CSV, under figures/.

        `caption` says what it shows; the report prints it below the figure.
        """
        folder = self.folder / "figures"
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not once a format
        for suffix, metadata in {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": None}.items():
            with whole_file(folder / f"{name}.{suffix}") as beside:
                figure.savefig(beside, format=suffix, metadata=metadata)
        write_whole(folder / f"{name}.csv", table.to_csv())
        self._note("figures", {name: caption})

    def asking(self, **learned: str) -> planning.Asking:
        """How this run asks its model; `learned` is what its server can do, see `annotation.capabilities`.

        Raises:
            ParamsError: its prompt file cannot be read.
        """
        params = self.params
        form = learned.pop("form", prompts.FORMS[0])
        return planning.Asking(
            model=params.model,
            prompt=prompts.named(params.prompt),
            detail=params.image_detail,
            form=form if params.reply_form == "auto" else params.reply_form,
            label_order=params.label_order,
            seed=params.seed,
            replicates=params.n_replicates,
            repeat=params.repeat,
            temperature=params.temperature,
            reasoning_effort=params.reasoning_effort,
            max_tokens=params.max_tokens_out,
            **learned,
            prices=self.prices,
        )

    @cached_property
    def prices(self) -> pricing.PriceBook:
        """What models cost where this run asks them: the prices a user gave, then those we know."""
        own = resolve(self.params.prices) if self.params.prices else None
        return pricing.book(own, self.params.base_url)

    def record(self, **facts: Any) -> None:
        """Add `facts` to the manifest, e.g. how many requests were sent."""
        self._note("facts", facts)

    def _note(self, part: str, values: Mapping[str, Any]) -> None:
        """Add `values` to a part of the manifest.

        With the first thing that a notebook writes, what it wrote in an earlier execution counts no more; its
        parameters are noted with a table or a record, when they are what was done and not what was tried.
        """
        manifest = {"tables": self._found(), **read_manifest(self.folder)}
        if self._notebook and not self._wrote:
            manifest = _without(self._notebook, manifest)
            self._wrote = True
        if self._notebook and part != "figures":
            dumped = self.params.model_dump()
            mine = {name: dumped[name] for name in declared(self._notebook)}
            manifest["params"] = {**manifest.get("params", {}), **mine}
            manifest["made_with"] = self._made_with
        write_manifest(self.folder, {**manifest, part: {**manifest.get(part, {}), **values}})

    def _found(self) -> dict[str, dict[str, str]]:
        """Of a run made before tables knew their origin: those there are, as belonging together."""
        return {} if "tables" in read_manifest(self.folder) else lineage.as_found(self.folder)

    @cached_property
    def _made_with(self) -> dict[str, Any]:
        return made_with()

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the notebooks recorded so far."""
        return read_manifest(self.folder).get("facts", {})


def _without(notebook: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """`manifest` without the tables and figures of `notebook`."""
    tables_left = {name: made for name, made in manifest.get("tables", {}).items() if WRITTEN_BY[name] != notebook}
    figures = {name: words for name, words in manifest.get("figures", {}).items() if name[:2] != notebook[:2]}
    return {**manifest, "tables": tables_left, "figures": figures}


def folder_of(out: str) -> Path:
    """The folder that the parameter `out` names, if a run may be written there.

    Raises:
        ParamsError: it is the project's own, lies below a file, or holds something else than a run.
    """
    folder = resolve(out).resolve()  # what a link leads to counts
    top = folder.relative_to(ROOT).parts[:1] if folder.is_relative_to(ROOT) else ()
    inside = top and (ROOT / top[0]) != outputs().resolve() and (ROOT / top[0] in OURS or top[0].startswith("."))
    if ROOT.is_relative_to(folder) or folder == outputs().resolve() or inside:
        raise ParamsError(
            f"out is {out!r}, which holds files of the project: give a folder of the run's own, outputs/mine"
        )
    for above in (folder, *folder.parents):
        if above.exists() and not above.is_dir():
            raise ParamsError(f"out is {out!r}, and {above} is a file: give a folder")
    there = [entry for entry in folder.iterdir() if entry.name[0] != "."] if folder.is_dir() else []
    names = {entry.name for entry in there}
    runs = {entry.name for entry in there if (entry / "manifest.json").is_file()}  # notebook 07 compares them there
    strange = names - runs - BEFORE_MANIFEST
    if strange and not names & MARKS:
        raise ParamsError(f"out is {out!r}, which holds {min(strange)} and no run: give a new folder")
    return resolve(out)


def start(notebook: str, values: Mapping[str, Any]) -> Run:
    """Begin a notebook: check its parameters and open its run's folder, where nothing is changed yet.

    The parameters of earlier notebooks come from the manifest, so that a later notebook cannot disagree with
    them.

    Args:
        notebook: its name, one of EVERY.
        values: the notebook's `globals()`; only what its parameters cell declares is read, and what papermill set.

    Raises:
        ParamsError: a parameter of this notebook is wrong or missing, or papermill was given an unknown one.
        RunError: an earlier notebook has not been run in this folder, or another process is at work in it.
    """
    names = declared(notebook)
    missing = [name for name in names if name not in values]
    if missing:
        raise ParamsError(f"{notebook}: {', '.join(missing)} not set: run its parameters cell first")
    given = {name: values[name] for name in names}
    unknown = set_by_papermill(values.get("In", ())) - Params.model_fields.keys()
    parameters.validate({**given, **dict.fromkeys(unknown)}, notebook)  # before `out` is looked for
    folder = folder_of(given["out"])
    known = read_manifest(folder).get("params", {}) if notebook != NOTEBOOKS[0] else {}
    for earlier in NOTEBOOKS[: EVERY.index(notebook)]:
        if not (declared(earlier).keys() - {"out"}) & known.keys():
            raise RunError(f"{shown(folder)} has no tables of {earlier}: run that notebook with the same `out` first")
    params = parameters.validate({**known, **given}, notebook)
    if "strategies" in given and not params.strategies:
        raise ParamsError(f"{notebook}: strategies is []: name one or more")
    busy.check(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return Run(folder, params, notebook)


def open_run(folder: Path) -> Run:
    """The run in `folder` as its notebooks left it.

    Raises:
        RunError: if there is none.
    """
    manifest = read_manifest(folder)
    if "params" not in manifest:
        raise RunError(f"{folder} is not a run's folder: it has no manifest.json with parameters")
    return Run(folder, parameters.validate(manifest["params"], f"{shown(folder)}/manifest.json"))
