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
    figure, shares = figures.labels_given(predicted(LABELS))
    names = ["multi_frame", "one", r"\$two\$"]
    assert texts(figure.axes[0].yaxis) == names
    assert shares.loc[("seven", "one"), "sad"] == 1
    table = scores.score(predicted(LABELS), clips(["sad", "fear"]), n_resamples=100)
    figure, drawn = figures.metric_by_annotator(table, "WAR")
    assert texts(figure.axes[0].yaxis)[:3] == names
    assert set(drawn["metric"]) == {"WAR"}


def test_a_confusion_matrix_says_what_it_counts():
    rows = joined({("per_frame", MODEL): ["sad", "fear"]}, ["sad", "sad"], frame_index=0)
    figure, matrix = figures.confusion_of(rows)
    assert figure.axes[0].get_ylabel() == "true label (frames)"
    assert (matrix.loc["sad", "fear"], matrix.to_numpy().sum()) == (1, 2)


def test_reliability_has_a_panel_for_each_annotator_with_confidence():
    rows = joined(LABELS, ["sad", "fear"]).assign(confidence=0.9)
    rows.loc[rows["model"] == "one", "confidence"] = float("nan")
    figure, curves = figures.reliability_by_annotator(rows)
    assert [ax.get_title() for ax in figure.axes] == ["multi_frame", r"\$two\$", ""]
    assert curves.loc["multi_frame", "right"].tolist() == [1.0]
    assert len(figures.reliability_by_annotator(rows, most=1)[1]) == 1


def test_agreement_is_between_annotators():
    _, same = figures.pairwise_agreement(agreement.votes(predicted(LABELS)), "seven classes")
    assert same.loc["multi_frame", "one"] == 0.5
    assert same.loc["one", "$two$"] == 0


def test_price_draws_a_line_for_strategies_over_several_numbers_of_frames():
    table = pd.DataFrame(
        {"frames per clip": [1, 3, 5, 5], "tokens per clip": [10, 30, 50, 20], "US$ per clip": 0.0},
        index=["single_frame", "multi_frame:3", "multi_frame", "mosaic"],
    ).assign(WAR=0.5, ci_low=0.4, ci_high=0.6)
    figure, rows = figures.price(table, "WAR")
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["one frame", "multi_frame"]
    assert figure.axes[0].get_xlabel() == "tokens per clip"
    assert len(rows) == 4
