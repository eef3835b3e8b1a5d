"""The pictures of docs/demo.md: everybody at rest, and the seven expressions at full strength on six skins.

`python -m benchmarks.demo_sheets` writes them anew: look at them after every change of the renderer.
"""

import cv2
import numpy as np
from PIL import Image

from fer_helpers.corpora.demo import planning
from fer_helpers.corpora.demo.expressions import EMFACS, OPTIONAL_WEIGHT
from fer_helpers.corpora.demo.rendered_clips import METERING
from fer_helpers.corpora.demo.renderer import SCENES, Light, Pose, metered, render
from fer_helpers.emotions import SEVEN
from fer_helpers.paths import ROOT

N_PEOPLE, SEED = 36, 1


def portrait(number: int, aus: dict[int, float], side: int) -> np.ndarray:
    """A subject's face, (side, side, 3), cropped to the head, in one of the scenes."""
    person = planning.identity_of(f"s{number:02d}", SEED)
    light = metered(Light(scene=list(SCENES)[number % len(SCENES)], seed=number), person, METERING)
    return cv2.resize(render(aus, person, Pose(), light)[22:206, 20:204], (side, side), interpolation=cv2.INTER_AREA)


def sheet(name: str, rows: list[list[np.ndarray]]) -> None:
    picture = Image.fromarray(np.vstack([np.hstack(row) for row in rows]))
    picture.quantize(200).save(ROOT / "docs" / name, optimize=True)


def main() -> None:
    people = [portrait(number, {}, 110) for number in range(1, N_PEOPLE + 1)]
    sheet("demo-people.png", [people[start : start + 9] for start in range(0, N_PEOPLE, 9)])
    rows = []
    for number in (28, 13, 2, 35, 21, 27):  # light to deep, of all ages and both presentations
        full = [
            dict.fromkeys(EMFACS[label].core, 1.0) | dict.fromkeys(EMFACS[label].optional, OPTIONAL_WEIGHT)
            for label in SEVEN
        ]
        rows.append([portrait(number, aus, 130) for aus in full])
    sheet("demo-expressions.png", rows)


if __name__ == "__main__":
    main()
