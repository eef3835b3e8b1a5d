"""What an installation needs, looked at one by one; it imports nothing that may be missing until it is looked at."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from fer_helpers.cli._base import main
from fer_helpers.errors import FerError, RunError, one_line
from fer_helpers.paths import existing, outputs

DISTRIBUTION = "fer-helpers"
ROOM_GB = 1.0  # the demo, its archive and a few runs
_AGAIN = "install again: `make demo` in a checkout, else `pip install` of the same wheel (docs/install.md)"

_BROKEN = f"restart the kernel; if that does not help, {_AGAIN}"


@dataclass(frozen=True)
class Finding:
    """Something an installation needs; `problem` and `remedy` are empty where it is there."""

    need: str
    problem: str = ""
    remedy: str = ""


def check() -> list[Finding]:
    """Everything that the notebooks need of this machine, in the order in which it is needed.

    The embedded models' weights are fetched if they are not there yet: the one thing here that needs a network.
    """
    found = []
    for need, look, remedy in _CHECKS:
        try:
            problem = look()
        except FerError as error:
            problem, remedy = str(error), "see the problem"
        except Exception as error:  # a package that is broken raises whatever it likes
            problem = f"{type(error).__name__}: {one_line(error)}"
            remedy = _BROKEN if isinstance(error, ImportError) else remedy
        found.append(Finding(need, problem, remedy if problem else ""))
    return found


def as_markdown(findings: Iterable[Finding]) -> str:
    """The findings as a table, the same on every machine on which all is well."""
    lines = ["| needed | found | what to do |", "|---|---|---|"]
    for one in findings:
        cells = (one.need, one.problem or "ok", one.remedy)
        lines.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    """Text in a Markdown table: paths and messages are not markup."""
    for sign, safe in {"&": "&amp;", "<": "&lt;", "|": "&#124;", "\n": " "}.items():
        text = text.replace(sign, safe)
    return text


@main.command()
def doctor() -> None:
    """Look at this installation: what is missing, and what to do about it."""
    findings = check()
    for one in findings:
        click.echo(f"{'not ok' if one.problem else 'ok':8}{one.need}")
        if one.problem:
            click.echo(f"        found: {one.problem}\n        to do: {one.remedy}")
    if problems := len([one for one in findings if one.problem]):
        raise RunError(f"{problems} of {len(findings)} things that the notebooks need are not there: see the list")


def settle() -> None:
    """After the package was installed from a running kernel, as on Colab: make the working directory a study.

    A file that is there already is left as it is. The study is made by another process, because packages that this
    one has imported may have been replaced.

    Raises:
        RunError: some were, or some have not seen what is new: what is imported from now on may not go with them.
    """
    with tempfile.TemporaryDirectory() as place:
        made = Path(place, "study")
        code = "from fer_helpers.cli import main; main()"
        subprocess.run([sys.executable, "-c", code, "new", str(made)], check=True, capture_output=True)
        for path in made.rglob("*"):
            there = Path.cwd() / path.relative_to(made)
            if path.is_file() and not there.exists():
                there.parent.mkdir(exist_ok=True)
                shutil.copyfile(path, there)
    problem = _stale()
    try:
        importlib.import_module("fer_helpers.runs")
    except (ImportError, ValueError) as error:  # pandas that was imported before pyarrow was there; another numpy's ABI
        problem = problem or one_line(error)
    if problem:
        raise RunError(f"{problem}: restart the kernel (on Colab: Runtime, Restart session), then run all cells")


def python_problem(needed: str, version: str) -> str:
    """`needed` as in a package's metadata.

    >>> python_problem(">=3.11", "3.10.4")
    'Python 3.10.4, and not >=3.11'
    """
    from packaging.specifiers import SpecifierSet

    return "" if version in SpecifierSet(needed) else f"Python {version}, and not {needed}"


def package_problems(requirements: Iterable[str], installed: Callable[[str], str]) -> list[str]:
    """What of `requirements`, as in a package's metadata, is missing or of another version; extras are not looked at.

    Args:
        installed: the version of a package by its name; raises PackageNotFoundError.
    """
    from packaging.requirements import Requirement

    problems = []
    for wanted in map(Requirement, requirements):
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = installed(wanted.name)
        except metadata.PackageNotFoundError:
            problems.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            problems.append(f"{wanted.name} {version}, and not {wanted.specifier}")
    return problems


def stale(modules: Mapping[str, Any], packages: Mapping[str, list[str]], installed: Callable[[str], str]) -> list[str]:
    """Packages that this process imported before they were replaced: what is on the disk is another version.

    Args:
        modules: what is imported, by name.
        packages: the distributions of each importable name.
        installed: the version of a distribution.
    """
    found = []
    for name, distributions in packages.items():
        loaded = getattr(modules.get(name), "__dict__", {}).get("__version__")
        # A distribution may count its packaging, too: opencv-python-headless 4.12.0.88 is cv2 4.12.0.
        if isinstance(loaded, str) and loaded[:1].isdigit():
            there = {installed(one) for one in distributions}
            if not any(version.startswith(loaded) for version in there):
                found.append(f"{name} {loaded}, but {' or '.join(sorted(there))} is installed")
    return sorted(found)


def kernel_problem(argv: list[str], folder: str, python: Path) -> str:
    """Whether a kernel of the command `argv`, described in `folder`, is the interpreter `python`."""
    program = argv[0]
    if re.fullmatch(r"python(3(\.\d+)?)?", program):  # Jupyter puts its own interpreter there
        return ""
    found = shutil.which(program)
    if found and Path(found).parent.samefile(python.parent):
        return ""
    return f"the kernel python3 is {program}{'' if found else ', which is not there'} (by {folder})"


def script_problem(script: Path) -> str:
    """Whether the command `script` names an interpreter that is there: none is in an environment that was moved."""
    try:
        first = script.read_bytes().partition(b"\n")[0].decode("utf-8", "replace")
    except FileNotFoundError:
        return f"{script} is not there"
    interpreter = first.removeprefix("#!").strip().strip('"')
    there = not first.startswith("#!") or Path(interpreter.split()[0]).exists() or Path(interpreter).exists()
    return "" if there else f"{script} is run by {interpreter}, which is not there: was the environment moved?"


def folder_problem(folder: Path) -> str:
    """Whether `folder` can be written to, or made."""
    there = existing(folder)
    return "" if there.is_dir() and os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written to"


def _python() -> str:
    return python_problem(metadata.metadata(DISTRIBUTION)["Requires-Python"], sys.version.split()[0])


def _packages() -> str:
    return "; ".join(package_problems(metadata.requires(DISTRIBUTION) or [], metadata.version))


def _stale() -> str:
    return "; ".join(stale(sys.modules, metadata.packages_distributions(), metadata.version))


def _commands() -> str:
    files = [one for one in metadata.files(DISTRIBUTION) or [] if one.name == DISTRIBUTION]
    return script_problem(Path(str(files[0].locate()))) if files else ""


def _kernel() -> str:
    from jupyter_client.kernelspec import KernelSpecManager

    spec = KernelSpecManager().get_kernel_spec("python3")
    return kernel_problem(spec.argv, spec.resource_dir, Path(sys.executable))


def _widgets() -> str:
    from jupyter_core.paths import jupyter_path

    wanted = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
    places = [Path(place) for place in jupyter_path("labextensions")]
    missing = [name for name in wanted if not any((place / name).is_dir() for place in places)]
    return f"JupyterLab has no {' and no '.join(missing)}" if missing else ""


def _jupyter_folder() -> str:
    from jupyter_core.paths import jupyter_runtime_dir

    return folder_problem(Path(jupyter_runtime_dir()))


def _cache() -> str:
    import platformdirs

    return folder_problem(platformdirs.user_cache_path(DISTRIBUTION))


def _room() -> str:
    there = existing(outputs())
    free = shutil.disk_usage(there).free / 1e9
    return "" if free >= ROOM_GB else f"{free:.1f} GB are free at {there}"


def _video() -> str:
    """A video made in memory, and read again."""
    import io

    import av
    import numpy as np

    from fer_helpers import media

    grey = np.full((64, 64, 3), 128, np.uint8)
    with av.open(io.BytesIO(media.mp4([(0.0, grey), (0.1, grey)], 0).data), "r") as video:
        n = len(list(video.decode(video=0)))
    return "" if n == 2 else f"{n} of 2 frames were decoded"


def _weights() -> str:
    from fer_helpers.endpoint import MODELS

    for model in MODELS.values():
        model.weights.path()
    return ""


def _loopback() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    return ""


_CHECKS: tuple[tuple[str, Callable[[], str], str], ...] = (
    ("a Python that the package takes", _python, "make an environment with a newer Python: `make PYTHON=python3.12`"),
    ("all packages, in versions that go together", _packages, _AGAIN),
    ("packages in memory are those on the disk", _stale, "restart the kernel (on Colab: Runtime, Restart session)"),
    ("the command fer-helpers", _commands, f"delete the environment's folder and {_AGAIN}"),
    (
        "Jupyter's kernel python3 is this environment",
        _kernel,
        "choose this environment's kernel in the notebook, or remove the other: `jupyter kernelspec remove python3`",
    ),
    ("the explorer's widgets in JupyterLab", _widgets, _AGAIN),
    ("a folder for runs that can be written to", lambda: folder_problem(outputs()), "set FER_OUTPUTS to one that can"),
    ("a folder for Jupyter's connections", _jupyter_folder, "set JUPYTER_RUNTIME_DIR to one that can"),
    ("a folder for the models' weights", _cache, "set XDG_CACHE_HOME to one that can"),
    (f"{ROOM_GB:.0f} GB of free disk", _room, "make room, or set FER_OUTPUTS to a folder on another disk"),
    ("videos are encoded and decoded, without a program ffmpeg", _video, _AGAIN),
    ("the embedded models' weights (fetched once)", _weights, "connect to the network once, and check again"),
    ("connections within this machine; no other network", _loopback, "allow programs to connect to 127.0.0.1"),
)
