"""The commands that ship and receive replies: archive export, archive import."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_helpers.cli._base import main, with_params
from fer_helpers.paths import resolve

if TYPE_CHECKING:
    from fer_helpers.params import Params


@main.group()
def archive() -> None:
    """Export and import replies: a run with base_url: replay needs no network and no key."""


@archive.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@with_params
def export_archive(params: Params, file: Path) -> None:
    """Write the replies to a run's requests to a Parquet FILE, as a paper's supplement ships them."""
    from fer_helpers.annotation import Archive
    from fer_helpers.runs import Run

    keys = Run(resolve(params.out), params).read("requests")["key"]
    with Archive(resolve(params.archive)) as kept:
        click.echo(f"{kept.export(file, keys)} replies in {file}")


@archive.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_params
def import_archive(params: Params, file: Path) -> None:
    """Add the replies of a Parquet FILE to the archive; a usable reply is never replaced by an unusable one."""
    from fer_helpers.annotation import Archive

    with Archive(resolve(params.archive)) as kept:
        click.echo(f"{kept.import_(file)} new replies in {params.archive}")
