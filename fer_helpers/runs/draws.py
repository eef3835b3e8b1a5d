"""Which clips were drawn for people to look at, in three queues that are never mixed: the table draws."""

from __future__ import annotations

import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import RunError
from fer_helpers.estimation import by_clip, draw_audit, draw_core, draw_worklist, drawn_only, read_labels, would_accept
from fer_helpers.estimation import population as of_clips
from fer_helpers.evaluation import findings, summaries
from fer_helpers.paths import shown
from fer_helpers.runs import people
from fer_helpers.runs.run import Run


def population(run: Run) -> pd.DataFrame:
    """The clips that are estimated for, with what the annotator that the run shows says of them.

    Raises:
        RunError: it labels no whole clips.
    """
    predicted = run.read("predictions")
    who = findings.chosen(predicted, run.read("scores"), run.params.strategy_shown)
    mine = summaries.of_question(predicted, run.params.taxonomies[0])
    mine = mine[(mine["strategy"] == who[0]) & (mine["model"] == who[1]) & mine["frame_index"].isna()]
    if mine.empty:
        raise RunError(f"{shown(run.folder)}: {who[0]} labels no whole clips: name another strategy_shown")
    return of_clips(run.read("clips"), mine)


def read(run: Run) -> pd.DataFrame:
    """The table draws; empty if nothing was drawn."""
    there = (run.folder / "draws.parquet").is_file()
    return tables.read("draws", run.folder) if there else tables.empty("draws")


def draw(run: Run, queue: str, n: int) -> pd.DataFrame:
    """Draw `n` clips for `queue`, or extend it to `n`, record and return it."""
    clips, known, seed = population(run), read(run), run.params.seed
    mine, others = known[known["queue"] == queue], known[known["queue"] != queue]
    if mine["order"].notna().sum() >= min(n, len(clips)):
        return drawn(known, queue)
    if queue == "core":
        rows = draw_core(clips, n, seed)
    elif queue == "worklist":
        rows = draw_worklist(clips, n)
    else:
        core = known[known["queue"] == "core"]
        labels = read_labels(people.all_labels(run), clips, TAXONOMIES[run.params.taxonomies[0]])
        truth = by_clip(drawn_only(labels, core)[0], TAXONOMIES[run.params.taxonomies[0]])
        chosen = mine["clip_id"] if len(mine) else would_accept(clips, core, truth, run.params.accept_error)
        rows = draw_audit(clips, list(chosen), n, seed)
        left = pd.DataFrame({"clip_id": [clip for clip in chosen if clip not in set(rows["clip_id"])]})
        rows = pd.concat([rows, left.assign(queue=queue, stratum="accepted")], ignore_index=True)
    tables.write("draws", pd.concat([others, rows]), run.folder)
    return drawn(read(run), queue)


def drawn(draws: pd.DataFrame, queue: str) -> pd.DataFrame:
    """Rows of the table `draws` that people label in `queue`, in order."""
    mine = draws[(draws["queue"] == queue) & draws["order"].notna()]
    return mine.sort_values("order", ignore_index=True)
