"""What the commands share: the group, errors as one line, and the arguments that choose a run's parameters."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from fer_helpers.errors import BudgetError, FerError
from fer_helpers.paths import outputs, typed

# Parameters that name what is there already, so that a path typed here may start at the working directory.
_PATHS = ("corpus_path", "manifest", "votes", "human_labels", "prices", "face_weights", "prompt")

PORT = click.IntRange(1, 65535)


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        if not sys.stderr.isatty():
            os.environ.setdefault("TQDM_DISABLE", "1")  # tqdm reads it when it is imported, which is later
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal may not know every letter of a file's name
                stream.reconfigure(errors="backslashreplace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _saying()
                return super().invoke(ctx)
        except FerError as error:
            click.echo(f"fer-helpers: {error}", err=True)
            sys.exit(3 if isinstance(error, BudgetError) else 1)
        except KeyboardInterrupt:
            click.echo("fer-helpers: interrupted; run again to resume", err=True)
            sys.exit(128 + signal.SIGINT)
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            click.echo(f"fer-helpers: {_about(error)}", err=True)
            sys.exit(1)


def _about(error: OSError) -> str:
    name = error.filename2 or error.filename  # of a copy, what is written
    path = Path(str(name)) if name else None
    remedy = ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        remedy = "; make room there and run again to resume"
    elif isinstance(error, FileNotFoundError):
        remedy = "; if it was moved or removed meanwhile, run again"
    elif path and path.is_relative_to(outputs()):
        remedy = "; give a folder that can be written to with --out, or set FER_OUTPUTS to one"
    return f"{path}: {error.strerror}{remedy}" if path else " ".join(str(error).split())


def _saying() -> Callable[..., None]:
    """Shows a warning as a line to read, once though a list is read several times; other kinds are for programmers."""
    said: set[str] = set()

    def say(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, UserWarning) and str(message) not in said:
            said.add(str(message))
            click.echo(f"fer-helpers: {message}", err=True)

    return say


@click.group(cls=_Group)
@click.version_option(package_name="fer-helpers")
def main() -> None:
    """Zero-shot annotation of perceived facial expressions in video."""


def with_params(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments that choose a run's parameters; the command gets them checked."""

    @click.argument("params_file", default="params/demo.yaml")
    @click.option("-p", "overrides", nargs=2, multiple=True, metavar="NAME VALUE", help="override a parameter")
    @click.option("--out", help="folder of the run")
    @wraps(command)
    def wrapped(params_file: str, overrides: tuple[tuple[str, str], ...], out: str | None, **rest: Any) -> None:
        from fer_helpers import params

        command(params.load(params_file, typed_values(overrides) | ({"out": out} if out else {})), **rest)

    return wrapped


def typed_values(overrides: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The parameters typed as `-p NAME VALUE`, unchecked."""
    from fer_helpers import params

    return {name: _value(name, params.from_text(name, text)) for name, text in overrides}


def _value(name: str, value: Any) -> Any:
    """`value`, where it is a path of something that is there, as an absolute one."""
    from fer_helpers.prompting import PROMPTS

    words = {"votes": ["corpus"], "human_labels": ["panel"], "prompt": PROMPTS}  # which are no paths
    if name in _PATHS and value and value not in words.get(name, ()):
        return str(typed(value))
    if name == "compare_with" and isinstance(value, list):
        return [str(typed(one)) if isinstance(one, str) else one for one in value]
    return value
