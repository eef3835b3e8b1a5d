"""The commands of the Batch API: submit, status, collect, give-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from fer_helpers.cli._base import main, with_params
from fer_helpers.paths import resolve

if TYPE_CHECKING:
    import pandas as pd

    from fer_helpers.annotation import Archive
    from fer_helpers.params import Params
    from fer_helpers.runs import Run


@main.group()
def batch() -> None:
    """Annotate through the Batch API: half the price, within a day."""


def _planned(run: Run, archive: Archive) -> pd.DataFrame:
    """The requests that `run` needs, as far as the archive tells whom a cascade passes on.

    After a look at whether its endpoint may and can be asked.
    """
    from fer_helpers import corpora
    from fer_helpers.annotation import access, online, plans
    from fer_helpers.prompting import planning

    params = run.params
    for notice in access.check(params, corpora.CORPORA[params.corpus].allow_upload):
        click.echo(notice)
    frames = run.read("frames")
    planned = plans.of_batch(run, frames, archive)
    answers = online.kept(planned, archive, run.prices)
    return planning.due(planned, frames, params.strategies, answers, params.cascade_below)


def _say_progress(run: Run, planned: pd.DataFrame, archive: Archive) -> None:
    from fer_helpers.annotation import batches

    answered, pending, missing = batches.progress(planned, archive, run.folder, run.params.retry_statuses)
    click.echo(f"{answered} of {planned['key'].nunique()} requests answered, {pending} in batches, {missing} missing")
    if missing:
        click.echo("`fer-helpers batch submit` sends what is missing, up to your queue and max_cost_usd")
    if pending:
        click.echo("`fer-helpers batch collect` fetches finished batches")
    if not missing and not pending:
        click.echo("`fer-helpers run` continues with these replies")


@contextmanager
def _planned_and_kept(run: Run) -> Iterator[tuple[pd.DataFrame, Archive]]:
    """The plan of `run` and its archive for one batch command, which ends with how far the run has come."""
    from fer_helpers.annotation import Archive

    with Archive(resolve(run.params.archive)) as archive:
        yield _planned(run, archive), archive
        _say_progress(run, _planned(run, archive), archive)  # what came in may pass clips of a cascade on


@batch.command()
@with_params
@click.option("--queue", type=click.IntRange(1), help="limit of your account on tokens waiting in batches")
def submit(params: Params, queue: int | None) -> None:
    """Extract frames and submit the requests without a reply; repeat after each collect until none is missing."""
    from fer_helpers import pipeline
    from fer_helpers.annotation import Limits, access, batches

    run = pipeline.extract_frames(params, click.echo)
    limits = Limits(tokens=queue or Limits.tokens, usd=params.max_cost_usd)
    with _planned_and_kept(run) as (planned, archive):
        retry, to = params.retry_statuses, access.of(params)
        click.echo(f"missing: {batches.price_tag(batches.missing(planned, archive, run.folder, retry))}")
        for shard in batches.submit(planned, run.picture, archive, run.folder, to, limits, retry, run.prices):
            click.echo(f"{shard.batch_id}: {shard.requests} requests")


@batch.command()
@with_params
def status(params: Params) -> None:
    """Show the state of the batches."""
    from fer_helpers.annotation import access, batches
    from fer_helpers.runs import Run

    run = Run(resolve(params.out), params)
    with _planned_and_kept(run):
        click.echo(batches.status(run.folder, access.of(params)).to_string())


@batch.command()
@with_params
def collect(params: Params) -> None:
    """Fetch the replies of finished batches into the archive."""
    from fer_helpers.annotation import access, batches
    from fer_helpers.runs import Run

    run = Run(resolve(params.out), params)
    with _planned_and_kept(run) as (_, archive):
        for shard, note in batches.collect(archive, run.folder, access.of(params), run.prices)["note"].items():
            click.echo(f"{shard}: {note}")


@batch.command("give-up")
@click.argument("shard")
@with_params
def give_up(params: Params, shard: str) -> None:
    """Wait no longer for the replies of SHARD, whose output is gone: its requests may be sent, and billed, again."""
    from fer_helpers.annotation import batches

    lost = batches.give_up(resolve(params.out), shard)
    click.echo(f"{lost.id}: {lost.requests} requests are missing again")
