"""A server on loopback that a test writes in one function, and replies for it to give."""

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager

from aiohttp import web

MODEL = "some-model"


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
    """A server on loopback whose `reply(picture, n)` answers a completion; counts what each picture was asked."""
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

    with served_by(chat) as url:
        yield url, asked, together


@contextmanager
def served_by(chat):
    """A server on loopback with the handler `chat`."""

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
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def picture(clip, index):
    return f"{clip}{index}".encode()
