"""The embedded endpoint's HTTP side: routes, errors in OpenAI's shape, and a server in a thread."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from fer_helpers.endpoint import batches, faulty
from fer_helpers.endpoint.batches import NO_FAULTS, BatchFaults
from fer_helpers.endpoint.chat import complete
from fer_helpers.endpoint.errors import ApiError
from fer_helpers.endpoint.faults import Faults, Successor, digest
from fer_helpers.endpoint.model import PictureModel
from fer_helpers.endpoint.questions import parse
from fer_helpers.endpoint.room import Room
from fer_helpers.endpoint.served import MODELS, Models
from fer_helpers.endpoint.streaming import Completion
from fer_helpers.endpoint.students import UNHEARD, address
from fer_helpers.errors import EndpointError

HOST = "127.0.0.1"
MAX_BODY = 64 * 2**20  # bytes
WORKERS = 2  # the face search uses two cores by itself; a second worker decodes meanwhile
ENTRIES = {
    name: {
        "id": name,
        "object": "model",
        "created": about.created,
        "owned_by": "fer-helpers",
        "description": about.description,
    }
    for name, about in MODELS.items()
}

OFFERED = ("/v1/chat/completions", "/v1/models", "/v1/files", "/v1/batches")

_LOG = logging.getLogger(__name__)
_SERVED = web.AppKey("models", Models)
_FAULTS = web.AppKey("faults", Faults)
_POOL = web.AppKey("pool", ThreadPoolExecutor)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_app(
    models: Models, faults: Faults | None = None, batch_faults: BatchFaults = NO_FAULTS, room: Room | None = None
) -> web.Application:
    """The endpoint as an aiohttp application: the routes below `/v1`, and the `models` behind them.

    With `faults`, the plan is carried out on chat completions, and `/fer/books` counts them (see `faulty`);
    `batch_faults` are carried out on batches. A `room` lets its students in alone, and has no files and batches: they
    are kept, and seen by whoever lists them.
    """
    app = web.Application(
        middlewares=[_errors, room.admit if room else _loopback_only],
        client_max_size=MAX_BODY,
        handler_args={"logger": UNHEARD} if room else None,
    )
    app[_SERVED] = models
    app.cleanup_ctx.append(_workers)
    app.router.add_routes(
        [
            web.post("/v1/chat/completions", _chat),
            web.get("/v1/models", _models),
            web.get("/v1/models/{id:.+}", _one_model),
        ]
    )
    if room:
        app.on_cleanup.append(room.close)
    else:
        batches.add_routes(app, _POOL, models, batch_faults)
    if faults:
        app[_FAULTS] = faults
        faulty.install(app, faults)
    return app


async def _workers(app: web.Application) -> AsyncIterator[None]:
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="fer-endpoint") as app[_POOL]:
        yield


async def _chat(request: web.Request) -> Completion:
    body = await request.read()
    loop = asyncio.get_running_loop()
    faults, swapped = request.app.get(_FAULTS), bool(request.get(faulty.SWAPPED))
    return await loop.run_in_executor(request.app[_POOL], _answer, body, request.app[_SERVED], faults, swapped)


def _answer(body: bytes, models: Models, faults: Faults | None, swapped: bool) -> Completion:
    question = parse(body)
    model = models[question.model]
    if not faults:
        return Completion(complete(question, model), question.stream)
    preferred = faults.prefers(digest(body), " ".join(question.texts), question.form.labels)
    return Completion(complete(question, Successor(model, faults) if swapped else model, preferred), question.stream)


async def _models(request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": list(ENTRIES.values())})


async def _one_model(request: web.Request) -> web.Response:
    if request.match_info["id"] not in ENTRIES:
        message = f"The model does not exist: this endpoint serves {' and '.join(ENTRIES)}."
        raise ApiError(message, status=404, param="model", code="model_not_found")
    return web.json_response(ENTRIES[request.match_info["id"]])


@web.middleware
async def _errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Every failure as JSON in OpenAI's shape; what went wrong inside stays in this process's log."""
    try:
        return await handler(request)
    except ApiError as error:
        return web.json_response(error.body, status=error.status)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        known = {resource.canonical for resource in request.app.router.resources()}
        offered = ", ".join(path for path in OFFERED if path in known)
        message = {
            404: f"There is no {request.path[:100]} here: this endpoint offers {offered}.",
            405: "This address does not take this method.",
            413: f"The request is larger than {MAX_BODY // 2**20} MB.",
        }.get(error.status, error.reason)
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response(ApiError(message).body, status=error.status, headers=allow)
    except Exception:
        _LOG.exception("a request to the embedded endpoint failed")
        body = ApiError("The endpoint failed; its log says why.").body
        body["error"]["type"] = "server_error"
        return web.json_response(body, status=500)


@web.middleware
async def _loopback_only(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Refuse other names in Host: a web page may point its own name at 127.0.0.1 (DNS rebinding)."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport else None
    if request.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
        raise ApiError(f"Host must be {HOST}:{port} or localhost:{port}.", status=403, code="wrong_host")
    return await handler(request)


@contextmanager
def serve(
    port: int = 0,
    faults: Faults | None = None,
    model: PictureModel | None = None,
    batch_faults: BatchFaults = NO_FAULTS,
    host: str = HOST,
    room: Room | None = None,
) -> Iterator[str]:
    """Serve the embedded endpoint from a thread on loopback; gives its base URL, `http://127.0.0.1:PORT/v1`.

    The thread has an event loop of its own, so this also works in a notebook. On leaving, requests under
    way are finished (for at most two seconds), and the port is free again.

    Args:
        port: TCP port; 0 takes a free one.
        faults: faults to put in the way on purpose; None for none.
        model: what answers under every name; None for the models of `MODELS`, each loaded when it is first asked.
        batch_faults: what goes wrong with batches on purpose.
        host: address to listen on; any but 127.0.0.1 needs a `room`.
        room: who may ask, and how much; None for everybody on this machine.

    Raises:
        EndpointError: the port is taken, or `host` is no address of this machine, or it would be open to everybody.
    """
    if host != HOST and not room:
        raise EndpointError(f"host is {host}: without --students FILE, who may ask, only {HOST} is served")
    app = create_app(Models(model), faults, batch_faults, room)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fer-endpoint", daemon=True)
    thread.start()

    def run(step: Callable[[], Awaitable[Any]]) -> Any:
        async def awaited() -> Any:
            return await step()

        return asyncio.run_coroutine_threadsafe(awaited(), loop).result()

    try:
        run(runner.setup)
        try:
            run(lambda: web.TCPSite(runner, host, port).start())
        except OSError as error:
            own = "" if host == HOST else ", and an address of this machine"
            raise EndpointError(f"port {port} on {host} cannot be used: choose another, or 0{own}") from error
        yield f"{address(host, runner.addresses[0][1])}/v1"
    finally:
        run(runner.cleanup)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def serve_forever(port: int = 8000, faults: Faults | None = None, host: str = HOST, room: Room | None = None) -> None:
    """Serve the embedded endpoint until interrupted (Ctrl-C); prints its address. Arguments as for `serve`.

    Raises:
        EndpointError: as `serve`.
    """
    try:
        with serve(port, faults, host=host, room=room) as base_url:
            print(f"{'+'.join(MODELS)} at {base_url} (Ctrl-C ends it)", flush=True)
            if room:
                print(room.terms, flush=True)
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        print("ended", flush=True)
