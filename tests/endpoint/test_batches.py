"""The embedded endpoint's files and batches through the official client over a real socket."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from fer_helpers import endpoint
from fer_helpers.endpoint import BatchFaults, batches, files
from tests.support.chat import encoded, noise, part, request

pytestmark = pytest.mark.timeout(60)

BODY = request(part(encoded(noise(1))), temperature=0)
METADATA = {"fer_shard": "a1", "fer_run": "demo"}


def line(custom_id: str, body: Any = BODY, **more: Any) -> dict[str, Any]:
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body, **more}


def jsonl(lines: list[Any]) -> bytes:
    return "".join((text if isinstance(text, str) else json.dumps(text)) + "\n" for text in lines).encode()


@contextlib.contextmanager
def served(**faults: Any) -> Iterator[openai.OpenAI]:
    with (
        endpoint.serve(batch_faults=BatchFaults(**faults)) as url,
        openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[openai.OpenAI]:
    with served() as opened:
        yield opened


def upload(client: openai.OpenAI, lines: list[Any]) -> str:
    return client.files.create(file=("shard.jsonl", jsonl(lines), "application/jsonl"), purpose="batch").id


def create(client: openai.OpenAI, lines: list[Any], **more: Any) -> openai.types.Batch:
    return client.batches.create(
        input_file_id=upload(client, lines), endpoint="/v1/chat/completions", completion_window="24h", **more
    )


def ended(client: openai.OpenAI, batch_id: str) -> openai.types.Batch:
    while (batch := client.batches.retrieve(batch_id)).status not in batches.ENDED:
        time.sleep(0.01)
    return batch


def content(client: openai.OpenAI, file_id: str | None) -> list[dict[str, Any]]:
    return [json.loads(row) for row in client.files.content(file_id).text.splitlines()] if file_id else []


def test_a_batch_gives_what_chat_completions_gives(client):
    bodies = {f"k{n}": request(part(encoded(noise(n))), logprobs=True, top_logprobs=7) for n in range(8)}
    created = create(client, [line(key, body) for key, body in bodies.items()], metadata=METADATA)
    assert (created.object, created.status, created.metadata) == ("batch", "validating", METADATA)
    assert created.expires_at - created.created_at == 24 * 3600
    batch = ended(client, created.id)
    assert (batch.status, batch.metadata, batch.errors, batch.error_file_id) == ("completed", METADATA, None, None)
    counts = batch.request_counts
    assert (counts.total, counts.completed, counts.failed) == (8, 8, 0)
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    rows = content(client, batch.output_file_id)
    assert sorted(row["custom_id"] for row in rows) == sorted(bodies)
    assert [row["custom_id"] for row in rows] != list(bodies)  # the order must not be relied on
    for row in rows:
        assert (row["error"], row["response"]["status_code"]) == (None, 200)
        online = client.chat.completions.create(**bodies[row["custom_id"]])
        offline = openai.types.chat.ChatCompletion.model_validate(row["response"]["body"])
        assert (offline.choices, offline.usage, offline.model) == (online.choices, online.usage, online.model)
    assert batch.usage.input_tokens == sum(row["response"]["body"]["usage"]["prompt_tokens"] for row in rows)
    assert len({row["id"] for row in rows}) == 8


def test_what_a_request_is_refused_for_stands_in_the_error_file(client):
    bad = {**BODY, "n": 2}
    batch = ended(client, create(client, [line("good"), line("bad", bad)]).id)
    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 1, 1)
    (row,) = content(client, batch.error_file_id)
    with pytest.raises(openai.BadRequestError) as online:
        client.chat.completions.create(**bad)
    assert (row["custom_id"], row["error"], row["response"]["status_code"]) == ("bad", None, 400)
    assert row["response"]["body"]["error"] == online.value.body


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        (["{"], "invalid_json_line", 1),
        (["[" * 20_000], "invalid_json_line", 1),
        ([line("a"), "[]"], "invalid_json_line", 2),
        ([line("a"), line("b"), line("a")], "duplicate_custom_id", 3),
        ([line("a", method="GET")], "invalid_method", 1),
        ([line("a", url="/v1/embeddings")], "url_mismatch", 1),
        ([line("a"), line("b", {**BODY, "model": "gpt-4o-mini"})], "model_not_found", 2),
        ([line(7)], "missing_required_parameter", 1),
        ([line("a", "body")], "missing_required_parameter", 1),
        ([], "empty_file", None),
    ],
)
def test_a_wrong_line_fails_the_batch(client, lines, code, number):
    batch = ended(client, create(client, lines).id)
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
    (error,) = batch.errors.data
    assert (error.code, error.line) == (code, number)
    assert error.message
    assert batch.failed_at


def test_limits_of_a_file(client, monkeypatch):
    monkeypatch.setattr(batches, "MAX_BATCH_REQUESTS", 2)
    assert ended(client, create(client, [line("a"), line("b")]).id).status == "completed"
    assert ended(client, create(client, [line(key) for key in "abc"]).id).errors.data[0].code == "too_many_tasks"
    monkeypatch.setattr(batches, "MAX_BATCH_BYTES", len(jsonl([line("a")])))
    assert ended(client, create(client, [line("a")]).id).status == "completed"
    assert ended(client, create(client, [line("ab")]).id).errors.data[0].code == "file_too_large"
    monkeypatch.setattr(files, "MAX_FILE", 100)
    with pytest.raises(openai.APIStatusError, match="larger than") as error:
        upload(client, [line("a")])
    assert error.value.status_code == 413


def test_files_are_kept_listed_and_deleted(client):
    text = jsonl([line("a")])
    made = client.files.create(
        file=("x.jsonl", text), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (made.object, made.bytes, made.filename, made.purpose) == ("file", len(text), "x.jsonl", "batch")
    assert made.expires_at - made.created_at == 3600
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).content == text
    other = upload(client, [])
    assert [item.id for item in client.files.list(purpose="batch", limit=1)][:2] == [other, made.id]
    assert [item.id for item in client.files.list(order="asc")][-2:] == [made.id, other]
    assert client.files.delete(made.id).deleted is True
    for gone in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError):
            gone(made.id)


def test_a_large_file_is_taken_whole(client):
    """More than a chat request may have; the limit of request bodies is not the one of files."""
    text = b"x" * (server_limit := 64 * 2**20) + b"yz"
    made = client.files.create(file=("x.jsonl", text), purpose="batch")
    assert made.bytes == server_limit + 2
    client.files.delete(made.id)


def test_batches_are_listed_newest_first_in_pages(client):
    made = [create(client, [], metadata={"n": str(n)}).id for n in range(5)]
    first = client.batches.list(limit=2)
    assert ([item.id for item in first.data], first.has_more) == (made[:2:-1], True)
    assert [item.id for item in client.batches.list(limit=2)][:5] == made[::-1]
    assert client.batches.list(after=made[1], limit=1).data[0].id == made[0]
    last = list(client.batches.list(limit=100))[-1].id
    page = client.batches.list(after=last)
    assert (page.data, page.has_more) == ([], False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.files.create(file=("x.jsonl", b""), purpose="fine-tune"), "purpose must be 'batch'"),
        (lambda c: c.files.create(file=("x.txt", b""), purpose="batch"), r"Must be \.jsonl"),
        (lambda c: c.post("/files", cast_to=object, body={}), "multipart/form-data"),
        (lambda c: c.batches.list(limit=101), "limit must be 1 to 100"),
        (lambda c: c.batches.list(after="nobody"), "in this list"),
        (lambda c: create(c, [], metadata={"x" * 65: "y"}), "metadata"),
        (lambda c: create(c, [], metadata={str(n): "y" for n in range(17)}), "metadata"),
        (
            lambda c: c.batches.create(input_file_id="f", endpoint="/v1/chat/completions", completion_window="24h"),
            "input_file_id",
        ),
        (
            lambda c: c.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h"),
            "endpoint",
        ),
        (lambda c: c.batches.cancel(ended(c, create(c, [line("a")]).id).id), "completed cannot be cancelled"),
    ],
)
def test_wrong_calls_are_refused(client, call, message):
    with pytest.raises(openai.BadRequestError, match=message):
        call(client)


@pytest.mark.parametrize("call", ["retrieve", "cancel"])
def test_an_unknown_batch_is_not_found(client, call):
    with pytest.raises(openai.NotFoundError):
        getattr(client.batches, call)("batch_x")


def test_an_upload_that_breaks_off_leaves_nothing(client):
    before = [item.id for item in client.files.list()]
    connection = http.client.HTTPConnection(client.base_url.host, client.base_url.port)
    connection.putrequest("POST", "/v1/files")
    connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.jsonl"\r\n\r\nhalf')
    connection.close()
    assert [item.id for item in client.files.list()] == before


def test_cancelling_keeps_what_was_finished():
    with served(item_delay_s=0.05) as client:
        made = create(client, [line(f"k{n}") for n in range(40)])
        while client.batches.retrieve(made.id).request_counts.completed < 2:
            time.sleep(0.01)
        assert client.batches.cancel(made.id).status == "cancelling"
        batch = ended(client, made.id)
        done, failed = content(client, batch.output_file_id), content(client, batch.error_file_id)
        assert (batch.status, len(done) + len(failed)) == ("cancelled", 40)
        assert 2 <= len(done) == batch.request_counts.completed < 40
        assert batch.cancelling_at <= batch.cancelled_at
        assert {(row["response"], row["error"]["code"]) for row in failed} == {(None, "batch_cancelled")}


def test_expiring_keeps_what_was_finished():
    with served(expire_after=3) as client:
        batch = ended(client, create(client, [line(f"k{n}") for n in range(5)]).id)
        assert (batch.status, batch.request_counts.completed, batch.request_counts.total) == ("expired", 3, 5)
        assert batch.expired_at
        assert {row["custom_id"] for row in content(client, batch.output_file_id)} == {"k0", "k1", "k2"}
        failed = content(client, batch.error_file_id)
        assert {row["custom_id"]: row["error"]["code"] for row in failed} == dict.fromkeys(
            ("k3", "k4"), "batch_expired"
        )


def test_faults_are_the_same_for_the_same_seed():
    def failures(**faults: Any) -> list[set[str]]:
        with served(**faults) as client:
            made = [ended(client, create(client, [line(f"k{n}") for n in range(20)]).id) for _ in range(2)]
            return [{row["custom_id"] for row in content(client, batch.error_file_id)} for batch in made]

    first, second = failures(item_error=0.3, seed=1)
    assert first == second  # an item, not a place in a batch, is hit
    assert 0 < len(first) < 20
    assert failures(item_error=0.3, seed=2)[0] != first


def test_a_failed_validation_on_purpose():
    with served(fail=1.0) as client:
        batch = ended(client, create(client, [line("a")]).id)
        assert (batch.status, batch.errors.data[0].code) == ("failed", "token_limit_exceeded")


def test_a_dropped_create_did_its_work():
    with served(drop_creates=1) as client:
        with pytest.raises(openai.APIConnectionError):
            create(client, [line("a")], metadata=METADATA)
        (made,) = client.batches.list()
        assert made.metadata == METADATA
        assert ended(client, made.id).status == "completed"


def test_leaving_ends_a_batch_under_way():
    with served(item_delay_s=30) as client:
        create(client, [line("a")])
        began = time.monotonic()
    assert time.monotonic() - began < 5
