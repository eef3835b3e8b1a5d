"""The demo corpus: short H.264 clips of synthetic faces on which an expression comes, and stays or goes again.

These are drawings with a known intended expression, no person's picture. A clip's label is what the renderer
meant to show, so accuracy on this corpus says nothing about accuracy on people; it serves to exercise and to
teach the pipeline. Class shares and clip lengths follow FERV39k's DailyLife scene (Wang et al., CVPR 2022).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from tqdm.auto import tqdm

from fer_helpers.corpora._manifest import read_manifest
from fer_helpers.corpora.corpus import Corpus, ListedClip
from fer_helpers.corpora.demo import panel
from fer_helpers.corpora.demo.expressions import expression
from fer_helpers.corpora.demo.planning import MOTION, identity_of, plan
from fer_helpers.corpora.demo.renderer import Identity, draw_light, metered, render
from fer_helpers.corpora.demo.renderer.motion import FPS, blinks, courses, envelope, poses, sway
from fer_helpers.errors import CorpusError
from fer_helpers.files import whole_folder
from fer_helpers.params import Params
from fer_helpers.paths import resolve

DESCRIPTION = (
    "Rendered faces, no person's picture: drawings made from FACS action units. A label is the expression "
    "the renderer intended, so accuracy on these clips says nothing about accuracy on people."
)
SIZE = 224
VOTES = "votes.csv"
FEW = 30  # clips that one process has rendered before others have started
METERING = 1 / 3  # of the way, in stops, from a fixed exposure to one that renders all skins alike


def frames_of(clip: pd.Series, seed: int) -> Iterator[np.ndarray]:
    """The frames of one row of the plan, each (224, 224, 3) uint8 RGB, with a camera's noise and exposure."""
    return frames_with(clip, identity_of(clip.subject, seed), seed)


def frames_with(
    clip: pd.Series, identity: Identity, seed: int, wanted: Collection[int] | None = None, metering: float = METERING
) -> Iterator[np.ndarray]:
    """`frames_of` with another face or another metering (`metered`), or of the `wanted` frames alone."""
    rng = np.random.default_rng([seed, clip.number, MOTION])
    light = metered(draw_light(rng, clip.scene), identity, metering)
    apex = expression(clip.label, clip.intensity, clip.second_label, rng)
    course = courses(apex, envelope(clip.n_frames, clip.course, clip.apex, rng), rng)
    closed, pose = blinks(clip.n_frames, rng), poses(clip.n_frames, rng)
    exposure = 1 + sway(clip.n_frames, rng, 0.03, 0.015, 0.1)
    grain = (rng.uniform(1.0, 3.5) * rng.standard_normal((SIZE + 64, SIZE + 64, 3), np.float32)).astype(np.float32)
    for i in range(clip.n_frames):
        aus = {unit: tuple(min(1.0, side * course[unit][i]) for side in sides) for unit, sides in apex.items()}
        # One field of noise, shifted by lot each frame, looks like a new one and costs a tenth.
        row, column = rng.integers(0, 64, 2)
        if wanted is not None and i not in wanted:
            continue
        picture = render({**aus, 45: float(closed[i])}, identity, pose[i], light, SIZE)
        noisy = picture * np.float32(exposure[i]) + grain[row : row + SIZE, column : column + SIZE]
        yield np.clip(noisy + 0.5, 0, 255).astype(np.uint8)


def _write_clips(folder: Path, clips: pd.DataFrame, seed: int) -> int:
    """Render clips to mp4 and say how many; OpenCV keeps to one thread, as every core has its own clips."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for _, clip in clips.iterrows():
            _encode(frames_of(clip, seed), folder / clip.path)
    finally:
        cv2.setNumThreads(threads)
    return len(clips)


def _encode(pictures: Iterable[np.ndarray], path: Path) -> None:
    """H.264 by one thread and the algorithms every processor has, so that equal pictures give equal bytes.

    With those it picks for the processor, x264 does not even repeat itself within one process.
    """
    options = {"crf": "18", "preset": "veryfast", "x264-params": "cpu-independent=1"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = SIZE, SIZE, "yuv420p"
        stream.codec_context.thread_count = 1
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def renderer_version() -> str:
    """A hash of the source of this folder: any edit makes older renderings stale."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def render_corpus(folder: Path, n_clips: int = 240, seed: int = 1, n_jobs: int = -1) -> None:
    """Render the corpus into `folder`, or leave it as it is when it already holds the same one.

    Writes clips/<clip_id>.mp4, manifest.csv (the plan), votes.csv (the simulated panel's) and corpus.json.
    Everything is rendered beside `folder` first and moved in whole at the end, so an interrupted rendering leaves
    nothing behind; a corpus of another size, seed or renderer is replaced.
    `n_jobs` is joblib's, and changes no pixel. Raises CorpusError when `folder` holds anything else.
    """
    about = {
        "about": DESCRIPTION,
        "licence": "CC0",
        "n_clips": n_clips,
        "seed": seed,
        "renderer": renderer_version(),
    }
    card = folder / "corpus.json"
    if card.exists() and json.loads(card.read_text("utf-8")) == about:
        return
    if folder.exists() and any(folder.iterdir()) and not card.exists():
        raise CorpusError(f"{folder} holds files that are not a demo corpus; move them or choose another folder")
    clips = plan(n_clips, seed)
    with whole_folder(folder) as fresh:
        (fresh / "clips").mkdir()
        # A subject at a time, so that a worker builds each face once.
        tasks = [delayed(_write_clips)(fresh, of_subject, seed) for _, of_subject in clips.groupby("subject")]
        with tqdm(total=n_clips, desc="rendering clips") as progress:
            for written in Parallel(n_jobs=n_jobs, return_as="generator_unordered", batch_size=1)(tasks):
                progress.update(written)
        get_reusable_executor().shutdown()  # idle workers would keep their memory through the rest of a run
        clips.drop(columns=["number", "n_frames"]).to_csv(fresh / "manifest.csv", index=False, lineterminator="\n")
        panel.votes(clips, seed).to_csv(fresh / VOTES, index=False, lineterminator="\n")
        (fresh / "corpus.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


def _folder(params: Params) -> Path:
    return resolve(f"outputs/corpora/demo-{params.n_clips}-seed{params.seed}")


def _make(params: Params) -> None:
    render_corpus(_folder(params), params.n_clips, params.seed, n_jobs=1 if params.n_clips <= FEW else -1)


def _rows(root: Path, _: Params) -> list[ListedClip]:
    return read_manifest(root / "manifest.csv", root.resolve(), lambda path: None)


def _votes(root: Path) -> pd.DataFrame:
    return pd.read_csv(root / VOTES)


CORPUS = Corpus(
    about="Faces drawn from FACS action units by this project; the label is what the renderer intended.",
    licence="CC0; no person's picture",
    allow_upload=True,
    citation="this project",
    apply="rendered on this machine",
    rows=_rows,
    votes=_votes,
    simulated_votes=True,
    folder=_folder,
    make=_make,
)
