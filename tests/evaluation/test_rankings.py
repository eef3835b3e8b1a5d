"""Ranked answers on their way from replies to scores, worked out by hand; probabilities beside people's votes."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from fer_helpers import tables
from fer_helpers.annotation import Archive, online
from fer_helpers.annotation.archive import Entry
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation import agreement, predictions, scores, vote_distances
from fer_helpers.prompting import planning
from tests.support.plans import frames_of
from tests.support.predictions import clips, predicted

MULTI, VOTE = ("multi_frame", "m"), ("majority_vote", "m")


def kept(planned, said):
    """The answers table of `planned`; `said`: (clip, frames) -> the labels ranked, or other words."""
    rows = zip(planned["key"], planned["clip_id"], planned["frame_indices"], strict=True)
    return {key: said[clip, len(indices)] for key, clip, indices in rows}


@pytest.fixture
def pooled(tmp_path):
    """Predictions of two clips of two key frames, from archived replies that rank."""
    strategies = ["single_frame", "per_frame", "majority_vote", "soft_vote", "multi_frame", "self_consistency"]
    frames, asking = frames_of({"a": 2, "b": 2}), planning.Asking("m", prompt="ranking", replicates=2, temperature=1.0)
    planned = planning.plan(frames, strategies, ["seven"], asking)
    said = {
        ("a", 1): '{"ranking":["sad","fear"]}',
        ("a", 2): "1. happy 2. surprise 3. sad",
        ("b", 1): '{"ranking":["angry","angry"]}',
        ("b", 2): "I'm sorry, I cannot tell.",
    }
    with Archive(tmp_path / "a.sqlite") as archive:
        for key, text in kept(planned, said).items():
            reply = json.dumps({"choices": [{"finish_reason": "stop", "message": {"content": text}}]})
            archive.put(Entry(key, "error", reply, "m", 0.1, "2026-01-01T00:00:00+00:00"))
        assert len(online.answered(planned, archive)) == planned["key"].nunique()
        answers = online.kept(planned, archive)
    table = predictions.predict(clips(["happy", "sad"]), frames, planned, answers, strategies)
    return answers, table[table["taxonomy"] == "seven"].set_index(["clip_id", "strategy"]), table


def test_answers_keep_the_order(pooled):
    answers = pooled[0]
    assert answers["status"].value_counts().to_dict() == {"ok": 4, "invalid": 2, "refused": 2}
    assert set(answers.dropna(subset="ranking")["ranking"]) == {"sad fear", "happy surprise sad"}
    assert answers.loc[answers["status"] != "ok", "ranking"].isna().all()


def test_one_answer_keeps_its_ranking_and_a_vote_has_none(pooled):
    seven = pooled[1]
    rankings = seven["ranking"]
    assert rankings["a", "single_frame"] == "sad fear"
    assert list(rankings.loc[[("a", "per_frame")]]) == ["sad fear"] * 2
    assert rankings["a", "multi_frame"] == "happy surprise sad"
    votes = seven.loc[[("a", name) for name in ("majority_vote", "soft_vote", "self_consistency")]]
    assert list(votes["label"]) == ["sad", "sad", "happy"]  # the first of each answer
    assert votes["ranking"].isna().all()
    assert seven.loc["b", "ranking"].isna().all()


def test_a_ranking_of_seven_ranks_no_three(pooled):
    table = pooled[2]
    assert table.loc[table["taxonomy"] == "ternary", "ranking"].isna().all()


def test_without_rankings_the_tables_are_as_they_were():
    table = predicted({MULTI: ["happy"]}).assign(ranking=None)
    assert "ranking" not in tables.check("predictions", table)
    found = scores.score(predicted({MULTI: ["happy"]}), clips(["happy"]), n_resamples=100)
    assert "top-2 accuracy" not in set(found["metric"])


def ranked(rankings):
    """Predictions from rankings of clips a, b, ...; None is missing."""
    table = predicted({MULTI: [one and one.split()[0] for one in rankings]})
    return tables.check("predictions", table.assign(ranking=rankings))


def row(found, metric, strategy="multi_frame"):
    return found[(found["metric"] == metric) & (found["strategy"] == strategy)].iloc[0]


def test_top_two_by_hand():
    """Of five ranked clips, two have their label first, one second, one third, and one ranking stops before it."""
    given = ["happy sad", "sad fear angry", "fear angry", "neutral sad disgust", "sad", None]
    truth = ["happy", "sad", "angry", "disgust", "fear", "happy"]
    found = scores.score(ranked(given), clips(truth), n_resamples=200)
    top, first = row(found, "top-2 accuracy"), row(found, "WAR")
    assert (first["value"], top["value"]) == pytest.approx((2 / 5, 3 / 5))
    assert (top["ci_low"], top["ci_high"]) == pytest.approx(proportion_confint(3, 5, method="wilson"))
    assert (top["value_wrong"], top["bound_low"], top["bound_high"]) == pytest.approx((3 / 6, 3 / 6, 4 / 6))
    assert (top["n_clips"], top["n_missing"]) == (5, 1)
    assert scores.in_range(found)


def test_who_ranks_nothing_has_no_row():
    both = pd.concat([ranked(["happy sad", "sad fear"]), predicted({VOTE: ["happy", "sad"]})])
    found = scores.score(both, clips(["happy", "fear"]), n_resamples=100)
    assert found.loc[found["metric"] == "top-2 accuracy", "strategy"].tolist() == ["multi_frame"]
    assert row(found, "top-2 accuracy")["value"] == 1


def test_over_subjects_whole_people_are_drawn():
    people = clips(["happy"] * 8).assign(subject=list("pppqqqrr"))
    found = scores.score(ranked(["happy sad"] * 4 + ["sad fear"] * 4), people, n_resamples=200)
    top = row(found, "top-2 accuracy")
    assert (top["value"], top["resampled"]) == (0.5, "subjects")
    assert math.isnan(top["ci_low"])  # three people are too few


# --- probabilities beside votes ------------------------------------------------------------------------------


def with_shares(**shares):
    columns = {f"prob_{label}": shares.get(label, 0.0) for label in SEVEN}
    return predicted({MULTI: ["happy", "happy"]}, **columns)


def test_distances_to_the_votes_by_hand():
    """Votes 3:1 and 1:1, probabilities 3:1. Clip b: JS² = H(.625, .375) − (H(.5, .5) + H(.75, .25)) / 2, in bits."""
    votes = pd.DataFrame([("a", "happy", 3), ("a", "sad", 1), ("b", "happy", 2), ("b", "sad", 2)],
                         columns=["clip_id", "label", "count"])  # fmt: skip
    found = vote_distances.distances(with_shares(happy=0.75, sad=0.25), agreement.counts(votes, SEVEN))
    bits = lambda p: -(p * math.log2(p) + (1 - p) * math.log2(1 - p))  # noqa: E731
    of_b = math.sqrt(bits(0.625) - (bits(0.5) + bits(0.75)) / 2)
    assert found["measure"].tolist() == ["Jensen–Shannon", "Brier, to the votes"]
    assert found["value"].tolist() == pytest.approx([of_b / 2, 2 * 0.25**2 / 2])
    assert found["n_clips"].tolist() == [2, 2]


def test_a_vote_outside_the_labels_is_one_that_nothing_meets():
    votes = pd.DataFrame([("a", "contempt", 4)], columns=["clip_id", "label", "count"])
    found = vote_distances.distances(with_shares(happy=1.0), agreement.counts(votes, SEVEN))
    assert found["value"].tolist() == pytest.approx([1.0, 2.0])


def test_who_has_no_probabilities_has_no_distance():
    votes = pd.DataFrame([("a", "happy", 4)], columns=["clip_id", "label", "count"])
    found = vote_distances.distances(predicted({MULTI: ["happy"]}), agreement.counts(votes, SEVEN))
    assert found.empty
    both = pd.concat([with_shares(happy=1.0), predicted({VOTE: ["happy"]})])
    both = vote_distances.distances(both, agreement.counts(votes, SEVEN))
    assert set(both["annotator"]) == {"multi_frame"}
    assert np.allclose(both["value"], 0)
