"""A study: a folder anywhere with notebooks and parameter files of its own, made from the installed package."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

from fer_helpers.errors import RunError
from fer_helpers.files import whole_folder
from fer_helpers.paths import MARK, PACKAGE

_README = """# {name}

A study with fer-helpers {version}: zero-shot annotation of perceived facial expressions in video.

    fer-helpers run params/demo.yaml           # rendered clips and an embedded model: no key, no data, no cost
    cp params/my_clips.yaml params/mine.yaml   # a commented template for clips of your own
    fer-helpers run params/mine.yaml

Commands work from any folder of the study; relative paths in parameter files start here. `outputs/` holds the runs and
the archive of replies: it is not for git, and it shows faces. The notebooks may be changed; `fer-helpers run` executes
those of this folder.
"""
_IGNORED = "outputs/\n.ipynb_checkpoints/\n"


def create_study(folder: Path) -> None:
    """Write a study into `folder`, whole or not at all.

    Raises:
        RunError: `folder` holds something already; or the package was installed without its notebooks.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RunError(f"{folder} holds something already: give the name of a new folder")
    files = _carried()
    with whole_folder(folder) as fresh:
        for name, path in files.items():
            (fresh / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, fresh / name)
        (fresh / "README.md").write_text(_README.format(name=folder.name, version=version("fer-helpers")), "utf-8")
        (fresh / ".gitignore").write_text(_IGNORED, "utf-8")
        (fresh / MARK).write_text(f"# fer-helpers knows the study by this file.\nmade_with: {version('fer-helpers')}\n")


def _carried() -> dict[str, Path]:
    """Notebooks and parameter files as this installation has them: the checkout's, or those that came in the wheel."""
    for place in (PACKAGE.parent, PACKAGE / "study"):  # setup.py puts them into the second
        found = [path for pattern in ("notebooks/*.ipynb", "params/*.yaml") for path in sorted(place.glob(pattern))]
        if found:
            return {path.relative_to(place).as_posix(): path for path in found}
    raise RunError("this installation of fer-helpers has no notebooks: install it from its wheel or a checkout")
