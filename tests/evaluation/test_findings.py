"""Sentences about errors, prices and conventions, worked out by hand."""

import pandas as pd

from fer_helpers.evaluation import findings, scores
from tests.support.predictions import MODEL, clips, joined, predicted

SHOWN = ("multi_frame", MODEL)


def test_errors_are_those_of_the_table():
    """4 clips: sad right, sad as fear twice, happy right; intervals are Wilson's. Of the pairs of a right and a wrong
    label, the right one is surer in one, as sure in two, less sure in one."""
    rows = joined({SHOWN: ["sad", "fear", "fear", "happy"]}, ["sad", "sad", "sad", "happy"])
    rows["confidence"] = [0.9, 0.9, 0.5, 0.5]
    assert findings.of_errors(rows, "it") == [
        "it gives the true label to 2 of 4 (50 %, 95 % interval 15 to 85 %) clips.",
        "It finds sad least often: 1 of 3 (33 %, 95 % interval 6 to 79 %) clips.",
        "Most often confused: sad, predicted as fear in 2 of 3 (67 %, 95 % interval 21 to 94 %) clips.",
        "A right label is more confident than a wrong one in 50 % of pairs (50 %: no warning at all; too few for an "
        "interval).",
    ]


def test_without_an_error_none_is_named():
    rows = joined({("per_frame", MODEL): ["sad"]}, ["sad"], frame_index=3)
    assert findings.of_errors(rows, "it") == [
        "it gives the true label to 1 of 1 (100 %, 95 % interval 21 to 100 %) frames."
    ]


def test_a_missing_answer_is_no_error():
    rows = findings.rows_of(joined({SHOWN: ["sad", None]}, ["sad", "sad"]), SHOWN)
    assert rows["clip_id"].tolist() == ["a"]


def test_the_valence_of_surprise_moves_the_score():
    """Surprise seen as happy: right where it is positive, wrong as neutral or negative, and not scored if left out."""
    given = predicted({SHOWN: ["happy", "sad"]})
    found = findings.by_convention(scores.by_surprise(given, clips(["surprise", "sad"]), n_resamples=100))
    assert found.loc["multi_frame"].tolist() == [1, 0.5, 0.5, 1, 0.5]
    assert list(found)[3] == "left_out (n = 1)"
    assert "by at most 0.50 (multi_frame); multi_frame is highest under each" in findings.of_convention(found)


def test_the_best_is_set_beside_the_cheapest():
    table = pd.DataFrame(
        {"tokens per clip": [10, 50], "US$ per clip": [0.0, 0.0], "WAR": [0.5, 0.75]}, index=["one", "all"]
    )
    assert findings.of_price(table, "WAR") == [
        "The highest WAR (all) costs 50 tokens per clip, 5.0 times as much as the cheapest (one), which scores 0.25 "
        "lower."
    ]
    billed = table.assign(**{"US$ per clip": [0.2, 0.1]})
    assert findings.of_price(billed, "WAR") == [
        "No strategy is cheaper than the one with the highest WAR, all: 0.1 US$ per clip."
    ]
