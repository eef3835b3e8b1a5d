"""The fault matrix: every fault of the endpoint, and what annotation makes of it, request by request.

Each run has a deadline; no answer may be lost, and none invented.
"""

import asyncio
from hashlib import sha256

import pandas as pd
import pytest

from fer_helpers.annotation import Access, access, online
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation.archive import Archive
from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint import Faults, faults
from fer_helpers.errors import EndpointError
from tests.support.faults import books, named, served
from tests.support.plans import planned_for

pytestmark = pytest.mark.timeout(60)
IN_QUICK_TESTS_S = 0.5  # the client's time-out


def quick(monkeypatch):
    """The client's patience in tests: the one place that knows how annotation waits."""
    monkeypatch.setattr(transport, "_backoff", lambda _: 0.01)


@pytest.fixture(autouse=True)
def _no_key_and_no_wait(monkeypatch):
    monkeypatch.delenv(access.OPENAI_KEY, raising=False)
    quick(monkeypatch)


def picture(clip_id, index):
    return clip_id.encode()


def asked_for(planned):
    """The name under which the endpoint's books hold each row of `planned`."""
    return [named(clip_id) for clip_id in planned["clip_id"]]


def ask(url, path, planned, concurrency=4, deadline_s=10):
    to = Access(url, "", IN_QUICK_TESTS_S)

    async def within_the_deadline():
        async with asyncio.timeout(deadline_s):
            return await online.annotate(planned, picture, archive, to, max_concurrency=concurrency)

    with Archive(path) as archive:
        return asyncio.run(within_the_deadline())


def run(path, plan, planned, **options):
    with served(plan) as url:
        return ask(url, path, planned, **options), books(url)


def check(answers, planned, statuses):
    """Every planned key once, with its status; a label exactly where that is ok, and then the right one."""
    assert list(answers["key"]) == list(planned["key"])
    assert list(answers["status"]) == statuses
    for clip_id, answer in zip(planned["clip_id"], answers.to_dict("records"), strict=True):
        right = SEVEN[sha256(picture(clip_id, 0)).digest()[0] % 7]
        assert answer["label"] == right if answer["status"] == "ok" else pd.isna(answer["label"])


SIX = planned_for(6)


@pytest.mark.parametrize("kind", faults.PASSING)
def test_what_passes_is_asked_again_and_answered(tmp_path, kind):
    plan = Faults(**{kind: 1}, retry_after_s=0.05)
    answers, found = run(tmp_path / "a.sqlite", plan, SIX)
    check(answers, SIX, ["ok"] * 6)
    assert {page["received"] for page in found.values()} == {plan.passes_after + 1}


@pytest.mark.parametrize("kind", faults.PASSING)
def test_what_lasts_is_an_error_and_spares_the_others(tmp_path, kind):
    plan = Faults(seed=3, **{kind: 0.5}, lasting=True)
    answers, _ = run(tmp_path / "a.sqlite", plan, SIX, concurrency=6)
    statuses = ["error" if plan.passing(name, 1) else "ok" for name in asked_for(SIX)]
    assert set(statuses) == {"ok", "error"}
    check(answers, SIX, statuses)


@pytest.mark.parametrize("kind", faults.PASSING)
def test_an_error_is_answered_when_the_run_is_repeated(tmp_path, kind):
    with served(Faults(seed=3, **{kind: 0.5}, lasting=True)) as url:
        ask(url, tmp_path / "a.sqlite", SIX, concurrency=6)
    answers, found = run(tmp_path / "a.sqlite", Faults(), SIX)
    check(answers, SIX, ["ok"] * 6)
    assert 0 < len(found) < 6


@pytest.mark.parametrize("kind", faults.CONTENT)
def test_a_content_fault_is_its_status_asked_and_paid_once(tmp_path, kind):
    plan = Faults(seed=3, **{kind: 0.5})
    answers, found = run(tmp_path / "a.sqlite", plan, SIX)
    fates = [plan.content(name) for name in asked_for(SIX)]
    assert set(fates) == {None, kind}
    check(answers, SIX, [faults.STATUS.get(fate, "ok") for fate in fates])
    assert {page["received"] for page in found.values()} == {1}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_empty_account_ends_the_run_and_what_was_answered_is_kept(tmp_path, concurrency):
    with served(Faults(insufficient_quota_after=3, latency_s=0.1)) as url:
        with pytest.raises(EndpointError, match="quota"):
            ask(url, tmp_path / "a.sqlite", SIX, concurrency)
        found = books(url)
    assert sum(page["completed"] for page in found.values()) == 3
    with Archive(tmp_path / "a.sqlite") as archive:
        kept = online.kept(SIX, archive)
    assert len(kept) == 3
    check(kept, SIX[SIX["key"].isin(kept["key"])], ["ok"] * 3)


def test_a_kept_limit_slows_a_run_and_loses_nothing(tmp_path):
    """40 at once, then one every 1.5 s."""
    planned = planned_for(42)
    answers, found = run(tmp_path / "a.sqlite", Faults(requests_per_minute=40), planned, concurrency=8)
    check(answers, planned, ["ok"] * 42)
    assert {page["completed"] for page in found.values()} == {1}


EVERYTHING = Faults(latency_s=0.01, latency_sigma=0.5, retry_after_s=0.05, **dict.fromkeys(faults.STATUS, 0.1))
TRANSIT = {"reset", "stall", "truncated_json"}  # billed, though never answered


def road(plan, name):
    """The passing faults that a request meets until it is answered; an error that is a fate is not truncated."""
    met = []
    while kind := plan.passing(name, len(met) + 1):
        if (kind, plan.content(name)) == ("truncated_json", "filtered_400"):
            break
        met.append(kind)
    return met


def test_everything_at_once(tmp_path):
    """300 requests: the endpoint's books and the answers tell the same story, attempt by attempt."""
    planned = planned_for(300)
    answers, found = run(tmp_path / "a.sqlite", EVERYTHING, planned, concurrency=24, deadline_s=40)
    names = asked_for(planned)
    fates = [EVERYTHING.content(name) for name in names]
    check(answers, planned, [faults.STATUS.get(fate, "ok") for fate in fates])
    assert set(found) == set(names)
    for name, fate, tokens in zip(names, fates, answers["tokens_in"] + answers["tokens_out"], strict=True):
        met = road(EVERYTHING, name)
        made = 0 if fate == "filtered_400" else 1 + sum(kind in TRANSIT for kind in met)
        billed = made * tokens if made else 0  # an error has no tokens
        expected = {"received": len(met) + 1, "completed": int(made > 0), "billed_tokens": billed}
        assert found[name] == expected, (met, fate)


def test_the_same_faults_are_met_whatever_is_under_way(tmp_path):
    planned = planned_for(30)
    plan = Faults(latency_s=0.01, latency_sigma=1, server_error=0.3, reset=0.3, refusal=0.3, length=0.3)
    one, its_books = run(tmp_path / "one.sqlite", plan, planned, concurrency=1)
    many, their_books = run(tmp_path / "many.sqlite", plan, planned, concurrency=16)
    assert its_books == their_books
    assert list(one["raw"]) == list(many["raw"])
