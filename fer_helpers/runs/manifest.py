"""manifest.json: what a run was made with and from, written whole at each change."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fer_helpers.errors import RunError
from fer_helpers.files import write_whole
from fer_helpers.paths import ROOT, shown

PACKAGES = ("openai", "opencv-python-headless", "av", "pandas", "numpy", "scikit-learn", "papermill")

UNKNOWN = "unknown"

_ELSEWHERE = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}  # a hook of another repository has git look there


def read_manifest(folder: Path) -> dict[str, Any]:
    """manifest.json of a run's folder; empty if there is none.

    Raises:
        RunError: if it is not JSON.
    """
    path = folder / "manifest.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise RunError(f"{shown(path)} is damaged: remove it and run again") from error


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json, whole or not at all."""
    write_whole(folder / "manifest.json", json.dumps(manifest, indent=1, default=str))


def made_with() -> dict[str, Any]:
    """Versions, git state and time: what it takes to make the same run again."""
    ours = _git("rev-parse", "--show-toplevel")  # a checkout inside another project's is not that project
    in_git = ours is not None and Path(ours).resolve() == ROOT
    changes = _git("status", "--porcelain") if in_git else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: version(name) for name in ("fer-helpers", *PACKAGES)},
        "commit": (in_git and _git("rev-parse", "HEAD")) or UNKNOWN,
        "uncommitted changes": UNKNOWN if changes is None else bool(changes),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _git(*arguments: str) -> str | None:
    """What git says; None where it is not there, or does not trust the folder."""
    ours = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, env=ours, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
