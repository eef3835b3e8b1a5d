"""The commands of a run: corpora, check, run, plan, probe, import, score, compare, explore, serve."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fer_helpers.cli._base import PORT, main, typed_values, with_params
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.files import write_whole
from fer_helpers.paths import resolve, shown, typed

if TYPE_CHECKING:
    from fer_helpers.params import Params


@main.command("corpora")
def list_corpora() -> None:
    """List the corpora: licence, whether frames may leave the machine, citation, where to apply."""
    from fer_helpers import corpora

    for name, facts in corpora.about().iterrows():
        upload = "yes" if facts.pop("allow_upload") else "only with allow_upload: true"
        click.echo(f"{name}: {facts.pop('about')}\n    frames may leave this machine: {upload}")
        click.echo("".join(f"    {word}: {text}\n" for word, text in facts.items() if text), nl=False)


@main.command()
@with_params
def check(params: Params) -> None:
    """Check a corpus before anything is run; exits with 1 if there is a problem."""
    from fer_helpers import corpora
    from fer_helpers.corpora import checks

    corpora.prepare(params)
    listed = corpora.listed(params)
    clips = corpora.load(params, listed)
    click.echo(f"{params.corpus}: {len(listed)} clips listed, {len(clips)} examined")
    found = checks.findings(listed, clips, corpora.location(params), corpora.CORPORA[params.corpus].published(params))
    click.echo(checks.report(found))
    if found["problem"].any():
        sys.exit(1)


@main.command()
@with_params
def run(params: Params) -> None:
    """Run the notebooks with the parameters of a YAML file and write the report; 06 where people have labelled."""
    from fer_helpers import pipeline, report
    from fer_helpers.runs import open_run

    folder = pipeline.execute(params, click.echo)
    click.echo(report.summary_text(open_run(folder)))
    click.echo(f"report: {shown(folder / 'report.html')}")


@main.command()
@with_params
def plan(params: Params) -> None:
    """Estimate a run's requests, tokens and US$ before anything is sent; extracts the frames it needs."""
    from fer_helpers import pipeline
    from fer_helpers.annotation import Archive, books, capabilities, online, plans
    from fer_helpers.prompting import planning

    started = pipeline.extract_frames(params, click.echo)
    frames = started.read("frames")
    with Archive(resolve(params.archive)) as kept:
        found = plans.known(started, kept)
        planned = plans.planned(started, frames, found or capabilities.ASSUMED)
        known = online.answered(planned, kept, params.retry_statuses)
        spent = books.spent(planned, kept, started.prices)
    if found is None:
        click.echo(f"What {params.base_url} can do is not known yet: the plan assumes a schema and log-probabilities.")
    click.echo(planning.summary(planned, frames, params.strategies, known).round(4).to_string())
    click.echo(f"billed for these requests so far: US$ {spent:.4f}")


@main.command()
@with_params
@click.option("--again", is_flag=True, help="probe again although the result is known")
@click.option("--yes", is_flag=True, help="with --again: no confirmation where answers would be paid for again")
def probe(params: Params, again: bool, yes: bool) -> None:
    """Find out what a run's server can do with its model, by a few requests about a grey square, and remember it."""
    from fer_helpers import corpora, pipeline
    from fer_helpers.annotation import Archive, access, capabilities, online, plans

    for notice in access.check(params, corpora.CORPORA[params.corpus].allow_upload):
        click.echo(notice)
    started = pipeline.extract_frames(params, click.echo)
    frames = started.read("frames")
    with Archive(resolve(params.archive)) as kept:
        before = plans.known(started, kept)
        if again and before and not yes:
            answered = len(online.answered(plans.planned(started, frames, before), kept))
            if answered:
                click.confirm(
                    f"{answered} requests are answered; they are paid for again if the server has changed. Continue?",
                    abort=True,
                )
        found = plans.learn(started, frames, kept, again)
    click.echo(capabilities.described(found).to_string())


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_params
def import_predictions(params: Params, file: Path) -> None:
    """Add other annotators' predictions to a run: a CSV FILE with columns clip_id, annotator, label."""
    from fer_helpers import tables
    from fer_helpers.evaluation import other_annotators
    from fer_helpers.runs import Run
    from fer_helpers.statuses import OUTSIDE

    run = Run(resolve(params.out), params)
    clips = run.read("clips")
    new = other_annotators.read_predictions(file, clips, params.other_labels)
    folder = run.folder / tables.IMPORTED
    folder.mkdir(exist_ok=True)
    path = tables.write("predictions", other_annotators.beside(run.imported(), new), folder)
    for name, rows in new.groupby("model"):
        missing = set(rows.loc[rows["status"] == "no_label", "clip_id"])
        outside = set(rows.loc[rows["status"] == OUTSIDE, "clip_id"])
        click.echo(
            f"{name}: {len(clips) - len(missing)} of {len(clips)} clips"
            + (f", {len(missing)} missing" if missing else "")
            + (f", {len(outside)} outside the label set" if outside else "")
        )
    click.echo(f"wrote {shown(path)}; `fer-helpers run` includes it in notebooks 04 and 05")


@main.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("votes", type=click.Path(path_type=Path), required=False)
@click.option("-p", "overrides", nargs=2, multiple=True, metavar="NAME VALUE", help="override a parameter")
@click.option("--out", required=True, help="folder of the results")
def score(truth: Path, predictions: Path, votes: Path | None, overrides: tuple[tuple[str, str], ...], out: str) -> None:
    """Score published labels without any video: notebooks 04 and 05, and the report, over lists alone.

    TRUTH is a CSV file with columns clip_id, label (and subject, if known); PREDICTIONS one with clip_id, annotator,
    label, as `import` takes; VOTES one with what people perceived: clip_id, rater, label.
    """
    from fer_helpers import corpora, params, pipeline, report, tables
    from fer_helpers.evaluation import other_annotators
    from fer_helpers.runs import open_run

    truth, predictions = typed(truth), typed(predictions)
    lists = {"corpus": "folder", "corpus_path": str(truth.parent), "manifest": str(truth), "n_clips": 0}
    fixed = {**lists, "out": out, "strategies": [], "votes": str(typed(votes)) if votes else ""}
    given = {"strategy_shown": tables.IMPORTED} | typed_values(overrides)
    if both := sorted(fixed.keys() & given.keys()):
        raise ParamsError(f"-p {both[0]}: `score` takes it from its arguments; leave it out")
    known = params.validate({**given, **fixed}, "score")
    clips = corpora.read_truth(truth, known)
    theirs = other_annotators.read_predictions(predictions, clips, known.other_labels)
    folder = pipeline.score(clips, theirs, known, click.echo)
    click.echo(report.summary_text(open_run(folder)))
    click.echo(f"report: {shown(folder / 'report.html')}")


@main.command()
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option("--csv", "csv", type=click.Path(path_type=Path), help="also write the comparisons to this file")
def compare(folders: tuple[Path, ...], csv: Path | None) -> None:
    """Compare the runs in FOLDERS strategy by strategy on their common clips, and pool them as an ensemble."""
    from fer_helpers import report
    from fer_helpers.runs import open_run

    if len(folders) < 2:
        raise RunError(f"{len(folders)} folder(s) given: name two or more runs, e.g. outputs/a outputs/b")
    runs = [open_run(typed(folder)) for folder in folders]
    click.echo(report.differing_params(runs).to_string())
    scored, found = report.side_by_side(runs)
    click.echo(report.compared_text(runs, scored, found))
    if csv:
        write_whole(csv, found.to_csv(index=False))
        click.echo(f"wrote {csv}")


@main.command()
@click.argument("folder", default="outputs/demo")
@click.option("--port", type=PORT, default=8866, show_default=True, help="port on 127.0.0.1")
def explore(folder: str, port: int) -> None:
    """Serve the confusion explorer of the run in FOLDER until interrupted; marks are kept in that folder."""
    from fer_helpers.explorer import serve

    serve.explore(typed(folder), port, click.echo)
