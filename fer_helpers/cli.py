"""The command line: `fer-helpers run` and `fer-helpers serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import yaml

from fer_helpers.errors import FerError


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FerError as error:
            click.echo(f"fer-helpers: {error}", err=True)
            sys.exit(1)


@click.group(cls=_Group)
@click.version_option(package_name="fer-helpers")
def main() -> None:
    """Zero-shot annotation of perceived facial expressions in video."""


@main.command()
@click.argument("params_file", default="params/demo.yaml")
@click.option("-p", "overrides", nargs=2, multiple=True, metavar="NAME VALUE", help="override a parameter")
@click.option("--out", help="folder of the run")
def run(params_file: str, overrides: tuple[tuple[str, str], ...], out: str | None) -> None:
    """Run the five notebooks with the parameters of a YAML file and write the report."""
    from fer_helpers import execute, params, paths, report
    from fer_helpers.run import open_run

    values = {name: yaml.safe_load(text) for name, text in overrides}
    if out:
        values["out"] = out
    folder = execute.execute(params.load(params_file, values), click.echo)
    click.echo(report.summary_text(open_run(folder)))
    click.echo(f"report: {paths.shown(folder / 'report.html')}")


@main.command()
@click.option("--port", default=8790, show_default=True, help="port on 127.0.0.1")
@click.option(
    "--faults",
    "plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file of faults to put in the way on purpose, as docs/faults.yaml",
)
def serve(port: int, plan: Path | None) -> None:
    """Serve the embedded OpenAI-compatible endpoint until interrupted."""
    from fer_helpers import endpoint
    from fer_helpers.endpoint import faults

    endpoint.serve_forever(port, faults.load(plan) if plan else None)
