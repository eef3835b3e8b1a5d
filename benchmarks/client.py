"""How much of the ideal N / latency annotation reaches, beside a bare aiohttp client and `AsyncOpenAI` as it comes.

    make bench

The server runs in a process of its own, on loopback, and answers after a given time. All contenders send the same
bodies with a picture of 20 kB each and read the reply's JSON; N workers each pull from one iterator. Ours is
`online.annotate` as it is: replies in an archive on the disk, a cap in US$, limits a minute that are never
reached. Repeats are interleaved, so that whatever else the machine does meets all alike; the table gives medians.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pandas as pd
from aiohttp import web

from fer_helpers.annotation import Access, Archive, Entry, online
from fer_helpers.emotions import SEVEN
from fer_helpers.prompting import planning

PICTURE = random.Random(1).randbytes(20_000)
REPEATS = 3
SETTINGS = [  # latency in s, N, requests
    (0.5, 8, 128),
    (0.5, 32, 640),
    (0.5, 128, 2560),
    (0.05, 8, 960),
    (0.05, 32, 3200),
    (0.05, 128, 4000),
]
SPREAD = (1.0, 0.6, 128, 16_000)  # mean and sigma of a log-normal latency, N, requests


def serve(address: Any, latency: float, sigma: float) -> None:
    """The server's process; with `sigma`, latencies are log-normal with the mean `latency`."""
    text = '{"label":"happy"}'
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text, "refusal": None}}
    usage = {"prompt_tokens": 2900, "completion_tokens": 6, "total_tokens": 2906}
    reply = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    body, rng = json.dumps(reply).encode(), random.Random(1)

    async def chat(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(rng.lognormvariate(math.log(latency) - sigma**2 / 2, sigma))
        return web.Response(body=body, content_type="application/json")

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", chat)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address.put(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
        await asyncio.Event().wait()

    asyncio.run(main())


@contextmanager
def served(latency: float, sigma: float = 0.0) -> Iterator[str]:
    context = multiprocessing.get_context("spawn")
    address = context.Queue()
    process = context.Process(target=serve, args=(address, latency, sigma), daemon=True)
    process.start()
    yield address.get(timeout=60)
    process.kill()
    process.join()


@lru_cache(maxsize=2)
def planned(n: int) -> pd.DataFrame:
    """`n` requests about a picture each, for a model with a price."""
    frames = pd.DataFrame({"clip_id": [str(number) for number in range(n)], "frame_index": 0, "status": "ok"})
    frames = frames.assign(sha256=frames["clip_id"], width=224, height=224)
    return planning.plan(frames, ["single_frame"], ["seven"], planning.Asking("gpt-4o-mini"))


def body(row: dict[str, Any]) -> dict[str, Any]:
    return planning.body_of(row, ["data:image/jpeg;base64," + base64.b64encode(PICTURE).decode()])


async def by_workers(n: int, workers: int, ask: Callable[[dict[str, Any]], Awaitable[str]]) -> None:
    rows = iter(planned(n).to_dict("records"))

    async def worker() -> None:
        for row in rows:
            assert await ask(row) in SEVEN

    await asyncio.gather(*[worker() for _ in range(workers)])


def label(reply: dict[str, Any]) -> str:
    return str(json.loads(reply["choices"][0]["message"]["content"])["label"])


async def bare(url: str, n: int, workers: int) -> float:
    """aiohttp and json, and nothing else: what can be had here."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers), headers=headers) as session:

        async def ask(row: dict[str, Any]) -> str:
            async with session.post(f"{url}/chat/completions", data=json.dumps(body(row)).encode()) as response:
                return label(json.loads(await response.read()))

        began = time.perf_counter()
        await by_workers(n, workers, ask)
        return time.perf_counter() - began


async def as_it_comes(url: str, n: int, workers: int) -> float:
    """`AsyncOpenAI` with its defaults."""
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def ask(row: dict[str, Any]) -> str:
            reply = await client.chat.completions.create(**body(row))
            return label(reply.model_dump())

        began = time.perf_counter()
        await by_workers(n, workers, ask)
        return time.perf_counter() - began


class Watched(Archive):
    """Knows when the last reply was on the disk; the table made afterwards is no sending."""

    last = 0.0

    async def aput(self, entry: Entry) -> None:
        await super().aput(entry)
        self.last = time.perf_counter()


async def ours(url: str, n: int, workers: int) -> float:
    """`online.annotate` with archive, cap and limits."""
    with tempfile.TemporaryDirectory() as folder, closing(Watched(Path(folder, "a.sqlite"))) as archive:
        began = time.perf_counter()
        table = await online.annotate(
            planned(n),
            lambda *_: PICTURE,
            archive,
            Access(url),
            max_concurrency=workers,
            max_cost_usd=1e6,
            requests_per_minute=10**7,
            tokens_per_minute=10**11,
        )
        assert (table["status"] == "ok").all()
        return archive.last - began


CONTENDERS = {"aiohttp": bare, "ours": ours, "as it comes": as_it_comes}


def measure(latency: float, n: int, workers: int, names: list[str], sigma: float = 0.0, repeats: int = REPEATS) -> str:
    """A row of the table: of the ideal for each contender, of aiohttp, CPU of ours and theirs."""
    shares: dict[str, list[float]] = {name: [] for name in names}
    cpu: dict[str, list[float]] = {name: [] for name in names}
    planned(n)
    with served(latency, sigma) as url:
        for _ in range(repeats):
            for name in names:
                began = time.process_time()
                seconds = asyncio.run(CONTENDERS[name](url, n, workers))
                cpu[name].append((time.process_time() - began) / n * 1000)
                shares[name].append(n * latency / workers / seconds)
    share = {name: statistics.median(values) for name, values in shares.items()}
    of_bare = {
        name: statistics.median(mine / bare for mine, bare in zip(values, shares["aiohttp"], strict=True))
        for name, values in shares.items()
    }
    cells = [f"{latency * 1000:.0f} ms{', log-normal' if sigma else ''}", workers, n]
    for name in CONTENDERS:
        cells.append(f"{share[name]:.2f}" if name in share else "")
    for name in ("ours", "as it comes"):
        cells.append(f"{of_bare[name]:.2f}" if name in share else "")
    cells.append(" / ".join(f"{statistics.median(cpu[name]):.2f}" for name in names))
    return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table, row by row."""
    print("| latency | N | requests | aiohttp | ours | as it comes | ours ÷ aiohttp | as it comes ÷ aiohttp | CPU ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for latency, workers, n in SETTINGS:
        print(measure(latency, n, workers, list(CONTENDERS)), flush=True)
    mean, sigma, workers, n = SPREAD
    print(measure(mean, n, workers, ["aiohttp", "ours"], sigma, repeats=1), flush=True)


if __name__ == "__main__":
    main()
