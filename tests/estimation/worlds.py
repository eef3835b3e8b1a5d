"""Corpora of known truth: subjects differ, the model errs by the row of the truth."""

import numpy as np
import pandas as pd

from fer_helpers.emotions import SEVEN
from fer_helpers.tables import PROBABILITIES

SHARES = np.array([640, 31, 138, 483, 461, 501, 85]) / 2339  # FERV39k's DailyLife; the rarest 1.3 %


def corpus(rng, n_subjects, n_each, right=0.65, spread=4.0):
    """A population and its true labels; a subject has its own class shares (Dirichlet) and its own ease."""
    shares = rng.dirichlet(SHARES * spread * 7, n_subjects)
    drawn = rng.random((n_subjects, n_each, 1)) > shares.cumsum(axis=1)[:, None, :-1]
    truth = drawn.sum(axis=2).ravel()
    subject = np.repeat(np.arange(n_subjects), n_each)
    ease = rng.beta(right * 8, (1 - right) * 8, n_subjects)[subject]
    hit = rng.random(len(truth)) < ease
    label = np.where(hit, truth, rng.integers(0, 7, len(truth)))
    confidence = np.clip(rng.beta(5, 3, len(truth)) + 0.25 * (label == truth) - 0.1, 0.01, 1)
    return population(label, confidence, subject), np.array(SEVEN)[truth]


def population(label, confidence, subject):
    n = len(label)
    table = pd.DataFrame({"clip_id": [f"c{i}" for i in range(n)], "subject": [f"s{i}" for i in subject]})
    table = table.assign(path=[f"{i}.mp4" for i in range(n)], annotator="single: model", status="ok")
    table = table.assign(label=np.array(SEVEN)[label], confidence=confidence)
    return table.assign(**dict.fromkeys(PROBABILITIES, np.nan))


def votes(population, truth, sample):
    """Everybody's true label of the sampled clips, one rater."""
    label = pd.Series(truth, index=population["clip_id"])[sample["clip_id"]]
    return pd.DataFrame({"clip_id": sample["clip_id"].to_numpy(), "rater": "r", "label": label.to_numpy()})
