"""The commands that serve others: the embedded endpoint, here or for a class, and what each student asked of it."""

from __future__ import annotations

from pathlib import Path

import click

from fer_helpers.cli._base import main
from fer_helpers.errors import ParamsError
from fer_helpers.paths import shown, typed


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True, help="port")
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on; others need --students")
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML file of faults to inject, e.g. docs/faults.yaml",
)
@click.option(
    "--students", "names", type=click.Path(path_type=Path), metavar="FILE", help="who may ask, one name a line"
)
@click.option("--requests-per-minute", default=600, show_default=True, type=click.IntRange(1), help="of a student")
@click.option("--max-requests", default=10_000, show_default=True, type=click.IntRange(1), help="of a student, in all")
def serve(
    port: int, host: str, faults_file: Path | None, names: Path | None, requests_per_minute: int, max_requests: int
) -> None:
    """Serve the embedded OpenAI-compatible endpoint until interrupted.

    With --students it is for a class, on the address --host: each has a token, made by the first start, as key. See
    docs/teaching.md.
    """
    from fer_helpers import endpoint
    from fer_helpers.endpoint import faults, students

    if names and faults_file:
        raise ParamsError("--faults and --students: faults are for one's own endpoint; leave one of the two out")
    limits, books = endpoint.Limits(requests_per_minute, max_requests), students.classroom() / endpoint.BOOKS
    room = endpoint.Room(students.tokens_of(typed(names)), books, limits) if names else None
    endpoint.serve_forever(port, faults.load(faults_file) if faults_file else None, host, room)


@main.command()
def classroom() -> None:
    """Show what each student of a class has asked of `serve --students`, also while it is served."""
    from fer_helpers.endpoint import BOOKS, read_books, students

    path = students.classroom() / BOOKS
    table = read_books(path)
    click.echo(table.to_string(index=False) if len(table) else f"{shown(path)}: nobody has asked anything yet")
