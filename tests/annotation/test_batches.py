"""Annotation through the Batch API over real sockets: the same answers for half, nothing sent twice, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from fer_helpers import endpoint, pipeline, tables
from fer_helpers.annotation import Access, _batch_session, access, batch_files, batch_ledger, batches, online
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.annotation.batch_files import Limits, Line, cut
from fer_helpers.annotation.batch_ledger import Ledger
from fer_helpers.emotions import SEVEN
from fer_helpers.endpoint import BatchFaults
from fer_helpers.errors import EndpointError, RunError
from fer_helpers.media import mp4
from fer_helpers.paths import ROOT
from fer_helpers.prompting import planning, pricing, replies
from fer_helpers.runs import write_manifest
from fer_helpers.runs.run import Run
from tests.support.batch_bench import FRAMES, PICTURES, PLANNED, Bench, Cut, N, bench, cut_off, now, picture
from tests.support.command import fer
from tests.support.completions import served as served_without_batches
from tests.support.plans import frames_of, videos_of

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(autouse=True)
def _no_key_and_no_wait(monkeypatch):
    monkeypatch.delenv(access.OPENAI_KEY, raising=False)
    monkeypatch.setattr(batches, "_backoff", lambda _: 0.01)


def test_batch_answers_are_the_online_answers_at_half_the_price(tmp_path, monkeypatch):
    monkeypatch.setattr(pricing.PriceBook, "price", lambda *_: pricing.Price(date="2026-01", input=1.0, output=2.0))
    with bench(tmp_path) as one:
        (shard,) = one.submit()
        assert (shard.requests, one.missing()) == (N, 0)
        assert one.submit() == []  # under way: nothing to send again
        one.ended()
        collected = one.collect()
        assert collected[["state", "requests", "ok", "not run"]].to_numpy().tolist() == [["completed", N, N, 0]]
        offline = one.answers()
        with Archive(tmp_path / "online.sqlite") as archive:
            answered = asyncio.run(online.annotate(PLANNED, picture, archive, Access(one.url)))
    same = ["key", "status", "label", *tables.PROBABILITIES, "raw", "model_returned", "fingerprint", "tokens_in"]
    pd.testing.assert_frame_equal(offline[same], answered[same])
    assert len(offline) == N
    np.testing.assert_allclose(offline["cost_usd"], answered["cost_usd"] / 2)
    first = answered.iloc[0]
    assert first["cost_usd"] == pytest.approx((first["tokens_in"] + 2 * first["tokens_out"]) / 1e6)
    assert offline["latency_s"].isna().all()  # replies of a batch come together: that is no latency


def test_a_batch_holds_videos_as_it_holds_pictures(tmp_path, monkeypatch):
    video = mp4([(number / 10, np.full((32, 32, 3), 20 * number, np.uint8)) for number in range(9)], 32).data
    monkeypatch.setitem(PICTURES, ("v", None), video)
    asking = planning.Asking(endpoint.MODEL)
    planned = planning.plan(frames_of({"v": 1}), ["whole_clip"], ["seven"], asking, videos_of(["v", "w"]))
    with bench(tmp_path) as one:
        one.submit(planned)
        assert one.ended().collect()["ok"].tolist() == [1]
        with one.archive() as archive, Archive(tmp_path / "online.sqlite") as other:
            offline = online.kept(planned, archive)
            answered = asyncio.run(online.annotate(planned, picture, other, Access(one.url)))
    assert offline["raw"].tolist() == answered["raw"].tolist()
    held = [path for path in one.folder.rglob("*") if path.is_file() and b"video/mp4" in path.read_bytes()]
    assert held == []  # neither ledger nor archive


def test_collecting_again_changes_nothing(tmp_path):
    with bench(tmp_path) as one:
        one.submit()
        one.ended()
        one.collect()
        before, text = one.answers(), (one.folder / "batches.json").read_text()
        assert len(one.collect()) == 0
        assert (one.folder / "batches.json").read_text() == text
        # Cut off before the ledger was written, it reads the same replies again.
        kept = Ledger(one.folder)
        kept.shards[0].collected = ""
        kept.save()
        assert one.collect()["known"].tolist() == [N]
        pd.testing.assert_frame_equal(one.answers(), before)
        assert one.submit() == []
        assert len(one.batches()) == 1


def test_no_picture_stays_behind(tmp_path):
    """Neither at the provider's nor beside the ledger."""
    with bench(tmp_path) as one:
        one.submit()
        kept = one.client.files.list(purpose="batch").data
        assert [item.expires_at - item.created_at for item in kept] == [3 * 24 * 3600]
        one.ended().collect()
        assert one.client.files.list(purpose="batch").data == []
    assert not list(one.folder.glob("batches/*.jsonl"))


def test_failed_items_are_errors_and_sent_again(tmp_path):
    with bench(tmp_path, item_error=0.4, seed=3) as one:
        one.submit()
        (row,) = one.ended().collect().to_dict("records")
        assert 0 < row["error"] < N
        assert row["ok"] + row["error"] == N
        answers = one.answers()
        assert answers["status"].value_counts().to_dict() == {"ok": row["ok"], "error": row["error"]}
        failed = answers[answers["status"] == "error"].iloc[0]
        assert failed["raw"] == "The server had an error while processing this request."
        assert pd.isna(failed["label"])
        assert pd.isna(failed["cost_usd"])
        assert one.missing() == row["error"]
        (again,) = one.submit()
        assert again.requests == row["error"]


def test_an_expired_batch_keeps_what_it_finished_and_the_rest_is_sent_again(tmp_path):
    with bench(tmp_path, expire_after=5) as one:
        seen: list[set[str]] = []
        while one.missing():
            (shard,) = one.submit()
            seen.append(set(Ledger(one.folder).asked(shard)))
            (row,) = one.ended().collect().to_dict("records")
            done = min(5, shard.requests)
            assert (row["ok"], row["not run"]) == (done, shard.requests - done)
            if shard.requests > 5:
                assert row["note"] == (
                    f"expired, what was finished in time is kept and billed: 5 ok, {shard.requests - 5} not run"
                )
        assert [len(keys) for keys in seen] == list(range(N, 0, -5))
        assert all(later < earlier for earlier, later in pairwise(seen))
        assert set(one.answers()["status"]) == {"ok"}
        assert [shard.state for shard in one.ledger()][:1] == ["expired"]


def test_a_failed_batch_is_told_from_an_expired_one(tmp_path):
    seed = next(s for s in range(99) if [BatchFaults(fail=0.5, seed=s).hits(0.5, "batch", n) for n in (0, 1)] == [1, 0])
    with bench(tmp_path, fail=0.5, seed=seed) as one:
        one.submit()
        one.ended()
        (row,) = batches.status(one.folder, Access(one.url)).to_dict("records")
        assert row["state"] == "failed"
        assert row["note"].startswith("token_limit_exceeded: ")
        (row,) = one.collect().to_dict("records")
        assert (row["state"], row["not run"]) == ("failed", N)
        assert row["note"].startswith("failed before anything was run or billed (token_limit_exceeded: ")
        first, second = one.ledger()[0], one.submit()[0]
        assert (first.id[:-2], first.id[-2:], second.id) == (second.id[:-2], "-0", f"{first.id[:-2]}-1")
        assert one.ended().collect()["ok"].tolist() == [N]


def test_a_cancelled_batch_keeps_what_it_finished(tmp_path):
    with bench(tmp_path, item_delay_s=0.05) as one:
        (shard,) = one.submit()
        while one.client.batches.retrieve(shard.batch_id).request_counts.completed < 2:
            time.sleep(0.01)
        assert batches.status(one.folder, Access(one.url))["state"].tolist() == ["in_progress"]
        assert len(one.collect()) == 0  # nothing has ended
        one.client.batches.cancel(shard.batch_id)
        (row,) = one.ended().collect().to_dict("records")
        assert row["state"] == "cancelled"
        assert 2 <= row["ok"] == N - row["not run"] == N - one.missing()


def go_on_after_the_cut(one: Bench, on_server: int) -> None:
    """Submitting again finds what there is, creates what there is not, and the answers are whole."""
    assert len(one.batches()) == on_server
    assert len(one.submit()) == 1 - on_server
    (made,) = one.batches()
    (shard,) = one.ledger()
    assert (shard.batch_id, made.metadata) == (made.id, {"fer_shard": shard.id, "fer_run": "run"})
    one.ended().collect()
    assert set(one.answers()["status"]) == {"ok"}
    assert len(one.batches()) == 1


@pytest.mark.parametrize(
    ("step", "on_server", "on_disk"),
    [(1, 0, []), (2, 0, ["uploading"]), (3, 1, ["uploaded"])],
    ids=["before the upload", "before the create", "after the create"],
)
def test_cut_off_at_a_step_nothing_is_lost_and_nothing_sent_twice(tmp_path, step, on_server, on_disk):
    with bench(tmp_path) as one:
        with pytest.raises(Cut), cut_off(step, now):
            one.submit()
        assert [shard.state for shard in one.ledger()] == on_disk
        go_on_after_the_cut(one, on_server)


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_killed_after_the_create_the_batch_is_found_again(tmp_path):
    child = """
import os, signal, sys
from pathlib import Path
from tests.support.batch_bench import Bench, cut_off
with cut_off(3, lambda: os.kill(os.getpid(), signal.SIGKILL)):
    Bench(sys.argv[1], Path(sys.argv[2]), None).submit()
"""
    with bench(tmp_path) as one:
        command = [sys.executable, "-c", child, one.url, one.folder]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, cwd=ROOT, env=environment, timeout=50, check=False)
        assert done.returncode == -signal.SIGKILL
        go_on_after_the_cut(one, 1)


def test_an_upload_that_got_no_batch_is_deleted(tmp_path, monkeypatch):
    with bench(tmp_path) as one:
        monkeypatch.setattr(batches, "_create", lambda *_: now())
        with pytest.raises(Cut):
            one.submit()
        (orphan,) = one.client.files.list(purpose="batch")
        monkeypatch.undo()
        one.submit()
        (used,) = one.client.files.list(purpose="batch")
        assert used.id != orphan.id


@pytest.mark.parametrize("command", ["status", "collect"])
def test_looking_is_enough_to_find_a_batch_that_was_cut_off(tmp_path, command):
    with bench(tmp_path) as one:
        with pytest.raises(Cut), cut_off(3, now):
            one.submit()
        one.ended()
        if command == "collect":
            assert one.collect()["ok"].tolist() == [N]
        else:
            assert batches.status(one.folder, Access(one.url))["state"].tolist() == ["completed"]


def test_a_create_whose_reply_is_lost_is_found_and_not_repeated(tmp_path):
    with bench(tmp_path, drop_creates=1) as one:
        one.submit()
        assert [item.id for item in one.batches()] == [shard.batch_id for shard in one.ledger()]
        assert one.ended().collect()["ok"].tolist() == [N]


def test_a_lost_ledger_is_found_again(tmp_path):
    with bench(tmp_path) as one:
        one.submit()
        (one.folder / "batches.json").unlink()
        one.submit()
        assert len(one.batches()) == 1
        assert one.ended().collect()["ok"].tolist() == [N]


def test_an_upload_that_fails_is_undone(tmp_path, monkeypatch):
    with bench(tmp_path) as one:
        monkeypatch.setattr(endpoint.files, "MAX_FILE", 100)
        with pytest.raises(EndpointError, match=r"rejected the request: .*larger than"):
            one.submit()
        assert [shard.state for shard in one.ledger()] == ["uploading"]
        monkeypatch.undo()
        one.submit()
        assert [shard.state for shard in one.ledger()] == ["validating"]


def test_shards_run_one_after_another_through_a_small_queue(tmp_path):
    tokens = PLANNED.drop_duplicates("key")["tokens_in"]
    limit = int(tokens.sum() // 2)
    with bench(tmp_path) as one:
        rounds = 0
        while one.missing():
            assert len(one.submit(tokens=limit)) == 1
            waiting = [shard for shard in one.ledger() if not shard.collected]
            assert sum(shard.tokens for shard in waiting) <= limit
            one.ended().collect()
            rounds += 1
        assert rounds == 3
        assert sum(shard.tokens for shard in one.ledger()) == tokens.sum()


def test_several_shards_fit_in_a_large_queue(tmp_path):
    with bench(tmp_path) as one:
        assert [shard.requests for shard in one.submit(requests=6)] == [6] * (N // 6) + [N % 6] * (N % 6 > 0)
        assert one.ended().collect()["ok"].sum() == N


def test_the_cost_cap_counts_what_was_billed(tmp_path):
    priced = PLANNED.assign(cost_usd=0.02)  # half of it as a batch
    with bench(tmp_path, fail=1.0) as one:
        assert [shard.requests for shard in one.submit(priced, usd=0.055)] == [5]
        assert one.submit(priced, usd=0.055) == []
        one.ended().collect()  # it failed: nothing was billed
        assert [shard.requests for shard in one.submit(priced, usd=0.055)] == [5]
        with pytest.raises(EndpointError, match="cannot be enforced"):
            one.submit(PLANNED.assign(cost_usd=None), usd=1.0)


def test_an_answer_that_came_online_meanwhile_stays(tmp_path):
    with bench(tmp_path) as one:
        one.submit()
        first = PLANNED["key"].iloc[0]
        mine = Entry(first, "ok", '{"choices":[{"message":{"content":"sad"}}]}', endpoint.MODEL, 1.0, "2026-01-01")
        with one.archive() as archive:
            archive.put(mine)
        (row,) = one.ended().collect().to_dict("records")
        assert (row["known"], row["ok"]) == (1, N - 1)
        with one.archive() as archive:
            assert archive.get([first])[first] == mine


def test_batches_elsewhere_are_not_forgotten(tmp_path):
    with bench(tmp_path) as one:
        one.submit()
        with (
            bench(tmp_path) as other,
            pytest.raises(EndpointError, match=r"are pending at .*collect them there first"),
        ):
            other.submit()


def test_a_batch_the_server_does_not_know_is_not_paid_again(tmp_path):
    with bench(tmp_path) as one:
        one.submit()
        kept = Ledger(one.folder)
        kept.shards[0].batch_id = "batch_other"
        kept.save()
        assert one.submit() == []
        (row,) = one.collect().to_dict("records")
        assert "the server does not know it" in row["note"]
        assert len(one.batches()) == 1


def test_two_at_once_are_kept_apart(tmp_path):
    with bench(tmp_path) as one:
        with batch_ledger.locked(one.folder), pytest.raises(RunError, match="is already running"):
            one.submit()
        assert len(one.submit()) == 1


def test_a_server_without_batches_says_so_before_anything_is_sent(tmp_path):
    with served_without_batches(lambda *_: web.Response()) as (url, _, _):
        one = Bench(url, tmp_path / "run", None)
        with pytest.raises(EndpointError, match=r"has no Batch API \(404\): annotate online") as error:
            one.submit()
        assert "\n" not in str(error.value)
        assert one.ledger() == []


def test_what_cannot_work_is_said_in_one_line(tmp_path, monkeypatch):
    one = Bench("embedded", tmp_path / "run", None)
    with pytest.raises(EndpointError, match="start `fer-helpers serve`"):
        one.submit()
    with pytest.raises(RunError, match="has no batches"):
        one.collect()
    (one.folder / "batches.json").write_text("{")
    with pytest.raises(RunError, match=r"batches\.json is damaged"):
        one.missing()
    (one.folder / "batches.json").unlink()
    with bench(tmp_path) as served:
        gone = Bench(served.url, tmp_path / "run", None)
    monkeypatch.setattr(_batch_session, "RETRIES", 0)
    with pytest.raises(EndpointError, match="does not respond"):
        gone.submit()


# --- shards


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 30), st.sampled_from("mn"))),
    st.integers(1, 5),
    st.integers(40, 90),
    st.integers(30, 70),
)
def test_every_request_is_in_one_shard_and_no_shard_above_a_limit(items, requests, size, tokens):
    made = [Line(str(n), "seven", model, b"x" * width, cost) for n, (width, cost, model) in enumerate(items)]
    found = [list(part) for part in cut(made, Limits(requests, size, tokens))]
    assert [line for part in found for line in part] == made
    for part in found:
        assert 1 <= len(part) <= requests
        assert sum(len(line.data) for line in part) <= size
        assert sum(line.tokens for line in part) <= tokens
        assert len({line.model for line in part}) == 1
    for part, after in pairwise(found):  # none is cut before it has to be
        full = [*part, after[0]]
        assert (
            len(full) > requests
            or sum(len(line.data) for line in full) > size
            or sum(line.tokens for line in full) > tokens
            or len({line.model for line in full}) > 1
        )


def line_of(size: int, tokens: int, model: str = "m") -> Line:
    return Line("k", "seven", model, b"x" * size, tokens)


@pytest.mark.parametrize(
    ("made", "shards_of"),
    [
        ([line_of(1, 1)] * 7, [3, 3, 1]),
        ([line_of(40, 1), line_of(60, 1), line_of(1, 1)], [2, 1]),
        ([line_of(1, 6), line_of(1, 4), line_of(1, 1)], [2, 1]),
        ([line_of(1, 1), line_of(1, 1, "n"), line_of(1, 1, "n")], [1, 2]),
        ([], []),
    ],
    ids=["count", "bytes", "tokens", "model", "none"],
)
def test_shards_by_hand(made, shards_of):
    assert [len(list(part)) for part in cut(made, Limits(3, 100, 10))] == shards_of


@pytest.mark.parametrize("line", [line_of(101, 1), line_of(1, 11)])
def test_a_request_above_a_limit_is_refused(line):
    with pytest.raises(RunError, match="smaller frame_size"):
        list(cut([line], Limits(3, 100, 10)))


def test_the_limits_are_openais():
    assert (Limits().requests, Limits().bytes) == (50_000, 200 * 10**6)


def test_base64_counts():
    """Five pictures of 15 kB: about 1,900 requests fill 200 MB."""
    planned = planning.plan(frames_of({"a": 5}), ["multi_frame"], ["seven"], planning.Asking(endpoint.MODEL))
    (line,) = batch_files.lines(planned, lambda *_: bytes(15_000))
    assert 5 * 20_000 < len(line.data) < 5 * 20_000 + 3_000
    assert 1900 < Limits().bytes / len(line.data) < 2000
    request = json.loads(line.data)
    assert list(request) == ["custom_id", "method", "url", "body"]
    assert (request["custom_id"], request["url"]) == (planned["key"][0], "/v1/chat/completions")
    assert line.data.endswith(b"}\n")
    assert line.data.count(b"\n") == 1


# --- replies


def completion(content: str = '{"label":"happy"}', **more: Any) -> dict[str, Any]:
    return {"choices": [{"finish_reason": "stop", "message": {"content": content, **more}}]}


def response(status: int, body: Any) -> dict[str, Any]:
    return {"response": {"status_code": status, "request_id": "r", "body": body}, "error": None}


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (response(200, completion()), "ok"),
        (response(200, completion("bored")), "invalid"),
        (response(200, completion(refusal="no")), "refused"),
        (response(200, {"choices": "none"}), "error"),
        (response(200, None), "error"),
        (response(400, {"error": {"code": "content_filter", "message": "no"}}), "filtered"),
        (response(400, {"error": {"code": "invalid_image", "message": "no"}}), "error"),
        (response(500, "down"), "error"),
        ({"response": None, "error": {"code": "request_timeout", "message": "late"}}, "error"),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, None),
        ({"response": None, "error": {"code": "batch_cancelled", "message": "late"}}, None),
        ({}, "error"),
    ],
)
def test_what_a_line_says(tmp_path, item, status):
    entry = batch_files.entry(item, "k", replies.Asked(SEVEN), "m", "2026-01-01")
    assert (entry and entry.status) == status
    if entry:
        assert (entry.key, entry.model, entry.via) == ("k", "m", "batch")
        with Archive(tmp_path / "a.sqlite") as archive:
            archive.put(entry)
            (row,) = online.kept(
                pd.DataFrame({"key": ["k"], "taxonomy": ["seven"], "prompt": ["labels"]}), archive
            ).to_dict("records")
        assert row["status"] == status


def test_lines_of_no_use_do_no_harm(tmp_path, monkeypatch):
    with bench(tmp_path) as one:
        one.submit()
        one.ended()
        written = endpoint.files.Files.path
        (file,) = [item for item in one.client.files.list() if item.purpose == "batch_output"]
        text = one.client.files.content(file.id).content
        strange = b'{"custom_id": "nobody"}\n[1]\nnot json\n{"custom_id": ["x"]}\n'
        other = tmp_path / "other"
        other.write_bytes(strange + text)
        monkeypatch.setattr(
            endpoint.files.Files, "path", lambda self, name: other if name == file.id else written(self, name)
        )
        (row,) = one.collect().to_dict("records")
        assert (row["ok"], row["strange"]) == (N, 4)


def test_a_key_that_a_server_repeats_is_not_kept_from_a_batch(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with bench(tmp_path) as one:
        one.submit()
        one.ended()
        written = endpoint.files.Files.path
        (file,) = [item for item in one.client.files.list() if item.purpose == "batch_output"]
        other = tmp_path / "other"
        other.write_bytes(one.client.files.content(file.id).content.replace(b"fer2013-cnn", b"sk-very-secret"))
        assert b"secret" in other.read_bytes()
        monkeypatch.setattr(
            endpoint.files.Files, "path", lambda self, name: other if name == file.id else written(self, name)
        )
        with one.archive() as archive:
            found = batches.collect(archive, one.folder, Access(one.url, "MY_KEY"))
        assert found["ok"].tolist() == [N]
        assert "secret" not in one.answers().to_csv() + found.to_csv()
        assert all(b"secret" not in path.read_bytes() for path in one.folder.iterdir() if path.is_file())


# --- the command line


def test_the_command_line_from_submit_to_the_last_answer(outputs, tmp_path, monkeypatch):
    folder = Path(outputs, "run")

    def extracted(params: Any, _: Any) -> Run:
        """In the place of notebooks 01 and 02, whose tests are elsewhere."""
        folder.mkdir(exist_ok=True)
        paths = [f"frames/{row.clip_id}{row.frame_index}.jpg" for row in FRAMES.itertuples()]
        tables.write("frames", FRAMES.assign(path=paths), folder)
        (folder / "frames").mkdir(exist_ok=True)
        write_manifest(folder, {})
        for path, row in zip(paths, FRAMES.itertuples(), strict=True):
            (folder / path).write_bytes(picture(row.clip_id, row.frame_index))
        return Run(folder, params)

    monkeypatch.setattr(pipeline, "extract_frames", extracted)
    with bench(tmp_path, expire_after=8) as one:
        values = {"base_url": one.url, "archive": tmp_path / "archive.sqlite", "strategies": "[per_frame]"}
        values |= {"strategy_shown": "per_frame", "reply_form": "schema+logprobs"}
        given = ("params/demo.yaml", "--out", "outputs/run")
        given += tuple(text for name, value in values.items() for text in ("-p", name, str(value)))
        early = fer("batch", "status", *given)
        assert (early.exit_code, early.stderr) == (
            1,
            "fer-helpers: outputs/run/frames.parquet is missing: run notebook 02_frame_extraction with the same `out` "
            "first\n",
        )
        assert "a batch cannot probe it" in fer("batch", "submit", *given, "-p", "reply_form", "auto").stderr
        assert "has no batches" in fer("batch", "collect", *given).stderr
        submitted = fer("batch", "submit", *given)
        assert submitted.exit_code == 0, submitted.output
        assert "missing: 12 requests, " in submitted.output
        assert "0 of 12 requests answered, 12 in batches, 0 missing" in submitted.output
        online = fer("run", *given)
        assert (online.exit_code, online.stderr[:68]) == (
            1,
            "fer-helpers: 12 requests are pending in batches and would be paid fo",
        )
        one.ended()
        assert "expired" in fer("batch", "status", *given).output
        collected = fer("batch", "collect", *given)
        assert "expired, what was finished in time is kept and billed: 8 ok, 4 not run" in collected.output
        assert "8 of 12 requests answered, 0 in batches, 4 missing" in collected.output
        assert "but a shard may have" in fer("batch", "submit", *given, "--queue", "1").stderr
        assert fer("batch", "submit", *given).exit_code == 0
        one.ended()
        done = fer("batch", "collect", *given)
        assert "12 of 12 requests answered, 0 in batches, 0 missing" in done.output
        assert "`fer-helpers run` continues" in done.output


def test_every_shard_is_collected_whatever_the_others_do(tmp_path):
    """A shard whose output is gone at the server held up all later ones; it can be given up by a command."""
    with bench(tmp_path) as one:
        lost, *others = one.submit(requests=2)
        one.ended()
        kept = Ledger(one.folder)
        kept.shards[0].batch_id = "batch_gone"
        kept.save()
        notes = one.collect()["note"]
        assert f"fer-helpers batch give-up {lost.id}" in notes[lost.id]
        assert sum(shard.collected != "" for shard in one.ledger()) == len(others)
        assert one.missing() == 0  # those of the lost shard are still waited for
        batches.give_up(one.folder, lost.id)
        assert one.missing() == lost.requests
        with pytest.raises(RunError, match="has no open shard"):
            batches.give_up(one.folder, lost.id)


def test_money_spent_online_counts_against_the_cap_of_a_batch(tmp_path):
    """0.05 US$ each as a batch; 0.3 are gone online, so a cap of 0.42 leaves two."""
    priced = PLANNED.assign(cost_usd=0.1)
    with bench(tmp_path) as one:
        with one.archive() as archive:
            archive.put(Entry(PLANNED["key"].iloc[0], "ok", "{}", endpoint.MODEL, 1.0, "2026-01-01", usd=0.3))
        assert [shard.requests for shard in one.submit(priced, usd=0.42)] == [2]


class Odd:
    """A batch with fields as other servers leave them."""

    id, status, created_at, request_counts, errors, metadata = 7, "in_progress", None, None, None, None


def test_odd_fields_of_a_batch_are_borne():
    shard = batch_ledger.Shard("s", "u", "m", 1, 1, 0.0)
    shard.take(Odd())
    assert (shard.batch_id, shard.state, shard.done) == ("7", "in_progress", 0)
    assert shard.submitted


def test_a_line_that_nests_too_deep_is_kept_once_and_blocks_nothing(tmp_path):
    """The same line made collecting fail for ever; it was paid for, so it is kept as what it is."""
    deep = b'{"custom_id": "%s", "response": {"status_code": 200, "body": %s}}' % (b"a" * 64, b"[" * 100_000)

    class Streamed:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def stream_to_file(self, path):
            path.write_bytes(deep + b"\n")

    client = SimpleNamespace(
        files=SimpleNamespace(with_streaming_response=SimpleNamespace(content=lambda _: Streamed()))
    )
    (item,) = batches._items(client, "f", tmp_path / "download.jsonl")
    entry = batch_files.entry(item, item["custom_id"], replies.Asked(SEVEN), "m", "2026-01-01")
    assert (entry.key, entry.status) == ("a" * 64, "invalid")


def test_rankings_are_read_as_rankings(tmp_path):
    """The ledger notes what was asked for, and a shard from before it did is one of labels."""
    asking = planning.Asking(endpoint.MODEL, prompt="ranking")
    ranked = planning.plan(FRAMES, ["multi_frame"], ["ternary"], asking)
    with bench(tmp_path) as one:
        (shard,) = one.submit(ranked)
        assert set(Ledger(one.folder).asked(shard).values()) == {"ternary ranking"}
        (row,) = one.ended().collect().to_dict("records")
        assert row["ok"] == len(ranked)
        with one.archive() as archive:
            answers = online.kept(ranked, archive)
        assert (answers["ranking"].str.split(" ").str[0] == answers["label"]).all()
        (plain,) = one.submit()
        assert set(Ledger(one.folder).asked(plain).values()) == {"seven", "ternary"}
