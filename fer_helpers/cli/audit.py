"""The commands that ask how far a run's labels can be trusted: drift."""

from __future__ import annotations

import sys

import click

from fer_helpers.cli._base import main
from fer_helpers.paths import resolve

ALARM = 4  # exit code


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--n", default=200, show_default=True, type=click.IntRange(1), help="requests, chosen at the first check")
@click.option("--max-cost-usd", type=click.FloatRange(min=0, min_open=True), help="cap for each of the two rounds")
def drift(folder: str, n: int, max_cost_usd: float | None) -> None:
    """Ask some requests of the run in FOLDER again, twice: has the model behind the name changed?

    Exits with 4 if it has. The run itself is not changed; the new replies are kept in its folder drift/.
    """
    from fer_helpers import corpora
    from fer_helpers.annotation import access
    from fer_helpers.annotation import drift as drifting
    from fer_helpers.runs import open_run

    run = open_run(resolve(folder))
    for notice in access.check(run.params, corpora.CORPORA[run.params.corpus].allow_upload):
        click.echo(notice)
    found = drifting.check(run, n, max_cost_usd)
    click.echo(found.sentence)
    for when, names in found.models.items():
        click.echo(f"{when}: {', '.join(names)}")
    if found.alarm:
        sys.exit(ALARM)
