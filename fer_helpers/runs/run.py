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
from fer_helpers.frames import store
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown
from fer_helpers.prompting import planning, pricing, prompts
from fer_helpers.runs.manifest import made_with, read_manifest, write_manifest
from fer_helpers.runs.notebooks import NOTEBOOKS, declared
from fer_helpers.tables import IMPORTED


class Run:
    """One run: `folder` on disk, `params` as known so far, and the tables that pass between notebooks."""

    def __init__(self, folder: Path, params: Params) -> None:
        self.folder = folder
        self.params = params

    def read(self, table: str) -> pd.DataFrame:
        """A table an earlier notebook wrote; RunError names the notebook if it is not there."""
        return tables.read(table, self.folder)

    def write(self, table: str, rows: pd.DataFrame) -> str:
        """Check and write a table, whole or not at all; returns its path as shown to a reader."""
        return shown(tables.write(table, rows, self.folder))

    def imported(self) -> pd.DataFrame:
        """Other annotators' predictions, as `fer-helpers import` left them; empty if there are none."""
        folder = self.folder / IMPORTED
        if (folder / "predictions.parquet").is_file():
            return tables.read("predictions", folder)
        return tables.check("predictions", pd.DataFrame(columns=list(tables.SCHEMAS["predictions"].columns)))

    def picture(self, clip_id: str, frame_index: int) -> bytes:
        """JPEG bytes of a key frame."""
        return store.read(self.folder, self._paths[clip_id][frame_index])

    def pictures(self, clip_id: str) -> list[bytes]:
        """JPEG bytes of all key frames of a clip, in the order of time; empty if it has none."""
        return [self.picture(clip_id, index) for index in self._paths.get(clip_id, {})]

    @cached_property
    def _paths(self) -> dict[str, dict[int, str]]:
        paths: dict[str, dict[int, str]] = {}
        for row in self.read("frames").dropna(subset="path").itertuples():
            paths.setdefault(row.clip_id, {})[int(row.frame_index)] = row.path
        return paths

    def save_figure(self, name: str, figure: Figure, table: pd.DataFrame, caption: str) -> None:
        """Write `figure` as PDF, SVG and PNG, and the table it was drawn from as CSV, under figures/.

        `caption` says what it shows; the report prints it below the figure.
        """
        folder = self.folder / "figures"
        folder.mkdir(exist_ok=True)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not once a format
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        figure.savefig(folder / f"{name}.png")
        table.to_csv(folder / f"{name}.csv")
        self._note("figures", {name: caption})

    def asking(self, **learned: str) -> planning.Asking:
        """How this run asks its model; `learned` is what its server can do, see `annotation.capabilities`."""
        params = self.params
        form = learned.pop("form", prompts.FORMS[0])
        return planning.Asking(
            model=params.model,
            prompt=params.prompt,
            detail=params.image_detail,
            form=form if params.reply_form == "auto" else params.reply_form,
            label_order=params.label_order,
            seed=params.seed,
            replicates=params.n_replicates,
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
        manifest = read_manifest(self.folder)
        write_manifest(self.folder, {**manifest, part: {**manifest.get(part, {}), **values}})

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the notebooks recorded so far."""
        return read_manifest(self.folder).get("facts", {})


def start(notebook: str, values: Mapping[str, Any]) -> Run:
    """Begin a notebook: check its parameters, open its run's folder, and note both in the manifest.

    The parameters of earlier notebooks come from the manifest, so that a later notebook cannot disagree with
    them.

    Args:
        notebook: its name, one of NOTEBOOKS.
        values: the notebook's `globals()`; only what its parameters cell declares is read.

    Raises:
        ParamsError: a parameter of this notebook is wrong or missing.
        RunError: an earlier notebook has not been run in this folder.
    """
    names = declared(notebook)
    missing = [name for name in names if name not in values]
    if missing:
        raise ParamsError(f"{notebook}: {', '.join(missing)} not set: run its parameters cell first")
    given = {name: values[name] for name in names}
    folder = resolve(given["out"])
    manifest = read_manifest(folder)
    earlier = NOTEBOOKS[NOTEBOOKS.index(notebook) - 1] if notebook != NOTEBOOKS[0] else None
    if earlier and earlier not in manifest.get("started", []):
        raise RunError(f"{shown(folder)} has no tables yet: run notebook {earlier} with the same `out` first")
    known = manifest.get("params", {}) if earlier else {}
    params = parameters.validate({**known, **given}, notebook)
    folder.mkdir(parents=True, exist_ok=True)
    started = [name for name in NOTEBOOKS if name == notebook or name in manifest.get("started", [])]
    others = {name: words for name, words in manifest.get("figures", {}).items() if name[:2] != notebook[:2]}
    now = {"params": params.model_dump(), "started": started, "figures": others, "made_with": made_with()}
    write_manifest(folder, {**manifest, **now})
    return Run(folder, params)


def open_run(folder: Path) -> Run:
    """The run in `folder` as its notebooks left it.

    Raises:
        RunError: if there is none.
    """
    manifest = read_manifest(folder)
    if not manifest:
        raise RunError(f"{shown(folder)} is not a run's folder: it has no manifest.json")
    return Run(folder, parameters.validate(manifest["params"], f"{shown(folder)}/manifest.json"))
