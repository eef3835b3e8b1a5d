"""The command line: `fer-helpers run`, `fer-helpers batch` and `fer-helpers serve`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
import yaml

from fer_helpers.errors import FerError

if TYPE_CHECKING:
    import pandas as pd

    from fer_helpers.archive import Archive
    from fer_helpers.params import Params
    from fer_helpers.run import Run


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


def _of_a_run(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments of a command about one run: the parameter file and what overrides it."""
    for decorate in (
        click.option("--out", help="folder of the run"),
        click.option("-p", "overrides", nargs=2, multiple=True, metavar="NAME VALUE", help="override a parameter"),
        click.argument("params_file", default="params/demo.yaml"),
    ):
        command = decorate(command)
    return command


def _params(params_file: str, overrides: tuple[tuple[str, str], ...], out: str | None) -> Params:
    from fer_helpers import params

    values = {name: yaml.safe_load(text) for name, text in overrides}
    return params.load(params_file, {**values, "out": out} if out else values)


@main.command()
@_of_a_run
def run(**given: Any) -> None:
    """Run the five notebooks with the parameters of a YAML file and write the report."""
    from fer_helpers import execute, paths, report
    from fer_helpers.run import open_run

    folder = execute.execute(_params(**given), click.echo)
    click.echo(report.summary_text(open_run(folder)))
    click.echo(f"report: {paths.shown(folder / 'report.html')}")


@main.group()
def batch() -> None:
    """Annotate through the Batch API, at half the price and within a day, after notebooks 01 and 02."""


def _planned(**given: Any) -> tuple[Run, pd.DataFrame]:
    """The run and its requests as notebook 03 plans them; the endpoint is asked whether it has the model."""
    from fer_helpers import corpora, prompts, provider, requests
    from fer_helpers.paths import resolve
    from fer_helpers.run import Run

    params = _params(**given)
    run = Run(resolve(params.out), params)
    frames = run.read("frames")
    allowed = corpora.CORPORA[params.corpus].allow_upload
    provider.check_access(params.base_url, params.model, allowed, params.allow_upload)
    form = prompts.FORMS[0] if params.reply_form == "auto" else params.reply_form
    return run, requests.plan(frames, params.strategies, params.taxonomies, run.asking(form))


def _say_progress(run: Run, planned: pd.DataFrame, archive: Archive) -> None:
    from fer_helpers import batch
    from fer_helpers.ledger import Ledger

    total, missing = planned["key"].nunique(), len(batch.missing(planned, archive, run.folder))
    pending = len(Ledger(run.folder).pending() & set(planned["key"]))
    click.echo(f"{total - missing - pending} of {total} requests answered, {pending} in batches, {missing} missing")
    if missing:
        click.echo("`fer-helpers batch submit` sends what is missing, as far as the queue and max_cost_usd let it")
    if pending:
        click.echo("`fer-helpers batch collect` fetches what batches have finished")
    if not missing and not pending:
        click.echo("`fer-helpers run` goes on with these answers")


@batch.command()
@_of_a_run
@click.option("--queue", type=click.IntRange(1), help="tokens your account may have waiting in batches")
def submit(queue: int | None, **given: Any) -> None:
    """Send what is not answered yet; repeat it after each collect until nothing is missing."""
    from fer_helpers import batch
    from fer_helpers.archive import Archive
    from fer_helpers.paths import resolve

    run, planned = _planned(**given)
    params = run.params
    limits = batch.Limits(tokens=queue or batch.Limits.tokens, usd=params.max_cost_usd)
    with Archive(resolve(params.archive)) as archive:
        click.echo(f"missing: {batch.price_tag(batch.missing(planned, archive, run.folder))}")
        for shard in batch.submit(planned, run.picture, archive, run.folder, params.base_url, limits):
            click.echo(f"{shard.batch_id}: {shard.requests} requests")
        _say_progress(run, planned, archive)


@batch.command()
@_of_a_run
def status(**given: Any) -> None:
    """Show what became of the batches."""
    from fer_helpers import batch
    from fer_helpers.archive import Archive
    from fer_helpers.paths import resolve

    run, planned = _planned(**given)
    with Archive(resolve(run.params.archive)) as archive:
        click.echo(batch.status(run.folder, run.params.base_url).to_string())
        _say_progress(run, planned, archive)


@batch.command()
@_of_a_run
def collect(**given: Any) -> None:
    """Put the replies of batches that have ended into the archive."""
    from fer_helpers import batch
    from fer_helpers.archive import Archive
    from fer_helpers.paths import resolve

    run, planned = _planned(**given)
    with Archive(resolve(run.params.archive)) as archive:
        for shard, note in batch.collect(archive, run.folder, run.params.base_url)["note"].items():
            click.echo(f"{shard}: {note}")
        _say_progress(run, planned, archive)


@main.command()
@click.option("--port", default=8790, show_default=True, help="port on 127.0.0.1")
def serve(port: int) -> None:
    """Serve the embedded OpenAI-compatible endpoint until interrupted."""
    from fer_helpers import endpoint

    endpoint.serve_forever(port)
