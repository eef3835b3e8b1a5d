"""The commands that ask how far a run's labels can be trusted, and hand them on: sample, label, drift, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_helpers.cli._base import PORT, main, with_params
from fer_helpers.errors import ParamsError
from fer_helpers.paths import resolve, shown, typed

if TYPE_CHECKING:
    from fer_helpers.params import Params

ALARM = 4  # exit code


@main.command()
@with_params
@click.option("--n", required=True, type=click.IntRange(1), help="clips in all; more than are drawn adds to them")
@click.option("--audit", is_flag=True, help="of the clips whose labels would be accepted, after the core is labelled")
@click.option("--worklist", is_flag=True, help="the clips most in need of a look, to mend labels; feeds no estimate")
@click.option("--to", "target", type=click.Choice(["csv", "label-studio"]), help="also as a file to label elsewhere")
@click.option("--into", type=click.Path(path_type=Path), help="that file or folder; default: samples/ in the run's")
def sample(params: Params, n: int, audit: bool, worklist: bool, target: str | None, into: Path | None) -> None:
    """Draw clips of a run for people to label: at random for estimates, unless --audit or --worklist is given.

    The draw is recorded in the run's folder, and shows nothing of what the model says.
    """
    from fer_helpers.estimation import AUDIT, CORE, WORKLIST
    from fer_helpers.report import queues
    from fer_helpers.runs import Run, draws, hold

    if audit and worklist:
        raise ParamsError("--audit and --worklist are two queues, which are never mixed: draw one after the other")
    if into and not target:
        raise ParamsError("--into is where --to writes: add --to csv or --to label-studio")
    run, queue = Run(resolve(params.out), params), AUDIT if audit else WORKLIST if worklist else CORE
    with hold(run.folder):
        rows = draws.draw(run, queue, n)
    click.echo(f"{queue}: {len(rows)} clips, recorded in {shown(run.folder / 'draws.parquet')}")
    which = "" if queue == CORE else f" --queue {queue}"
    click.echo(f"label them in the browser: `fer-helpers label {shown(run.folder)}{which}`")
    if target == "csv":
        into = into or run.folder / "samples" / f"{queue}.csv"
        queues.write_csv(run, rows, into)
        click.echo(f"or fill in columns label and rater of {shown(into)}, and set human_labels to that path")
    elif target:
        into = into or run.folder / "samples" / queue
        queues.write_tasks(run, rows, into)
        click.echo(f"or import {shown(into)} into Label Studio, export as JSON, and set human_labels to that file")
    click.echo("then run notebook 06_label_audit")


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--queue", default="core", show_default=True, help="core, audit or worklist, as `sample` drew it")
@click.option("--port", type=PORT, default=8867, show_default=True, help="port")
@click.option("--host", default="127.0.0.1", show_default=True, help="address to listen on; others need --students")
@click.option(
    "--students", "names", type=click.Path(path_type=Path), metavar="FILE", help="who labels, one name a line"
)
@click.option("--allow-upload", is_flag=True, help="you may show these key frames on other machines, for --host")
def label(folder: str, queue: str, port: int, host: str, names: Path | None, allow_upload: bool) -> None:
    """Serve the clips drawn of the run in FOLDER, one at a time, to people who label them, until interrupted.

    Each label is kept in that folder as it is given; whoever comes back continues where they stopped. With --students
    it is for a class, on the address --host: a rater is who has the token, as for `serve`. See docs/teaching.md.
    """
    from fer_helpers import corpora
    from fer_helpers.endpoint import students
    from fer_helpers.explorer import page
    from fer_helpers.runs import open_run

    if host != page.HOST:
        if not names:
            raise ParamsError(f"host is {host}: without --students FILE, who may label, only {page.HOST} is served")
        run = open_run(typed(folder))
        if not (corpora.CORPORA[run.params.corpus].allow_upload or allow_upload):
            raise ParamsError(
                "key frames would be sent to other machines, and the terms of the corpus are not known to allow it: "
                "if you may show these faces there, repeat with --allow-upload"
            )
    tokens = students.tokens_of(typed(names)) if names else None
    page.label(typed(folder), queue, port, click.echo, host, tokens)


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

    run = open_run(typed(folder))
    for notice in access.check(run.params, corpora.CORPORA[run.params.corpus].allow_upload):
        click.echo(notice)
    found = drifting.check(run, n, max_cost_usd)
    click.echo(found.sentence)
    for when, names in found.models.items():
        click.echo(f"{when}: {', '.join(names)}")
    if found.alarm:
        sys.exit(ALARM)


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--to", "target", required=True, type=click.Choice(["labels", "hf", "label-studio", "finetune"]))
@click.option("--into", type=click.Path(path_type=Path), help="folder to write; default: FOLDER/exports/TARGET")
@click.option("--frames", is_flag=True, help="with the key frames, which show faces")
@click.option("--allow-upload", is_flag=True, help="you may hand these frames to a provider, for --to finetune")
def export(folder: str, target: str, into: Path | None, frames: bool, allow_upload: bool) -> None:
    """Write the finished labels of the run in FOLDER as a data set, with a card that says what it is.

    labels: CSV, Parquet and a Croissant description. hf: a folder that Hugging Face's datasets loads. label-studio:
    tasks with predictions and the page's configuration. finetune: conversations in OpenAI's form for vision.
    """
    from fer_helpers import corpora
    from fer_helpers.errors import EndpointError
    from fer_helpers.report import exports
    from fer_helpers.runs import open_run

    run = open_run(typed(folder))
    allowed = corpora.CORPORA[run.params.corpus].allow_upload or run.params.allow_upload or allow_upload
    if target == "finetune" and not allowed:
        raise EndpointError(
            "a file for fine-tuning is made to be uploaded, and the terms of the corpus are not known to allow it: "
            "if you may hand its frames to a provider, repeat with --allow-upload"
        )
    into = into or run.folder / "exports" / target
    for name in exports.write(run, target, into, frames)[:20]:
        click.echo(f"wrote {into / name}")
