"""The Batch API of the embedded endpoint: batches worked off in the background, in OpenAI's shapes."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints

from fer_helpers.endpoint import chat, files, questions
from fer_helpers.endpoint.errors import ApiError, validated
from fer_helpers.endpoint.files import FILES
from fer_helpers.endpoint.served import MODELS, Models

MAX_BATCH_BYTES = 200_000_000
MAX_BATCH_REQUESTS = 50_000
MAX_ERRORS = 100  # lines a failed batch complains about
WINDOW_S = 24 * 3600
URL = "/v1/chat/completions"
ENDED = ("failed", "completed", "expired", "cancelled")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchFaults:
    """What goes wrong on purpose, the same way for the same `seed`; by default nothing."""

    fail: float = 0.0  # share of batches that fail their validation
    item_error: float = 0.0  # share of items answered with status 500
    expire_after: int | None = None  # items a batch finishes before it expires
    drop_creates: int = 0  # calls that create a batch and lose the connection before they reply
    item_delay_s: float = 0.0  # seconds an item waits for its turn
    seed: int = 0

    def hits(self, share: float, *what: object) -> bool:
        """Whether the fault with this `share` befalls `what`."""
        return random.Random(repr((self.seed, *what))).random() < share


NO_FAULTS = BatchFaults()


@dataclass
class _Store:
    """The batches of one served app, oldest first, and what they are worked off with."""

    models: Models
    pool: web.AppKey[ThreadPoolExecutor]
    faults: BatchFaults
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


_STORE = web.AppKey("batches", _Store)


def add_routes(app: web.Application, pool: web.AppKey[ThreadPoolExecutor], models: Models, faults: BatchFaults) -> None:
    """Give `app` the routes below /v1/files and /v1/batches; batches are worked off on the `pool`."""
    app[_STORE] = _Store(models, pool, faults)
    files.add_routes(app)
    app.cleanup_ctx.append(_lifetime)
    app.router.add_routes(
        [
            web.post("/v1/batches", _create),
            web.get("/v1/batches", _list_batches),
            web.get("/v1/batches/{id}", _batch),
            web.post("/v1/batches/{id}/cancel", _cancel),
        ]
    )


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    store = app[_STORE]
    yield
    for task in store.tasks:
        task.cancel()
    await asyncio.gather(*store.tasks, return_exceptions=True)


class _Order(BaseModel):
    input_file_id: str
    endpoint: Literal["/v1/chat/completions"]
    completion_window: Literal["24h"]
    metadata: (
        dict[Annotated[str, StringConstraints(max_length=64)], Annotated[str, StringConstraints(max_length=512)]] | None
    ) = Field(None, max_length=16)


async def _create(request: web.Request) -> web.Response:
    store = request.app[_STORE]
    order = validated(_Order, await request.read())
    source = request.app[FILES].entries.get(order.input_file_id)
    if source is None or source["purpose"] != "batch":
        raise ApiError("input_file_id names no file for a batch.", param="input_file_id")
    now, number = int(time.time()), len(store.batches)
    batch: dict[str, Any] = {
        "id": f"batch_{uuid.uuid4().hex}",
        "object": "batch",
        **order.model_dump(),
        "status": "validating",
        "model": None,
        "errors": None,
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "expires_at": now + WINDOW_S,
        **dict.fromkeys(("in_progress_at", "finalizing_at", "completed_at", "failed_at", "expired_at")),
        **dict.fromkeys(("cancelling_at", "cancelled_at")),
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "usage": None,
    }
    store.batches[batch["id"]] = batch
    task = asyncio.create_task(_work(request.app, batch))
    store.tasks.add(task)
    task.add_done_callback(store.tasks.discard)
    if number < store.faults.drop_creates and request.transport:
        request.transport.abort()
    return web.json_response(batch)


async def _list_batches(request: web.Request) -> web.Response:
    return files.page(request, list(request.app[_STORE].batches.values())[::-1], 20, 100)


async def _batch(request: web.Request) -> web.Response:
    return web.json_response(files.known(request, request.app[_STORE].batches))


async def _cancel(request: web.Request) -> web.Response:
    batch = files.known(request, request.app[_STORE].batches)
    if batch["status"] in ENDED or batch["status"] == "finalizing":
        raise ApiError(f"A batch that is {batch['status']} cannot be cancelled.", param="batch_id")
    _enter(batch, "cancelling")
    return web.json_response(batch)


def _enter(batch: dict[str, Any], status: str) -> None:
    batch |= {"status": status, f"{status}_at": int(time.time())}


async def _work(app: web.Application, batch: dict[str, Any]) -> None:
    """Take `batch` from validation to its end; what it finished is kept whatever the end is."""
    try:
        path = app[FILES].path(batch["input_file_id"])
        loop = asyncio.get_running_loop()
        errors = await loop.run_in_executor(app[app[_STORE].pool], check_lines, path)
        number = list(app[_STORE].batches).index(batch["id"])
        if not errors and app[_STORE].faults.hits(app[_STORE].faults.fail, "batch", number):
            errors = [_error("token_limit_exceeded", "Enqueued token limit reached (a fault on purpose).")]
        if errors:
            batch["errors"] = {"object": "list", "data": errors}
            _enter(batch, "failed")
            return
        done, failed, end = await _answer_all(app, batch, path)
        _finish(app, batch, done, failed, end)
    except Exception:
        _LOG.exception("a batch of the embedded endpoint failed")
        batch["errors"] = {"object": "list", "data": [_error("server_error", "The endpoint failed; its log says why.")]}
        _enter(batch, "failed")


def _error(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": param}


def check_lines(path: Path) -> list[dict[str, Any]]:
    """What is wrong with a batch's input file, as entries of the batch's `errors.data`; empty if nothing is."""
    if path.stat().st_size > MAX_BATCH_BYTES:
        return [_error("file_too_large", f"The file is larger than {MAX_BATCH_BYTES // 10**6} MB.")]
    errors: list[dict[str, Any]] = []
    seen: set[str] = set()
    models: set[str] = set()
    number = 0
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if number > MAX_BATCH_REQUESTS:
                return [_error("too_many_tasks", f"The file has more than {MAX_BATCH_REQUESTS} requests.")]
            problem = _line_problem(line, seen, models)
            if problem and len(errors) < MAX_ERRORS:
                code, message, param = problem
                errors.append(_error(code, message, number, param))
    return errors if number else [_error("empty_file", "The file has no requests.")]


def _line_problem(line: bytes, seen: set[str], models: set[str]) -> tuple[str, str, str | None] | None:
    """Code, message and parameter of what is wrong with one line; notes its id in `seen`, its model in `models`."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return "invalid_json_line", "This line is not parseable as valid JSON.", None
    if not isinstance(request, dict):
        return "invalid_json_line", "This line is not a JSON object.", None
    for name, kind in (("custom_id", str), ("method", str), ("url", str), ("body", dict)):
        if not isinstance(request.get(name), kind):
            return "missing_required_parameter", f"Missing or wrong required parameter: {name!r}.", name
    duplicate = request["custom_id"] in seen
    seen.add(request["custom_id"])
    if duplicate:
        return "duplicate_custom_id", "The custom_id of this line is a duplicate of another line's.", "custom_id"
    if request["method"] != "POST":
        return "invalid_method", "method must be POST.", "method"
    if request["url"] != URL:
        return "url_mismatch", f"url must be the batch's endpoint, {URL}.", "url"
    models.add(str(request["body"].get("model")))
    if len(models) > 1 or not models <= set(MODELS):
        return "model_not_found", f"body.model must be one and the same of {', '.join(MODELS)}.", "body.model"
    return None


async def _answer_all(
    app: web.Application, batch: dict[str, Any], path: Path
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str]:
    """Lines of the output file and of the error file, and how the batch ended."""
    store, loop, end = app[_STORE], asyncio.get_running_loop(), "completed"
    done: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    with path.open("rb") as lines:
        batch["request_counts"]["total"] = sum(1 for _ in lines)
        lines.seek(0)
        if batch["status"] == "validating":  # it may be "cancelling" already
            _enter(batch, "in_progress")
        for number, line in enumerate(lines):
            if end == "completed":
                await asyncio.sleep(store.faults.item_delay_s)
                end = "expired" if number == store.faults.expire_after else end
                end = "cancelled" if batch["status"] == "cancelling" else end
            request = json.loads(line)
            custom_id, batch["model"] = request["custom_id"], request["body"]["model"]
            if end != "completed":
                failed.append(_line(custom_id, None, _not_run(end)))
                continue
            broken = store.faults.hits(store.faults.item_error, "item", custom_id)
            status, body = await loop.run_in_executor(app[store.pool], _answer, line, store.models, broken)
            (done if status == 200 else failed).append(_line(custom_id, (status, body), None))
            batch["request_counts"]["completed" if status == 200 else "failed"] += 1
    if batch["status"] == "cancelling":  # even if it came too late for any item
        end = "cancelled"
    return done, failed, end


def _not_run(end: str) -> dict[str, str]:
    why = {"expired": "the completion window ended", "cancelled": "the batch was cancelled"}[end]
    return {"code": f"batch_{end}", "message": f"This request was not executed: {why}."}


def _line(custom_id: str, answer: tuple[int, Any] | None, error: dict[str, str] | None) -> dict[str, Any]:
    """A line of the output or error file: a refused request has its status and body, one not run an error."""
    response = answer and {"status_code": answer[0], "request_id": uuid.uuid4().hex, "body": answer[1]}
    return {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": custom_id, "response": response, "error": error}


def _answer(line: bytes, models: Models, broken: bool) -> tuple[int, dict[str, Any]]:
    """Status and body of what Chat Completions says to one line; nothing in a line ends its batch."""
    try:
        if broken:
            raise RuntimeError("a fault on purpose")
        question = questions.parse(json.dumps(json.loads(line)["body"]).encode())
        if question.stream:
            raise ApiError("stream: true is unsupported in a batch.", param="stream", code="unsupported_value")
        return 200, chat.complete(question, models[question.model])
    except ApiError as error:
        return error.status, error.body
    except Exception:
        if not broken:
            _LOG.exception("an item of a batch failed")
        message = "The server had an error while processing this request."
        return 500, {"error": {"message": message, "type": "server_error", "param": None, "code": None}}


def _finish(
    app: web.Application, batch: dict[str, Any], done: list[dict[str, Any]], failed: list[dict[str, Any]], end: str
) -> None:
    _enter(batch, "finalizing")
    tokens = [line["response"]["body"]["usage"] for line in done]
    spent = [sum(usage[name] for usage in tokens) for name in ("prompt_tokens", "completion_tokens")]
    batch["usage"] = {
        "input_tokens": spent[0],
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spent[1],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": sum(spent),
    }
    for kind, lines in (("output", done), ("error", failed)):
        if lines:
            # OpenAI promises no order, so nobody may rely on one
            random.Random(f"{app[_STORE].faults.seed} {kind}").shuffle(lines)
            name = f"{batch['id']}_{kind}.jsonl"
            batch[f"{kind}_file_id"] = app[FILES].write(name, [json.dumps(line) + "\n" for line in lines])
    _enter(batch, end)
