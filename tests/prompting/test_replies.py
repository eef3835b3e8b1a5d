"""Replies: which are answers, which are not, and what the log-probabilities say."""

import json
import math

import pytest

from fer_helpers.emotions import SEVEN
from fer_helpers.prompting._logprobs import label_probabilities
from fer_helpers.prompting.replies import Answer, billed, error_entry, parse, read


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
        ('<think>Perhaps {"label": "sad"}?</think>\n{"label": "fear"}', "fear"),
        ('no opening tag</think>{"label":"fear"}', "fear"),
        ('Here you are: {"label": "fear"} I hope this helps.', "fear"),
        ('```{"label": "fear"}```', "fear"),
        ('{"Label": "Fear"}', "fear"),
        ('{"label": "fear"}\n{"label": "fear"}', "fear"),
        ([{"type": "thinking", "thinking": "sad?"}, {"type": "text", "text": '{"label":"fear"}'}], "fear"),
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
        ({}, "error"),
        ({"choices": []}, "error"),
        ({"choices": None}, "error"),
        ({"choices": [{"message": None}]}, "error"),
        ({"choices": [{"error": {"code": 502, "message": "provider down"}, "message": {"content": "happy"}}]}, "error"),
        ({"error": {"message": "busy"}, **reply("happy")}, "error"),
        ({"choices": [{"error": {"code": 403, "message": "flagged", "metadata": {"reasons": ["x"]}}}]}, "filtered"),
        (reply('{"label":"happy"}', finish_reason="abort"), "error"),
        (reply("happy", finish_reason=None), "error"),
        (reply('{"label":"hap', finish_reason="error"), "error"),
        (reply(None, finish_reason="SAFETY"), "filtered"),
        (reply(None, finish_reason="content_filter: PROHIBITED_CONTENT"), "filtered"),
        (reply(None, finish_reason="guardrail_intervened"), "filtered"),
        (reply('{"label":"neutral","label":"angry"}'), "invalid"),
        (reply('{"Label":"neutral","label":"neutral"}'), "invalid"),
        (reply("[" * 3000), "invalid"),
        (reply("{" * 300_000), "invalid"),
        (reply('{"label":' * 3000), "invalid"),
        (reply([{"type": "image", "url": "x"}]), "invalid"),
        (reply(7), "invalid"),
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
    found = label_probabilities(entries, "happy", "happy", SEVEN)[0]
    assert found["happy"] == pytest.approx(0.6 / 0.9)
    assert found["sad"] == pytest.approx(0.3 / 0.9)
    assert sum(found.values()) == pytest.approx(1)


def test_probabilities_from_a_first_piece_of_a_word():
    """`dis` begins only disgust; `s` begins both sad and surprise and is counted for neither."""
    entries = [token(' "dis', **{' "dis': 0.5, "s": 0.3, "sur": 0.2}), token('gust"')]
    found = label_probabilities(entries, "disgust", "disgust", SEVEN)[0]
    assert found["disgust"] == pytest.approx(0.5 / 0.7)
    assert found["surprise"] == pytest.approx(0.2 / 0.7)
    assert found["sad"] == 0


@pytest.mark.parametrize("entries", [[], [token("happy")], [token("nothing", sad=1.0)]])
def test_no_alternatives_no_probabilities(entries):
    assert label_probabilities(entries, "happy", "happy", SEVEN)[0] == {}


def test_the_last_mention_of_the_label_counts():
    """Reasons come before the label and may name it or others."""
    entries = [token("happy", happy=0.9, sad=0.1), token(" but"), token("sad", sad=0.7, happy=0.3)]
    assert label_probabilities(entries, "sad", "sad", SEVEN)[0]["sad"] == pytest.approx(0.7)


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


def test_json_that_is_whole_is_an_answer_however_the_reply_ended():
    """llama.cpp writes white space after the JSON up to the limit; Ollama's older versions name no end."""
    for end in ("length", None, ""):
        assert parse(reply('{"label": "sad"}  ', finish_reason=end), SEVEN).label == "sad"
        assert parse(reply('{"label": "sa', finish_reason=end), SEVEN).label is None


def test_an_error_of_null_is_no_error():
    """Gateways send it beside good choices."""
    answer = parse({"error": None, **reply('{"label":"sad"}')}, SEVEN)
    assert (answer.status, answer.label) == ("ok", "sad")


def test_a_tools_arguments_are_an_answer():
    call = {"function": {"name": "expression", "arguments": '{"label":"sad"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert parse({"choices": [{"finish_reason": "tool_calls", "message": message}]}, SEVEN).label == "sad"


@pytest.mark.parametrize("status", ["ok", "refused"])
def test_an_ok_answer_without_a_label_or_a_label_without_ok_cannot_be(status):
    with pytest.raises(ValueError, match="with label"):
        Answer(status, label=None if status == "ok" else "sad")


def entry(token, logprob, **top):
    return {"token": token, "logprob": logprob, "top_logprobs": [{"token": t, "logprob": p} for t, p in top.items()]}


def test_the_token_that_was_written_counts_although_its_alternatives_lack_it():
    """vLLM's and llama.cpp's, from before the schema: 0.6 its own, 0.2 for sad, the rest no label."""
    entries = [entry("happy", math.log(0.6), sad=math.log(0.2), The=math.log(0.1))]
    found, doubt = label_probabilities(entries, "happy", "happy", SEVEN)
    assert (found["happy"], found["sad"], doubt) == (pytest.approx(0.75), pytest.approx(0.25), "")


def test_a_single_letter_is_a_word_of_its_own():
    entries = [entry("happy", math.log(0.4), a=math.log(0.5), sad=math.log(0.1))]
    found, _ = label_probabilities(entries, "happy", "happy", SEVEN)
    assert (found["happy"], found["angry"]) == (pytest.approx(0.8), 0.0)


@pytest.mark.parametrize(
    ("content", "entries", "doubt"),
    [
        ('{"label":"happy"}', [entry("happy", math.log(0.1), sad=math.log(0.8))], "the log-probabilities contradict"),
        ('{"label":"happy","confidence":0.1}', None, "the stated confidence contradicts"),  # below 1/7
        ('{"label":"happy"}', [{"token": "happy", "logprob": None, "top_logprobs": [None]}, None], "malformed"),
        ('{"label":"happy"}', {"token": "happy"}, "malformed"),
        ('{"label":"sad"}', [entry("s", -0.1, h=-3.0), entry("ad", -0.1)], "begins several labels"),
        ('{"label":"happy"}', None, "none given"),
    ],
)
def test_where_numbers_contradict_the_label_or_are_broken_there_are_none(content, entries, doubt):
    answer = parse(reply(content, logprobs={"content": entries}), SEVEN)
    assert (answer.status, answer.probabilities, answer.source) == ("ok", {}, "none")
    assert doubt in answer.doubt


def test_broken_logprobs_leave_the_stated_confidence():
    answer = parse(reply('{"label":"happy","confidence":0.7}', logprobs={"content": [None]}), SEVEN)
    assert (answer.source, answer.probabilities["happy"]) == ("confidence", 0.7)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (error_entry(400, "Error code: 400", "content_filter"), "filtered"),
        (error_entry(400, "blocked", body='{"innererror": {"code": "ResponsibleAIPolicyViolation"}}'), "filtered"),
        (error_entry(400, "no", "invalid_prompt"), "filtered"),
        (error_entry(500, "safety first"), "error"),
        (error_entry(400, "names are case-sensitive"), "error"),
        (error_entry(None, "TimeoutError"), "error"),
        (json.dumps({"error": "Error code: 400 - content_filter"}), "filtered"),  # as kept before errors had fields
        ("<html>", "invalid"),
        ("[1]", "invalid"),
        ("{" * 5000, "invalid"),
    ],
)
def test_what_is_kept_of_an_error_is_read_too(entry, status):
    assert read(entry, SEVEN).status == status


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 5}, (10, 5)),
        # reasoning inside (OpenAI), outside with a total (Gemini), outside without one (xAI)
        (
            {"prompt_tokens": 10, "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 40}},
            (10, 50),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 55}, (10, 45)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 40}},
            (10, 45),
        ),
        ({"prompt_tokens": "10", "completion_tokens": -5}, (None, None)),
        (None, (None, None)),
        ([], (None, None)),
    ],
)
def test_tokens_billed_hold_the_reasoning(usage, tokens):
    assert billed({"usage": usage}) == tokens
