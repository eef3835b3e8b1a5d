"""Which clips the demo has: classes, people by group, time courses; nothing is rendered and no file touched."""

import numpy as np
import pandas as pd

from fer_helpers.corpora.demo.expressions import NEIGHBOURS
from fer_helpers.corpora.demo.renderer import AGE_GROUPS, PRESENTATIONS, SCENES, SKIN_GROUPS, Identity, draw_identity
from fer_helpers.errors import CorpusError

# 36 people in 240 clips: two in each of the 18 combinations of groups, and so twelve or more in every group.
CLIPS_A_SUBJECT = 20 / 3
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

# How an expression lies in its clip, and the share of clips: it comes and goes; it is held to the clip's end; or the
# clip ends before it is at its height. FERV39k's clips are cut by length, wherever the expression is by then.
COURSES = {"passing": 0.5, "held": 0.3, "cut off": 0.2}

# What a random stream is for; it is the third number of its seed, after the corpus seed and a clip's, subject's or
# rater's number, so that no clip depends on another or on the order of rendering.
TRAITS, MOTION, SUBJECT, SHUFFLE, VOTES, RATER = 1, 2, 3, 4, 5, 6


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
    """What is to be rendered, one row a clip.

    Columns: number, clip_id, path, label, subject, group_skin, group_age, group_presentation, scene, split, intensity
    (0..1 at the apex; 0 for neutral), second_label (empty unless blended), n_frames, course (of `COURSES`) and apex,
    the frame with which the full expression begins; it is beyond the last frame where the clip is cut off before.
    Raises CorpusError when `n_clips` is less than 1.
    """
    if n_clips < 1:
        raise CorpusError(f"n_clips is {n_clips}; ask for at least one clip")
    n_subjects = max(min(n_clips, 2), round(n_clips / CLIPS_A_SUBJECT))
    n_test = max(1, round(TEST_SHARE * n_subjects))
    # Dealing the sorted labels round spreads each class over the subjects; clip numbers are then shuffled.
    labels = [label for label, count in class_counts(n_clips).items() for _ in range(count)]
    order = np.random.default_rng([seed, 0, SHUFFLE]).permutation(n_clips)
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
                **{f"group_{name}": value for name, value in groups_of(subject).items()},
                "split": "test" if subject <= n_test else "train",
                **_traits(np.random.default_rng([seed, number, TRAITS]), labels[dealt]),
            }
        )
    return pd.DataFrame(rows)


def groups_of(subject: int) -> dict[str, str]:
    """Skin, age and presentation of the subject with this number, from 1: every 18 in a row have each combination."""
    turn = subject - 1
    return {
        "skin": list(SKIN_GROUPS)[turn % 3],
        "age": list(AGE_GROUPS)[turn // 3 % 3],
        "presentation": PRESENTATIONS[(turn % 9 + turn // 9) % 2],
    }


def identity_of(subject: str, seed: int) -> Identity:
    """The identity of a subject such as "s01"."""
    number = int(subject[1:])
    # Steps of the golden ratio spread evenly over all styles, and independently of the groups.
    style = (seed + number * (5**0.5 - 1) / 2) % 1
    return draw_identity(np.random.default_rng([seed, number, SUBJECT]), style, *groups_of(number).values())


def _traits(rng: np.random.Generator, label: str) -> dict[str, object]:
    n_frames = round(float(np.interp(rng.random(), np.linspace(0, 1, len(LENGTHS)), LENGTHS)))
    strength = round(0.35 + 0.65 * float(rng.beta(2.4, 1.3)), 3)
    second = str(rng.choice(NEIGHBOURS[label])) if rng.random() < BLEND_SHARE else ""
    course = str(rng.choice(list(COURSES), p=list(COURSES.values())))
    return {
        "scene": str(rng.choice(list(SCENES))),
        "intensity": 0.0 if label == "neutral" else strength,
        "second_label": second,
        "n_frames": n_frames,
        "course": course,
        # Anywhere in the clip; beyond its end by up to a quarter of a second where it is cut off.
        "apex": n_frames + int(rng.integers(1, 7)) if course == "cut off" else int(rng.integers(n_frames)),
    }
