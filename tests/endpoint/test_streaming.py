"""Streams, function calls and JSON mode of the embedded endpoint, as the official client reads them off a socket."""

import asyncio
import enum
import http.client
import json
import math
import time
from typing import Literal

import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from pydantic import BaseModel

from fer_helpers import endpoint
from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.endpoint import BatchFaults, Faults, faults, faulty
from fer_helpers.prompting import pricing, replies
from tests.support.chat import schema
from tests.support.faults import ByPicture, books, data_url

pytestmark = pytest.mark.timeout(60)
Seven = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


class Expression(BaseModel):
    """A reply or a call as users of the client declare it."""

    label: Seven


class Valence(enum.StrEnum):
    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Record(BaseModel):
    """A label under another name, from a Python Enum, which pydantic writes as a reference."""

    reasoning: str
    valence: Valence
    confidence: float


LABELLED = openai.pydantic_function_tool(Expression, name="record_expression")
RECORDED = openai.pydantic_function_tool(Record, name="record_valence")
NOTHING = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
WEATHER = {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": NOTHING}}


def named(tool):
    return {"type": "function", "function": {"name": tool["function"]["name"]}}


def request(text="Which expression?", picture="a", **more):
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": data_url(picture)}}]
    return {"model": endpoint.MODEL, "messages": [{"role": "user", "content": parts}], **more}


@pytest.fixture(scope="module")
def url():
    with endpoint.serve(model=ByPicture()) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def completions(url):
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        yield client.chat.completions


def posted(url, **body):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=5)
    connection.request("POST", faulty.PATH, json.dumps(body))
    return connection.getresponse()


def gathered(chunks):
    """The completion that the official client's accumulator makes of a stream's chunks."""
    state = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    return state.current_completion_snapshot


def said(reply):
    """A reply's one choice without what differs each time it is asked."""
    choice = reply.choices[0].to_dict()
    message = choice["message"]
    for call in message.get("tool_calls") or []:
        assert call.pop("id").startswith("call_")
        call.pop("index", None)  # a delta's, kept by the accumulator like the next
        call["function"].pop("parsed_arguments", None)
    return {**choice, "message": {name: value for name, value in message.items() if value is not None}}


# Streams


def test_a_stream_is_written_as_openai_writes_it(url):
    """By hand: role, the five pieces of {"label":"<label>"}, finish_reason, usage, [DONE]; a blank line after each."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    response = posted(url, **request(response_format=schema()), **options)
    *events, end = response.read().decode().split("\n\n")
    assert (response.status, response.headers.get_content_type(), end) == (200, "text/event-stream", "")
    assert events.pop() == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("chat.completion.chunk", endpoint.MODEL)}
    assert len({(chunk["id"], chunk["created"], chunk["system_fingerprint"]) for chunk in chunks}) == 1
    *rest, last = chunks
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert [chunk["usage"] for chunk in rest] == [None] * 7
    deltas = [chunk["choices"][0]["delta"] for chunk in rest]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert [delta["content"] for delta in deltas[1:4]] == ['{"', "label", '":"']
    assert deltas[4]["content"] in SEVEN
    assert deltas[5:] == [{"content": '"}'}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in rest] == [None] * 6 + ["stop"]


WANTED = {
    "a word": {},
    "a schema": {"response_format": schema(rationale={"type": "string"}, confidence={"type": "number"})},
    "log-probabilities": {"response_format": schema(), "logprobs": True, "top_logprobs": 3},
    "a word's log-probabilities": {"logprobs": True, "top_logprobs": 7},
    "JSON": {"response_format": {"type": "json_object"}},
    "a tool": {"tools": [LABELLED]},
    "a tool's log-probabilities": {"tools": [LABELLED], "logprobs": True},
    "a function": {"functions": [LABELLED["function"]]},
}


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED)
def test_a_stream_adds_up_to_the_reply_in_one_piece(completions, wanted):
    whole = completions.create(**request(**wanted))
    chunks = list(completions.create(**request(**wanted), stream=True, stream_options={"include_usage": True}))
    added = gathered(chunks)
    assert len(chunks) >= 4
    assert said(added) == said(whole)
    assert added.usage == whole.usage
    assert all(chunk.usage is None for chunk in completions.create(**request(**wanted), stream=True))


def test_each_chunk_carries_the_log_probabilities_of_its_own_text(completions):
    chunks = completions.create(**request(response_format=schema()), logprobs=True, top_logprobs=7, stream=True)
    told = [(chunk.choices[0].delta.content, chunk.choices[0].logprobs) for chunk in chunks]
    assert [logprobs for content, logprobs in told if not content] == [None, None]
    pieces = [(content, logprobs.content) for content, logprobs in told if content]
    assert all(content == entry.token for content, (entry,) in pieces)
    label = next(entry for _, (entry,) in pieces if entry.token in SEVEN)
    assert sum(math.exp(option.logprob) for option in label.top_logprobs) == pytest.approx(1)


def test_the_stream_helpers_of_the_client_parse_schema_and_tool(url, completions):
    """`client.chat.completions.stream`, in one thread and in an event loop."""
    label = json.loads(completions.create(**request(response_format=schema())).choices[0].message.content)["label"]
    with completions.stream(**request(response_format=Expression)) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert final.choices[0].message.parsed == Expression(label=label)
    assert (kinds.count("content.delta"), kinds.count("content.done")) == (6, 1)  # an empty one with the role

    async def called():
        async with (
            openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client,
            client.chat.completions.stream(**request(tools=[LABELLED], logprobs=True)) as stream,
        ):
            kinds = [event.type async for event in stream]
            return kinds, await stream.get_final_completion()

    kinds, final = asyncio.run(called())
    (call,) = final.choices[0].message.tool_calls
    assert call.function.parsed_arguments == Expression(label=label)
    assert final.choices[0].finish_reason == "tool_calls"
    assert (kinds.count("tool_calls.function.arguments.delta"), kinds[-1]) == (6, "tool_calls.function.arguments.done")


def test_what_is_wrong_with_a_request_is_a_status_and_no_stream(completions):
    with pytest.raises(openai.BadRequestError, match="no property with an enum") as caught:
        completions.create(**request(tools=[WEATHER]), stream=True)
    assert caught.value.response.headers["content-type"].startswith("application/json")


def test_a_batch_takes_no_streams():
    with (
        endpoint.serve(model=ByPicture(), batch_faults=BatchFaults()) as url,
        openai.OpenAI(base_url=url, api_key="none") as client,
    ):
        line = {"custom_id": "1", "method": "POST", "url": faulty.PATH, "body": request(stream=True)}
        file = client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=faulty.PATH, completion_window="24h")
        until = time.monotonic() + 20
        while batch.status != "completed" and time.monotonic() < until:
            time.sleep(0.02)
            batch = client.batches.retrieve(batch.id)
        (row,) = client.files.content(batch.error_file_id).text.splitlines()
    response = json.loads(row)["response"]
    assert (response["status_code"], response["body"]["error"]["param"]) == (400, "stream")


# Functions


@pytest.mark.parametrize("choice", [None, "auto", "required", named(LABELLED)], ids=str)
def test_a_function_with_an_enum_of_labels_is_called(completions, choice):
    """Whichever other functions there are."""
    options = {} if choice is None else {"tool_choice": choice}
    reply = completions.parse(**request(tools=[WEATHER, LABELLED], **options)).choices[0]
    (call,) = reply.message.tool_calls
    content = completions.create(**request(response_format=schema())).choices[0].message.content
    assert (call.type, call.function.name) == ("function", "record_expression")
    assert call.function.arguments == content
    assert call.function.parsed_arguments == Expression.model_validate_json(content)
    assert (reply.finish_reason, reply.message.content, reply.logprobs) == ("tool_calls", None, None)


def test_the_label_may_have_another_name_and_stand_in_a_definition(completions):
    reply = completions.parse(**request(tools=[RECORDED])).choices[0]
    record = reply.message.tool_calls[0].function.parsed_arguments
    content = completions.create(**request(response_format=schema(TERNARY))).choices[0].message.content
    assert record.valence == json.loads(content)["label"]
    assert list(json.loads(reply.message.tool_calls[0].function.arguments)) == ["reasoning", "valence", "confidence"]
    assert 0.88 <= record.confidence <= 0.96  # .88 for one expression, .02 for six; ternary sums up to five of them
    replied = completions.parse(**request(response_format=Record)).choices[0].message.parsed
    assert replied == record


@pytest.mark.parametrize("name", ["\0", 'sad"', "é😀", "confidence", "reason", "happy", "x" * 64])
def test_the_label_may_have_any_name(completions, name):
    """Where it stands among the reply's tokens, and what a fault makes of it, does not go by the name."""
    wanted = schema()
    wanted["json_schema"]["schema"] |= parameters(*SEVEN, name=name, explanation={"type": "string"})
    options = {"response_format": wanted, "logprobs": True, "top_logprobs": 7}
    choice = completions.create(**request(**options)).choices[0]
    answer = json.loads(choice.message.content)
    assert (list(answer), answer[name] in SEVEN) == ([name, "explanation"], True)
    assert "".join(entry.token for entry in choice.logprobs.content) == choice.message.content
    assert [entry.token for entry in choice.logprobs.content if len(entry.top_logprobs) == 7] == [answer[name]]
    with served(wrong_label=1) as url, openai.OpenAI(base_url=url, api_key="none") as client:
        struck = json.loads(client.chat.completions.create(**request(**options)).choices[0].message.content)
    assert struck == answer | {name: faults.WRONG_LABEL}


def test_the_arguments_are_what_is_billed(completions):
    reply = completions.create(**request(tools=[LABELLED]))
    words = pricing.encoding().encode_ordinary(reply.choices[0].message.tool_calls[0].function.arguments)
    assert reply.usage.completion_tokens == len(words)


def test_without_a_choice_of_functions_the_answer_is_content(completions):
    plain = said(completions.create(**request()))
    assert said(completions.create(**request(tools=[WEATHER, LABELLED], tool_choice="none"))) == plain
    assert said(completions.create(**request(functions=[LABELLED["function"]], function_call="none"))) == plain
    assert said(completions.create(**request(tools=[], functions=[]))) == plain


def test_a_call_that_was_answered_is_not_made_again(completions):
    """Or an agent that calls until it is told in words would never end."""
    body = request(tools=[LABELLED])
    first = completions.create(**body).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "recorded"}
    body["messages"] += [first.to_dict(), result]
    second = completions.create(**body).choices[0]
    assert (second.finish_reason, second.message.content in SEVEN) == ("stop", True)
    assert completions.create(**body, tool_choice="required").choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize("choice", [{}, {"function_call": "auto"}, {"function_call": {"name": "record_expression"}}])
def test_the_older_notation_is_answered_in_the_older_notation(completions, choice):
    reply = completions.create(**request(functions=[LABELLED["function"]], **choice)).choices[0]
    assert (reply.finish_reason, reply.message.tool_calls) == ("function_call", None)
    assert reply.message.function_call.name == "record_expression"
    assert json.loads(reply.message.function_call.arguments)["label"] in SEVEN


def function(parameters, name="f"):
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def parameters(*labels, name="label", **more):
    return {"type": "object", "properties": {name: {"enum": labels}, **more}, "required": [name, *more]}


UNFIT = {
    "no labels": ({"tools": [WEATHER]}, "tools", "'get_weather': The schema has no property with an enum of angry"),
    "no parameters": ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools", "enum of angry"),
    "other labels": ({"tools": [function(parameters("yes", "no"))]}, "tools", "enum of angry"),
    "an endless name": ({"tools": [function(parameters(*SEVEN, name="x" * 65))]}, "tools", "enum of angry"),
    "a second label": (
        {"tools": [function(parameters(*SEVEN, valence={"enum": TERNARY}))]},
        "tools",
        "cannot fill the required property 'valence': it knows one label .enum., confidence .number. and rationale",
    ),
    "unfit choice": ({"tools": [LABELLED, WEATHER], "tool_choice": named(WEATHER)}, "tools", "'get_weather'"),
    "unknown choice": ({"tools": [LABELLED], "tool_choice": named(function({}, "g"))}, "tool_choice", "not among"),
    "nothing to choose": ({"tool_choice": "required"}, "tool_choice", "not among"),
    "odd choice": ({"tools": [LABELLED], "tool_choice": "any"}, "tool_choice", "none, auto, required, or one"),
    "odd name": ({"tools": [function({}, "a b")]}, "tools.0.function.name", "pattern"),
    "custom tool": ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools.0.type", "'function'"),
    "older notation": ({"functions": [WEATHER["function"]]}, "functions", "'get_weather'"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_functions_that_cannot_be_called_are_400_and_say_what_is_understood(completions, name):
    more, param, reason = UNFIT[name]
    with pytest.raises(openai.BadRequestError, match=reason) as caught:
        completions.create(**request(**more))
    assert caught.value.param == param
    assert "\n" not in caught.value.response.json()["error"]["message"]


# JSON mode


@pytest.mark.parametrize(
    ("text", "keys", "labels"),
    [
        ("Which expression? Reply with JSON.", ["label"], SEVEN),
        ("JSON, please: negative, neutral or positive?", ["label"], TERNARY),
        (
            'Reply with JSON: {"reasoning": "...", "label": "...", "confidence": 0.0}',
            ["reasoning", "label", "confidence"],
            SEVEN,
        ),
        ('Name the emotion as JSON: {"emotion": "happy", "intensity": 3}', ["emotion"], SEVEN),
        ("JSON like {'predicted_expression': ..., 'confidence': ...}", ["predicted_expression", "confidence"], SEVEN),
        ("JSON with a label, then your confidence and an explanation", ["label", "confidence", "explanation"], SEVEN),
        ('JSON with {"confidence": 0.5}', ["label", "confidence"], SEVEN),
    ],
)
def test_json_mode_answers_with_the_keys_that_the_prompt_asks_for(completions, text, keys, labels):
    reply = completions.create(**request(text, response_format={"type": "json_object"}), logprobs=True, top_logprobs=7)
    content = reply.choices[0].message.content
    answer = json.loads(content)
    label = next(key for key in keys if key not in ("reasoning", "explanation", "confidence"))
    assert list(answer) == keys
    assert answer[label] in labels
    assert "".join(entry.token for entry in reply.choices[0].logprobs.content) == content
    if label == "label":
        assert replies.parse(reply.to_dict(), labels).label == answer[label]


# Faults


def served(**plan):
    return endpoint.serve(faults=Faults(**plan), model=ByPicture())


FORMS = {"a word": {}, "a schema": {"response_format": schema()}, "a tool": {"tools": [LABELLED]}}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", [kind for kind in faults.CONTENT if kind != "filtered_400"])
def test_a_content_fault_is_the_same_in_a_stream(form, kind):
    """Apart from the wording of a refusal, which goes by the request; and the books bill it as any reply."""
    with served(**{kind: 1}) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        body = request(**FORMS[form])
        whole = client.chat.completions.create(**body)
        options = {"stream": True, "stream_options": {"include_usage": True}}
        added = gathered(client.chat.completions.create(**body, **options))
        pages = books(url)
    first, second = said(whole), said(added)
    if kind == "prose_refusal":
        assert {first["message"].pop("content"), second["message"].pop("content")} <= set(faults.REFUSALS)
    assert second == first
    page = {"received": 1, "completed": 1, "billed_tokens": added.usage.total_tokens}
    assert pages[faults.digest(json.dumps(body | options).encode())] == page


@pytest.mark.parametrize(
    ("kind", "arguments", "finish_reason"),
    [("length", '{"label":"XX', "length"), ("wrong_label", '{"label":"contempt"}', "tool_calls")],
)
def test_a_call_is_cut_or_mislabelled_in_its_arguments(kind, arguments, finish_reason):
    with served() as url, openai.OpenAI(base_url=url, api_key="none") as client:
        sound = client.chat.completions.create(**request(tools=[LABELLED])).choices[0]
    with served(**{kind: 1}) as url, openai.OpenAI(base_url=url, api_key="none") as client:
        struck = client.chat.completions.create(**request(tools=[LABELLED])).choices[0]
    label = json.loads(sound.message.tool_calls[0].function.arguments)["label"]
    assert struck.message.tool_calls[0].function.arguments == arguments.replace("XX", label[:2])
    assert struck.finish_reason == finish_reason


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        ({"rate_limited": 1}, openai.RateLimitError),
        ({"insufficient_quota_after": 0}, openai.RateLimitError),
        ({"server_error": 1}, openai.InternalServerError),
        ({"unavailable": 1}, openai.InternalServerError),
        ({"filtered_400": 1}, openai.BadRequestError),
    ],
)
def test_errors_come_before_the_stream(plan, error):
    with served(**plan) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        with pytest.raises(error):
            client.chat.completions.create(**request(), stream=True)
        (page,) = books(url).values()
    assert page == {"received": 1, "completed": 0, "billed_tokens": 0}


def test_a_reset_cuts_a_stream_in_the_middle_and_the_next_attempt_is_whole():
    with served(reset=1, passes_after=1) as url:
        with pytest.raises(http.client.IncompleteRead) as caught:
            posted(url, **request(), stream=True).read()
        whole = posted(url, **request(), stream=True).read()
        (page,) = books(url).values()
    assert caught.value.partial.startswith(b'data: {"id"')
    assert b"[DONE]" not in caught.value.partial
    assert len(caught.value.partial) == len(whole) // 2
    assert whole.endswith(b"data: [DONE]\n\n")
    assert (page["received"], page["completed"]) == (2, 1)


def test_the_client_takes_a_reset_for_an_error_and_a_stream_that_just_ends_for_none():
    """The second is told only by the finish_reason that never came."""
    with served(reset=1) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        stream = client.chat.completions.create(**request(), stream=True)
        with pytest.raises(openai.APIConnectionError):
            list(stream)
    with served(truncated_json=1) as url, openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
        chunks = list(client.chat.completions.create(**request(), stream=True))
        (page,) = books(url).values()
    assert {chunk.choices[0].finish_reason for chunk in chunks} == {None}
    assert (page["completed"], page["billed_tokens"] > 0) == (0, True)


def test_a_stall_delays_a_stream():
    with served(stall=1, stall_s=0.2) as url:
        start = time.monotonic()
        assert posted(url, **request(), stream=True).read().endswith(b"data: [DONE]\n\n")
        assert time.monotonic() - start >= 0.2
