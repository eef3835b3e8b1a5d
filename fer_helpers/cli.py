"""The command line: run, plan, serve."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from fer_helpers.errors import BudgetError, FerError

if TYPE_CHECKING:
    from fer_helpers.params import Params


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FerError as error:
            click.echo(f"fer-helpers: {error}", err=True)
            sys.exit(3 if isinstance(error, BudgetError) else 1)


@click.group(cls=_Group)
@click.version_option(package_name="fer-helpers")
def main() -> None:
    """Zero-shot annotation of perceived facial expressions in video."""


def _with_params(command: Callable[..., None]) -> Callable[..., None]:
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


@main.command()
@_with_params
def run(params: Params) -> None:
    """Run the five notebooks with the parameters of a YAML file and write the report."""
    from fer_helpers import execute, paths, report
    from fer_helpers.run import open_run

    folder = execute.execute(params, click.echo)
    click.echo(report.summary_text(open_run(folder)))
    click.echo(f"report: {paths.shown(folder / 'report.html')}")


@main.command()
@_with_params
def plan(params: Params) -> None:
    """Print requests, tokens and US$ of a run before anything is sent; extracts the frames it needs."""
    from fer_helpers import annotate, execute, requests
    from fer_helpers.archive import Archive
    from fer_helpers.paths import resolve

    started = execute.extract_frames(params, click.echo)
    frames, asking = started.read("frames"), started.asking()
    planned = requests.plan(frames, params.strategies, params.taxonomies, asking)
    with Archive(resolve(params.archive)) as kept:
        known = annotate.answered(planned, kept)
    click.echo(requests.summary(planned, frames, params.strategies, known).round(4).to_string())


@main.command()
@click.option("--port", default=8790, show_default=True, help="port on 127.0.0.1")
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file of faults to put in the way on purpose, as docs/faults.yaml",
)
def serve(port: int, faults_file: Path | None) -> None:
    """Serve the embedded OpenAI-compatible endpoint until interrupted."""
    from fer_helpers import endpoint
    from fer_helpers.endpoint import faults

    endpoint.serve_forever(port, faults.load(faults_file) if faults_file else None)
