"""One run: looks at all that its notebooks will need, executes them in order, and writes the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from fer_helpers import corpora, frames, report, statuses, tables
from fer_helpers.annotation import Ledger, access
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import EndpointError, ParamsError, RunError
from fer_helpers.evaluation import findings
from fer_helpers.params import Params
from fer_helpers.paths import resolve, shown
from fer_helpers.pipeline.steps import execute_steps, origin, package_fingerprint
from fer_helpers.prompting import find, pricing, prompts
from fer_helpers.runs import (
    AUDIT,
    NOTEBOOKS,
    Run,
    declared,
    file_hash,
    folder_of,
    hold,
    open_run,
    people,
    read_manifest,
    write_manifest,
)
from fer_helpers.tables import IMPORTED


def execute(params: Params, say: Callable[[str], None] = print) -> Path:
    """Run notebooks 01 to 05 with `params`, and 06 if people have labelled; returns the run's folder with report.html.

    Raises:
        FerError: bad input, before anything is written; or a notebook failed, with its cell and exception.
        EndpointError: no request was answered; the report is written all the same.
    """
    out = folder_of(params.out)
    if params.strategies:
        for notice in access.check(params, corpora.CORPORA[params.corpus].allow_upload):
            say(notice)
    waiting = sum(shard.requests for shard in Ledger(out).open)
    if waiting and params.base_url != "replay":
        raise RunError(
            f"{waiting} requests are pending in batches and would be paid for twice: run `fer-helpers batch "
            "collect` first, or continue with the replies in the archive: -p base_url replay"
        )
    sent = carry_out((*NOTEBOOKS, AUDIT) if _people_labelled(params, out) else NOTEBOOKS, params, say)
    say(f"requests sent: {sent}")
    run = open_run(out)
    path = report.write(run)
    if not (set(run.read("answers")["status"]) - {statuses.ERROR}):
        errors = report.commonest_errors(run, 1)
        said = f"; most ended with: {errors['error'].iloc[0]}" if len(errors) else ""
        raise EndpointError(f"none of {run.facts['n_requests']} requests was answered{said}; see {shown(path)}")
    return run.folder


def _people_labelled(params: Params, out: Path) -> bool:
    """Whether notebook 06 has anything to estimate from: a list, a simulated panel, or labels of the labelling view."""
    given = people.file_of(params) is not None or len(people.read(out)) > 0
    asked = params.strategies if params.strategy_shown == findings.BEST else [params.strategy_shown]
    clips = [name for name in asked if name not in params.strategies or not find(name).per_frame]
    return given or (people.simulated(Run(out, params)) and len(clips) > 0)


def score(clips: pd.DataFrame, imported: pd.DataFrame, params: Params, say: Callable[[str], None] = print) -> Path:
    """Notebooks 04 and 05 over labels and predictions alone: no frames, and no model that is asked.

    Args:
        clips: the clips table, with the true labels.
        imported: other annotators' predictions, as rows of the predictions table.
        params: with no strategies.

    Returns:
        the run's folder, with report.html in it.

    Raises:
        FerError: as `execute`; or the folder is that of a run that asked a model.
    """
    asked = [name for name in TAXONOMIES if name in set(imported["asked"])]
    params, out = params.model_copy(update={"taxonomies": asked}), folder_of(params.out)
    if read_manifest(out).get("params", {}).get("strategies"):
        raise RunError(f"{shown(out)} is the folder of a run that asked a model: give another --out")
    people.human_votes(params, clips)
    with hold(out):
        values = params.model_dump()
        earlier = {name: values[name] for notebook in NOTEBOOKS[:3] for name in declared(notebook)}
        tables.write("predictions", imported, out / IMPORTED)
        write_manifest(out, {**read_manifest(out), "params": earlier})
        run = Run(out, params)
        run.write("clips", clips)
        run.record(n_clips=len(clips), n_labelled=int(clips["label"].notna().sum()), n_frames=0, n_requests=0)
        execute_steps(NOTEBOOKS[3:], params, say, package_fingerprint() + file_hash(out / "clips.parquet"))
        report.write(open_run(out))
    return out


def extract_frames(params: Params, say: Callable[[str], None] = print) -> Run:
    """Notebooks 01 and 02 alone: what a plan or a batch needs, without asking anybody anything."""
    carry_out(NOTEBOOKS[:2], params, say)
    return Run(resolve(params.out), params)


def carry_out(notebooks: Sequence[str], params: Params, say: Callable[[str], None]) -> int:
    """Run `notebooks` of a corpus, after a look at all that they will need; returns how many requests were sent.

    Raises:
        FerError: as `execute`.
    """
    out = folder_of(params.out)
    check_outside(params)
    corpora.prepare(params)
    if out.resolve().is_relative_to(corpora.location(params).resolve()):
        raise RunError(f"{shown(out)} lies in the corpus folder, where key frames would be taken for clips: move --out")
    if not params.clip_seconds:  # else the clips are pieces, and their names not known yet
        people.human_votes(params, corpora.listed(params))
        people.filled_in(params, corpora.listed(params))
    with hold(out):
        return execute_steps(notebooks, params, say, origin(params))


def check_outside(params: Params) -> None:
    """See that files and folders that `params` names can be read, before any work.

    Raises:
        FerError: one cannot; names the parameter and the path that was tried.
    """
    pricing.book(resolve(params.prices) if params.prices else None)
    prompts.named(params.prompt)
    frames.check_detector(params.face_crop, params.face_weights)
    given = {"corpus_path": params.corpus_path, "manifest": params.manifest}
    given |= {"votes": params.votes} if params.votes != corpora.OWN else {}
    given |= {"human_labels": params.human_labels} if people.file_of(params) else {}
    for name, path in [*given.items(), *(("compare_with", path) for path in params.compare_with)]:
        if path and not resolve(path).exists():
            raise ParamsError(f"{name} is {path!r}: {resolve(path)} does not exist; correct the path")
    for folder in params.compare_with:
        other = open_run(resolve(folder))
        for table in ("clips", "predictions"):
            other.read(table)
    known = Run(resolve(params.out), params).imported()["model"].unique()
    there = [findings.BEST, *params.strategies, IMPORTED, *known, *(f"{IMPORTED}:{name}" for name in known)]
    if params.strategy_shown not in there:
        raise ParamsError(
            f"strategy_shown is {params.strategy_shown!r}, which is not in strategies, nor an imported annotator"
        )
