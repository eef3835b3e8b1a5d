"""The demo corpus: short H.264 clips of synthetic faces that move into an expression and out of it again.

These are drawings with a known intended expression, no person's picture. A clip's label is what the renderer
meant to show, so accuracy on this corpus says nothing about accuracy on people; it serves to exercise and to
teach the pipeline. Class shares and clip lengths follow FERV39k's DailyLife scene (Wang et al., CVPR 2022).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
from fer_helpers.corpora.demo import renderer
from fer_helpers.corpora.demo.renderer import SCENES, Identity, draw_identity, draw_light, render
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
CLIPS_A_SUBJECT = 8
TEST_SHARE = 0.2
BLEND_SHARE = 0.2

# Clips of each class among the 2,339 of FERV39k's DailyLife scene.
CLASS_COUNTS = {
    "angry": 640,
    "sad": 501,
    "happy": 483,
    "neutral": 461,
    "fear": 138,
    "surprise": 85,
    "disgust": 31,
}

# Clip lengths in frames at the quantiles 0, 1/4, 1/2, 3/4 and 1, as published for the same scene.
LENGTHS = (12, 25, 29, 35, 46)


@dataclass(frozen=True)
class Prototype:
    """The action units of an expression: those that make it, and neighbours that often come along."""

    core: tuple[int, ...]
    optional: tuple[int, ...] = ()


# EMFACS prototypes (Friesen & Ekman, "EMFACS-7: Emotional Facial Action Coding System", 1983). An optional
# neighbour takes part in about two clips of three, at OPTIONAL_WEIGHT of the strength of the core.
EMFACS = {
    "angry": Prototype((4, 5, 7, 23), (24,)),
    "disgust": Prototype((9, 15, 16), (10, 17)),
    "fear": Prototype((1, 2, 4, 5, 20, 26)),
    "happy": Prototype((6, 12), (25,)),
    "neutral": Prototype(()),
    "sad": Prototype((1, 4, 15), (17,)),
    "surprise": Prototype((1, 2, 5, 26)),
}
OPTIONAL_WEIGHT = 0.6

# What an expression is at times mixed with, at low strength.
NEIGHBOURS = {
    "angry": ("disgust", "sad"), "disgust": ("angry",), "fear": ("surprise",), "happy": ("surprise",),
    "neutral": ("sad",), "sad": ("neutral", "fear"), "surprise": ("fear", "happy"),
}  # fmt: skip

# What a random stream is for; it is the third number of its seed, after the corpus seed and a clip's or
# subject's number, so that no clip depends on another or on the order of rendering.
_TRAITS, _MOTION, _SUBJECT, _SHUFFLE = 1, 2, 3, 4


def class_counts(n_clips: int) -> dict[str, int]:
    """Clips of each class among `n_clips`, by largest remainder; from seven clips on no class is missing."""
    exact = {label: n_clips * count / sum(CLASS_COUNTS.values()) for label, count in CLASS_COUNTS.items()}
    counts = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(exact, key=lambda label: counts[label] - exact[label])
    for label in by_remainder[: n_clips - sum(counts.values())]:
        counts[label] += 1
    if n_clips >= len(counts):
        for label in [label for label in counts if not counts[label]]:
            counts[max(counts, key=counts.__getitem__)] -= 1
            counts[label] = 1
    return counts


def plan(n_clips: int, seed: int) -> pd.DataFrame:
    """What is to be rendered, one row a clip; nothing is rendered and no file touched.

    Columns: number, clip_id, path, label, subject, scene, split, intensity (0..1 at the apex; 0 for neutral),
    second_label (empty unless blended) and n_frames. Raises CorpusError when `n_clips` is less than 1.
    """
    if n_clips < 1:
        raise CorpusError(f"n_clips is {n_clips}; ask for at least one clip")
    n_subjects = max(min(n_clips, 2), round(n_clips / CLIPS_A_SUBJECT))
    n_test = max(1, round(TEST_SHARE * n_subjects))
    # Dealing the sorted labels round spreads each class over the subjects; clip numbers are then shuffled.
    labels = [label for label, count in class_counts(n_clips).items() for _ in range(count)]
    order = np.random.default_rng([seed, 0, _SHUFFLE]).permutation(n_clips)
    rows = []
    for number, dealt in enumerate(order, start=1):
        subject = int(dealt) % n_subjects + 1
        clip_id = f"demo_{number:04d}"
        rows.append(
            {
                "number": number,
                "clip_id": clip_id,
                "path": f"clips/{clip_id}.mp4",
                "label": labels[dealt],
                "subject": f"s{subject:02d}",
                "split": "test" if subject <= n_test else "train",
                **_traits(np.random.default_rng([seed, number, _TRAITS]), labels[dealt]),
            }
        )
    return pd.DataFrame(rows)


def _traits(rng: np.random.Generator, label: str) -> dict[str, object]:
    n_frames = round(float(np.interp(rng.random(), np.linspace(0, 1, len(LENGTHS)), LENGTHS)))
    strength = round(0.35 + 0.65 * float(rng.beta(2.4, 1.3)), 3)
    second = str(rng.choice(NEIGHBOURS[label])) if rng.random() < BLEND_SHARE else ""
    return {
        "scene": str(rng.choice(list(SCENES))),
        "intensity": 0.0 if label == "neutral" else strength,
        "second_label": second,
        "n_frames": n_frames,
    }


def identity_of(subject: str, seed: int) -> Identity:
    """The identity of a subject such as "s01"."""
    return draw_identity(np.random.default_rng([seed, int(subject[1:]), _SUBJECT]))


def expression(
    label: str, intensity: float, second_label: str, rng: np.random.Generator
) -> dict[int, tuple[float, float]]:
    """Action units at the apex, each for the viewer's left and right: the prototype, varied, with any blend.

    A blend with another expression adds it at 0.15 to 0.35; a blend with neutral weakens the expression.
    """
    parts = [(label, intensity * (0.55 if second_label == "neutral" else 1.0))]
    if second_label:
        parts.append((second_label, float(rng.uniform(0.15, 0.35))))
    weights: dict[int, float] = {}
    for name, strength in parts:
        prototype = EMFACS[name]
        optional = [unit for unit in prototype.optional if rng.random() < 2 / 3]
        for unit in (*prototype.core, *optional):
            weight = strength * rng.uniform(0.85, 1.1) * (1 if unit in prototype.core else OPTIONAL_WEIGHT)
            weights[unit] = max(weight, weights.get(unit, 0.0))
    # Faces lean to one side as a whole, and each muscle a little by itself.
    lean = rng.normal(0, 0.07)
    tilts = {unit: lean + rng.normal(0, 0.04) for unit in weights}
    return {
        unit: (min(1.0, weight * (1 - tilts[unit])), min(1.0, weight * (1 + tilts[unit])))
        for unit, weight in weights.items()
    }


def frames_of(clip: pd.Series, seed: int) -> Iterator[np.ndarray]:
    """The frames of one row of the plan, each (224, 224, 3) uint8 RGB, with a camera's noise and exposure."""
    rng = np.random.default_rng([seed, clip.number, _MOTION])
    identity, light = identity_of(clip.subject, seed), draw_light(rng, clip.scene)
    apex = expression(clip.label, clip.intensity, clip.second_label, rng)
    course = courses(apex, envelope(clip.n_frames, rng), rng)
    closed, pose = blinks(clip.n_frames, rng), poses(clip.n_frames, rng)
    exposure = 1 + sway(clip.n_frames, rng, 0.03, 0.015, 0.1)
    grain = (rng.uniform(1.0, 3.5) * rng.standard_normal((SIZE + 64, SIZE + 64, 3), np.float32)).astype(np.float32)
    for i in range(clip.n_frames):
        aus = {unit: tuple(min(1.0, side * course[unit][i]) for side in sides) for unit, sides in apex.items()}
        picture = render({**aus, 45: float(closed[i])}, identity, pose[i], light, SIZE)
        # One field of noise, shifted by lot each frame, looks like a new one and costs a tenth.
        row, column = rng.integers(0, 64, 2)
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
    """A hash of this module's and the renderer's source: any edit makes older renderings stale."""
    sources = [Path(__file__), *sorted(Path(renderer.__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]


def render_corpus(folder: Path, n_clips: int = 240, seed: int = 1, n_jobs: int = -1) -> None:
    """Render the corpus into `folder`, or leave it as it is when it already holds the same one.

    Writes clips/<clip_id>.mp4, manifest.csv (path, clip_id, label, subject, scene, split, intensity,
    second_label) and corpus.json. Everything is rendered beside `folder` first and moved in whole at the end,
    so an interrupted rendering leaves nothing behind; a corpus of another size, seed or renderer is replaced.
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
        columns = ["path", "clip_id", "label", "subject", "scene", "split", "intensity", "second_label"]
        clips[columns].to_csv(fresh / "manifest.csv", index=False, lineterminator="\n")
        (fresh / "corpus.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


def _folder(params: Params) -> Path:
    return resolve(f"outputs/corpora/demo-{params.n_clips}-seed{params.seed}")


def _make(params: Params) -> None:
    render_corpus(_folder(params), params.n_clips, params.seed)


def _rows(root: Path, _: Params) -> list[ListedClip]:
    return read_manifest(root / "manifest.csv", root.resolve(), lambda path: None)


CORPUS = Corpus(
    about="Faces drawn from FACS action units by this project; the label is what the renderer intended.",
    licence="CC0; no person's picture",
    allow_upload=True,
    citation="this project",
    apply="rendered on this machine",
    rows=_rows,
    folder=_folder,
    make=_make,
)
