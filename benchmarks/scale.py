"""How time and memory of notebooks 03's reading to 05 grow with the number of clips, from made-up answers.

    make bench

Every row is a process of its own: `python -m benchmarks.scale 2339` prints one. Clips have five key frames and no
subject, or (`python -m benchmarks.scale 2339 91`) so many subjects; ten strategies, two label sets, 10,000 resamples.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_helpers import tables
from fer_helpers.emotions import LABELS, SEVEN, TAXONOMIES
from fer_helpers.evaluation import comparisons, findings, groups, predictions, scores, summaries
from fer_helpers.prompting import DEFAULT_STRATEGIES, planning

SIZES = (240, 2339, 23_390, 100_000)
INDICES = (0, 6, 12, 18, 24)
N_RESAMPLES = 10_000
MODEL = "made-up"


def made_up(n_clips: int, n_subjects: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Clips, frames, requests and answers: labels half right, one in fifty answers refused, without any file.

    One clip is planned, and the rest are its copies: what a plan costs is not measured here.
    """
    rng = np.random.default_rng(1)
    ids = [f"clip {number:06d}" for number in range(n_clips)]
    label = rng.choice(SEVEN, n_clips)
    person = [f"s{number % n_subjects}" for number in range(n_clips)] if n_subjects else None
    clips = pd.DataFrame({"clip_id": ids, "path": ids, "start_s": 0.0, "label": label, "subject": person})
    clips["group_age"] = [str(20 + number % 50) for number in range(n_clips)] if not n_subjects else [
        str(20 + number % n_subjects % 50) for number in range(n_clips)]  # fmt: skip
    one = pd.DataFrame({"clip_id": ids[0], "frame_index": INDICES, "sha256": map(str, INDICES), "width": 224})
    one = tables.check("frames", one.assign(height=224, status="ok", motion=1.0))
    frames = pd.concat([one] * n_clips, ignore_index=True)
    frames = frames.assign(clip_id=np.repeat(ids, len(one)), motion=rng.random(len(frames)))
    asking = planning.Asking(MODEL)
    plan = planning.plan(one, DEFAULT_STRATEGIES, TAXONOMIES, asking)
    requests = pd.concat([plan] * n_clips, ignore_index=True)
    keys = [f"{number:064x}" for number in range(len(requests))]
    requests = requests.assign(clip_id=np.repeat(ids, len(plan)), key=keys)
    truth = np.repeat(label, len(plan))
    return tables.check("clips", clips.assign(status="ok")), frames, requests, _answers(requests, truth, rng)


def _answers(requests: pd.DataFrame, truth: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n, columns = len(requests), {}
    label, right = np.empty(n, object), rng.random(n) < 0.5
    shares = np.full((n, len(LABELS)), np.nan)
    for taxonomy, labels in TAXONOMIES.items():
        mine = np.flatnonzero(requests["taxonomy"] == taxonomy)
        true = np.array([labels.index(scores.true_label(name, taxonomy)) for name in truth[mine]])
        share = rng.dirichlet(np.full(len(labels), 0.5), len(mine))
        share[np.arange(len(mine)), true] += right[mine]
        share /= share.sum(axis=1, keepdims=True)
        label[mine] = np.array(labels, object)[share.argmax(axis=1)]
        shares[np.ix_(mine, [LABELS.index(name) for name in labels])] = share
    failed = rng.random(n) < 0.02
    label[failed], shares[failed] = None, np.nan
    columns = {f"prob_{name}": shares[:, at] for at, name in enumerate(LABELS)}
    return pd.DataFrame(
        {
            "key": requests["key"], "status": np.where(failed, "refused", "ok"), "label": label, **columns,
            "tokens_in": 2900, "tokens_out": 6, "cost_usd": 0.0005, "model_requested": MODEL,
            "created": "2026-01-01T00:00:00+00:00",
        }
    ).astype({"tokens_in": "Int64", "tokens_out": "Int64", "label": "str", "status": "str"})  # fmt: skip


def steps(n_clips: int, n_subjects: int) -> dict[str, Callable[[dict[str, Any]], Any]]:
    """What is timed, in order; each gets what came before, by name."""
    drawing = {"n_resamples": N_RESAMPLES, "seed": 1}
    return {
        "made": lambda _: made_up(n_clips, n_subjects),
        "predict": lambda had: predictions.predict(*had["made"], DEFAULT_STRATEGIES, cascade_below=0.6),
        "score": lambda had: scores.score(had["predict"], had["made"][0], **drawing),
        "compare": lambda had: comparisons.compare(
            predictions.over_all_frames(had["predict"]), had["made"][0], **drawing
        ),
        "shown": lambda had: findings.rows_of(scores.join(had["predict"], had["made"][0]), ("multi_frame", MODEL)),
        "groups": lambda had: groups.findings(summaries.of_question(had["shown"], "seven"), **drawing),
        "write": lambda had: _written(had["predict"]),
    }


def _written(predicted: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        tables.write("predictions", predicted, Path(folder))


def row(n_clips: int, n_subjects: int = 0) -> str:
    """One line of the table: seconds (wall clock, processor) of each step, and the most memory by its end."""
    had: dict[str, Any] = {}
    cells = [f"{n_clips:,}" + (f" of {n_subjects} subjects" if n_subjects else "")]
    for name, do in steps(n_clips, n_subjects).items():
        passed, used = time.perf_counter(), time.process_time()
        had[name] = do(had)
        passed, used = time.perf_counter() - passed, time.process_time() - used
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(name, cells[0], f"{passed:.1f}", f"{used:.1f}", f"{memory:.2f}", file=sys.stderr, flush=True)
        cells.append(f"{passed:.1f} ({used:.1f}), {memory:.1f} GB")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table of benchmarks/README.md, or its row of so many clips (and subjects)."""
    if len(sys.argv) > 1:
        print(row(*map(int, sys.argv[1:])))
        return
    print("| clips | made | predict | score | compare | shown | groups | write |")
    print("|---|---|---|---|---|---|---|---|")
    for size in SIZES:  # in a process each, whose memory is its own
        subprocess.run([sys.executable, "-m", "benchmarks.scale", str(size)], check=True)


if __name__ == "__main__":
    main()
