"""What notebooks 04 and 05 show of predictions and scores: by hand, by annotator, and with nothing to show."""

import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.evaluation import agreement, comparisons, ensembles, naming, predictions, scores, summaries
from fer_helpers.tables import IMPORTED
from tests.support.predictions import MODEL, clips, joined, predicted


def test_two_imported_annotators_have_a_row_and_a_column_each():
    given = predicted({("multi_frame", MODEL): ["sad"], (IMPORTED, "one"): ["sad"], (IMPORTED, "two"): ["happy"]})
    wide = summaries.labels_by_annotator(given)
    assert wide.loc["a"].to_dict() == {"multi_frame": "sad", "one": "sad", "two": "happy"}
    recall = scores.recalls(scores.join(given, clips(["sad"])))
    assert recall["sad"].to_dict() == {"multi_frame": 1.0, "one": 1.0, "two": 0.0}


def test_an_annotator_called_like_a_strategy_keeps_a_name_of_its_own():
    given = predicted({("multi_frame", MODEL): ["sad"], (IMPORTED, "multi_frame"): ["happy"]})
    assert list(naming.annotator_names(given)) == ["multi_frame", "multi_frame (imported)"]
    assert summaries.labels_by_annotator(given).shape == (1, 2)
    assert agreement.shares(agreement.votes(given)).loc["multi_frame", "multi_frame (imported)"] == 0
    assert naming.display_names([("single_frame", MODEL), (IMPORTED, "cascade")]) == [
        "single_frame",
        "cascade (imported)",
    ]


def test_an_annotator_called_like_a_baseline_keeps_a_name_of_its_own():
    pairs = [(scores.ALWAYS, tables.NOBODY), (IMPORTED, scores.ALWAYS)]
    assert naming.display_names(pairs) == [scores.ALWAYS, f"{scores.ALWAYS} (imported)"]


def test_an_ensemble_takes_one_strategy_of_a_model_even_if_others_share_its_name():
    given = predicted(
        {("single_frame", MODEL): ["sad"], ("majority_vote", MODEL): ["fear"], (IMPORTED, MODEL): ["sad"]}
    )
    raters = ensembles.raters(given)
    assert sorted(raters["model"]) == [MODEL, "majority_vote"]
    assert len(ensembles.ensemble("majority", raters)) == 1


def test_without_clip_level_predictions_there_are_no_raters_and_no_labels():
    given = predicted({("per_frame", MODEL): ["sad", "fear"]}, frame_index=0)
    assert ensembles.raters(given).empty
    assert summaries.labels_by_annotator(given).empty
    assert summaries.disagreements(summaries.labels_by_annotator(given)).empty


def test_imported_labels_are_collapsed_as_the_runs_own():
    """They were collapsed when they were imported, with surprise positive."""
    others = predicted({(IMPORTED, "one"): ["surprise"]})
    others = tables.check("predictions", pd.concat([others, predictions.collapsed(others)]))
    own = predicted({("multi_frame", MODEL): ["sad"]})
    both = predictions.with_others(own, others, "negative")
    assert both.loc[both["taxonomy"] == "ternary", "label"].tolist() == ["negative"]
    assert predictions.with_others(own, others.iloc[:0]) is own


def test_disagreement_is_between_labels_that_are_there():
    given = predicted({("single_frame", MODEL): ["sad", "sad", None], ("multi_frame", MODEL): ["sad", "fear", "fear"]})
    assert list(summaries.disagreements(summaries.labels_by_annotator(given)).index) == ["b"]


def test_strength_and_confidence_by_hand():
    rows = joined({("multi_frame", MODEL): ["sad", "neutral", "fear", "neutral"]}, ["sad", "sad", "sad", "neutral"])
    rows["intensity"], rows["confidence"] = [0.4, 0.4, 1.0, 1.0], [0.3, 0.9, 0.9, 0.0]
    strength = summaries.by_strength(rows)
    assert strength.loc["≤ 0.5"].tolist() == [2, 0.5, 0.5]
    assert strength.loc["≤ 1"].tolist() == [1, 0, 0]
    bands = summaries.by_confidence(rows)
    assert bands.loc["up to 0.4"].tolist() == [2, 0.15, 1]
    assert bands.loc["up to 1"].tolist() == [2, 0.9, 0]
    assert list(summaries.surest_wrong(rows)["clip_id"]) == ["b", "c"]


def test_missing_predictions_are_counted_in_three_ways():
    """Three clips, one right, one wrong, one missing."""
    given = predicted({("multi_frame", MODEL): ["sad", "sad", None]})
    table = scores.score(given, clips(["sad", "fear", "fear"]), n_resamples=100)
    row = summaries.missing_counted(table).loc[("WAR", "multi_frame")]
    assert row.tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 3, 2 / 3])
    assert summaries.missing(given).to_dict("index") == {("multi_frame", "seven", "refused"): {"rows": 1}}


def test_price_leaves_single_frames_out_and_works_without_scores():
    spent = pd.DataFrame({"US$ per clip": [1.0, 2.0]}, index=["per_frame", "multi_frame"])
    given = predicted({("multi_frame", MODEL): ["sad", "sad"], ("per_frame", MODEL): ["sad", "sad"]})
    table = scores.score(given, clips(["sad", "fear"]), n_resamples=100)
    assert summaries.price_and_score(spent, table, ["WAR"])["WAR"].to_dict() == {"multi_frame": 0.5}
    assert summaries.price_and_score(spent, table.iloc[:0], ["WAR", "UAR"])[["WAR", "UAR"]].isna().all(axis=None)


def test_two_ways_to_three_classes_are_compared_within_a_strategy():
    seven = predicted({("multi_frame", MODEL): ["sad", "happy"], (IMPORTED, "one"): ["sad", "sad"]})
    direct = predicted({("multi_frame", MODEL): ["negative", "negative"]}, "ternary")
    both = tables.check("predictions", pd.concat([seven, direct, predictions.collapsed(seven)]))
    ways = comparisons.direct_or_collapsed(both, clips(["sad", "happy"]), n_resamples=100)
    row = summaries.ways_to_three(ways).loc[("WAR", "multi_frame")]
    assert (row["asked directly"], row["collapsed from seven"], row["difference"]) == (0.5, 1.0, -0.5)
    assert comparisons.direct_or_collapsed(direct, clips(["sad", "happy"]), n_resamples=100).empty


def test_the_papers_claim_is_about_its_two_strategies():
    given = predicted(
        dict.fromkeys([(name, MODEL) for name in ("majority_vote", "multi_frame", "mosaic")], ["sad"] * 3)
    )
    paired = comparisons.compare(given, clips(["sad", "sad", "fear"]), n_resamples=100)
    claim = comparisons.between(paired, *comparisons.PAPER_CLAIM)
    assert set(claim["strategy_a"]) == {"majority_vote"}
    assert set(claim["strategy_b"]) == {"multi_frame"}


@pytest.mark.parametrize(("value", "fits"), [(1.0, True), (1.1, False), (-0.5, False), (np.nan, True)])
def test_a_score_outside_of_its_metric_is_seen(value, fits):
    assert scores.in_range(pd.DataFrame({"metric": ["WAR"], "value": [value]})) is fits


def test_kappa_may_be_negative():
    assert scores.in_range(pd.DataFrame({"metric": ["kappa"], "value": [-0.5]}))


def test_sentences_are_wrapped_and_read_no_markup():
    assert summaries.bullets(["a <b> c", "d " * 3], width=6) == "- a\n  <b>\n  c\n- d d\n  d"
