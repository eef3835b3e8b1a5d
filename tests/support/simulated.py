"""Made-up corpora with a known truth, for simulations of intervals and tests.

Clips have the class shares of FERV39k's DailyLife, so the rarest class has 3 of 240. A label is drawn by the row of
its class from a fixed confusion table; a subject adds an ease of its own, by which clips are right whatever the row.
"""

import os

import numpy as np

N = int(os.environ.get("FER_DATA_SETS", 300))  # with 2000 a coverage of 95 % is known to ±1 %
DOUBT = 0.01 * (2000 / N) ** 0.5  # two standard errors of a share near 5 % or 95 %
SHARES = np.array([640, 31, 138, 483, 461, 501, 85]) / 2339
RECALL = np.array([0.55, 0.35, 0.35, 0.75, 0.65, 0.45, 0.5])


def confusion_table():
    """Rows: P(label | class); what is missed goes to the others unevenly."""
    others = np.random.default_rng(5).dirichlet(np.ones(7), 7) * (1 - np.eye(7))
    return np.diag(RECALL) + others / others.sum(axis=1, keepdims=True) * (1 - RECALL)[:, None]


TABLE = confusion_table()
EASE = 0.5  # mean of a subject's ease, Beta(2, 2)


def draw_labels(rng, truth, ease):
    """Labels of clips by subject: the true one with probability `ease`, else by TABLE."""
    by_table = (rng.random(truth.shape)[..., None] > TABLE.cumsum(axis=1)[truth][..., :-1]).sum(axis=-1)
    return np.where(rng.random(truth.shape) < ease[:, None], truth, by_table)


def by_group(truth, label):
    tables = np.zeros((len(truth), 7, 7))
    np.add.at(tables, (np.arange(len(truth))[:, None], truth, label), 1)
    return tables
