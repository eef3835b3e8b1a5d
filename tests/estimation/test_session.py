"""A corpus without labels from first to last, as a notebook goes through it; answers outside the labels; no answers."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import statuses, tables
from fer_helpers.errors import ListError
from fer_helpers.estimation import (
    CORPUS,
    accept_audited,
    by_clip,
    draw_audit,
    draw_core,
    draw_worklist,
    drawn_only,
    estimate_performance,
    estimate_shares,
    finished_labels,
    more_labels,
    plan,
    population,
    read_labels,
    would_accept,
)
from tests.estimation.worlds import corpus, votes

WORLD, TRUTH = corpus(np.random.default_rng(9), 60, 20, right=0.97)


def made_tables():
    """The tables clips and predictions of WORLD, one clip unreadable, one refused, one answered outside the labels."""
    n = len(WORLD)
    clips = WORLD[["clip_id", "path", "subject"]].assign(start_s=0.0, status=["unreadable"] + ["ok"] * (n - 1))
    rows = WORLD[["clip_id", "label", "confidence"]].assign(
        strategy="mosaic", model="vlm", taxonomy="seven", asked="seven", n_votes=1, tie=False, status="ok"
    )
    rows.loc[1, ["label", "confidence", "status"]] = [None, np.nan, "refused"]
    rows.loc[2, ["label", "confidence", "status"]] = [None, np.nan, statuses.OUTSIDE]
    return tables.check("clips", clips), tables.check("predictions", rows)


def test_a_session_from_the_plan_to_the_finished_labels():
    clips, predictions = made_tables()
    corpus = population(clips, predictions)
    assert len(corpus) == len(clips) - 1
    assert plan([100, 200], len(corpus))["people"].is_monotonic_decreasing

    core = draw_core(corpus, 200, seed=1)
    unknown = pd.DataFrame({"clip_id": ["c3"], "rater": ["r"], "label": ["ennui"]})
    labels = read_labels(pd.concat([votes(WORLD, TRUTH, core), unknown], ignore_index=True), corpus)
    counted, refused = drawn_only(labels, core)
    assert refused["reason"].tolist() == ["unknown word"]

    truth = by_clip(counted)
    shares = estimate_shares(corpus, core, truth)
    assert set(shares["source"]) == {"model", "people", "both"}
    scores = estimate_performance(corpus, core, truth)
    war = scores[(scores["quantity"] == "WAR") & (scores["source"] == "both")].iloc[0]
    assert war["ci_low"] <= np.mean(WORLD["label"] == TRUTH) <= war["ci_high"]
    assert more_labels(shares, 0.02)["advice"].str.contains("more").any()

    chosen = would_accept(corpus, core, truth)
    audit = draw_audit(corpus, chosen, 120, seed=1)
    audited, _ = drawn_only(read_labels(votes(WORLD, TRUTH, audit), corpus), audit)
    done = accept_audited(corpus, chosen, audit, by_clip(audited))
    assert len(done.accepted) == len(chosen) > 0

    votes_so_far = pd.concat([counted, audited])
    worklist = draw_worklist(corpus, 10, votes_so_far["clip_id"])
    finished = finished_labels(corpus, by_clip(votes_so_far), done, worklist["clip_id"])
    assert tables.check("labels", finished).equals(finished)
    finished = finished.set_index("clip_id")
    name = corpus["annotator"].iloc[0]
    assert set(finished["annotator"]) == {name, f"{name} and people", "people"}
    assert finished.loc[worklist["clip_id"], "needs_look"].all()
    by_model = finished[finished["source"] == "model"]
    assert by_model["promise"].notna().sum() == len(set(chosen) - set(votes_so_far["clip_id"]))
    assert finished.loc[finished["source"] != "model", "promise"].isna().all()
    assert (finished.loc[finished["source"] == "both", "n_votes"] == 1).all()


def test_who_gave_each_finished_label():
    """c0 and c1: people agree with the model and do not; c2, c3: tied with and without the model's label; c4: model."""
    corpus = WORLD.head(6).assign(label=["sad"] * 5 + [None], status=["ok"] * 5 + ["refused"])
    said = [("c0", "a", "sad"), ("c1", "a", "fear"), ("c2", "a", "sad"), ("c2", "b", "fear")]
    said += [("c3", "a", "happy"), ("c3", "b", "fear")]
    truth = by_clip(pd.DataFrame(said, columns=["clip_id", "rater", "label"]))
    table = finished_labels(corpus, truth, worklist=["c1", "c4"])
    assert table["label"].where(table["label"].notna(), "-").tolist() == ["sad", "fear", "sad", "-", "sad", "-"]
    assert table["source"].where(table["source"].notna(), "-").tolist() == ["both", "person", "both", "-", "model", "-"]
    assert table["annotator"].tolist()[:2] == ["single: model and people", "people"]
    assert table["needs_look"].tolist() == [False, False, True, True, True, True]
    assert table["n_votes"].tolist() == [1, 1, 2, 2, 0, 0]


def test_outside_the_labels_is_wrong_and_no_answer_is_left_out():
    """All is labelled by people: ten of 40 right answers become one outside, five none: 25 of 35."""
    corpus = WORLD.head(40).assign(label="sad", subject=None)
    corpus.loc[:9, ["label", "confidence", "status"]] = [None, np.nan, statuses.OUTSIDE]
    corpus.loc[10:14, ["label", "confidence", "status"]] = [None, np.nan, "refused"]
    sample = draw_core(corpus, 40, 1)
    assert sample["stratum"].value_counts().to_dict() == {"sad": 25, statuses.OUTSIDE: 10, "no label": 5}
    truth = by_clip(pd.DataFrame({"clip_id": corpus["clip_id"], "rater": "r", "label": "sad"}))
    table = estimate_performance(corpus, sample, truth).set_index(["quantity", "source"])
    for quantity in ("WAR", "UAR", "recall: sad"):
        row = table.loc[(quantity, "both")]
        assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx((25 / 35,) * 3)
    assert (row["n"], row["n_clips"], row["n_missing"]) == (35, 35, 5)
    half = estimate_performance(corpus, draw_core(corpus, 20, 1), truth).set_index(["quantity", "source"])
    assert half.loc[("WAR", "both"), "value"] == pytest.approx(25 / 35)
    shares = estimate_shares(corpus, sample, truth).set_index(["quantity", "target", "source"])
    assert shares.loc[("share: sad", CORPUS, "both"), "value"] == pytest.approx(1)


def test_predictions_of_several_annotators_are_refused():
    clips, predictions = made_tables()
    with pytest.raises(ListError, match="2 annotators"):
        population(clips, pd.concat([predictions, predictions.assign(model="other")]))


def test_uar_allows_for_a_class_that_nobody_saw():
    """Every label seen is right, and five classes are not seen: UAR's interval goes far below that of WAR."""
    corpus = WORLD.head(400).assign(label=["sad", "happy"] * 200)
    sample = draw_core(corpus, 60, 1)
    truth = by_clip(votes(corpus, corpus["label"].to_numpy(), sample))
    table = estimate_performance(corpus, sample, truth).set_index(["quantity", "source"])
    war, uar = table.loc[("WAR", "both")], table.loc[("UAR", "both")]
    assert war["value"] == uar["value"] == uar["ci_high"] == 1
    assert uar["ci_low"] < 0.7 < 0.9 < war["ci_low"]
    recalls = table.xs("both", level="source")["value"].drop(["WAR", "UAR"])
    assert recalls.dropna().index.tolist() == ["recall: happy", "recall: sad"]


def test_under_ten_labels_uar_has_no_interval():
    """Rather than one of no width."""
    corpus = WORLD.head(100).assign(label=["sad", "happy"] * 50)
    sample = draw_core(corpus, 9, 1)
    truth = by_clip(votes(corpus, TRUTH[:100], sample))
    table = estimate_performance(corpus, sample, truth).set_index(["quantity", "source"])
    assert table.loc[[("UAR", "both"), ("UAR", "people")], ["ci_low", "ci_high"]].isna().all(axis=None)
    assert table.loc[("WAR", "both"), "ci_low"] < table.loc[("WAR", "both"), "ci_high"]
