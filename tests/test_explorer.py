"""The interactive confusion matrix: its counts, what it lists, and that text stays text."""

import re

import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from fer_helpers.emotions import SEVEN
from fer_helpers.explorer import ConfusionExplorer


def joined(rows, **more):
    frame = pd.DataFrame(rows, columns=["clip_id", "truth", "label", "confidence"])
    base = {"frame_index": None, "strategy": "soft_vote", "taxonomy": "seven", "asked": "seven"}
    return frame.assign(**{**base, **more})


ROWS = [
    ("a", "fear", "surprise", 0.6),
    ("<img src=x onerror=alert(1)>", "fear", "surprise", 0.9),
    ("c", "fear", "fear", 0.5),
    ("d", "happy", "happy", 0.5),
]


@pytest.fixture
def explorer():
    return ConfusionExplorer(pd.concat([joined(ROWS), joined(ROWS[2:], strategy="multi_frame")]))


def test_the_matrix_is_scikit_learns(explorer):
    counts = [int(cell) for cell in re.findall(r"<td[^>]*>(\d+)</td>", explorer._matrix.value)]
    truth, predicted = [row[1] for row in ROWS], [row[2] for row in ROWS]
    assert counts == confusion_matrix(truth, predicted, labels=SEVEN).ravel().tolist()


def test_a_cell_lists_its_clips_the_surest_first(explorer):
    explorer.truth.value, explorer.predicted.value = "fear", "surprise"
    assert list(explorer.selection["confidence"]) == [0.9, 0.6]
    assert "label fear, predicted surprise: 2 clips" in explorer._clips.value


def test_another_strategy_changes_the_cell(explorer):
    explorer.truth.value, explorer.predicted.value = "fear", "surprise"
    explorer.strategy.value = "multi_frame"
    assert "0 clips" in explorer._clips.value


def test_names_of_clips_are_text(explorer):
    explorer.truth.value, explorer.predicted.value = "fear", "surprise"
    assert "<img" not in explorer._clips.value
    assert "&lt;img src=x" in explorer._clips.value


def test_it_is_named_without_an_address(explorer):
    """The default carries an object's address, which differs in every run of a notebook."""
    assert repr(explorer) == "ConfusionExplorer(4 clips)"
