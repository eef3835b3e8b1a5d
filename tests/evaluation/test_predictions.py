"""Predictions: answers of five strategies pooled by hand, failures counted as missing."""

import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import predictions
from fer_helpers.prompting import planning
from fer_helpers.prompting.planning import Asking
from tests.support.plans import frames_of

CLIPS = tables.check(
    "clips",
    pd.DataFrame({"clip_id": ["a", "b", "c"], "path": ["a", "b", "c"], "start_s": 0.0, "status": "ok"}),
)
FRAMES = frames_of({"a": 3, "b": 2})
ALONE = ["single_frame", "per_frame", "majority_vote", "soft_vote", "weighted_vote", "multi_frame", "mosaic"]
PLANNED = planning.plan(FRAMES, ALONE, ["seven"], Asking("gpt-4o-mini"))


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
        what = (row.clip_id, "mosaic" if row.mosaic else tuple(row.frame_indices))
        rows.append(answer(row.key, **said[what]))
    return tables.check("answers", pd.DataFrame(rows))


SAID = {
    ("a", (0,)): {"label": "sad", "sad": 0.5, "neutral": 0.5},
    ("a", (3,)): {"label": "neutral", "neutral": 0.9, "happy": 0.1},
    ("a", (6,)): {"label": "sad", "sad": 0.6, "neutral": 0.4},
    ("a", (0, 3, 6)): {"label": "surprise", "surprise": 1.0},
    ("b", (0,)): {"status": "refused"},
    ("b", (3,)): {"status": "refused"},
    ("b", (0, 3)): {"status": "invalid"},
    ("a", "mosaic"): {"label": "happy", "happy": 1.0},
    ("b", "mosaic"): {"status": "error"},
}


@pytest.fixture
def predicted():
    return predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(SAID), ALONE).set_index(
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
    assert seven.loc[("a", "mosaic"), "label"] == "happy"


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


def test_the_weighted_vote_looks_at_the_key_frames_motion():
    """Sad, neutral, sad, with the greatest motion at neutral: 1/2 + 1/2 against 1 ties, mean probability decides."""
    moving = FRAMES.assign(motion=[1.0, 5.0, 2.0, 1.0, 1.0])
    out = predictions.predict(CLIPS, moving, PLANNED, answers_of(SAID), ["weighted_vote"])
    row = out[(out["clip_id"] == "a") & (out["taxonomy"] == "seven")].iloc[0]
    assert (row["label"], row["tie"]) == ("neutral", True)
    assert row["prob_neutral"] == pytest.approx((0.5 / 2 + 0.9 + 0.4 / 2) / 2)


def cascade(below, said=SAID):
    out = predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(said), ["cascade"], cascade_below=below)
    return out[out["taxonomy"] == "seven"].set_index("clip_id")


def test_a_sure_clip_stays_with_the_cheap_answer():
    row = cascade(0.9).loc["a"]
    assert (row["label"], row["tokens"], row["cost_usd"]) == ("neutral", 105, 0.01)


def test_an_unsure_clip_goes_on_and_both_are_paid():
    row = cascade(0.95).loc["a"]
    assert (row["label"], row["tokens"], row["cost_usd"]) == ("surprise", 210, 0.02)


def test_a_failure_goes_on_and_keeps_its_own_name():
    row = cascade(0.5).loc["b"]
    assert (row["status"], row["tokens"]) == ("invalid", 210)  # refused at first, invalid in the end


def test_the_cheap_label_stays_where_the_dear_one_failed():
    row = cascade(0.95, {**SAID, ("a", (0, 3, 6)): {"status": "refused"}}).loc["a"]
    assert (row["label"], row["status"], row["tokens"]) == ("neutral", "ok", 210)


def test_a_label_of_unknown_probability_is_unsure():
    assert cascade(0.1, {**SAID, ("a", (3,)): {"label": "neutral"}}).loc["a", "label"] == "surprise"


def test_a_clip_without_a_frame_stays_missing_in_a_cascade():
    assert cascade(0.5).loc["c", "status"] == "no_frame"


def test_self_consistency_pools_every_asking():
    asking = Asking("gpt-4o-mini", replicates=3, temperature=1.0)
    planned = planning.plan(FRAMES, ["self_consistency", "single_frame"], ["seven"], asking)
    together = planned[(planned["clip_id"] == "a") & (planned["frame_indices"].map(len) == 3)]
    assert together["replicate"].tolist() == [0, 1, 2]
    said = [{"label": "sad"}, {"label": "happy"}, {"label": "happy"}]
    rows = [answer(key, **one) for key, one in zip(together["key"], said, strict=True)]
    answered = tables.check("answers", pd.DataFrame(rows))
    names = ["self_consistency", "multi_frame"]
    out = predictions.predict(CLIPS, FRAMES, planned, answered, names).query("clip_id == 'a' and taxonomy == 'seven'")
    assert out["label"].tolist() == ["happy", "sad"]  # multi_frame is the first asking alone
    assert out["agreement"].iloc[0] == pytest.approx(2 / 3)
    assert out["tokens"].tolist() == [315, 105]


def test_collapsing_again_under_another_convention():
    seven = predictions.predict(CLIPS, FRAMES, PLANNED, answers_of(SAID), ["multi_frame"])
    labels = {how: predictions.collapsed(seven, how)["label"].iloc[0] for how in ("positive", "neutral", "negative")}
    assert labels == {"positive": "positive", "neutral": "neutral", "negative": "negative"}


def test_what_a_clip_costs():
    """Three clips, one without a frame: 3 and 2 key frames a request each, 105 tokens and a cent a request."""
    predicted = predictions.predict(
        CLIPS, FRAMES, PLANNED, answers_of(SAID), ["majority_vote", "multi_frame", "cascade"]
    )
    seven = predicted[predicted["taxonomy"] == "seven"]
    found = predictions.spent(seven, PLANNED, FRAMES)
    assert found.loc["majority_vote"].tolist() == pytest.approx([5 / 3, 5 * 105 / 3, 0.05 / 3])
    assert found.loc["multi_frame"].tolist() == pytest.approx([5 / 3, 2 * 105 / 3, 0.02 / 3])
    assert found.loc["cascade"].tolist() == pytest.approx([float("nan"), 4 * 105 / 3, 0.04 / 3], nan_ok=True)
