"""How long a corpus of 10,000 files takes to become the clips table, and what memory it needs.

    make bench

Each measurement runs in a process of its own, so that its peak of resident memory is its own; what importing the
package takes is given apart. The trees are built in a temporary folder from one rendered face.
"""

from __future__ import annotations

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fer_helpers import corpora
from fer_helpers.corpora import findings
from tests.support import corpora as builders

FILES = 10_000


def frames(root: Path, media: builders.Media) -> None:
    """FERV39k's layout: 345 clips of 29 frames, or close to it."""
    names = [f"DailyLife/{('Angry', 'Happy', 'Sad')[n % 3]}/{n:04d}" for n in range(FILES // 29 + 1)]
    for name in names:
        builders.frames(root / "2_ClipsforFaceCrop" / name, media, n=29)
    for split, some in (("train", names[:280]), ("test", names[280:])):
        lines = [f"{name} {name.split('/')[1]}" for name in some]
        builders.put(root / f"4_setups/All_scenes/{split}_All.csv", "\n".join(lines) + "\n")


def pictures(root: Path, media: builders.Media) -> None:
    """RAF-DB's layout: every picture is a clip."""
    names = [f"{'train' if n % 5 else 'test'}_{n:05d}" for n in range(FILES)]
    for name in names:
        builders.picture(root / f"Image/aligned/{name}_aligned.jpg", media)
    lines = [f"{name}.jpg {n % 7 + 1}" for n, name in enumerate(names)]
    builders.put(root / "EmoLabel/list_patition_label.txt", "\n".join(lines) + "\n")


def videos(root: Path, media: builders.Media) -> None:
    """Any folder: H.264 videos of six frames of 112 x 112 pixels."""
    for n in range(FILES):
        builders.video(root / ("Happy", "Sad")[n % 2] / f"{n:05d}.mp4", media)


def load(corpus: str, root: Path, **options: Any) -> int:
    """The clips table."""
    return len(builders.load(corpus, root, **options))


def check(corpus: str, root: Path) -> int:
    """All that `fer-helpers check` does, but for the loading."""
    params = builders.given(corpus, root)
    listed = corpora.listed(params)
    clips = corpora.load(params, listed)
    return len(findings(listed, clips, root, {}))


def fingerprint(corpus: str, root: Path) -> int:
    """What a run does first."""
    return len(corpora.fingerprint(builders.given(corpus, root)))


def _measured(task: Callable[..., int], args: tuple[Any, ...], options: dict[str, Any], results: Any) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    n = task(*args, **options)
    seconds = time.perf_counter() - began
    results.put((n, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, before / 1000))


def measure(what: str, task: Callable[..., int], *args: Any, **options: Any) -> str:
    """A row of the table: the median time of three processes, and the greatest memory."""
    context = multiprocessing.get_context("spawn")
    runs = []
    for _ in range(3):
        results = context.Queue()
        process = context.Process(target=_measured, args=(task, args, options, results))
        process.start()
        runs.append(results.get(timeout=600))
        process.join()
    seconds = sorted(run[1] for run in runs)[1]
    return f"| {what} | {seconds:.2f} | {max(run[2] for run in runs):.0f} | {max(run[3] for run in runs):.0f} |"


def main() -> None:
    """Build the trees, and print the table row by row."""
    print("| what | s | peak memory, MB | of it imports, MB |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        media = builders.render_media(Path(folder))
        for corpus, build in (("ferv39k", frames), ("raf_db", pictures), ("folder", videos)):
            root = Path(folder, corpus)
            build(root, media)
            print(measure(f"{corpus}: clips table", load, corpus, root), flush=True)
            print(measure(f"{corpus}: 100 clips of it", load, corpus, root, n_clips=100), flush=True)
            print(measure(f"{corpus}: fingerprint", fingerprint, corpus, root), flush=True)
            print(measure(f"{corpus}: clips table and check", check, corpus, root), flush=True)


if __name__ == "__main__":
    main()
