"""A real llama.cpp server: every request answered, nothing asked twice, no number that its label contradicts."""

import base64
import json
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

import programs
import pytest
from conftest import PARAMS, generated, run

pytestmark = pytest.mark.timeout(900)
SEVEN = {"angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"}
SCHEMA = {"type": "object", "properties": {"label": {"enum": sorted(SEVEN)}}, "required": ["label"]}
FORMAT = {"type": "json_schema", "json_schema": {"name": "label", "strict": True, "schema": SCHEMA}}


def post(base_url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    data = json.dumps({"model": "nonsense", "temperature": 0, **body}).encode()
    request = urllib.request.Request(f"{base_url}/chat/completions", data, {"Content-Type": "application/json"})
    try:
        with programs.DIRECT.open(request, timeout=120) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def about(picture: bytes, words: str = "Which expression is it?") -> dict[str, Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(picture).decode()
    parts = [{"type": "text", "text": words}, {"type": "image_url", "image_url": {"url": url}}]
    return {"messages": [{"role": "user", "content": parts}]}


@pytest.fixture(scope="module")
def blind(work):
    with programs.llama_cpp(work / "blind.log", pictures=False) as base_url:
        yield base_url


@pytest.fixture(scope="session")
def picture(direct) -> bytes:
    return next(direct.folder.glob("frames/*/*.jpg")).read_bytes()


def test_every_request_is_answered_and_nearly_all_with_a_label(direct):
    answers = direct.rows("answers")
    statuses = Counter(row["status"] for row in answers)
    print(dict(statuses), Counter(row["prob_source"] for row in answers))
    assert {row["key"] for row in answers} == {row["key"] for row in direct.rows("requests")}
    assert len(answers) == 24 * (3 + 1 + 1)  # three frames of each clip by themselves, together, and as a mosaic
    assert set(statuses) <= {"ok", "truncated"}  # this model may run into white space until its tokens are used up
    assert statuses["ok"] >= 100
    assert all((row["label"] in SEVEN) == (row["status"] == "ok") for row in answers)


def test_the_schema_is_found_out_to_be_enforced(direct):
    assert {row["form"] for row in direct.rows("requests")} <= {"schema+logprobs", "schema"}


def test_probabilities_never_contradict_their_label(direct):
    """The server's log-probabilities are those before its grammar, which may leave the label out."""
    for row in direct.rows("answers"):
        shares = {label: row[f"prob_{label}"] for label in SEVEN if row["prob_source"] != "none" and row["label"]}
        assert not shares or shares[row["label"]] == max(shares.values()), row["raw"]


def test_a_second_run_sends_nothing(direct, llama, work):
    """Another folder, so that every notebook runs anew; the archive and what was learned of the server are kept."""
    before = generated(llama)
    again = run(work / "again", llama, work / "direct.sqlite")
    assert generated(llama) == before
    assert [row["label"] for row in again.rows("answers")] == [row["label"] for row in direct.rows("answers")]


def test_a_server_without_a_picture_encoder_ends_the_run_with_its_reason(blind, work):
    chosen = ["-p", "base_url", blind, "-p", "n_clips", "7", "-p", "archive", work / "blind.sqlite"]
    done = programs.fer("run", PARAMS, "--out", work / "blind", *chosen)
    assert done.returncode != 0
    assert "image input is not supported" in done.stderr.splitlines()[-1]


def test_log_probabilities_are_those_before_the_schema(llama, picture):
    """Why a sampled token can be missing from its own alternatives; docs/servers.md says so."""
    body = about(picture) | {"response_format": FORMAT, "logprobs": True, "top_logprobs": 10, "max_tokens": 64}
    status, reply = post(llama, body)
    entries = reply["choices"][0]["logprobs"]["content"]
    assert status == 200
    assert any(e["token"] not in {other["token"] for other in e["top_logprobs"]} for e in entries)


def test_white_space_may_use_up_the_tokens_before_the_answer(blind):
    """Its grammar allows white space around JSON; 138 is the token of two spaces, made likely here."""
    body = {"messages": [{"role": "user", "content": "Which?"}], "response_format": FORMAT, "max_tokens": 8}
    _, reply = post(blind, body | {"logit_bias": {"138": 100}})
    choice = reply["choices"][0]
    assert (choice["finish_reason"], choice["message"]["content"].strip()) == ("length", "")
    assert reply["usage"]["completion_tokens"] == 8


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"messages": [{"role": "user", "content": "happy sad " * 5000}]}, 400, "exceed_context_size_error"),
        (about(b"no picture"), 400, "Failed to load image"),
        ({"top_logprobs": 5}, 400, "requires logprobs"),
        ({"model": "another", "wibble": 1, "store": False, "seed": 1, "reasoning_effort": "none"}, 200, "choices"),
        ({"response_format": {"type": "json_object"}}, 200, "choices"),
    ],
    ids=["context", "broken picture", "logprobs", "unknown fields", "json_object"],
)
def test_what_the_server_says_of_a_request(llama, picture, change, status, said):
    found, reply = post(llama, about(picture) | {"max_tokens": 4} | change)
    assert found == status
    assert said in json.dumps(reply)
