"""Faults on purpose: the plan, and each fault on the wire, as a client meets it."""

import http.client
import json
import math
import signal
import statistics
import subprocess
import sys
import time
from hashlib import sha256
from types import SimpleNamespace

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fer_helpers.emotions import SEVEN, TERNARY
from fer_helpers.endpoint import Faults, faults, faulty, limits
from fer_helpers.errors import ParamsError
from fer_helpers.paths import ROOT
from fer_helpers.prompting import FORMS, planning, replies
from tests.support.command import fer
from tests.support.faults import body, books, data_url, named, served
from tests.support.plans import planned_for

pytestmark = pytest.mark.timeout(60)
DIGESTS = [sha256(str(number).encode()).hexdigest() for number in range(2000)]


def send(url, text="a", **options):
    """The reply to one request of the official client, which asks once."""
    with openai.OpenAI(base_url=url, api_key="none", max_retries=0, **options) as client:
        return client.chat.completions.with_raw_response.create(**body(text))


# The plan


@settings(derandomize=True, max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.5), attempt=st.integers(1, 2))
def test_shares_are_what_they_say(seed, share, attempt):
    """Within six standard deviations of the binomial distribution, each kind for itself."""
    plan = Faults(seed=seed, stall=share, reset=0.5, refusal=share, empty=0.5)
    struck = [plan.passing(name, attempt) for name in DIGESTS]
    fates = [plan.content(name) for name in DIGESTS]
    for found, kind, expected in [
        (struck, "stall", share),
        (struck, "reset", 0.5),
        (fates, "refusal", share),
        (fates, "empty", 0.5),
    ]:
        spread = 6 * math.sqrt(len(DIGESTS) * expected * (1 - expected)) + 1
        assert abs(found.count(kind) - len(DIGESTS) * expected) <= spread


def test_a_seed_names_a_plan():
    def drawn(seed, names=DIGESTS):
        plan = Faults(seed=seed, reset=0.5, refusal=0.5, latency_s=1, latency_sigma=1)
        return {name: (plan.passing(name, 1), plan.content(name), plan.latency(name, 1)) for name in names}

    assert drawn(1) == drawn(1, DIGESTS[::-1])
    assert drawn(1) != drawn(2)


def test_passing_faults_and_fates_are_drawn_apart():
    """A quarter meets both: a request's fate says nothing of the road to it."""
    plan = Faults(reset=0.5, refusal=0.5)
    both = sum(bool(plan.passing(name, 1)) and bool(plan.content(name)) for name in DIGESTS)
    assert abs(both / len(DIGESTS) - 0.25) < 0.06


def test_passing_faults_pass_and_lasting_ones_last():
    plan, lasting = Faults(reset=0.5, passes_after=3), Faults(reset=0.5, lasting=True)
    drawn = [[plan.passing(name, attempt) for attempt in range(1, 6)] for name in DIGESTS]
    assert all(row[3:] == [None, None] for row in drawn)
    assert {tuple(map(bool, row[:3])) for row in drawn} == {
        (a, b, c) for a in (True, False) for b in (True, False) for c in (True, False)
    }
    assert all(len({lasting.passing(name, attempt) for attempt in (1, 2, 99)}) == 1 for name in DIGESTS)


def test_latency_is_log_normal_around_its_median():
    logs = [math.log(Faults(latency_s=0.2, latency_sigma=0.5).latency(name, 1)) for name in DIGESTS]
    assert statistics.mean(logs) == pytest.approx(math.log(0.2), abs=0.06)
    assert statistics.stdev(logs) == pytest.approx(0.5, abs=0.05)
    assert Faults(latency_s=0.2).latency("x", 1) == 0.2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reset: 1.5\n", "reset is 1.5: Input should be less than or equal to 1"),
        ("reset: yes\n", "reset is True"),
        ("stal: 0.1\n", "unknown parameter 'stal', did you mean 'stall'?"),
        ("stall: 0.6\nreset: 0.6\n", "add up to more than 1"),
        ("requests_per_minute: 0\n", "requests_per_minute is 0"),
        ("- reset\n", "contains a list"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_line(tmp_path, text, message):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    result = fer("serve", "--faults", path)
    assert result.exit_code == 1
    assert message in result.output
    assert result.output.startswith("fer-helpers: ")
    assert result.output.count("\n") == 1


def test_a_biased_endpoint_answers_with_the_label_named_at_a_place():
    """In every form of reply, with probabilities that agree; which requests, depends on the seed and their content."""
    order = ["sad", "happy", "surprise", "angry", "neutral", "disgust", "fear"]
    row = {**planned_for(1).iloc[0], "labels": order}
    for form in FORMS:
        sent = planning.body_of({**row, "form": form}, [data_url("a")])
        with served(Faults(order_bias=1, order_place=3)) as url, openai.OpenAI(base_url=url, api_key="none") as client:
            reply = client.chat.completions.create(**sent)
        found = replies.parse(reply.model_dump(), SEVEN)
        assert found.label == "surprise"
        if form != "text":
            assert max(found.probabilities, key=found.probabilities.get) == "surprise"


@settings(derandomize=True, max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.floats(0, 1))
def test_a_bias_has_its_share(seed, share):
    plan = Faults(seed=seed, order_bias=share)
    words = "one of: " + ", ".join(TERNARY)
    struck = [plan.prefers(name, words, TERNARY) for name in DIGESTS]
    assert set(struck) <= {None, "negative"}
    spread = 6 * math.sqrt(len(DIGESTS) * share * (1 - share)) + 1
    assert abs(struck.count("negative") - len(DIGESTS) * share) <= spread
    assert not any(Faults(seed=seed).prefers(name, words, TERNARY) for name in DIGESTS[:100])


def test_a_place_that_no_label_has_is_preferred_by_nobody():
    plan = Faults(order_bias=1, order_place=4)
    assert plan.prefers("a", "one of: negative, neutral, positive", TERNARY) is None
    assert plan.prefers("a", "is the face positive?", TERNARY) is None


def test_a_missing_plan_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"none\.yaml cannot be read: No such file"):
        faults.load(tmp_path / "none.yaml")
    with pytest.raises(ValidationError):
        Faults(reset=2)


def test_the_shipped_example_names_every_kind():
    plan = faults.load(ROOT / "docs" / "faults.yaml")
    assert all(getattr(plan, kind) > 0 for kind in faults.STATUS)
    assert set(faults.STATUS) == {*faults.PASSING, *faults.CONTENT}


def test_a_request_has_one_name_however_it_is_written():
    assert faults.digest(b'{"a": 1, "b": [2]}') == faults.digest(b'{"b":[2],"a":1}') != faults.digest(b'{"a": 2}')
    assert faults.digest(b"[" * 100_000) != faults.digest(b"\xff")


@pytest.mark.parametrize(
    ("kind", "content", "cut"),
    [
        ("length", '{"label":"sad"}', '{"label":"sa'),
        ("length", '{"rationale":"x","label":"happy"}', '{"rationale":"x","label":"ha'),
        ("length", "neutral", "ne"),
        ("wrong_label", '{"label":"sad"}', '{"label":"contempt"}'),
        ("wrong_label", "sad", "contempt"),
        ("content_filter", "sad", ""),
        ("empty", "sad", None),
    ],
)
def test_what_a_fault_leaves_of_a_reply(kind, content, cut):
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    reply = faults.altered({"id": "x", "choices": [choice], "usage": usage}, kind, "0")
    assert reply["choices"][0]["message"]["content"] == cut
    assert (reply["usage"]["completion_tokens"] == 0) == (not cut)
    assert reply["usage"]["total_tokens"] == 100 + reply["usage"]["completion_tokens"]
    assert faults.WRONG_LABEL not in (*SEVEN, *TERNARY)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.012, "12ms"), (0.99999, "1s"), (1.5, "1.5s"), (59.9999, "1m0s"), (360, "6m0s"), (63.25, "1m3.25s")],
)
def test_resets_read_as_the_service_writes_them(seconds, text):
    assert faulty.duration(seconds) == text


# On the wire


@pytest.mark.parametrize(
    ("plan", "error", "status", "code"),
    [
        ({"rate_limited": 1}, openai.RateLimitError, 429, "rate_limit_exceeded"),
        ({"insufficient_quota_after": 0}, openai.RateLimitError, 429, "insufficient_quota"),
        ({"server_error": 1}, openai.InternalServerError, 500, None),
        ({"unavailable": 1}, openai.InternalServerError, 503, None),
        ({"filtered_400": 1}, openai.BadRequestError, 400, "content_filter"),
    ],
)
def test_errors_have_the_shape_of_openai(plan, error, status, code):
    with served(Faults(**plan)) as url, pytest.raises(error) as caught:
        send(url)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.response.headers["x-ratelimit-limit-requests"] == "1000000"
    assert "retry-after" not in caught.value.response.headers
    assert caught.value.response.text.startswith("<html>") == ("unavailable" in plan)


def test_retry_after_is_told():
    with served(Faults(rate_limited=1, retry_after_s=0.5)) as url, pytest.raises(openai.RateLimitError) as caught:
        send(url)
    assert caught.value.response.headers["retry-after"] == "0.5"


@pytest.mark.parametrize(
    ("kind", "finish_reason"),
    [
        ("refusal", "stop"),
        ("prose_refusal", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("wrong_label", "stop"),
        ("empty", "stop"),
    ],
)
def test_content_faults_are_whole_billed_replies_and_always_the_same(kind, finish_reason):
    with served(Faults(**{kind: 1})) as url:
        first, second = send(url).parse(), send(url).parse()
        (page,) = books(url).values()
    choice = first.choices[0]
    assert choice.finish_reason == finish_reason
    assert choice == second.choices[0]
    assert choice.logprobs is None
    assert bool(choice.message.refusal) == (kind == "refusal")
    assert (choice.message.content in faults.REFUSALS) == (kind == "prose_refusal")
    assert page == {"received": 2, "completed": 2, "billed_tokens": 2 * first.usage.total_tokens}


def test_every_wording_of_a_refusal_is_met():
    with served(Faults(prose_refusal=1)) as url:
        said = {send(url, text).parse().choices[0].message.content for text in map(str, range(40))}
    assert said == set(faults.REFUSALS)


@pytest.mark.parametrize("words", faults.REFUSALS)
def test_every_wording_of_a_refusal_is_read_as_one(words):
    reply = {"choices": [{"finish_reason": "stop", "message": {"content": words, "refusal": None}}]}
    assert replies.parse(reply, SEVEN).status == "refused"


def raw(url, text="a", path=faulty.PATH):
    connection = http.client.HTTPConnection(url.split("/")[2], timeout=5)
    connection.request("POST", path, json.dumps(body(text)))
    return connection.getresponse()


def test_a_reset_cuts_the_body_it_announced():
    with served(Faults(reset=1)) as url:
        with pytest.raises(http.client.IncompleteRead) as caught:
            raw(url).read()
        with pytest.raises(openai.APIConnectionError):
            send(url)
        whole = len(raw(url).read())  # the third attempt; ids and times are of constant length
        (page,) = books(url).values()
    assert len(caught.value.partial) == whole // 2
    assert len(caught.value.partial) + caught.value.expected == whole
    assert (page["received"], page["completed"]) == (3, 1)


def test_truncated_json_arrives_whole_and_is_none():
    with served(Faults(truncated_json=1)) as url:
        reply = raw(url)
        text = reply.read()
        (page,) = books(url).values()
    assert (reply.status, int(reply.headers["content-length"])) == (200, len(text))
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert text.startswith(b'{"id"')
    assert (page["completed"], page["billed_tokens"] > 0) == (0, True)


def test_a_stall_says_nothing_and_is_billed():
    with served(Faults(stall=1, passes_after=1)) as url:
        with pytest.raises(openai.APITimeoutError):
            send(url, timeout=0.2)
        assert books(url)[named()]["completed"] == 0
        usage = send(url).parse().usage
        assert books(url) == {named(): {"received": 2, "completed": 1, "billed_tokens": 2 * usage.total_tokens}}


@pytest.mark.parametrize("kind", [None, "reset", "stall", "truncated_json", "server_error"])
def test_a_client_that_leaves_is_billed_and_makes_no_noise(kind, caplog):
    with served(Faults(latency_s=0.3, **{kind: 1} if kind else {})) as url, pytest.raises(openai.APITimeoutError):
        send(url, timeout=0.1)
    with served(Faults(latency_s=0.2, stall_s=0.1, **{kind: 1} if kind else {})) as url:
        with pytest.raises(openai.APITimeoutError):
            send(url, timeout=0.1)
        time.sleep(0.4)
        (page,) = books(url).values()
    assert (page["completed"], page["billed_tokens"] > 0) == (0, kind != "server_error")
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


def test_a_stall_ends_late():
    with served(Faults(stall=1, stall_s=0.2)) as url:
        assert send(url).elapsed.total_seconds() >= 0.2


def test_each_request_counts_its_own_attempts():
    def statuses(url, text):
        return [raw(url, text).status for _ in range(4)]

    with served(Faults(server_error=1, passes_after=2)) as url:
        assert statuses(url, "a") == [500, 500, 200, 200]
        assert statuses(url, "b") == [500, 500, 200, 200]


def test_limits_are_kept_and_told(monkeypatch):
    """Three a minute: three at once, and then one every 20 s."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(limits, "time", clock)
    told = "x-ratelimit-{}-requests"
    with served(Faults(requests_per_minute=3)) as url:
        replies = [raw(url, text) for text in "abcd"]
        assert [reply.status for reply in replies] == [200, 200, 200, 429]
        assert [reply.headers[told.format("remaining")] for reply in replies] == ["2", "1", "0", "0"]
        assert [reply.headers[told.format("reset")] for reply in replies] == ["20s", "40s", "1m0s", "1m0s"]
        assert replies[3].headers["retry-after"] == "20"
        clock.now += 19
        assert raw(url, "d").headers["retry-after"] == "1"
        clock.now += 1.001
        assert raw(url, "d").status == 200


def test_what_a_limit_refuses_is_no_attempt(monkeypatch):
    """Or else the faults of a request would depend on how busy the others were."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(limits, "time", clock)
    with served(Faults(requests_per_minute=1, server_error=1, passes_after=2)) as url:
        seen = []
        for _ in range(3):
            seen += [raw(url).status, raw(url).status]
            clock.now += 60
        assert seen == [500, 429, 500, 429, 200, 429]
        assert books(url)[named()]["received"] == 6


def test_tokens_are_limited_by_what_was_billed(monkeypatch):
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(limits, "time", clock)
    with served(Faults(tokens_per_minute=3000)) as url:
        first, second, third = (raw(url, text) for text in "abc")
        billed = json.loads(first.read())["usage"]["total_tokens"]
        assert int(first.headers["x-ratelimit-remaining-tokens"]) == 3000 - billed
        assert (second.status, second.headers["x-ratelimit-remaining-tokens"]) == (200, "0")
        assert (third.status, json.loads(third.read())["error"]["type"]) == (429, "tokens")
        wait = float(third.headers["retry-after"])
        assert wait == pytest.approx((2 * billed - 3000 + 1) / 50)
        clock.now += wait
        assert raw(url, "c").status == 200


def test_without_a_plan_there_is_nothing_of_it():
    with served(None) as url:
        assert raw(url).headers["x-ratelimit-limit-requests"] is None
        assert raw(url, path=faulty.BOOKS).status == 404


def test_bad_requests_are_told_so_and_cost_no_quota():
    with served(Faults(insufficient_quota_after=1)) as url:
        connection = http.client.HTTPConnection(url.split("/")[2])
        connection.request("POST", faulty.PATH, b"{")
        assert connection.getresponse().status == 400
        assert [raw(url, text).status for text in "ab"] == [200, 429]
        assert books(url)[faults.digest(b"{")] == {"received": 1, "completed": 0, "billed_tokens": 0}


def test_the_command_carries_out_a_plan(tmp_path):
    (tmp_path / "plan.yaml").write_text("unavailable: 1\nlasting: true\n")
    code = "from fer_helpers.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", "--port", "0", "--faults", str(tmp_path / "plan.yaml")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split()[2]
        assert raw(url).status == 503
        assert books(url)[named()]["received"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
