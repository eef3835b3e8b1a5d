"""The commands that ask how far a run's labels can be trusted, and hand them on: label, drift, export."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fer_helpers.cli._base import main
from fer_helpers.paths import typed

ALARM = 4  # exit code


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--queue", default="core", show_default=True, help="core, audit or worklist, as `sample` drew it")
@click.option("--port", default=8867, show_default=True, help="port on 127.0.0.1")
def label(folder: str, queue: str, port: int) -> None:
    """Serve the clips drawn of the run in FOLDER, one at a time, to people who label them, until interrupted.

    Each label is kept in that folder as it is given; whoever comes back continues where they stopped.
    """
    from fer_helpers.explorer import serve

    serve.label(typed(folder), queue, port, click.echo)


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
