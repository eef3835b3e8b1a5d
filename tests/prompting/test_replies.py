"""Replies: which are answers, which are not, and what the log-probabilities say."""

import json
import math

import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.prompting.replies import label_probabilities, parse


def reply(content=None, finish_reason="stop", refusal=None, logprobs=None):
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return {"choices": [{"finish_reason": finish_reason, "message": message, "logprobs": logprobs}]}


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ('{"label":"happy"}', "happy"),
        ('{"label": " Fear "}', "fear"),
        ("sad", "sad"),
        ("Surprise\n", "surprise"),
        ("**Neutral.**", "neutral"),
        ('```json\n{"label": "disgust"}\n```', "disgust"),
        ("```\nangry\n```", "angry"),
        ('{"label": "joy"}', "happy"),
        ('{"label": "anger"}', "angry"),
        ("Surprised", "surprise"),
        ('{"reasoning": "I cannot help smiling: happy?", "label": "sad"}', "sad"),
    ],
)
def test_a_label_of_the_list_is_an_answer(content, label):
    answer = parse(reply(content), SEVEN)
    assert (answer.status, answer.label) == ("ok", label)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (reply('{"label":"happy"', finish_reason="length"), "truncated"),
        (reply('{"label":"happy"}', finish_reason="content_filter"), "filtered"),
        (reply(None, refusal="I can't help with identifying emotions."), "refused"),
        (reply('{"label":"happy"}', refusal="no"), "refused"),
        (reply(None), "invalid"),
        (reply(""), "invalid"),
        (reply('{"label":"contempt"}'), "invalid"),
        (reply('{"label":["happy","sad"]}'), "invalid"),
        (reply('{"label":null}'), "invalid"),
        (reply('{"emotion":"happy"}'), "invalid"),
        (reply("happy or sad"), "invalid"),
        (reply("happy, sad"), "invalid"),
        (reply('{"label":"happy"} {"label":"sad"}'), "invalid"),
        (reply("The person seems happy."), "invalid"),
        (reply('{"gefühl":"happy"}'), "invalid"),
        (reply('{"label":"positive"}'), "invalid"),
        (reply("I'm sorry, but I can't help with that."), "refused"),
        (reply("I’m unable to identify emotions from facial features."), "refused"),
        (reply("Sorry, I cannot determine how this person feels."), "refused"),
        (reply("As an AI, I do not infer emotions."), "refused"),
        (reply("This is against our policies."), "refused"),
        (reply("Sorry, I cannot tell whether he is sad."), "refused"),
        (reply("I don't have the ability to identify emotions."), "refused"),
        (reply('{"label":"I cannot assist with this request"}'), "refused"),
        (reply('{"label":"hap'), "invalid"),
        (reply("[]"), "invalid"),
        ({}, "invalid"),
        ({"choices": []}, "invalid"),
        ({"choices": [{"message": None}]}, "invalid"),
    ],
)
def test_a_failure_is_a_status_and_never_a_label(given, status):
    answer = parse(given, SEVEN)
    assert (answer.status, answer.label) == (status, None)


def test_what_was_said_is_kept():
    assert parse(reply("perhaps bored"), SEVEN).text == "perhaps bored"


def token(text, **alternatives):
    top = [{"token": name, "logprob": math.log(share)} for name, share in alternatives.items()]
    return {"token": text, "logprob": 0.0, "top_logprobs": top}


def test_probabilities_from_whole_word_tokens():
    entries = [token('{"'), token("label"), token('":"'), token("happy", happy=0.6, sad=0.3, x=0.1), token('"}')]
    found = label_probabilities(entries, "happy", SEVEN)
    assert found["happy"] == pytest.approx(0.6 / 0.9)
    assert found["sad"] == pytest.approx(0.3 / 0.9)
    assert sum(found.values()) == pytest.approx(1)


def test_probabilities_from_a_first_piece_of_a_word():
    """`dis` begins only disgust; `s` begins both sad and surprise and is counted for neither."""
    entries = [token(' "dis', **{' "dis': 0.5, "s": 0.3, "sur": 0.2}), token('gust"')]
    found = label_probabilities(entries, "disgust", SEVEN)
    assert found["disgust"] == pytest.approx(0.5 / 0.7)
    assert found["surprise"] == pytest.approx(0.2 / 0.7)
    assert found["sad"] == 0


@pytest.mark.parametrize("entries", [[], [token("happy")], [token("nothing", sad=1.0)]])
def test_no_alternatives_no_probabilities(entries):
    assert label_probabilities(entries, "happy", SEVEN) == {}


def test_the_last_mention_of_the_label_counts():
    """Reasons come before the label and may name it or others."""
    entries = [token("happy", happy=0.9, sad=0.1), token(" but"), token("sad", sad=0.7, happy=0.3)]
    assert label_probabilities(entries, "sad", SEVEN)["sad"] == pytest.approx(0.7)


def test_without_logprobs_the_stated_confidence_counts():
    answer = parse(reply('{"label":"happy","confidence":0.7}'), SEVEN)
    assert (answer.source, answer.probabilities["happy"]) == ("confidence", 0.7)
    assert answer.probabilities["sad"] == pytest.approx(0.05)
    assert sum(answer.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("confidence", ["high", 70, -0.1, True, None])
def test_a_confidence_that_is_no_probability_is_none(confidence):
    answer = parse(reply(json.dumps({"label": "happy", "confidence": confidence})), SEVEN)
    assert (answer.status, answer.source, answer.probabilities) == ("ok", "none", {})


def test_the_parsed_answer_carries_them():
    entries = [token("happy", happy=0.8, neutral=0.2)]
    answer = parse(reply(json.dumps({"label": "happy"}), logprobs={"content": entries}), SEVEN)
    assert (answer.source, answer.probabilities["neutral"]) == ("logprobs", pytest.approx(0.2))
