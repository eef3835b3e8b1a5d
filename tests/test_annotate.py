"""Annotation over real sockets: what is asked, asked again, given up, and never asked twice."""

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager

import pandas as pd
import pytest
from aiohttp import web

from fer_helpers import annotate, provider, requests
from fer_helpers.archive import Archive
from fer_helpers.errors import EndpointError
from fer_helpers.requests import Asking
from tests.test_requests import frames_of

MODEL = "some-model"
PLANNED = requests.plan(frames_of({"a": 3, "b": 1}), ["per_frame"], ["seven"], Asking(MODEL))  # four requests


def good(label="happy"):
    message = {"role": "assistant", "content": json.dumps({"label": label}), "refusal": None}
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": f"{MODEL}-2026",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105},
    }


def failure(status, code=None, **headers):
    return web.json_response({"error": {"message": "no", "type": "t", "code": code}}, status=status, headers=headers)


@contextmanager
def served(reply):
    """A server on loopback whose `reply(picture)` answers a completion; counts what each picture was asked."""
    asked: Counter[str] = Counter()
    together = {"now": 0, "most": 0}

    async def chat(request):
        body = await request.json()
        picture = body["messages"][0]["content"][1]["image_url"]["url"]
        asked[picture] += 1
        together["now"] += 1
        together["most"] = max(together["most"], together["now"])
        await asyncio.sleep(0.02)
        together["now"] -= 1
        found = reply(picture, asked[picture])
        return found if isinstance(found, web.Response) else web.json_response(found)

    async def models(_):
        return web.json_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    loop, app = asyncio.new_event_loop(), web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1", asked, together
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def ask(url, path, planned=PLANNED, concurrency=2):
    with Archive(path) as archive:
        picture = lambda clip, index: f"{clip}{index}".encode()  # noqa: E731
        return asyncio.run(annotate.annotate(planned, picture, archive, url, max_concurrency=concurrency))


@pytest.fixture(autouse=True)
def _no_key_and_no_wait(monkeypatch):
    monkeypatch.delenv(provider.KEY_VARIABLE, raising=False)
    monkeypatch.setattr(annotate, "_backoff", lambda _: 0.01)


def test_every_request_gets_its_answer(tmp_path):
    with served(lambda *_: good()) as (url, asked, together):
        answers = ask(url, tmp_path / "a.sqlite")
    assert list(answers["key"]) == list(PLANNED["key"])
    assert set(answers["status"]) == {"ok"}
    row = answers.iloc[0]
    assert (row["label"], row["model_returned"], row["fingerprint"], row["tokens_in"]) == (
        "happy",
        "some-model-2026",
        "fp_1",
        100,
    )
    assert set(asked.values()) == {1}
    assert together["most"] == 2  # bounded, and used


def test_nothing_is_asked_twice(tmp_path):
    with served(lambda *_: good()) as (url, asked, _):
        first = ask(url, tmp_path / "a.sqlite")
        again = ask(url, tmp_path / "a.sqlite")
    assert asked.total() == len(PLANNED)
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_failure_is_asked_again(tmp_path, status):
    with served(lambda _, n: good() if n == 3 else failure(status)) as (url, asked, _):
        answers = ask(url, tmp_path / "a.sqlite")
    assert set(answers["status"]) == {"ok"}
    assert set(asked.values()) == {3}


def test_retry_after_is_honoured(tmp_path):
    with served(lambda _, n: good() if n == 2 else failure(429, **{"Retry-After": "1"})) as (url, _, _):
        loop_time = asyncio.new_event_loop().time
        began = loop_time()
        ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
        assert loop_time() - began >= 1


def test_a_lasting_failure_is_an_error_and_asked_again_next_time(tmp_path):
    with served(lambda *_: failure(500)) as (url, asked, _):
        answers = ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
        assert set(asked.values()) == {annotate.ATTEMPTS}
    assert (answers["status"].iloc[0], pd.isna(answers["label"].iloc[0])) == ("error", True)
    with served(lambda *_: good("sad")) as (url, asked, _):
        answers = ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
    assert (answers["status"].iloc[0], answers["label"].iloc[0], asked.total()) == ("ok", "sad", 1)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (failure(400, "content_filter"), "filtered"),
        (failure(400, "invalid_image"), "error"),
        ({**good(), "choices": [{"finish_reason": "length", "message": {"content": '{"label":"ha'}}]}, "truncated"),
        ({**good(), "choices": [{"finish_reason": "stop", "message": {"refusal": "no"}}]}, "refused"),
        (good("bored"), "invalid"),
        (web.Response(text='{"choices": [', content_type="application/json"), "error"),
    ],
)
def test_a_failure_is_a_status_and_asked_once(tmp_path, reply, status):
    """Replies that cost money and hold no label are kept as what they are, and paid once."""
    text = reply.text if isinstance(reply, web.Response) else None
    make = (lambda *_: web.Response(text=text, status=reply.status, content_type="application/json")) if text else None
    with served(make or (lambda *_: reply)) as (url, asked, _):
        answers = ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
        assert asked.total() == 1
        assert (answers["status"].iloc[0], pd.isna(answers["label"].iloc[0])) == (status, True)
        ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
        assert asked.total() == (2 if status == "error" else 1)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((401, "invalid_api_key"), "refuses the key"),
        ((403, None), "refuses the key"),
        ((404, "model_not_found"), "is not served"),
        ((429, "insufficient_quota"), "no quota left"),
    ],
)
def test_what_no_request_survives_ends_the_run_at_once(tmp_path, reply, message):
    with served(lambda *_: failure(*reply)) as (url, asked, _):
        with pytest.raises(EndpointError, match=message):
            ask(url, tmp_path / "a.sqlite", concurrency=1)
        assert asked.total() == 1


def test_what_arrived_before_the_end_is_kept(tmp_path):
    seen = []

    def quota_gone_after_two(picture, _):
        seen.append(picture)
        return good() if len(seen) <= 2 else failure(429, "insufficient_quota")

    with served(quota_gone_after_two) as (url, _, _), pytest.raises(EndpointError):
        ask(url, tmp_path / "a.sqlite", concurrency=1)
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(archive.get(PLANNED["key"])) == 2


def test_a_server_that_is_gone_ends_the_run(tmp_path):
    with served(lambda *_: good()) as (url, _, _):
        pass
    with pytest.raises(EndpointError, match="does not answer"):
        ask(url, tmp_path / "a.sqlite")


def test_the_key_is_neither_kept_nor_shown(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv(provider.KEY_VARIABLE, "sk-very-secret")
    with served(lambda *_: failure(401, "invalid_api_key")) as (url, _, _), pytest.raises(EndpointError) as caught:
        ask(url, tmp_path / "a.sqlite")
    with served(lambda *_: failure(500)) as (url, _, _):
        answers = ask(url, tmp_path / "a.sqlite")
    assert "secret" not in str(caught.value) + answers.to_csv() + "".join(capfd.readouterr())
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("embedded", True),
        ("http://127.0.0.1:1234/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:80/v1", True),
        ("https://api.example.org/v1", False),
        ("http://192.168.1.5/v1", False),
        ("http://127.0.0.1.example.org/v1", False),
        ("http://localhost@example.org/v1", False),
    ],
)
def test_what_stays_on_this_machine(url, local):
    assert provider.is_local(url) == local


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("https://api.example.org/v1", "m", False, False), "set allow_upload: true"),
        (("https://api.example.org/v1", "m", False, True), "set the environment variable OPENAI_API_KEY"),
        (("ftp://x", "m", True, True), "give an http"),
        (("embedded", "gpt-4o-mini", True, False), "has only 'fer2013-cnn'"),
    ],
)
def test_access_is_refused_before_anything_is_sent(arguments, message):
    with pytest.raises(EndpointError, match=message):
        provider.check_access(*arguments)


def test_access_is_checked_against_the_server():
    with served(lambda *_: good()) as (url, _, _):
        provider.check_access(url, MODEL, False, False)
        with pytest.raises(EndpointError, match=r"'other' is not served at .*: it has some-model"):
            provider.check_access(url, "other", False, False)
    with pytest.raises(EndpointError, match="does not answer"):
        provider.check_access(url, MODEL, False, False)
