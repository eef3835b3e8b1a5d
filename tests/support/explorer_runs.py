"""A run made of tables alone, as small or large as a test needs, with hostile text in it if wanted."""

import json

import cv2
import numpy as np
import pandas as pd

from fer_helpers import params, tables
from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY, collapse, valence
from fer_helpers.evaluation import comparisons, scores
from fer_helpers.runs.run import open_run, write_manifest
from fer_helpers.statuses import OUTSIDE

STRATEGIES = ["single_frame", "majority_vote", "soft_vote", "multi_frame"]
MODEL = "fer2013-cnn"
DRAWN = 200  # bootstrap resamples
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
    "[" * 5000,
    "é\u0000\u2028x" + "y" * 100_000,
]


def make_run(
    folder,
    n_clips=40,
    *,
    hostile=False,
    labelled=True,
    n_frames=5,
    taxonomies=("seven",),
    seed=1,
    people=False,
    outside=False,
    scored=False,
):
    """A run in `folder` with noise for pictures and labels: every table of the shape the notebooks would write.

    With `people` every clip names one of 24 subjects and the subject's age group; with `outside` some answers of
    soft_vote are outside the label set; with `scored` there are the scores and comparisons tables, too.
    """
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
    if people:
        person = rng.integers(0, 24, n_clips)
        clips = clips.assign(subject=[f"s{one}" for one in person], group_age=np.where(person % 3, "young", "old"))
    folder.mkdir(parents=True, exist_ok=True)
    frames = _frames(folder, ids, n_frames, rng)
    planned = _requests(frames, taxonomies)
    answers = _answers(planned, words, rng)
    parts = [_predictions(ids, name, taxonomy, rng) for taxonomy in taxonomies for name in STRATEGIES]
    if "ternary" in taxonomies:
        parts += [_collapsed(part) for part in parts if part["taxonomy"].iloc[0] == "seven"]
    predicted = pd.concat([*parts, *([_imported(clips, rng)] if hostile else [])])
    if outside:
        gone = (predicted["strategy"] == "soft_vote") & predicted["label"].notna() & (rng.random(len(predicted)) < 0.2)
        predicted.loc[gone, ["label", "confidence", *tables.PROBABILITIES]] = None
        predicted.loc[gone, "status"] = OUTSIDE
    made = {"clips": clips, "frames": frames, "requests": planned, "answers": answers, "predictions": predicted}
    for name, table in made.items():
        tables.write(name, table, folder)
    known = params.Params(
        out=str(folder),
        strategies=STRATEGIES,
        taxonomies=list(taxonomies),
        strategy_shown="soft_vote",
        n_resamples=DRAWN,
    )
    if scored:
        drawing = {"n_resamples": known.n_resamples, "seed": known.bootstrap_seed}
        predicted, clips = (tables.read(name, folder) for name in ("predictions", "clips"))
        tables.write("scores", scores.score(predicted, clips, **drawing), folder)
        tables.write("comparisons", comparisons.compare(predicted, clips, **drawing), folder)
    write_manifest(folder, {"params": known.model_dump()})
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


def _requests(frames, taxonomies):
    """Each frame alone, and all of a clip's together."""
    rows = []
    for taxonomy in taxonomies:
        for clip_id, indices in frames.groupby("clip_id", sort=False)["frame_index"].agg(list).items():
            groups = [[int(index)] for index in indices] + [[int(index) for index in indices]]
            rows += [(f"{taxonomy} {len(rows) + n}", clip_id, group, taxonomy) for n, group in enumerate(groups)]
    table = pd.DataFrame(rows, columns=["key", "clip_id", "frame_indices", "taxonomy"])
    table["labels"] = [list(TAXONOMIES[taxonomy]) for taxonomy in table["taxonomy"]]
    words = {"prompt": "reasoning", "prompt_sha256": "0", "detail": "low", "form": "schema", "reasoning_effort": ""}
    numbers = {"replicate": 0, "temperature": 0.0, "tokens_image": 2833, "tokens_in": 2900, "tokens_out": 80}
    return table.assign(model=MODEL, mosaic=False, **words, **numbers)


def _answers(planned, words, rng):
    """A reply to every request: mostly a label with its reasons, sometimes a failure."""
    rows = []
    for number, request in enumerate(planned.itertuples()):
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


def _shares(n, labels, rng):
    """Probabilities of `n` clips, every fifteenth of which has none."""
    shares = rng.dirichlet(np.full(len(labels), 0.5), n)
    shares[rng.random(n) < 1 / 15] = np.nan
    return pd.DataFrame(shares, columns=[f"prob_{label}" for label in labels])


def _judged(shares, labels, rng, **base):
    """Prediction rows from probabilities: the likeliest label, or a failure where there are none."""
    ok = shares.notna().all(axis=1).to_numpy()
    best = np.nan_to_num(shares.to_numpy()).argmax(axis=1)
    return shares.assign(
        **base,
        label=[labels[at] if good else None for at, good in zip(best, ok, strict=True)],
        confidence=shares.max(axis=1),
        status=np.where(ok, "ok", rng.choice(["refused", "invalid"], len(shares))),
        n_votes=np.where(ok, 5, 0),
        agreement=np.where(ok, rng.choice([0.4, 0.6, 0.8, 1.0], len(shares)), np.nan),
        tie=False,
        tokens=2920,
    )


def _predictions(ids, strategy, taxonomy, rng):
    labels = TAXONOMIES[taxonomy]
    base = {"clip_id": ids, "strategy": strategy, "model": MODEL, "taxonomy": taxonomy, "asked": taxonomy}
    return _judged(_shares(len(ids), labels, rng), labels, rng, **base)


def _collapsed(part):
    """Seven classes as three, as notebook 04 would."""
    shares = [collapse(row) for row in part[[f"prob_{label}" for label in SEVEN]].to_numpy()]
    table = pd.DataFrame(shares, columns=[f"prob_{label}" for label in TERNARY], index=part.index)
    label = part["label"].map(valence, na_action="ignore")
    kept = part.drop(columns=[f"prob_{label}" for label in SEVEN])
    return kept.assign(**table, taxonomy="ternary", label=label)


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
