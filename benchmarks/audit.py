"""How long it takes to draw, estimate, accept and export the labels of a corpus without labels, by its size.

    make bench

Made-up predictions of four strategies and two label sets, 91 subjects; 400 clips of the core and 200 of the audit are
labelled by one rater. Every size is a process of its own, and so is every command in it: `python -m benchmarks.audit
2339` prints one row of each table.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from fer_helpers import params, tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.estimation import (
    accept_audited,
    by_clip,
    drawn_only,
    estimate_performance,
    estimate_shares,
    finished_labels,
    read_labels,
)
from fer_helpers.report import exports
from fer_helpers.runs import Run, draws, open_run, people, write_manifest

SIZES = (2339, 100_000)
N_CORE, N_AUDIT = 400, 200
STRATEGIES = ["soft_vote", "single_frame", "majority_vote", "multi_frame"]
COMMANDS = {
    "sample": ("sample", "FILE", "--n", str(N_CORE), "--to", "csv"),
    "sample --audit": ("sample", "FILE", "--n", str(N_AUDIT), "--audit"),
    "export --to labels": ("export", "RUN", "--to", "labels"),
    "export --to hf": ("export", "RUN", "--to", "hf"),
    "export --to label-studio": ("export", "RUN", "--to", "label-studio"),
}


def made_up(folder: Path, n_clips: int) -> Run:
    """A run as notebook 04 leaves it: soft_vote is right, by people's later labels, in 97 of 100 clips."""
    rng = np.random.default_rng(1)
    ids = [f"clip {number:06d}" for number in range(n_clips)]
    known = params.Params(
        out=str(folder / "run"), strategies=STRATEGIES, strategy_shown=STRATEGIES[0],
        corpus="folder", corpus_path=str(folder), human_labels=str(folder / "people.csv"),
    )  # fmt: skip
    (folder / "run").mkdir()
    write_manifest(folder / "run", {"params": known.model_dump()})
    (folder / "x.yaml").write_text(yaml.safe_dump(known.model_dump()), encoding="utf-8")
    (folder / "people.csv").write_text("clip_id,rater,label,queue\n" + f"{ids[0]},me,,\n", encoding="utf-8")
    run = open_run(folder / "run")
    subject = [f"s{number % 91}" for number in range(n_clips)]
    clips = pd.DataFrame({"clip_id": ids, "path": [f"{name}.mp4" for name in ids], "start_s": 0.0, "subject": subject})
    run.write("clips", clips.assign(status="ok", group_age=[str(20 + number % 50) for number in range(n_clips)]))
    for name in ("frames", "requests", "answers"):
        run.write(name, tables.empty(name))
    run.write("predictions", pd.concat([_predicted(ids, s, t, rng) for s in STRATEGIES for t in TAXONOMIES]))
    run.write("scores", tables.empty("scores"))
    return run


def _predicted(ids: list[str], strategy: str, taxonomy: str, rng: np.random.Generator) -> pd.DataFrame:
    labels = TAXONOMIES[taxonomy]
    shares = rng.dirichlet(np.full(len(labels), 0.3), len(ids))
    rows = pd.DataFrame(shares, columns=[f"prob_{label}" for label in labels])
    rows = rows.assign(
        clip_id=ids, label=np.array(labels, object)[shares.argmax(axis=1)], confidence=shares.max(axis=1)
    )
    facts = {"strategy": strategy, "model": "made-up", "taxonomy": taxonomy, "asked": taxonomy, "status": "ok"}
    return rows.assign(**facts, n_votes=5, tie=False)


def label(run: Run, queue: str) -> None:
    """One rater labels the drawn clips as the model does, but for 3 in 100."""
    sample = draws.drawn(draws.read(run), queue)
    rng, words = np.random.default_rng(len(queue)), TAXONOMIES["seven"]
    said = np.where(rng.random(len(sample)) < 0.97, sample["label"], rng.choice(words, len(sample)))
    rows = pd.DataFrame({"clip_id": sample["clip_id"], "rater": "me", "label": said, "queue": queue})
    rows.to_csv(run.params.human_labels, index=False, mode="a", header=False)


def audited(run: Run) -> None:
    """What notebook 06 computes: estimates, acceptance, the finished labels."""
    corpus, recorded = draws.population(run), draws.read(run)
    core, audit = (draws.drawn(recorded, queue) for queue in ("core", "audit"))
    labels = read_labels(people.all_labels(run), corpus)
    said, of_audit = (by_clip(drawn_only(labels, sample)[0]) for sample in (core, audit))
    estimate_shares(corpus, core, said)
    estimate_performance(corpus, core, said)
    chosen = pd.Index(recorded.loc[recorded["queue"] == "audit", "clip_id"])
    accepted = accept_audited(corpus, chosen, audit, of_audit)
    assert len(accepted.accepted), accepted.sentence
    run.write("labels", finished_labels(corpus, by_clip(labels.votes), accepted))


def steps(run: Run, folder: Path) -> dict[str, Callable[[], object]]:
    """What is timed in this process, in order."""
    return {
        "core": lambda: draws.draw(run, "core", N_CORE),
        "labelled": lambda: label(run, "core"),
        "audit": lambda: draws.draw(run, "audit", N_AUDIT),
        "labelled again": lambda: label(run, "audit"),
        "estimate and accept": lambda: audited(run),
        "export": lambda: exports.write(run, "labels", folder / "exported"),
    }


def command(run: Run, folder: Path, arguments: tuple[str, ...]) -> str:
    """Seconds and memory of one command as a whole process."""
    where = {"FILE": str(folder / "x.yaml"), "RUN": str(run.folder)}
    call = [sys.executable, "-c", _WITH_MEMORY, *(where.get(word, word) for word in arguments)]
    passed, used = time.perf_counter(), _of_children()
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    passed, used = time.perf_counter() - passed, _of_children() - used
    return f"{passed:.1f} ({used:.1f}), {float(done.stdout.split()[-1]):.1f} GB"


def _of_children() -> float:
    times = resource.getrusage(resource.RUSAGE_CHILDREN)
    return times.ru_utime + times.ru_stime


_WITH_MEMORY = """
import atexit, resource, sys
from fer_helpers.cli import main
atexit.register(lambda: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))
main(prog_name="fer-helpers")
"""


def rows(n_clips: int) -> tuple[str, str]:
    """A line of each table: seconds (wall clock, processor) and the most memory by the end of each step."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, cells, total = made_up(folder, n_clips), [f"{n_clips:,}"], 0.0
        for step, do in steps(run, folder).items():
            passed, used = time.perf_counter(), time.process_time()
            do()
            passed, used = time.perf_counter() - passed, time.process_time() - used
            total += passed
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(step, cells[0], f"{passed:.1f}", f"{used:.1f}", f"{memory:.2f}", file=sys.stderr, flush=True)
            if not step.startswith("labelled"):
                cells.append(f"{passed:.1f} ({used:.1f}), {memory:.1f} GB")
        return (
            f"| {' | '.join([*cells, f'{total:.1f}'])} |",
            f"| {' | '.join([cells[0], *(command(run, folder, words) for words in COMMANDS.values())])} |",
        )


def main() -> None:
    """Print both tables of benchmarks/README.md, or the rows of so many clips."""
    if len(sys.argv) > 1:
        print("\n".join(rows(int(sys.argv[1]))))
        return
    found = [
        subprocess.run(
            [sys.executable, "-m", "benchmarks.audit", str(size)], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        for size in SIZES  # in a process each, whose memory is its own
    ]
    for head, lines in zip(
        (["core", "audit", "estimate and accept", "export", "all"], COMMANDS), zip(*found, strict=True), strict=True
    ):
        print(f"| clips | {' | '.join(head)} |", "|---" * (len(head) + 1) + "|", *lines, "", sep="\n")


if __name__ == "__main__":
    main()
