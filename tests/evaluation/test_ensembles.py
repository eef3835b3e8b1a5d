"""Ensembles: crowd-kit's results in our tables, ties, missing votes, and what they do with raters of unequal skill."""

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import GLAD, DawidSkene, MajorityVote
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.evaluation.ensembles import ENSEMBLES, ensemble

THEIRS = {"majority": MajorityVote(), "dawid_skene": DawidSkene(n_iter=100), "glad": GLAD()}
votes_of = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 3), st.sampled_from(SEVEN[:4])), min_size=1, max_size=25,
    unique_by=lambda vote: vote[:2],
)  # fmt: skip


def frame(votes):
    rows = [(f"c{clip}", f"r{rater}", label) for clip, rater, label in votes]
    return pd.DataFrame(rows, columns=["clip_id", "rater", "label"])


@pytest.mark.parametrize("name", ENSEMBLES)
@settings(max_examples=5, deadline=None)
@given(votes=votes_of)
@pytest.mark.filterwarnings("ignore")
def test_probabilities_equal_crowd_kits(name, votes):
    """One clip, one rater, one label and ties included; every clip's probabilities sum to 1; order is nothing."""
    rows = frame(votes)
    found = ENSEMBLES[name](rows, SEVEN)
    assert list(found.columns) == list(SEVEN)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    pd.testing.assert_frame_equal(found, ENSEMBLES[name](rows.iloc[::-1], SEVEN), check_exact=True)
    if name != "glad" or rows["label"].nunique() > 1:
        renamed = rows.sort_values(["clip_id", "rater"]).set_axis(["task", "worker", "label"], axis=1)
        theirs = THEIRS[name].fit_predict_proba(renamed).reindex(columns=SEVEN, fill_value=0).fillna(0)
        np.testing.assert_allclose(found, theirs.loc[found.index], rtol=0, atol=1e-12)


def predicted(labels_of, strategy="multi_frame", **more):
    """Clip-level predictions of several models: model -> label of each clip."""
    rows = [
        {"clip_id": f"c{i}", "model": model, "label": label, "status": "ok" if label else "refused", "tokens": 10}
        for model, labels in labels_of.items()
        for i, label in enumerate(labels)
    ]
    both = {"taxonomy": "seven", "asked": "seven", "n_votes": 1, "tie": False, "strategy": strategy}
    return tables.check("predictions", pd.DataFrame(rows).assign(**both, cost_usd=0.01, **more))


def test_the_majority_by_hand():
    """c0: two of three sad. c1: a tie, the earlier label. c2: one vote. c3: nobody answered."""
    found = ensemble(
        "majority",
        predicted(
            {
                "x": ["sad", "sad", None, None],
                "y": ["sad", "angry", "fear", None],
                "z": ["happy", None, None, None],
            }
        ),
    ).set_index("clip_id")
    assert list(found["label"].fillna("")) == ["sad", "angry", "fear", ""]
    assert list(found["tie"]) == [False, True, False, False]
    assert list(found["n_votes"]) == [3, 2, 1, 0]
    assert list(found["status"]) == ["ok", "ok", "ok", "refused"]
    assert found["confidence"].tolist()[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    assert found["agreement"].tolist()[:3] == pytest.approx([2 / 3, 1 / 2, 1])
    assert (found["strategy"] == "majority").all()
    assert (found["model"] == tables.SEVERAL).all()
    assert found.loc["c0", ["tokens", "cost_usd"]].tolist() == [30, pytest.approx(0.03)]


@pytest.mark.parametrize("name", ENSEMBLES)
def test_nobody_answering_is_no_label(name):
    found = ensemble(name, predicted({"x": [None], "y": [None]}))
    assert found["label"].isna().all()
    assert list(found["status"]) == ["refused"]


@pytest.mark.parametrize("name", ["dawid_skene", "glad"])
def test_estimated_skill_beats_counting_votes_where_raters_differ(name):
    """Two good raters and three who guess: skill is worth knowing. (If the three err alike, it is not.)"""
    rng = np.random.default_rng(1)
    truth = rng.choice(SEVEN[:4], 100)
    skills = {"a": 0.9, "b": 0.9, "c": 0.3, "d": 0.3, "e": 0.3}
    guesses = {
        model: [t if rng.random() < skill else str(rng.choice(SEVEN[:4])) for t in truth]
        for model, skill in skills.items()
    }
    right = {x: (ensemble(x, predicted(guesses))["label"].to_numpy() == truth).mean() for x in (name, "majority")}
    assert right[name] > right["majority"] + 0.03


def test_shared_mistakes_fool_every_ensemble():
    """Three copies of one poor annotator outvote two good ones, whatever the method: the docstring's warning."""
    rng = np.random.default_rng(1)
    truth = rng.choice(SEVEN[:4], 150)
    good = [[t if rng.random() < 0.8 else str(rng.choice(SEVEN[:4])) for t in truth] for _ in range(2)]
    poor = [t if rng.random() < 0.4 else str(rng.choice(SEVEN[:4])) for t in truth]
    guesses = predicted({"a": good[0], "b": good[1], "c": poor, "d": poor, "e": poor})
    for name in ENSEMBLES:
        assert (ensemble(name, guesses)["label"].to_numpy() == truth).mean() < np.mean(np.array(good[0]) == truth)


def test_two_strategies_of_one_model_are_not_two_raters():
    rows = pd.concat([predicted({"x": ["sad"]}), predicted({"x": ["sad"]}, "soft_vote")])
    with pytest.raises(ValueError, match="multi_frame, soft_vote"):
        ensemble("majority", rows)
    with pytest.raises(ValueError, match="clip-level"):
        ensemble("majority", predicted({"x": ["sad"]}, frame_index=3))
