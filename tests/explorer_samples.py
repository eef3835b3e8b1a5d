"""A run made of tables alone, as small or large as a test needs, with hostile text in it if wanted."""

import json

import cv2
import numpy as np
import pandas as pd

from fer_helpers import params, predictions, requests, tables
from fer_helpers.emotions import SEVEN, TAXONOMIES
from fer_helpers.run import NOTEBOOKS, open_run, write_manifest

STRATEGIES = ["single_frame", "majority_vote", "soft_vote", "multi_frame"]
HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "</script><script>window.hacked = 1</script>",
    '=HYPERLINK("http://127.0.0.1:9/","x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r\n=1+1",
    "two\nlines, and 'quotes' \"here\"",
    "\u202egnp.exe \u2066x",
    "${window.hacked = 1}{{ 7 * 7 }}",
    "../../../etc/passwd",
    "é\u0000\u2028x" + "y" * 100_000,
]


def make_run(folder, n_clips=40, *, hostile=False, labelled=True, n_frames=5, taxonomies=("seven",), seed=1):
    """A run in `folder` with noise for pictures: every table as the notebooks would write it."""
    rng = np.random.default_rng(seed)
    ids = [f"clip {number:05d}" for number in range(n_clips)]
    words = HOSTILE if hostile else ["plain", "garden", "street"]
    if hostile:
        ids[: len(HOSTILE)] = HOSTILE
    clips = pd.DataFrame(
        {
            "clip_id": ids,
            "path": [f"videos/{clip_id}.mp4" for clip_id in ids],
            "start_s": 0.0,
            "label": rng.choice(SEVEN, n_clips) if labelled else None,
            "label_original": [words[number % len(words)] for number in range(n_clips)],
            "scene": rng.choice(words, n_clips),
            "split": rng.choice(["train", "test"], n_clips),
            "subject": [None if number % 7 == 0 else f"s{number % 5}" for number in range(n_clips)],
            "status": "ok",
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    frames = _frames(folder, ids, n_frames, rng)
    asking = requests.Asking("fer2013-cnn", prompt="reasoning")
    planned = requests.plan(frames, STRATEGIES, taxonomies, asking)
    answers = _answers(planned, words, rng)
    predicted = predictions.predict(clips, frames, planned, answers, STRATEGIES)
    if hostile:
        predicted = tables.check("predictions", pd.concat([predicted, _imported(clips, rng)]))
    made = {"clips": clips, "frames": frames, "requests": planned, "answers": answers, "predictions": predicted}
    for name, table in made.items():
        tables.write(name, table, folder)
    known = params.Params(out=str(folder), strategies=STRATEGIES, taxonomies=list(taxonomies), strategy_shown="soft_vote")
    write_manifest(folder, {"params": known.model_dump(), "started": list(NOTEBOOKS)})
    return open_run(folder)


def _frames(folder, ids, n_frames, rng):
    """Every clip's frames are some of twenty pictures of noise."""
    noise = [cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), (224, 224)) for _ in range(20)]
    jpegs = [cv2.imencode(".jpg", picture)[1].tobytes() for picture in noise]
    rows = []
    for number, clip_id in enumerate(ids):
        place = folder / "frames" / str(number)
        place.mkdir(parents=True)
        for index in range(n_frames):
            (place / f"{index}.jpg").write_bytes(jpegs[(number + index) % len(jpegs)])
            path = f"frames/{number}/{index}.jpg"
            sha256 = f"{number}-{index}"
            rows.append((clip_id, 3 * index, path, sha256, 224, 224, "ok"))
    columns = ["clip_id", "frame_index", "path", "sha256", "width", "height", "status"]
    return tables.check("frames", pd.DataFrame(rows, columns=columns))


def _answers(planned, words, rng):
    """A reply to every request: mostly a label with its reasons, sometimes a failure."""
    rows = []
    for number, request in enumerate(planned.drop_duplicates("key").itertuples()):
        labels = TAXONOMIES[request.taxonomy]
        shares = rng.dirichlet(np.full(len(labels), 0.5))
        status = rng.choice(["ok", "refused", "invalid"], p=[0.94, 0.04, 0.02])
        label = labels[int(shares.argmax())] if status == "ok" else None
        word = words[number % len(words)]
        rows.append(
            {
                "key": request.key,
                "status": status,
                "label": label,
                **{f"prob_{name}": share for name, share in zip(labels, shares, strict=True) if label},
                "raw": json.dumps({"reasoning": f"brows raised {word}", "label": label}) if label else word,
                "model_requested": request.model,
                "tokens_in": 2900,
                "tokens_out": 20,
                "created": "2026-01-01T00:00:00+00:00",
            }
        )
    return tables.check("answers", pd.DataFrame(rows))


def _imported(clips, rng):
    """A second annotator, with a hostile name, who saw every other clip."""
    seen = clips[::2]
    return pd.DataFrame(
        {
            "clip_id": seen["clip_id"],
            "strategy": "imported",
            "model": HOSTILE[1],
            "taxonomy": "seven",
            "asked": "seven",
            "label": rng.choice(SEVEN, len(seen)),
            "n_votes": 1,
            "tie": False,
            "status": "ok",
        }
    )
