"""How much of the demo's difference between skins is the rendering's and how much the network's; docs/demo.md.

The same clips are drawn anew with one thing changed, and the network is asked about five key frames of each at once,
as multi_frame does. Nothing else differs, so differences are paired, and their intervals are over people. An hour or
less on one core: `python -m benchmarks.demo_skin`, or with a number of clips.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image

from fer_helpers.corpora.demo import planning, rendered_clips
from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint.action_units import ActionUnitModel
from fer_helpers.endpoint.model import ExpressionModel, FaceReader, decode, pool

SEED, N_FRAMES, N_RESAMPLES = 1, 5, 5000
SKINS = {"light": 0.15, "deep": 0.85}
METERED = {"fixed exposure": 0.0, "as rendered": rendered_clips.METERING, "metered for the face": 1.0}


def as_it_is(face: np.ndarray) -> np.ndarray:
    return face


def same_contrast(face: np.ndarray) -> np.ndarray:
    """Grey values of the face brought to mean 128 and standard deviation 50: no brightness or contrast is left."""
    centred = (face - face.mean()) / max(float(face.std()), 1.0)
    return np.clip(128 + 50 * centred, 0, 255).astype(np.uint8)


class Normalising(ExpressionModel):
    """The network behind a change of the face's grey values."""

    def __init__(self, change: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self._change = change

    def read_face(self, grey: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
        left, top, width, height = box
        face = self._change(grey[top : top + height, left : left + width])
        return super().read_face(face, (0, 0, width, height))


def pictures(clip: pd.Series, skin: float | None, metering: float) -> list[np.ndarray]:
    """Grey key frames, spread over the clip and compressed as notebook 02 does."""
    identity = planning.identity_of(clip.subject, SEED)
    identity = identity if skin is None else replace(identity, skin=skin)
    wanted = {int((k + 0.5) * clip.n_frames / N_FRAMES) for k in range(N_FRAMES)}
    found = []
    for frame in rendered_clips.frames_with(clip, identity, SEED, wanted, metering):
        file = BytesIO()
        Image.fromarray(frame).save(file, "jpeg", quality=90)
        found.append(decode(file.getvalue()))
    return found


def asked(clips: pd.DataFrame, readers: dict[str, FaceReader], skin: float | None, metering: float) -> pd.DataFrame:
    """One row a clip: the label of each reader, and brightness and contrast of the face in the middle frame."""
    rows = []
    for _, clip in clips.iterrows():
        frames = pictures(clip, skin, metering)
        boxes = [readers["network"].faces(grey) for grey in frames]
        row: dict[str, object] = {"clip_id": clip.clip_id}
        for name, reader in readers.items():
            each = [
                pool([reader.read_face(grey, box) for box in found]) for grey, found in zip(frames, boxes, strict=True)
            ]
            row[name] = SEVEN[int(pool(each).argmax())]
        left, top, width, height = boxes[len(frames) // 2][0]
        face = frames[len(frames) // 2][top : top + height, left : left + width]
        rows.append(row | {"brightness": face.mean(), "contrast": face.std()})
    return pd.DataFrame(rows)


def _of_people(clips: pd.DataFrame, skin: float | None, metering: float) -> pd.DataFrame:
    cv2.setNumThreads(1)
    readers = {
        "network": ExpressionModel(),
        "network, same contrast": Normalising(same_contrast),
        "rules": ActionUnitModel(),
    }
    return asked(clips, readers, skin, metering)


def condition(clips: pd.DataFrame, skin: float | None, metering: float, n_jobs: int) -> pd.DataFrame:
    """`asked` of all clips, on several processes, with the clips' own columns."""
    tasks = (delayed(_of_people)(part, skin, metering) for _, part in clips.groupby("subject"))
    return clips.merge(pd.concat(Parallel(n_jobs=n_jobs)(tasks)), on="clip_id")


def interval(values: pd.Series, subjects: pd.Series, groups: pd.Series | None = None) -> tuple[float, float, float]:
    """A mean of clips, or the difference of the means of two `groups` (True less False), with its 95 % interval.

    The percentile bootstrap over people; with groups, over the people of each.
    """
    rng = np.random.default_rng(SEED)

    def means(part: pd.Series) -> tuple[float, np.ndarray]:
        by = part.astype(float).groupby(subjects[part.index]).agg(["sum", "size"]).to_numpy()
        drawn = by[rng.integers(len(by), size=(N_RESAMPLES, len(by)))].sum(1)
        return float(part.mean()), drawn[:, 0] / drawn[:, 1]

    value, drawn = means(values if groups is None else values[groups])
    if groups is not None:
        other, others = means(values[~groups])
        value, drawn = value - other, drawn - others
    low, high = np.quantile(drawn, [0.025, 0.975])
    return value, float(low), float(high)


def shown(found: tuple[float, float, float]) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*found)


def report(n_clips: int = 240, n_jobs: int = 1) -> None:
    """Print the tables of docs/demo.md."""
    clips = planning.plan(n_clips, SEED)
    readers = ["network", "network, same contrast", "rules"]
    print("| faces | annotator | light | medium | deep | deep less light |\n|---|---|---|---|---|---|")
    for title, metering in METERED.items():
        table = condition(clips, None, metering, n_jobs)
        for reader in readers:
            right = table[reader] == table["label"]
            cells = [
                shown(interval(right[table["group_skin"] == skin], table["subject"])) for skin in planning.SKIN_GROUPS
            ]
            ends = right[table["group_skin"] != "medium"]
            gap = shown(interval(ends, table["subject"], table.loc[ends.index, "group_skin"] == "deep"))
            print(f"| own, {title} | {reader} | {' | '.join(cells)} | {gap} |", flush=True)
        print(table.groupby("group_skin")[["brightness", "contrast"]].mean().round(0).to_string(), file=sys.stderr)
    for title, metering in list(METERED.items())[:2]:
        tables = {name: condition(clips, skin, metering, n_jobs) for name, skin in SKINS.items()}
        for reader in readers:
            right = {name: table[reader] == table["label"] for name, table in tables.items()}
            cells = [shown(interval(one, clips["subject"])) for one in right.values()]
            gap = shown(interval(right["deep"].astype(int) - right["light"].astype(int), clips["subject"]))
            print(f"| all given one skin, {title} | {reader} | {' | | '.join(cells)} | {gap} |", flush=True)
        for name, table in tables.items():
            print(name, table[["brightness", "contrast"]].mean().round(0).to_dict(), file=sys.stderr)


if __name__ == "__main__":
    report(*map(int, sys.argv[1:]))
