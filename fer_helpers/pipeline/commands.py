"""A run as plain papermill commands, for other machines, schedulers and people."""

from __future__ import annotations

import shlex
from pathlib import Path

from fer_helpers.params import Params
from fer_helpers.paths import ROOT, resolve
from fer_helpers.pipeline.steps import own
from fer_helpers.runs import NOTEBOOKS, declared, source, sweeps


def papermill_commands(params: Params, notebooks: tuple[str, ...] = NOTEBOOKS) -> list[str]:
    """Lines for a POSIX shell in the project's root that execute a run's notebooks as `fer-helpers run` does.

    Only parameters other than the notebooks' own defaults are named.
    """
    copies = resolve(params.out) / "notebooks"
    lines = [f"mkdir -p {_quoted(copies)}"]
    for notebook in notebooks:
        defaults = declared(notebook)
        given = {name: value for name, value in own(notebook, params).items() if value != defaults[name]}
        words = ["papermill", _quoted(source(notebook)), _quoted(copies / f"{notebook}.ipynb")]
        words += ["--cwd", _quoted(source(notebook).parent), "--kernel", "python3"]
        words += ["-y", shlex.quote(sweeps.as_yaml(given))] if given else []
        lines.append(" ".join(words))
    return lines


def _quoted(path: Path) -> str:
    return shlex.quote(str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path))
