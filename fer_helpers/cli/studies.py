"""The command that begins a study."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from fer_helpers.cli._base import main


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
def new(folder: Path) -> None:
    """Make FOLDER, a study: notebooks, parameter files and a README, to work from without a checkout."""
    from fer_helpers.runs import create_study

    create_study(folder.expanduser().absolute())
    click.echo(f"made {folder}; next: cd {shlex.quote(str(folder))} && fer-helpers run params/demo.yaml")
