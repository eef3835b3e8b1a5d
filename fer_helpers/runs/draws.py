"""Which clips people label: drawn once, recorded in the run's folder with what the draw depends on, extended later.

What breaks a design is another set of clips and, for an audit, other labels than those it is to certify. Predictions
that change otherwise, or another annotator, do not: a core is estimated with the strata it was drawn by, which are
recorded. So no label that people gave is lost because a notebook ran again.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fer_helpers import estimation, statuses, tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import RunError
from fer_helpers.estimation import ACCEPTED, AUDIT, CORE, WORKLIST
from fer_helpers.evaluation import findings, summaries
from fer_helpers.paths import shown
from fer_helpers.runs import people
from fer_helpers.runs.run import Run

TABLE = "draws"


def population(run: Run) -> pd.DataFrame:
    """`estimation.population` of the annotator that the run shows, in the first label set asked for.

    Returns:
        its rows and `stratum`: that of the recorded core, or else what the model says now.

    Raises:
        RunError: there are no predictions, or the strategy shown labels no whole clips; or as `read`.
    """
    clips = _population(run)
    return _with_strata(clips, _checked(run, clips))


def read(run: Run) -> pd.DataFrame:
    """The table `draws`: of each queue what was drawn, and what it was drawn from (no `order`); empty if nothing was.

    Raises:
        RunError: a queue was drawn from other clips or for another label set, or an audit for other labels, than the
            run now has.
    """
    return _checked(run)


def drawn(draws: pd.DataFrame, queue: str) -> pd.DataFrame:
    """Rows of the table `draws` that people label in `queue`, in order: a sample as `estimation` takes it."""
    mine = _frame(draws, queue)
    return mine[mine["order"].notna()].sort_values("order", ignore_index=True)


def draw(run: Run, queue: str, n: int) -> pd.DataFrame:
    """Draw `n` clips for `queue`, or add to those drawn until there are `n`, and record it.

    Clips drawn before stay, in their order, and so do the strata, the clips that an audit would accept, and the seed,
    whatever the run says since. Fewer than `n` are drawn if there are no more.

    Args:
        run: with predictions; for an audit with people's labels of the core.
        queue: core, audit or worklist.
        n: clips in all.

    Returns:
        the queue, of `drawn`.

    Raises:
        RunError: more than `n` are drawn already; there is nothing to audit; or as `read`.
        ListError: `n` is smaller than the strata need; or as `people.all_labels`.
    """
    clips = _population(run)
    recorded = _checked(run, clips)
    clips = _with_strata(clips, recorded)
    mine, there = _frame(recorded, queue), drawn(recorded, queue)
    if n < len(there):
        raise RunError(
            f"{shown(run.folder)}: {len(there)} clips are drawn for the {queue} and none is taken back: ask for --n "
            f"{len(there)} or more; whoever stops labelling early, in their order, has a smaller sample"
        )
    if n == len(there):
        return there
    if queue == WORKLIST:
        rows = pd.concat([mine, _more_work(run, clips, there, n)], ignore_index=True)
    else:
        rows = _sampled(mine if len(mine) else _first_frame(run, clips, recorded, queue), queue, n)
    everything = tables.check(TABLE, pd.concat([recorded[recorded["queue"] != queue], rows], ignore_index=True))
    tables.write(TABLE, everything, run.folder)
    return drawn(everything, queue)


def _population(run: Run) -> pd.DataFrame:
    taxonomy = run.params.taxonomies[0]
    predicted, scores = (summaries.of_question(run.read(name), taxonomy) for name in ("predictions", "scores"))
    if predicted.empty:
        raise RunError(f"{shown(run.folder)}: no predictions in the label set {taxonomy}, the first of taxonomies")
    strategy, model = findings.chosen(predicted, scores, run.params.strategy_shown)
    mine = predicted[(predicted["strategy"] == strategy) & (predicted["model"] == model)]
    if mine["frame_index"].notna().all():
        raise RunError(f"{shown(run.folder)}: {strategy} labels no whole clips: name another strategy_shown")
    clips = estimation.population(run.read("clips"), mine)
    return clips.astype({"clip_id": object})  # pandas takes long to look up many values in Arrow's strings


def _with_strata(clips: pd.DataFrame, recorded: pd.DataFrame) -> pd.DataFrame:
    core = _frame(recorded, CORE).set_index("clip_id")["stratum"]
    return clips.assign(stratum=core.reindex(clips["clip_id"]).to_numpy() if len(core) else estimation.strata(clips))


def _path(run: Run) -> Path:
    return run.folder / f"{TABLE}.parquet"


def _frame(draws: pd.DataFrame, queue: str) -> pd.DataFrame:
    return draws[draws["queue"] == queue].reset_index(drop=True)


def _checked(run: Run, clips: pd.DataFrame | None = None) -> pd.DataFrame:
    """`_holding`; where nobody but a simulated panel has labelled, a draw that no longer holds is none."""
    try:
        return _holding(run, clips)
    except RunError:
        if people.simulated(run):
            return tables.empty(TABLE)
        raise


def _holding(run: Run, clips: pd.DataFrame | None) -> pd.DataFrame:
    """The recorded draws, if their designs hold for the run's `clips`, of `_population`: needed for an audit alone."""
    if not _path(run).is_file():
        return tables.empty(TABLE)
    draws = tables.read(TABLE, run.folder).astype({"clip_id": object})
    where = shown(_path(run))
    anew = f"move {where} away and draw anew (people's labels are kept, and count where their clips are drawn again)"
    words, asked = draws["taxonomy"].iloc[0], run.params.taxonomies[0]
    if words != asked:
        raise RunError(
            f"{where}: drawn for the labels {words}, not {asked}: put {words} first in taxonomies, or {anew}"
        )
    now = run.read("clips").astype({"clip_id": object})
    now = now.loc[now["status"] == statuses.OK, "clip_id"]
    core, audit = _frame(draws, CORE), _frame(draws, AUDIT)
    gone = draws.loc[~draws["clip_id"].isin(now), "clip_id"].nunique()
    new = (~now.isin(core["clip_id"])).sum() if len(core) else 0
    if gone or new:
        raise RunError(
            f"{where}: drawn from other clips than the run's {len(now)} readable ones ({gone} are gone, {new} new): "
            f"restore the corpus as it was, or {anew}"
        )
    if len(audit):
        clips = _population(run) if clips is None else clips
        said = clips.set_index("clip_id")["label"].reindex(audit["clip_id"]).to_numpy(dtype=object)
        others = (audit["label"].to_numpy(dtype=object) != said).sum()
        if others:
            raise RunError(
                f"{where}: the audit was drawn for labels of {audit['annotator'].iloc[0]}, {others} of which are not "
                f"those of {clips['annotator'].iloc[0]} now: restore the predictions (strategy_shown), or {anew}"
            )
    return draws


def _first_frame(run: Run, clips: pd.DataFrame, recorded: pd.DataFrame, queue: str) -> pd.DataFrame:
    """The clips that a core or audit is drawn from, before anything is drawn, as rows of the table."""
    rows = clips
    if queue == AUDIT:
        rows = clips[clips["clip_id"].isin(_would_accept(run, clips, drawn(recorded, CORE)))].assign(stratum=ACCEPTED)
    return rows[["clip_id", "stratum", "annotator", "label"]].assign(
        queue=queue, seed=run.params.seed, taxonomy=run.params.taxonomies[0]
    )


def _sampled(frame: pd.DataFrame, queue: str, n: int) -> pd.DataFrame:
    """`frame` with order and probability, for `n` drawn clips."""
    seed = int(frame["seed"].iloc[0])
    if queue == CORE:
        sample = estimation.draw_core(frame, n, seed)
    else:
        sample = estimation.draw_audit(frame, frame["clip_id"], n, seed)
    order = pd.Series(sample["order"].to_numpy(), index=sample["clip_id"], dtype="Int64").reindex(frame["clip_id"])
    share = frame["stratum"].map(sample.groupby("stratum")["probability"].first())
    return frame.assign(order=order.array, probability=share)


def _would_accept(run: Run, clips: pd.DataFrame, core: pd.DataFrame) -> pd.Index:
    if core.empty:
        raise RunError(f"{shown(run.folder)}: no core to choose by: `fer-helpers sample --n 200`, and label it first")
    words = TAXONOMIES[run.params.taxonomies[0]]
    said, _ = estimation.drawn_only(estimation.read_labels(people.all_labels(run), clips, words), core)
    chosen = estimation.would_accept(clips, core, estimation.by_clip(said, words), run.params.accept_error)
    if chosen.empty:
        raise RunError(
            f"{shown(run.folder)}: nothing to audit: by the {said['clip_id'].nunique()} of {len(core)} core clips that "
            "are labelled, no labels would be accepted; label more of the core, or take a better annotator"
        )
    return chosen


def _more_work(run: Run, clips: pd.DataFrame, there: pd.DataFrame, n: int) -> pd.DataFrame:
    """Rows to add to the worklist, by what the run says now: clips that are neither on it nor labelled."""
    words, taxonomy = TAXONOMIES[run.params.taxonomies[0]], run.params.taxonomies[0]
    said = estimation.read_labels(people.all_labels(run), clips, words).votes
    others = summaries.of_question(run.read("predictions"), taxonomy)
    left = clips[~clips["clip_id"].isin(there["clip_id"])]
    rows = estimation.draw_worklist(left, n - len(there), said["clip_id"], others)
    rows["order"] += len(there)
    facts = left[["clip_id", "annotator", "label"]]
    return rows.merge(facts, on="clip_id").assign(seed=run.params.seed, taxonomy=taxonomy)
