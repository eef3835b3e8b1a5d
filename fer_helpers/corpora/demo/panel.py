"""A simulated panel of raters for the demo: nobody was asked, so that votes and agreement have something to show."""

import numpy as np
import pandas as pd

from fer_helpers.corpora.demo.expressions import NEIGHBOURS
from fer_helpers.corpora.demo.planning import RATER, VOTES
from fer_helpers.emotions import SEVEN

N_RATERS = 10

# How often a rater of the average clip names the expression meant: recalls of individual raters of CREMA-D's silent
# videos (Cao et al. 2014, IEEE Transactions on Affective Computing 5(4), 377-390), recounted from its published
# votes. It has no surprise: that value is an assumption, as is all that follows.
RECALLS = {
    "angry": 0.57, "disgust": 0.54, "fear": 0.44, "happy": 0.88, "neutral": 0.72, "sad": 0.32, "surprise": 0.75,
}  # fmt: skip
STEEPNESS = 3.0  # log-odds of the meant label that one whole of intensity adds, about MEAN_INTENSITY
MEAN_INTENSITY = 0.77
CLIP_SPREAD = 0.8  # standard deviation, in log-odds, of how easy a clip is to all raters
SKILL_SPREAD = 0.4  # and of how well a rater does on all clips
BIAS_SPREAD = 0.4  # and of how readily a rater gives each of the labels


def confusion(label: str, second_label: str = "") -> np.ndarray:
    """What raters say of the average clip of `label`, shape (7,) over SEVEN: half of the errors go to neutral.

    The other half goes to the neighbours of the expression; all of neutral's errors to the other six alike. What a
    clip is blended with takes half of its errors.
    """
    errors = np.zeros(len(SEVEN))
    if label == "neutral":
        errors[:] = 1.0
    else:
        for name in NEIGHBOURS[label]:
            errors[SEVEN.index(name)] += 0.5 / len(NEIGHBOURS[label])
        errors[SEVEN.index("neutral")] += 0.5
    errors[SEVEN.index(label)] = 0.0
    errors /= errors.sum()
    if second_label:
        errors = 0.5 * errors + 0.5 * (np.array(SEVEN) == second_label)
    shares = (1 - RECALLS[label]) * errors
    shares[SEVEN.index(label)] = RECALLS[label]
    return shares


def votes(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The simulated panel's labels of a plan's clips: clip_id, rater ("simulated 01"), label and count (1).

    Every rater labels every clip, from the truth by construction and not from the picture: log-odds of `confusion`,
    moved by the clip's intensity and ease, the rater's skill, and the rater's bias for each label.
    """
    raters = [np.random.default_rng([seed, number, RATER]) for number in range(1, N_RATERS + 1)]
    skills = np.array([rng.normal(0, SKILL_SPREAD) for rng in raters])
    biases = np.array([rng.normal(0, BIAS_SPREAD, len(SEVEN)) for rng in raters])
    rows = []
    for clip in clips.itertuples():
        rng = np.random.default_rng([seed, clip.number, VOTES])
        ease = rng.normal(0, CLIP_SPREAD)
        if clip.label != "neutral":
            ease += STEEPNESS * (clip.intensity - MEAN_INTENSITY)
        odds = np.log(confusion(clip.label, clip.second_label) + 1e-9) + biases
        odds[:, SEVEN.index(clip.label)] += ease + skills
        # The label whose log-odds, with Gumbel noise, are largest is a draw from their softmax.
        given = (odds + rng.gumbel(size=odds.shape)).argmax(axis=1)
        rows += [(clip.clip_id, f"simulated {number:02d}", SEVEN[label], 1) for number, label in enumerate(given, 1)]
    return pd.DataFrame(rows, columns=["clip_id", "rater", "label", "count"])
