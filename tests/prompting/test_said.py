"""Ranked answers and distributions, in the shapes that models give them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_helpers import statuses
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.prompting.replies import KINDS, parse


def reply(content, finish_reason="stop", logprobs=None):
    return {"choices": [{"finish_reason": finish_reason, "message": {"content": content}, "logprobs": logprobs}]}


WHOLE = '{"ranking":["happy","surprise","neutral","sad","fear","angry","disgust"]}'


@pytest.mark.parametrize(
    ("content", "ranking"),
    [
        (WHOLE, "happy surprise neutral sad fear angry disgust"),
        ('{"ranking": ["Happiness", "surprised"]}', "happy surprise"),
        ('{"Ranking": ["happy", "sad"], "confidence": 0.9}', "happy sad"),
        (f"```json\n{WHOLE}\n```", "happy surprise neutral sad fear angry disgust"),
        (f"The mouth is open. {WHOLE} I hope this helps.", "happy surprise neutral sad fear angry disgust"),
        (f"<think>1. sad 2. fear</think>{WHOLE}", "happy surprise neutral sad fear angry disgust"),
        ('{"reasoning": "I cannot tell happy from sad easily.", "ranking": ["happy", "sad"]}', "happy sad"),
        ('{"ranking": "happy > sad > fear"}', "happy sad fear"),
        ('{"ranking": ["happy", "sad"]}\n{"ranking": ["joy", "sadness"]}', "happy sad"),
        ("1. happy 2. sad", "happy sad"),
        ("1. Happy\n2. Sad\n3. Fear", "happy sad fear"),
        ("1) **Happy** - raised cheeks\n2) Sad (less so)\n3) Fear: hardly", "happy sad fear"),
        ("(1) happy (2) sad", "happy sad"),
        ("Here is my ranking:\n\n1. Happy. The lip corners are raised.\n2. Surprise\n\nLet me know!", "happy surprise"),
        ("happy > surprise > sad", "happy surprise sad"),
        ("happy, sad, fear", "happy sad fear"),
        ('["happy", "sad"]', "happy sad"),
        ("- happy\n- sad", "happy sad"),
        ("happy", "happy"),
    ],
)
def test_a_ranking_is_read_and_its_label_is_the_first(content, ranking):
    answer = parse(reply(content), SEVEN, "ranking")
    assert (answer.status, answer.label, " ".join(answer.ranking)) == ("ok", ranking.split()[0], ranking)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ('{"ranking": ["happy", "sad", "happy"]}', "invalid"),
        ('{"ranking": ["happy", "joy"]}', "invalid"),  # two words of one label
        ('{"ranking": ["happy", "contempt"]}', "invalid"),
        ('{"ranking": []}', "invalid"),
        ('{"ranking": null}', "invalid"),
        ('{"ranking": [["happy"], 3]}', "invalid"),
        ('{"ranking": ["happy", "sad"]} {"ranking": ["sad", "happy"]}', "invalid"),
        ('{"ranking": ["happy"], "ranking": ["sad"]}', "invalid"),
        ("1. happy 2. bored", "invalid"),
        ("1. happy 3. sad", "invalid"),
        ("happy and sad", "invalid"),
        ("happy = sad", "invalid"),
        ("The person seems happy.", "invalid"),
        ("", "invalid"),
        ("I'm sorry, but I can't help with identifying emotions.", "refused"),
        ("I'm sorry, I cannot identify emotions. Your labels were: 1. happy 2. sad", "refused"),
    ],
)
def test_what_is_no_ranking_is_a_status(content, status):
    answer = parse(reply(content), SEVEN, "ranking")
    assert (answer.status, answer.label, answer.ranking) == (status, None, ())


@pytest.mark.parametrize(
    ("content", "shares"),
    [
        ('{"distribution": {"negative": 20, "neutral": 5, "positive": 75}}', (0.2, 0.05, 0.75)),
        ('{"distribution": {"negative": 40, "neutral": 10, "positive": 150e-0}}', None),  # outside 0 to 100
        ('{"distribution": {"negative": 40, "neutral": 10, "positive": 100}}', (4 / 15, 1 / 15, 10 / 15)),
        ('{"distribution": {"negative": 0.2, "neutral": 0.05, "positive": 0.75}}', (0.2, 0.05, 0.75)),
        ('{"negative": 20, "neutral": 5, "positive": 75}', (0.2, 0.05, 0.75)),
        ('{"reasoning": "so", "negative": 20, "neutral": 5, "positive": 75}', (0.2, 0.05, 0.75)),
        ('{"shares": {"negative": 20, "neutral": 5, "positive": 75}}', (0.2, 0.05, 0.75)),
        ('```json\n{"distribution": {"Negative": "20 %", "Neutral": "5%", "Positive": "75"}}\n```', (0.2, 0.05, 0.75)),
        ('{"distribution": {"negative": "19,5", "neutral": "5,5", "positive": "75,0"}}', (0.195, 0.055, 0.75)),
        ('{"negative": 19,5, "neutral": 5,5, "positive": 75,0}', (0.195, 0.055, 0.75)),  # German, and so no JSON
        ("negative: 19,5 %\nneutral: 5,5 %\npositive: 75 %", (0.195, 0.055, 0.75)),
        (
            "Here is my estimate:\n- **Negative**: 20\n- **Neutral**: 5\n- **Positive**: 75\nTotal: 100",
            (0.2, 0.05, 0.75),
        ),
        ("| negative | 20 |\n| neutral | 5 |\n| positive | 75 |", (0.2, 0.05, 0.75)),
        ("negative – 20, neutral – 5, positive – 75", (0.2, 0.05, 0.75)),
        ('{"distribution": {"negative": 25, "positive": 75}}', (0.25, 0, 0.75)),  # the rest of 100 is 0
        ('{"distribution": {"negative": 25, "positive": 50}}', None),  # a quarter is anybody's
        ('{"distribution": {"negative": 0, "neutral": 0, "positive": 0}}', None),
        ('{"distribution": {"negative": -5, "neutral": 30, "positive": 75}}', None),
        ("negative: -5, neutral: 30, positive: 75", None),
        ('{"distribution": {"negative": "low", "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": null, "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": true, "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": NaN, "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": Infinity, "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": 1' + "0" * 400 + ', "neutral": 30, "positive": 70}}', None),
        ('{"distribution": {"negative": 10, "neutral": 20, "positive": 60, "contempt": 10}}', None),
        ("negative: 10, neutral: 20, positive: 60, contempt: 10", None),
        ('{"distribution": {"negative": 20, "negative": 5, "positive": 75}}', None),
        ('{"distribution": [20, 5, 75]}', None),
        ("0% negative 60% neutral 40% positive", None),  # which number belongs to which word?
        ("mostly positive", None),
    ],
)
def test_a_distribution_is_normalised_or_none(content, shares):
    answer = parse(reply(content), TERNARY, "distribution")
    if shares is None:
        assert (answer.status, answer.label, dict(answer.probabilities)) == ("invalid", None, {})
    else:
        assert (answer.status, answer.label, answer.source) == ("ok", "positive", "distribution")
        assert [answer.probabilities[label] for label in TERNARY] == pytest.approx(shares)


def test_of_equal_shares_the_taxonomys_first_is_the_label():
    content = json.dumps({"distribution": {"surprise": 40, "fear": 40, "happy": 20}})
    assert parse(reply(content), SEVEN, "distribution").label == "fear"


def test_a_refusal_that_repeats_the_scale_is_a_refusal():
    text = "I can't determine emotions, so: negative: 0, neutral: 100, positive: 0"
    assert parse(reply(text), TERNARY, "distribution").status == "refused"


@pytest.mark.parametrize("kind", KINDS[1:])
def test_what_was_not_asked_for_is_no_answer(kind):
    """A list is no label, and a label on a scale that was not asked for no distribution."""
    assert parse(reply("1. happy 2. sad"), SEVEN).status == "invalid"
    assert parse(reply('{"happy": 70, "sad": 30}'), SEVEN).status == "invalid"
    assert parse(reply('{"label": "happy"}'), SEVEN, kind).status == "invalid"


@pytest.mark.parametrize("content", [WHOLE, '{"distribution": {"happy": 100}}'])
def test_cut_at_the_limit_it_counts_where_its_json_is_whole(content):
    kind = "ranking" if "ranking" in content else "distribution"
    assert parse(reply(content + "\n\n\n", "length"), SEVEN, kind).status == "ok"
    assert parse(reply(content[:-2], "length"), SEVEN, kind).status == "truncated"
    assert parse(reply("1. happy 2. sad", "length"), SEVEN, "ranking").status == "truncated"


def token(text, **alternatives):
    top = [{"token": name, "logprob": logprob} for name, logprob in alternatives.items()]
    return {"token": text, "logprob": 0.0, "top_logprobs": top}


def test_log_probabilities_of_a_ranking_are_those_of_its_first_label():
    """ln .75 and ln .25; what comes after the first choice is asked among what is left, and says nothing here."""
    first = token("sad", sad=-0.2876820724517809, fear=-1.3862943611198906)
    entries = [token('{"ranking":["'), first, token('","'), token("fear", fear=0.0), token('"]}')]
    answer = parse(reply('{"ranking":["sad","fear"]}', logprobs={"content": entries}), SEVEN, "ranking")
    assert (answer.source, answer.probabilities["sad"], answer.probabilities["fear"]) == (
        "logprobs", pytest.approx(0.75), pytest.approx(0.25),
    )  # fmt: skip


def test_a_ranking_may_state_its_confidence():
    answer = parse(reply('{"ranking":["sad","fear"],"confidence":0.7}'), SEVEN, "ranking")
    assert (answer.source, answer.probabilities["sad"]) == ("confidence", 0.7)
    assert answer.probabilities["fear"] == answer.probabilities["happy"]  # ranks are made into no probabilities


PIECES = ["happy", "sad", "Happiness", "1. ", "2. ", "[", "]", "{", "}", '"', '"ranking":', '"distribution":', ":", ",",
          " 70 %", "12,5", "-1", "1e999", "\n", "- ", "```",
          "null", "I cannot tell ", "contempt", "\ud800"]  # fmt: skip


@settings(max_examples=300)
@given(st.sampled_from(KINDS), st.lists(st.sampled_from(PIECES), max_size=25).map("".join) | st.text(max_size=60))
def test_no_reply_raises_and_only_an_ok_answer_has_a_label(kind, text):
    answer = parse(reply(text), SEVEN, kind)
    assert answer.status in statuses.ANSWER
    assert (answer.status == "ok") == (answer.label in SEVEN)
    assert not answer.ranking or answer.label == answer.ranking[0]
    assert not answer.probabilities or sum(answer.probabilities.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["a" * 200_000, "a " * 100_000, "1. " * 60_000, "happy" + " " * 200_000 + "x",
                                  "[" * 200_000, "happy: " * 40_000, '{"' * 100_000])  # fmt: skip
@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.timeout(20)
def test_a_long_reply_is_read_in_little_time(kind, text):
    """What a model writes is untrusted, and a regular expression may take time that grows with its square."""
    assert parse(reply(text), SEVEN, kind).status != "ok"
