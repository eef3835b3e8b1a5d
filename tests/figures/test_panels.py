"""Whole figures: a panel for each question or annotator, and two annotators of one kind apart."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from fer_helpers import figures
from fer_helpers.evaluation import agreement, scores
from fer_helpers.tables import IMPORTED
from tests.support.predictions import MODEL, clips, joined, predicted


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("Agg")
    yield
    plt.close("all")


LABELS = {("multi_frame", MODEL): ["sad", "fear"], (IMPORTED, "one"): ["sad", "sad"], (IMPORTED, "$two$"): ["fear"] * 2}


def texts(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_two_imported_annotators_are_two_bars_and_two_rows():
    names = ["multi_frame", "one", r"\$two\$"]
    table = scores.score(predicted(LABELS), clips(["sad", "fear"]), n_resamples=100)
    figure, drawn = figures.metric_by_annotator(table, "WAR")
    assert texts(figure.axes[0].yaxis)[:3] == names
    assert set(drawn["metric"]) == {"WAR"}


def test_a_confusion_matrix_says_what_it_counts():
    rows = joined({("per_frame", MODEL): ["sad", "fear"]}, ["sad", "sad"], frame_index=0)
    figure, matrix = figures.confusion_of(rows)
    assert figure.axes[0].get_ylabel() == "true label (number of frames)"
    assert (matrix.loc["sad", "fear"], matrix.to_numpy().sum()) == (1, 2)


def test_reliability_has_a_panel_for_each_annotator_with_confidence():
    rows = joined(LABELS, ["sad", "fear"]).assign(confidence=0.9)
    rows.loc[rows["model"] == "one", "confidence"] = float("nan")
    figure, bins = figures.reliability_by_annotator(rows)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == ["multi_frame\n1 bins of 2 clips", "\\$two\\$\n1 bins of 2 clips"]
    assert bins.loc["multi_frame", "right"].tolist() == [1.0]
    assert len(figures.reliability_by_annotator(rows, most=1)[1]) == 1


def test_true_labels_stand_above_the_predicted_ones_and_every_row_has_its_number():
    figure, shares = figures.labels_given(predicted(LABELS), clips(["sad", None]))
    named = ["true labels (n = 1)", "multi_frame (n = 2)", "one (n = 2)", r"\$two\$ (n = 2)"]
    assert texts(figure.axes[0].yaxis) == named
    assert shares.loc[("seven", "one"), ["sad", "n"]].tolist() == [1, 2]
    assert shares.loc[("seven", "true labels"), ["sad", "n"]].tolist() == [1, 1]
    figure, _ = figures.labels_given(predicted(LABELS), clips([None, None]))
    assert texts(figure.axes[0].yaxis) == named[1:]


def test_recall_has_its_interval_and_its_classes_their_clips():
    rows = joined({("multi_frame", MODEL): ["sad", "fear", "sad"]}, ["sad", "sad", "fear"])
    table = scores.score(predicted({("multi_frame", MODEL): ["sad", "fear", "sad"]}), clips(["sad", "sad", "fear"]))
    figure, drawn = figures.recall_by_annotator(table, rows)
    assert texts(figure.axes[0].xaxis) == ["fear\n(n = 1)", "sad\n(n = 2)"]
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["0.00\n[0.00, 0.79]", "0.50\n[0.09, 0.91]"]  # Wilson's, of 0 of 1 and of 1 of 2
    assert set(drawn["annotator"]) == {"multi_frame"}


def test_agreement_is_between_annotators():
    _, same = figures.pairwise_agreement(agreement.votes(predicted(LABELS)), "seven classes")
    assert same.loc["multi_frame", "one"] == 0.5
    assert same.loc["one", "$two$"] == 0


def test_price_is_drawn_in_what_is_billed():
    table = pd.DataFrame(
        {"frames per clip": [1, 5], "tokens per clip": [10, 50], "US$ per clip": 0.0}, index=["single_frame", "mosaic"]
    ).assign(WAR=0.5, ci_low=0.4, ci_high=0.6)
    figure, rows = figures.price(table, "WAR")
    assert figure.axes[0].get_xlabel() == "tokens per clip"
    assert len(rows) == 2
    figure, _ = figures.price(table.assign(**{"US$ per clip": [1.0, 2.0]}), "WAR")
    assert figure.axes[0].get_xlabel() == "US\\$ per clip"


def test_groups_have_their_people_and_clips_beside_their_scores():
    columns = ["group", "level", "metric", "value", "ci_low", "ci_high", "n_people", "n_clips"]
    rows = [("age", "old", metric, 0.5, float("nan"), float("nan"), 9, 30) for metric in ("WAR", "UAR")]
    figure, _ = figures.by_group(pd.DataFrame(rows, columns=columns))
    assert texts(figure.axes[0].yaxis) == ["age: old (9)"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["0.50 (n = 30)"]
