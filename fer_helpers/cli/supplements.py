"""The commands that make and open a paper's supplement: supplement, open."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from fer_helpers.cli._base import main
from fer_helpers.paths import ROOT, VARIABLE, resolve, typed


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--to", required=True, type=click.Path(path_type=Path, dir_okay=False), help="archive to write, a .zip")
@click.option("--faces", is_flag=True, help="with pictures of clips: only if the people shown and the terms allow it")
def supplement(folder: str, to: Path, faces: bool) -> None:
    """Write the run in FOLDER as a paper's supplement: report, tables, notebooks, replies, how to rerun it.

    Without --faces no picture of a clip is in it; rendered clips of the demo are nobody's and stay.
    """
    from fer_helpers import corpora
    from fer_helpers.pipeline import supplement as supplements
    from fer_helpers.runs import open_run

    supplements.refuse_sweep(typed(folder))
    run = open_run(typed(folder))
    if faces:
        terms = corpora.CORPORA[run.params.corpus].licence
        click.echo(f"With --faces the archive shows the people in the clips. The corpus's licence: {terms}", err=True)
    names = supplements.write(run, to.expanduser().absolute(), faces)
    click.echo(f"{len(names)} files, {to.expanduser().stat().st_size / 1e6:.1f} MB in {to}")


@main.command("open")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option("--into", type=click.Path(path_type=Path), help="folder of the new study; default: named after SOURCE")
def open_supplement(source: Path, into: Path | None) -> None:
    """Check the supplement SOURCE, make a study of it, and make its tables again from its replies.

    SOURCE is an archive or the folder it unpacks to; or a study made before, to compare again. Nothing is asked and no
    network is used. Exits with 1 if a table differs.
    """
    from fer_helpers.pipeline import opening

    study = source.expanduser().absolute()
    if not opening.is_opened(study):
        study = (into or Path(f"{source.stem}-opened")).expanduser().absolute()
        opening.unpack(source.expanduser(), study)
        click.echo(f"all checksums are right; made the study {study}")
    if study.resolve() != ROOT:  # this process's paths begin elsewhere, and what they begin at cannot change
        environment = {name: value for name, value in os.environ.items() if name != "FER_OUTPUTS"}
        again = [sys.executable, "-P", "-c", "from fer_helpers.cli import main; main()", "open", str(study)]
        sys.exit(subprocess.run(again, env=environment | {VARIABLE: str(study)}).returncode)
    found = opening.replay(study, click.echo)
    click.echo(found.to_string())
    if found["result"].str.startswith("differs").any():
        sys.exit(1)
    click.echo(f"report of the run as shipped: {resolve('supplement/run/report.html')}")
