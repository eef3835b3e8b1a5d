"""Other people's clients against `fer-helpers serve`: each gets the label that a plain request gets."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import programs
import pytest
from conftest import PARAMS
from langchain_openai import ChatOpenAI
from openai import OpenAI
from pydantic import BaseModel

pytestmark = pytest.mark.timeout(300)
MODEL = "fer2013-cnn"
WORDS = "Which expression is it: angry, disgust, fear, happy, sad, surprise or neutral?"


class Perceived(BaseModel):
    """The facial expression that a viewer perceives."""

    label: Literal["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]


@pytest.fixture(scope="module")
def base_url(work: Path) -> Iterator[str]:
    with programs.own_endpoint(work / "serve.log") as address:
        yield address


@pytest.fixture(scope="module")
def picture(work: Path) -> Path:
    """A key frame of a rendered clip."""
    done = programs.fer("plan", PARAMS, "--out", work / "frames", "-p", "n_clips", "7", "-p", "base_url", "embedded",
                        "-p", "model", MODEL, "-p", "archive", work / "none.sqlite")  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return sorted((work / "frames").glob("frames/*/*.jpg"))[0]


@pytest.fixture(scope="module")
def messages(picture: Path) -> list[dict[str, Any]]:
    url = "data:image/jpeg;base64," + base64.b64encode(picture.read_bytes()).decode()
    parts = [{"type": "text", "text": WORDS}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


@pytest.fixture(scope="module")
def client(base_url: str) -> OpenAI:
    return OpenAI(base_url=base_url, api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def plain(client: OpenAI, messages: list[dict[str, Any]]) -> Any:
    """What a request in one piece is answered: the label as a word, and the usage."""
    return client.chat.completions.create(model=MODEL, messages=messages)


@pytest.fixture(scope="module")
def label(plain: Any) -> str:
    return plain.choices[0].message.content


@pytest.fixture(scope="module")
def llm(base_url: str, picture: Path, work: Path) -> Any:
    """The `llm` command with a picture, and a settings folder of its own."""
    settings = work / "llm"
    settings.mkdir()
    entry = {"model_id": "fer", "model_name": MODEL, "api_base": base_url, "vision": True, "supports_schema": True}
    (settings / "extra-openai-models.yaml").write_text(json.dumps([entry]), encoding="utf-8")

    def ask(*more: str) -> str:
        command = [programs.ROOT / ".venv-interop/bin/llm", "-m", "fer", "-a", picture, "--no-log", *more, WORDS]
        variables = os.environ | {"LLM_USER_PATH": str(settings)}
        done = subprocess.run(list(map(str, command)), env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return ask


@pytest.fixture(scope="module")
def chain(base_url: str) -> ChatOpenAI:
    return ChatOpenAI(model=MODEL, base_url=base_url, api_key="none", max_retries=0)


def test_the_llm_command_prints_the_label_streamed_and_in_one_piece(llm, label):
    assert llm() == label
    assert llm("--no-stream") == label


def test_the_llm_command_prints_json_of_a_schema(llm, label):
    assert json.loads(llm("--schema", json.dumps(Perceived.model_json_schema()))) == {"label": label}


def test_openais_stream_helper_gets_label_and_usage(client, messages, plain, label):
    options = {"include_usage": True}
    with client.chat.completions.stream(model=MODEL, messages=messages, stream_options=options) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        completion = stream.get_final_completion()
    assert "".join(pieces) == completion.choices[0].message.content == label
    assert completion.usage == plain.usage


def test_openais_stream_helper_parses_a_schema(client, messages, label):
    with client.chat.completions.stream(model=MODEL, messages=messages, response_format=Perceived) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Perceived(label=label)


def test_a_stream_ends_with_done_and_has_usage_only_where_asked(client, messages, plain):
    raw = client.chat.completions.with_raw_response
    for options in ({}, {"stream_options": {"include_usage": True}}):
        reply = raw.create(model=MODEL, messages=messages, stream=True, **options)
        *events, end = [line.removeprefix("data: ") for line in reply.http_response.read().decode().split("\n\n")][:-1]
        assert end == "[DONE]"
        found = [json.loads(event)["usage"] for event in events if json.loads(event).get("usage")]
        assert found == ([plain.to_dict()["usage"]] if options else [])


def test_langchain_streams_the_label(chain, messages, label):
    pieces = [chunk.content for chunk in chain.stream(messages)]
    assert len(pieces) > 1
    assert "".join(pieces) == label


@pytest.mark.parametrize("method", ["function_calling", "json_schema", "json_mode"])
def test_langchain_gets_structured_output(chain, messages, label, method):
    assert chain.with_structured_output(Perceived, method=method).invoke(messages) == Perceived(label=label)


def test_a_function_is_called_with_the_label(client, messages, label):
    function = {"name": "perceived", "parameters": Perceived.model_json_schema()}
    reply = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[{"type": "function", "function": function}], tool_choice="required"
    )
    (call,) = reply.choices[0].message.tool_calls
    assert (reply.choices[0].finish_reason, call.function.name) == ("tool_calls", "perceived")
    assert json.loads(call.function.arguments) == {"label": label}
