"""A sweep of the demo, on 240 clips: time and processor of 24 cells, requests counted, a kill, and cells run otherwise.

    make bench, or: python -m benchmarks.sweep [clips]

The 24 cells are 2 prompts × 3 frame choices × 2 label sets × 2 valences of surprise, two strategies, without notebook
05. Then 12 of them are asked of an endpoint that counts, killed in the middle and resumed; one is run by hand and one
by its printed papermill commands, into folders of their own and with archives of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

from fer_helpers import endpoint, tables
from fer_helpers.annotation import Archive
from fer_helpers.paths import ROOT
from fer_helpers.runs import sweeps
from tests.support.faults import books

COMMON = {"strategies": ["majority_vote", "multi_frame"], "error_analysis": False}
VARIED = {
    "prompt": ["labels", "definitions"],
    "frame_choice": ["middle", "uniform", "peak"],
    "taxonomies": {"seven": ["seven"], "three": ["ternary"]},
}
COMPARED = ("clips", "frames", "requests", "predictions", "scores", "comparisons")  # answers have times of day


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", "from fer_helpers.cli import main; main()", *words]


def timed(words: list[str], **more: str) -> str:
    """Wall clock and processor time of a command and its children, s."""
    before, began = os.times(), time.monotonic()
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, **more}, capture_output=True, text=True)
    after, passed = os.times(), time.monotonic() - began
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    sent = [line for line in done.stdout.splitlines() if line.startswith("requests sent")]
    return f"{passed:.0f} s, {used:.0f} s of processor; {' '.join(sent)}"


def written(folder: Path, name: str, n_clips: int, varied: dict[str, object], **more: object) -> str:
    values = {"out": f"outputs/{name}", "n_clips": n_clips, **COMMON, **more, "sweep": varied}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return str(folder / f"{name}.yaml")


def differing(there: Path, here: Path) -> list[str]:
    """The tables that are not equal in two runs' folders."""
    return [name for name in COMPARED if not tables.read(name, there).equals(tables.read(name, here))]


def of_24_cells(folder: Path, n_clips: int) -> None:
    """Time and processor of a first and a second execution, the corpus already rendered, by cells at once."""
    rendered = {**VARIED, "prompt": ["labels"], "frame_choice": ["middle"], "taxonomies": [["seven"]]}
    timed(command("sweep", written(folder, "rendered", n_clips, rendered, n_resamples=100), "--plan"))
    for at_once in ("2", "1"):
        path = written(folder, f"at-{at_once}", n_clips, VARIED | {"surprise_is": ["positive", "negative"]},
                       archive=f"outputs/at-{at_once}.sqlite")  # fmt: skip
        for which in ("first", "second"):
            said = timed(command("sweep", path, "--at-once", at_once))
            print(f"24 cells, {n_clips} clips, {at_once} at once, {which} time: {said}", flush=True)


def of_12_cells(folder: Path, n_clips: int) -> None:
    """Requests counted at the endpoint, over a kill; a cell by hand and one by papermill."""
    with endpoint.serve(faults=endpoint.Faults()) as url:
        with Archive(folder / "outputs" / "counted.sqlite") as archive:
            archive.remember(url, "fer2013-cnn", '{"form": "schema+logprobs", "pictures": 5}')
        asked = {"base_url": url, "archive": "outputs/counted.sqlite"}
        path = written(folder, "counted", n_clips, VARIED, **asked)
        process = subprocess.Popen(command("sweep", path), cwd=ROOT, stdout=subprocess.DEVNULL)
        while sum(page["received"] for page in books(url).values()) < 500:
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        print("killed; resumed:", timed(command("sweep", path)))
        print("again:", timed(command("sweep", path)))
        pages = books(url)
        distinct = len(pd.read_parquet(folder / "outputs" / "counted" / sweeps.REQUESTS))
        print(f"{distinct} distinct requests; {len(pages)} at the endpoint, received "
              f"{sum(page['received'] for page in pages.values())} times")  # fmt: skip
    cells = sweeps.load(path).cells
    first, last = cells[0], cells[-1]
    (folder / "by-hand.yaml").write_text(
        yaml.safe_dump(last.params.model_dump() | {"out": "outputs/by-hand", "base_url": "embedded"})
    )
    timed(command("run", str(folder / "by-hand.yaml"), "-p", "archive", "outputs/by-hand.sqlite"))
    print("by hand, tables that differ:", differing(folder / "outputs/counted" / last.name, folder / "outputs/by-hand"))
    words = ["-p", "base_url", "embedded", "-p", "archive", "outputs/printed.sqlite", "--out", "outputs/printed"]
    printed = subprocess.run(
        command("sweep", path, *words, "--print", "papermill"), cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    lines = printed.split("# ")[1].partition("\n")[2]
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    timed(["sh", "-e", "-c", lines], PATH=search, PYTHONPATH=str(ROOT))
    there = folder / "outputs/printed" / first.name
    print("by papermill, tables that differ:", differing(folder / "outputs/counted" / first.name, there))


def main() -> None:
    """Print all of it."""
    n_clips = int(sys.argv[1]) if len(sys.argv) > 1 else 240
    with tempfile.TemporaryDirectory(prefix="fer-") as place:
        os.environ["FER_OUTPUTS"] = str(Path(place, "outputs"))
        os.environ["PYTHONPATH"] = str(ROOT)
        of_24_cells(Path(place), n_clips)
        of_12_cells(Path(place), n_clips)


if __name__ == "__main__":
    main()
