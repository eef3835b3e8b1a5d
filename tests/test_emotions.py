"""Words, classes and valence: what a label may be called and what it collapses to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers.emotions import SEVEN, SURPRISE_VALENCES, TERNARY, collapse, parse_emotion, valence


@pytest.mark.parametrize(
    ("word", "emotion"),
    [
        ("Happy", "happy"),
        ("HAPPINESS", "happy"),
        (" joy ", "happy"),
        ("anger", "angry"),
        ("Fearful", "fear"),
        ("surprised", "surprise"),
        ("contempt", None),
        ("", None),
        ("happy!", None),
    ],
)
def test_only_words_that_name_a_class_are_understood(word, emotion):
    assert parse_emotion(word) == emotion


def test_valence_of_the_paper():
    """Happy is positive, neutral neutral, the rest negative; surprise is whatever the parameter says."""
    sides = {emotion: valence(emotion) for emotion in SEVEN if emotion != "surprise"}
    assert sides == {
        "angry": "negative",
        "disgust": "negative",
        "fear": "negative",
        "happy": "positive",
        "neutral": "neutral",
        "sad": "negative",
    }
    assert [valence("surprise", choice) for choice in SURPRISE_VALENCES] == ["positive", "neutral", "negative", None]


def test_collapse_by_hand():
    #        angry disgust fear happy neutral sad surprise
    shares = [0.10, 0.05, 0.05, 0.20, 0.30, 0.20, 0.10]
    assert collapse(shares, "positive") == pytest.approx([0.4, 0.3, 0.3])
    assert collapse(shares, "negative") == pytest.approx([0.5, 0.3, 0.2])
    assert collapse(shares, "left_out") == pytest.approx([0.4, 0.3, 0.2])


@given(st.lists(st.floats(0, 1), min_size=7, max_size=7), st.sampled_from(["positive", "neutral", "negative"]))
def test_collapsing_loses_no_probability(shares, surprise):
    collapsed = collapse(shares, surprise)
    assert len(collapsed) == len(TERNARY)
    assert sum(collapsed) == pytest.approx(sum(shares))
