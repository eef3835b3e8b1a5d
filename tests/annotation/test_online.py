"""Annotation over real sockets: what is asked, asked again, given up, and never asked twice."""

import asyncio
import base64
import json
import random
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pandas as pd
import pytest
from aiohttp import web

from fer_helpers.annotation import Access, _failures, access, capabilities, online
from fer_helpers.annotation import _progress as progress
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation._limits import Concurrency
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.errors import BudgetError, EndpointError, ParamsError
from fer_helpers.prompting import planning, pricing
from fer_helpers.prompting.planning import Asking
from tests.support.completions import MODEL, failure, good, picture, served, served_by
from tests.support.plans import frames_of, planned_for

PLANNED = planning.plan(frames_of({"a": 3, "b": 1}), ["per_frame"], ["seven"], Asking(MODEL))  # four requests


def ask(to, path, planned=PLANNED, concurrency=2, **options):
    to = Access(to) if isinstance(to, str) else to
    with Archive(path) as archive:
        return asyncio.run(online.annotate(planned, picture, archive, to, max_concurrency=concurrency, **options))


@pytest.fixture(autouse=True)
def _no_key_and_no_wait(monkeypatch):
    monkeypatch.delenv(access.OPENAI_KEY, raising=False)
    monkeypatch.setattr(transport, "_backoff", lambda _: 0.01)


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
        assert set(asked.values()) == {transport.ATTEMPTS}
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
        ({"choices": [{"message": {"content": 7}, "finish_reason": "stop"}]}, "invalid"),
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
        ((401, "invalid_api_key"), "needs a key: name its variable in api_key_env"),
        ((403, "account_deactivated"), "returns status 403 for every request"),
        ((402, None), "no quota or money left"),
        ((404, "model_not_found"), "is not served"),
        ((429, "insufficient_quota"), "no quota or money left"),
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
    with pytest.raises(EndpointError, match="does not respond"):
        ask(url, tmp_path / "a.sqlite")


def test_the_key_is_neither_kept_nor_shown(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with served(lambda *_: failure(401, "sk-very-secret")) as (url, _, _), pytest.raises(EndpointError) as caught:
        ask(Access(url, "MY_KEY"), tmp_path / "a.sqlite")
    with served(lambda *_: failure(500, "sk-very-secret")) as (url, _, _):
        answers = ask(Access(url, "MY_KEY"), tmp_path / "a.sqlite")
    assert "secret" not in str(caught.value) + answers.to_csv() + "".join(capfd.readouterr())
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("status", [400, 422, 500])
def test_a_key_that_a_server_repeats_at_the_first_look_is_not_shown(tmp_path, monkeypatch, status):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with (
        served(lambda *_: web.json_response({"error": {"message": "no sk-very-secret"}}, status=status)) as (url, _, _),
        Archive(tmp_path / "a.sqlite") as archive,
        pytest.raises(EndpointError, match=r"no \*\*\*") as caught,
    ):
        capabilities.learn(Access(url, "MY_KEY"), Asking("m"), archive, 1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "cut",
    [
        '{"choices": [',  # whole by its announced length, and yet half a reply
        "<html>a proxy's page</html>",
        "[]",
        '{"error": {"message": "upstream overloaded", "code": 502}}',  # some servers say so under status 200
    ],
)
def test_a_reply_that_is_no_completion_passes(tmp_path, cut):
    def reply(_, n):
        return good() if n == 2 else web.Response(text=cut, content_type="application/json")

    with served(reply) as (url, asked, _):
        answers = ask(url, tmp_path / "a.sqlite")
    assert set(answers["status"]) == {"ok"}
    assert set(asked.values()) == {2}
    with Archive(tmp_path / "a.sqlite") as archive:
        entries = archive.get(PLANNED["key"]).values()
    assert {(entry.attempts, entry.via) for entry in entries} == {(2, "online")}


def test_a_connection_that_breaks_is_not_a_server_that_is_gone(tmp_path):
    """The client reports both as a time-out to connect."""

    async def main():
        connections = []

        async def take(reader, writer):
            connections.append(1)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(take, "127.0.0.1", 0)
        with Archive(tmp_path / "a.sqlite") as archive:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            answers = await online.annotate(PLANNED.iloc[:1], picture, archive, Access(url))
        server.close()
        return answers, connections

    answers, connections = asyncio.run(main())
    assert list(answers["status"]) == ["error"]
    assert len(connections) == transport.ATTEMPTS


def test_the_exchange_is_kept_with_its_name(tmp_path):
    with served(lambda *_: web.json_response(good(), headers={"x-request-id": "req_7"})) as (url, _, _):
        ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
    with Archive(tmp_path / "a.sqlite") as archive:
        entry = archive.get(PLANNED["key"])[PLANNED["key"].iloc[0]]
    assert (entry.request_id, entry.attempts, entry.via) == ("req_7", 1, "online")


# Waiting


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 2015 00:00:00 GMT"}, 0),
    ],
)
def test_how_long_a_server_wants_to_be_left_alone(headers, seconds):
    assert _failures.retry_after(headers) == seconds


BACKOFF = transport._backoff  # as it is where no test shortens it


@pytest.mark.parametrize(("attempt", "most"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (20, 30)])
def test_pauses_double_up_to_half_a_minute_and_are_drawn_from_all_of_that(attempt, most):
    """Full jitter: evenly from 0 to 0.5 · 2^attempt s, so the mean is half of it (standard error 0.3 % of `most`)."""
    random.seed(1)
    pauses = [BACKOFF(attempt) for _ in range(10_000)]
    assert 0 <= min(pauses) < 0.01 * most
    assert 0.99 * most < max(pauses) <= most
    assert statistics.mean(pauses) == pytest.approx(most / 2, abs=0.02 * most)


def test_between_attempts_it_waits_as_long_as_it_drew(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(transport, "_backoff", lambda attempt: drawn.append(attempt) or 0.3)
    with served(lambda _, n: good() if n == 3 else failure(500)) as (url, _, _):
        began = time.monotonic()
        ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
    assert time.monotonic() - began >= 0.6
    assert drawn == [1, 2]


def test_a_date_is_so_many_seconds_away():
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < _failures.retry_after({"retry-after": when}) <= 90


def test_a_date_is_waited_for(tmp_path):
    def reply(_, n):
        soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        return good() if n == 2 else failure(429, **{"Retry-After": soon})

    with served(reply) as (url, _, _):
        began = time.monotonic()
        ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:1])
    assert time.monotonic() - began >= 1  # a date has whole seconds


def test_a_refusal_by_rate_pauses_everybody(tmp_path):
    """One refusal that asks for a second: nobody is heard in that second, except who was under way."""
    times = []

    def reply(*_):
        times.append(time.monotonic())
        return failure(429, **{"Retry-After": "1"}) if len(times) == 1 else good()

    with served(reply) as (url, _, _):
        answers = ask(url, tmp_path / "a.sqlite", planned_for(12, MODEL))
    assert set(answers["status"]) == {"ok"}
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) > 0.9
    assert len([at for at in times if at - times[0] < 0.9]) <= 2  # two workers


def test_a_pause_too_long_for_a_run_ends_it(tmp_path):
    with served(lambda *_: failure(429, **{"Retry-After": "7200"})) as (url, _, _):
        began = time.monotonic()
        with pytest.raises(EndpointError, match="rate limit: retry in 120 min"):
            ask(url, tmp_path / "a.sqlite")
        assert time.monotonic() - began < 30


def test_a_rate_is_kept(tmp_path):
    """600 a minute are ten a second: ten at once, twenty more in two seconds."""
    with served(lambda *_: good()) as (url, asked, _):
        began = time.monotonic()
        ask(url, tmp_path / "a.sqlite", planned_for(30, MODEL), concurrency=30, requests_per_minute=600)
    assert time.monotonic() - began >= 1.9
    assert asked.total() == 30


def test_tokens_a_minute_are_kept(tmp_path):
    planned = planned_for(4, MODEL)
    each = int(planned["tokens_in"].iloc[0]) + 64  # and at most so many out
    with served(lambda *_: good()) as (url, _, _):
        began = time.monotonic()
        ask(url, tmp_path / "a.sqlite", planned, tokens_per_minute=60 * each)  # one a second, the first at once
    assert time.monotonic() - began >= 2.9


# Concurrency


def test_concurrency_halves_on_a_refusal_and_recovers_by_one_a_round():
    async def main():
        gate = Concurrency(16)
        first = [await gate.enter() for _ in range(16)]
        assert not await entered(gate)
        gate.refused(first[0], 0)
        assert gate.limit == 8
        for entered_at in first[1:]:  # sent before the cut: they say nothing new
            gate.refused(entered_at, 0)
        assert gate.limit == 8
        for _ in first:
            gate.leave()
        for limit in (8, 9):  # a round trip of as many replies as the limit lets through
            assert int(gate.limit) == limit
            for _ in range(limit + 1):
                gate.served()
        for _ in range(10):
            await asyncio.sleep(0.001)
            gate.refused(await gate.enter(), 0)
            gate.leave()
        assert gate.limit == 1
        assert await entered(gate)

    async def entered(gate):
        try:
            async with asyncio.timeout(0.01):
                await gate.enter()
        except TimeoutError:
            return False
        return True

    asyncio.run(main())


def test_a_server_that_bears_four_is_asked_by_few(tmp_path):
    """It refuses whoever comes while four are under way; a client that did not give way would be refused for ever."""
    now, most = [0], []

    async def chat(request):
        await request.read()
        if now[0] >= 4:
            return failure(429)
        now[0] += 1
        most.append(now[0])
        await asyncio.sleep(0.02)
        now[0] -= 1
        return web.json_response(good())

    with served_by(chat) as url:
        answers = ask(url, tmp_path / "a.sqlite", planned_for(200, MODEL), concurrency=32)
    assert set(answers["status"]) == {"ok"}
    assert max(most) == 4


# The cap. gpt-4o-mini costs US$ 0.15 and 0.60 a million tokens in and out; a reply here says 100 and 5 tokens.

CHEAP = (100 * 0.15 + 5 * 0.60) / 1e6


def worst(planned):
    """Tokens as estimated, and the most tokens that a reply may have."""
    return (planned["tokens_in"].iloc[0] * 0.15 + 64 * 0.60) / 1e6


@pytest.mark.parametrize("concurrency", [1, 8])
def test_the_cap_lets_through_what_it_can_bear_at_worst(tmp_path, concurrency):
    """With three answered, what is left bears a fourth at worst; with four it does not, whatever is under way."""
    planned = planned_for(10, "gpt-4o-mini")
    cap = 3.5 * CHEAP + worst(planned)
    with served(lambda *_: good()) as (url, asked, _):
        with pytest.raises(
            BudgetError, match=r"4 requests were answered .* 6 remain; raise the cap to resume"
        ) as caught:
            ask(url, tmp_path / "a.sqlite", planned, concurrency, max_cost_usd=cap)
        assert f"US$ {4 * CHEAP:.6f} of max_cost_usd {cap}" in str(caught.value)
        assert asked.total() == 4
        with pytest.raises(BudgetError, match="0 requests were answered in this run"):  # what is kept counts
            ask(url, tmp_path / "a.sqlite", planned, concurrency, max_cost_usd=cap)
        assert asked.total() == 4
        answers = ask(url, tmp_path / "a.sqlite", planned, concurrency, max_cost_usd=cap + 6 * CHEAP)
    assert asked.total() == 10
    assert answers["cost_usd"].sum() == pytest.approx(10 * CHEAP)


def test_a_reply_that_was_lost_counts_as_paid(tmp_path):
    """Half a reply may have been billed: the cap counts it at its worst price."""
    planned = planned_for(1, "gpt-4o-mini")
    half = lambda *_: web.Response(text='{"choices": [', content_type="application/json")  # noqa: E731
    with served(half) as (url, asked, _), pytest.raises(BudgetError):
        ask(url, tmp_path / "a.sqlite", planned, max_cost_usd=2.5 * worst(planned))
    assert asked.total() == 2


def test_a_batch_answer_counts_half(tmp_path):
    planned = planned_for(1, "gpt-4o-mini")
    key = planned["key"].iloc[0]
    with Archive(tmp_path / "a.sqlite") as archive:
        archive.put(Entry(key, "ok", json.dumps(good()), "gpt-4o-mini", 1.0, "2026-01-01T00:00:00+00:00", "batch"))
        assert online.kept(planned, archive)["cost_usd"].iloc[0] == pytest.approx(CHEAP / 2)


def test_a_cap_needs_a_price(tmp_path):
    with served(lambda *_: good()) as (url, asked, _):
        with pytest.raises(ParamsError, match="the price of some-model is unknown"):
            ask(url, tmp_path / "a.sqlite", max_cost_usd=1.0)
        assert asked.total() == 0


def test_a_users_prices_reach_the_cap_and_the_answers(tmp_path):
    """Three answers of 100 tokens at US$ 10,000 a million cost 3; the fourth, at worst dearer, would break the cap."""
    (tmp_path / "mine.yaml").write_text(f"prices: {{{MODEL}: {{date: '2026-11', input: 10000, output: 0}}}}")
    book = pricing.book(tmp_path / "mine.yaml")
    cap = 3 + (worst_usd := PLANNED["tokens_in"].iloc[0] / 100) - 0.5
    assert worst_usd > 1
    with served(lambda *_: good()) as (url, asked, _), pytest.raises(BudgetError, match=r"US\$ 3\.000000 "):
        ask(url, tmp_path / "a.sqlite", concurrency=1, max_cost_usd=cap, prices=book)
    assert asked.total() == 3
    with Archive(tmp_path / "a.sqlite") as archive:
        assert online.kept(PLANNED, archive, book)["cost_usd"].tolist() == [1.0] * 3
        assert online.kept(PLANNED, archive)["cost_usd"].isna().all()


# What is asked again, and what is not asked at all


def test_a_refusal_is_asked_again_on_demand_and_an_answer_never_lost(tmp_path):
    refusal = {**good(), "choices": [{"finish_reason": "stop", "message": {"refusal": "no"}}]}
    with served(lambda *_: refusal) as (url, _, _):
        ask(url, tmp_path / "a.sqlite")
    with served(lambda *_: failure(500)) as (url, asked, _):
        assert set(ask(url, tmp_path / "a.sqlite")["status"]) == {"refused"}
        assert asked.total() == 0
        assert set(ask(url, tmp_path / "a.sqlite", retry_statuses=("refused",))["status"]) == {"refused"}
        assert asked.total() == transport.ATTEMPTS * len(PLANNED)  # errors, which are worth less than a refusal
    with served(lambda *_: good()) as (url, asked, _):
        assert set(ask(url, tmp_path / "a.sqlite", retry_statuses=("refused",))["status"]) == {"ok"}
        ask(url, tmp_path / "a.sqlite", retry_statuses=("refused", "invalid"))
        assert asked.total() == len(PLANNED)


def test_a_replay_sends_nothing(tmp_path, monkeypatch):
    with served(lambda *_: good()) as (url, _, _):
        first = ask(url, tmp_path / "a.sqlite", PLANNED.iloc[:3])
    monkeypatch.setattr(socket.socket, "connect", None)  # whoever connects would fail
    again = ask("replay", tmp_path / "a.sqlite")
    pd.testing.assert_frame_equal(first, again)
    assert len(again) == len(PLANNED) - 1


# Ends before the end


ANNOTATE = """
import asyncio, sys
from pathlib import Path
from fer_helpers.annotation import Access, online
from fer_helpers.annotation.archive import Archive
from tests.support.completions import MODEL, picture
from tests.support.plans import planned_for
with Archive(Path(sys.argv[2])) as archive:
    asyncio.run(online.annotate(planned_for(40, MODEL), picture, archive, Access(sys.argv[1]), max_concurrency=4))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_what_is_under_way_is_kept(tmp_path, number):
    """Eight replies at once, then four workers wait for slow ones when the signal comes."""
    asked, all_wait = [], threading.Event()

    async def chat(request):
        await request.read()
        asked.append(1)
        if len(asked) == 12:
            all_wait.set()
        await asyncio.sleep(0.7 if len(asked) > 8 else 0)
        return web.json_response(good())

    command = [sys.executable, "-c", ANNOTATE]
    with served_by(chat) as url:
        process = subprocess.Popen([*command, url, str(tmp_path / "a.sqlite")], stderr=subprocess.DEVNULL)
        assert all_wait.wait(60)
        process.send_signal(number)
        assert process.wait(60) == -number
    with Archive(tmp_path / "a.sqlite") as archive:
        kept = archive.statuses(planned_for(40, MODEL)["key"])
    assert len(asked) == 12
    assert list(kept.values()) == ["ok"] * 12


def test_an_error_for_all_waits_for_replies_under_way(tmp_path):
    async def chat(request):
        body = await request.json()
        if body["messages"][0]["content"][1]["image_url"]["url"].endswith(base64.b64encode(b"20").decode()):
            return failure(401)
        await asyncio.sleep(0.5)
        return web.json_response(good())

    with served_by(chat) as url, pytest.raises(EndpointError, match="needs a key"):
        ask(url, tmp_path / "a.sqlite", planned_for(9, MODEL), concurrency=4)
    with Archive(tmp_path / "a.sqlite") as archive:
        assert len(archive.get(planned_for(9, MODEL)["key"])) == 3


def test_progress_is_drawn_ten_times_a_second_at_most(tmp_path, monkeypatch):
    drawn = []

    class Bar(progress.tqdm):
        def display(self, *arguments, **options):
            drawn.append(str(self))

    monkeypatch.setattr(progress, "tqdm", Bar)
    with served(lambda *_: good()) as (url, _, _):
        began = time.monotonic()
        ask(url, tmp_path / "a.sqlite", planned_for(300, "gpt-4o-mini"), concurrency=32)
        seconds = time.monotonic() - began
    assert len(drawn) <= 10 * seconds + 5
    assert "300/300" in drawn[-1]
    assert f"US$ {300 * CHEAP:.4f}, ok 300" in drawn[-1]


def test_memory_does_not_grow_with_the_plan(tmp_path):
    """Pictures of 50 kB: what 400 requests hold on to is less than twenty of them would."""
    big = bytes(50_000)
    planned = planned_for(400, MODEL)

    async def main(archive, url):
        tracemalloc.start()
        await online.annotate(planned.iloc[:100], lambda *_: big, archive, Access(url), max_concurrency=4)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        await online.annotate(planned, lambda *_: big, archive, Access(url), max_concurrency=4)
        after, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return after - before, peak - before

    with served(lambda *_: good()) as (url, _, _), Archive(tmp_path / "a.sqlite") as archive:
        grown, peak = asyncio.run(main(archive, url))
    assert grown < 1_000_000
    assert peak < 5_000_000
