"""Where the project's files are: every relative path in a parameter starts at the project's root.

The project is a checkout of this repository, or a study: a folder that `fer-helpers new` made, with notebooks and
parameter files of its own.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
MARK = "study.yaml"  # the file by which a study is known
VARIABLE = "FER_STUDY"  # tells kernels, which may start elsewhere, where the root is


def _root() -> Path:
    """Where FER_STUDY says; else the study around the working directory; else the checkout; else where we are."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser().resolve()
    here = Path.cwd()
    study = next((folder for folder in (here, *here.parents) if (folder / MARK).is_file()), None)
    return study or (PACKAGE.parent if (PACKAGE.parent / "notebooks").is_dir() else here)


ROOT = _root()


def resolve(path: str | Path) -> Path:
    """Absolute form of `path`: a relative one starts at the project's root, whatever the working directory.

    The environment variable FER_OUTPUTS moves everything under `outputs/` elsewhere, so that tests
    can run the notebooks with their defaults and leave a user's runs alone.
    """
    path = Path(path).expanduser()
    if path.parts[:1] == ("outputs",):
        return outputs().joinpath(*path.parts[1:])
    return path if path.is_absolute() else ROOT / path


def typed(path: str | Path) -> Path:
    """Absolute form of a path typed on the command line: from the working directory, or else as `resolve`."""
    here = Path(path).expanduser().absolute()
    moved = "FER_OUTPUTS" in os.environ and Path(path).parts[:1] == ("outputs",)
    return here if here.exists() and not moved else resolve(path)


def outputs() -> Path:
    """The folder of runs: outputs/, or where FER_OUTPUTS says, a relative one from the project's root."""
    return ROOT / Path(os.environ.get("FER_OUTPUTS") or "outputs").expanduser()


def shown(path: Path) -> str:
    """`path` as a message or notebook shows it: from the project's root where it lies under it."""
    if path.is_relative_to(outputs()):
        return Path("outputs", path.relative_to(outputs())).as_posix()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def safe_name(text: str) -> str:
    """A file name for untrusted `text`: its harmless characters to read, a hash to keep names apart."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:40]
    return f"{readable}-{sha256(text.encode()).hexdigest()[:16]}".lstrip("-")


def existing(path: Path) -> Path:
    """`path`, or the nearest folder above it that exists: what has to be writable for `path` to be made."""
    return next(above for above in (path, *path.parents) if above.exists())
