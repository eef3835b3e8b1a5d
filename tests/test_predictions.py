"""Predictions: answers of five strategies pooled by hand, failures counted as missing."""

import pandas as pd
import pytest

from fer_helpers import predictions, requests, tables
from fer_helpers.emotions import SEVEN
from fer_helpers.requests import Asking
from fer_helpers.strategies import STRATEGIES
from tests.test_requests import frames_of

CLIPS = tables.check(
    "clips",
    pd.DataFrame({"clip_id": ["a", "b", "c"], "path": ["a", "b", "c"], "start_s": 0.0, "status": "ok"}),
)
FRAMES = frames_of({"a": 3, "b": 2})
PLANNED = requests.plan(FRAMES, STRATEGIES, ["seven"], Asking("gpt-4o-mini"))


def answer(key, status="ok", label=None, **shares):
    rest = {f"prob_{name}": 0.0 for name in SEVEN} if shares else {}
    return {
        "key": key,
        "status": status,
        "label": label,
        **rest,
        **{f"prob_{name}": share for name, share in shares.items()},
        "model_requested": "gpt-4o-mini",
        "tokens_in": 100,
        "tokens_out": 5,
        "cost_usd": 0.01,
        "created": "2026-01-01T00:00:00+00:00",
    }


def answers_of(said):
    """`said`: (clip, frames) -> answer without its key."""
    rows = []
    for row in PLANNED.itertuples():
        rows.append(answer(row.key, **said[row.clip_id, tuple(row.frame_indices)]))
    return tables.check("answers", pd.DataFrame(rows))


SAID = {
    ("a", (0,)): {"label": "sad", "sad": 0.5, "neutral": 0.5},
    ("a", (3,)): {"label": "neutral", "neutral": 0.9, "happy": 0.1},
    ("a", (6,)): {"label": "sad", "sad": 0.6, "neutral": 0.4},
    ("a", (0, 3, 6)): {"label": "surprise", "surprise": 1.0},
    ("b", (0,)): {"status": "refused"},
    ("b", (3,)): {"status": "refused"},
    ("b", (0, 3)): {"status": "invalid"},
}


@pytest.fixture
def predicted():
    return predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(SAID), STRATEGIES).set_index(
        ["clip_id", "strategy", "taxonomy"]
    )


def test_each_strategy_by_hand(predicted):
    seven = predicted.xs("seven", level="taxonomy")
    assert seven.loc[("a", "single_frame"), "label"] == "neutral"
    assert list(seven.loc[[("a", "per_frame")], "label"]) == ["sad", "neutral", "sad"]
    vote = seven.loc[("a", "majority_vote")]
    assert (vote["label"], vote["n_votes"], vote["tie"]) == ("sad", 3, False)
    assert vote["agreement"] == pytest.approx(2 / 3)
    soft = seven.loc[("a", "soft_vote")]
    assert soft["label"] == "neutral"  # means: sad 1.1/3, neutral 1.8/3
    assert soft["confidence"] == pytest.approx(0.6)
    assert seven.loc[("a", "multi_frame"), "label"] == "surprise"


def test_price_is_of_the_answers_used(predicted):
    seven = predicted.xs("seven", level="taxonomy")
    assert seven.loc[("a", "majority_vote"), ["tokens", "cost_usd"]].tolist() == [315, pytest.approx(0.03)]
    assert seven.loc[("a", "multi_frame"), ["tokens", "cost_usd"]].tolist() == [105, pytest.approx(0.01)]


def test_a_failure_is_missing_and_says_why(predicted):
    seven = predicted.xs("seven", level="taxonomy")
    assert seven.loc[("b", "majority_vote"), "status"] == "refused"
    assert seven.loc[("b", "multi_frame"), "status"] == "invalid"
    assert seven.loc[("c", "single_frame"), "status"] == "no_frame"
    assert seven.loc[["b", "c"], "label"].isna().all()


def test_collapsing_keeps_the_label_and_sums_the_probabilities(predicted):
    ternary = predicted.xs("ternary", level="taxonomy")
    assert ternary.loc[("a", "majority_vote"), "label"] == "negative"
    soft = ternary.loc[("a", "soft_vote")]
    assert soft[["prob_negative", "prob_neutral", "prob_positive"]].tolist() == pytest.approx([1.1 / 3, 0.6, 0.1 / 3])
    assert ternary.loc[("a", "multi_frame"), "label"] == "positive"
    assert ternary.loc[("b", "multi_frame"), "status"] == "invalid"


def test_surprise_left_out_is_no_label():
    out = predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(SAID), ["multi_frame"], surprise="left_out")
    row = out[(out["clip_id"] == "a") & (out["taxonomy"] == "ternary")].iloc[0]
    assert (row["status"], pd.isna(row["label"])) == ("left_out", True)


def test_a_partly_refused_vote_goes_on_without_the_refused():
    said = {**SAID, ("a", (0,)): {"status": "refused"}, ("a", (6,)): {"status": "error"}}
    out = predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(said), ["majority_vote"])
    row = out[(out["clip_id"] == "a") & (out["taxonomy"] == "seven")].iloc[0]
    assert (row["label"], row["n_votes"], row["status"]) == ("neutral", 1, "ok")


def test_a_request_that_was_never_sent_is_missing():
    kept = answers_of(SAID)
    out = predictions.predict(CLIPS, FRAMES, PLANNED, kept.iloc[:0], ["multi_frame"])
    assert set(out.loc[out["clip_id"] != "c", "status"]) == {"not_asked"}
