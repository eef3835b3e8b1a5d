"""What the commands share: the group, errors as one line, and the arguments that choose a run's parameters."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
import yaml

from fer_helpers.errors import BudgetError, FerError

if TYPE_CHECKING:
    pass


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _saying()
                return super().invoke(ctx)
        except FerError as error:
            click.echo(f"fer-helpers: {error}", err=True)
            sys.exit(3 if isinstance(error, BudgetError) else 1)


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

        values = {name: yaml.safe_load(text) for name, text in overrides} | ({"out": out} if out else {})
        command(params.load(params_file, values), **rest)

    return wrapped
