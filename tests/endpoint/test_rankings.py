"""The embedded endpoint ranks by its network's probabilities, and gives them as shares."""

import asyncio
import json

import numpy as np
import pandas as pd
import pytest

from fer_helpers import endpoint
from fer_helpers.annotation import Access, Archive, _probe, online
from fer_helpers.emotions import SEVEN, TERNARY, collapse
from fer_helpers.endpoint import MODEL, chat, faults, questions
from fer_helpers.prompting import planning, prompts, replies
from tests.support.batch_bench import FRAMES, picture
from tests.support.plans import frames_of

SHARES = np.array([0.05, 0.125, 0.25, 0.025, 0.15, 0.1, 0.3])  # angry, disgust, fear, happy, neutral, sad, surprise
RANKED = ("surprise", "fear", "neutral", "disgust", "sad", "angry", "happy")


class Fixed:
    def read(self, data):
        return SHARES, (64, 64)


def asked(prompt, form, taxonomy="seven"):
    """The reply to one of the package's own requests."""
    asking = planning.Asking("fer2013-cnn", prompt=prompt, form=form)
    row = planning.plan(frames_of({"a": 1}), ["single_frame"], [taxonomy], asking).iloc[0]
    body = planning.body_of(row, ["data:image/jpeg;base64,AA=="])
    return chat.complete(questions.parse(json.dumps(body).encode()), Fixed())


@pytest.mark.parametrize("form", prompts.FORMS)
def test_it_ranks_by_probability(form):
    answer = replies.parse(asked("ranking", form), SEVEN, "ranking")
    assert (answer.label, answer.ranking) == ("surprise", RANKED)
    assert answer.probabilities["surprise"] == pytest.approx(0.3)
    assert answer.source == ("logprobs" if form == "schema+logprobs" else answer.source)


@pytest.mark.parametrize("form", prompts.FORMS)
def test_its_shares_are_its_probabilities(form):
    answer = replies.parse(asked("distribution", form), SEVEN, "distribution")
    assert (answer.status, answer.label, answer.source) == ("ok", "surprise", "distribution")
    assert [answer.probabilities[label] for label in SEVEN] == pytest.approx(SHARES)


def test_three_classes_are_summed_before_they_are_ranked():
    answer = replies.parse(asked("ranking", "schema", "ternary"), TERNARY, "ranking")
    sums = pd.Series(collapse(SHARES.tolist()), TERNARY)  # .525, .15, .325
    assert answer.ranking == tuple(sums.sort_values(ascending=False).index) == ("negative", "positive", "neutral")


def test_a_schema_by_reference_is_understood():
    """As pydantic writes list[Expression]."""
    schema = {
        "type": "object",
        "$defs": {"Expression": {"enum": list(SEVEN), "type": "string"}},
        "properties": {"order": {"type": "array", "items": {"$ref": "#/$defs/Expression"}}},
        "required": ["order"],
    }
    body = {
        "model": "fer2013-cnn",
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }
    reply = chat.complete(questions.parse(json.dumps(body).encode()), Fixed())
    assert json.loads(chat.text_of(reply["choices"][0]["message"])) == {"order": list(RANKED)}


@pytest.mark.parametrize("prompt", ["ranking", "distribution"])
@pytest.mark.parametrize(("kind", "status"), [(kind, faults.STATUS[kind]) for kind in ("wrong_label", "length")])
def test_a_content_fault_befalls_it_as_it_does_a_label(prompt, kind, status):
    reply = faults.altered(asked(prompt, "schema"), kind, "0")
    assert replies.parse(reply, SEVEN, prompt).status == status


@pytest.mark.parametrize("prompt", ["ranking", "distribution"])
def test_asked_over_http_every_request_is_answered(prompt, tmp_path):
    planned = planning.plan(
        FRAMES, ["multi_frame", "mosaic"], ["seven", "ternary"], planning.Asking(MODEL, prompt=prompt)
    )
    with endpoint.serve(model=Fixed()) as url, Archive(tmp_path / "a.sqlite") as archive:
        answers = asyncio.run(online.annotate(planned, picture, archive, Access(url)))
        assert len(online.answered(planned, archive)) == len(answers) == planned["key"].nunique()
    assert (answers["status"] == "ok").all()
    assert answers["prob_source"].eq("logprobs" if prompt == "ranking" else "distribution").all()
    assert answers.get("ranking", pd.Series()).notna().sum() == (len(answers) if prompt == "ranking" else 0)


def test_what_a_server_can_do_is_found_out_with_a_label_whatever_the_prompt():
    """A forbidden label in the probe's words tells an enforced schema; what is learned holds for all prompts."""
    rows = [_probe._row(planning.Asking("m", prompt=prompt), 1) for prompt in ("labels", "ranking", "distribution")]
    assert [row["prompt"] for row in rows] == ["labels"] * 3
    assert _probe._row(planning.Asking("m", prompt="reasoning"), 1)["prompt"] == "reasoning"
