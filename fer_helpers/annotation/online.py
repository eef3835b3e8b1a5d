"""Online annotation: sends the planned requests through the `openai` client and keeps every reply at once."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic_core import to_json  # four times as fast as json on a picture

from fer_helpers import tables
from fer_helpers.annotation import _transport as transport
from fer_helpers.annotation import access
from fer_helpers.annotation._limits import Budget, CapReached, Concurrency, Rates
from fer_helpers.annotation._progress import Progress, terminable
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import BudgetError, ParamsError
from fer_helpers.prompting import planning, pricing, replies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import openai

REUSED = ("ok", "refused", "filtered", "truncated", "invalid")
GRACE_S = 5.0  # for replies under way when a run ends before its time
CHUNK = 5000  # entries read at once

Picture = Callable[[str, int], bytes]


def answered(planned: pd.DataFrame, archive: Archive, retry_statuses: Collection[str] = ()) -> set[str]:
    """The keys of `planned` that need not be asked.

    An error is no answer, and always asked again; `retry_statuses` names further statuses to ask again.
    """
    good = set(REUSED) - set(retry_statuses)
    return {key for key, status in archive.statuses(planned["key"]).items() if status in good}


async def annotate(
    planned: pd.DataFrame,
    picture: Picture,
    archive: Archive,
    base_url: str,
    *,
    max_concurrency: int = 8,
    max_cost_usd: float | None = None,
    requests_per_minute: int = 0,
    tokens_per_minute: int = 0,
    retry_statuses: Collection[str] = (),
    prices: pricing.PriceBook = pricing.OURS,
) -> pd.DataFrame:
    """Ask what the archive does not answer yet; return the answers table for `planned`.

    Interrupted, by Ctrl-C, SIGTERM or an error, it keeps what arrived, waits a few seconds for replies under way,
    and goes on from there when called again.

    Args:
        planned: the requests table.
        picture: (clip_id, frame_index) -> JPEG bytes; read when a request is sent, not before.
        archive: where each reply is kept before its worker asks the next.
        base_url: "embedded", an OpenAI-compatible address ending in /v1, or "replay": nothing is sent, and what
            the archive has no entry for has no row.
        max_concurrency: requests under way at most; fewer while the server refuses by rate.
        max_cost_usd: US$ that the answers to `planned` may cost in all, kept ones included; None: no cap.
        requests_per_minute: 0: no limit but the server's.
        tokens_per_minute: estimated tokens in and most tokens out, together; 0: no limit but the server's.
        retry_statuses: statuses among refused, filtered, truncated and invalid that are asked again although a
            reply is kept. A label that is kept is never given up for a failure.
        prices: what models cost, for the cap and the answers table.

    Raises:
        BudgetError: the next request might cost more than the cap leaves.
        EndpointError: the key, quota, model or server is of no use for any request.
        ParamsError: a cap without a price to hold it by.
    """
    if base_url != access.REPLAY:
        unique = planned.drop_duplicates("key")
        left = unique[~unique["key"].isin(answered(planned, archive, retry_statuses))]
        if len(left):
            budget = _budget(unique, archive, max_cost_usd, prices)
            rates = Rates(requests_per_minute, tokens_per_minute)
            async with _client(base_url, max_concurrency) as client:
                sender = transport.Sender(client, Concurrency(max_concurrency), rates, budget, prices)
                await _Run(sender, picture, archive, budget, base_url, left).work(max_concurrency)
    return kept(planned, archive, prices)


def kept(planned: pd.DataFrame, archive: Archive, prices: pricing.PriceBook = pricing.OURS) -> pd.DataFrame:
    """The answers table: one row for each key of `planned` that `archive` has an entry for."""
    parts = (list(_rows(part, archive.get(part["key"]), prices)) for part in _chunks(planned))
    columns = list(tables.SCHEMAS["answers"].columns)
    frames = [pd.DataFrame(rows, columns=columns) for rows in parts]  # dicts of all rows take many times the room
    return tables.check("answers", pd.concat(frames) if frames else pd.DataFrame(columns=columns))


def _budget(unique: pd.DataFrame, archive: Archive, cap: float | None, prices: pricing.PriceBook) -> Budget:
    if cap is None:
        return Budget(None)
    for model in unique["model"].unique():
        if prices.price(model) is None:
            raise ParamsError(
                f"max_cost_usd is {cap}, but {model} has no price: leave it empty, or give the price in `prices`"
            )
    kept = (entry for part in _chunks(unique) for entry in archive.get(part["key"]).values())
    return Budget(cap, sum(_cost(entry, json.loads(entry.reply), prices) or 0.0 for entry in kept))


@asynccontextmanager
async def _client(base_url: str, most: int) -> AsyncIterator[openai.AsyncOpenAI]:
    """One client for a whole run, with a connection for each worker."""
    import httpx2
    import openai

    limits = httpx2.Limits(max_connections=most + 1, max_keepalive_connections=most + 1, keepalive_expiry=30)
    http_client = openai.DefaultAioHttpClient(timeout=transport.TIMEOUT_S, limits=limits)
    with access.reachable(base_url) as url:
        async with openai.AsyncOpenAI(
            base_url=url,
            api_key=access.api_key(base_url),
            max_retries=0,
            timeout=transport.TIMEOUT_S,
            http_client=http_client,
        ) as client:
            yield client


@contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """The garbage collector does not walk through what was there before.

    Libraries and tables are a million objects; looking at them again and again took a quarter of the time a
    request takes.
    """
    free = gc.get_freeze_count() == 0  # who froze something before wants it to stay so
    if free:
        gc.freeze()
    try:
        yield
    finally:
        if free:
            gc.unfreeze()


class _Run:
    """Workers that pull from one iterator; no list of tasks, bodies or replies grows with the plan."""

    def __init__(
        self,
        sender: transport.Sender,
        picture: Picture,
        archive: Archive,
        budget: Budget,
        base_url: str,
        left: pd.DataFrame,
    ) -> None:
        self._sender = sender
        self._picture = picture
        self._archive = archive
        self._budget = budget
        self._base_url = base_url
        self._key = access.api_key(base_url)
        self._left = left
        self._ending = False

    async def work(self, workers: int) -> None:
        """Ask all that is left.

        Raises:
            FerError: as `annotate`.
        """
        columns = list(self._left.columns)
        rows = (dict(zip(columns, row, strict=True)) for row in self._left.itertuples(index=False, name=None))
        with _old_objects_left_alone(), terminable(), Progress(self._left, self._budget) as progress:
            tasks = [asyncio.create_task(self._worker(rows, progress)) for _ in range(min(workers, len(self._left)))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            finally:
                await self._end(tasks)
        errors = [task.exception() for task in tasks if not task.cancelled()]
        for error in sorted(filter(None, errors), key=lambda error: isinstance(error, CapReached)):
            raise self._over_budget(progress) if isinstance(error, CapReached) else error

    async def _end(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """Let replies arrive that are paid for; who only waits to send is not waited for."""
        self._ending = True
        for task in tasks:
            if task not in self._sender.under_way:
                task.cancel()
        try:
            await asyncio.wait(tasks, timeout=GRACE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _worker(self, rows: Iterator[dict[str, Any]], progress: Progress) -> None:
        for row in rows:
            entry = await self._ask(row)
            await self._archive.aput(entry)
            self._sender.under_way.discard(asyncio.current_task())
            progress.add(entry.status)
            if self._ending:
                return

    async def _ask(self, row: Mapping[str, Any]) -> Entry:
        body = planning.body_of(row, planning.urls_of(row, self._picture))
        out = body["max_completion_tokens"]
        worst = self._sender.prices.cost_usd(row["model"], row["tokens_in"], out) or 0.0
        reply = await self._sender.send(row["model"], to_json(body), row["tokens_in"] + out, worst)
        status, text = self._read(reply, row)
        if len(self._key) >= 8:  # a server may repeat the key in what it says; shorter ones are no secrets
            text = text.replace(self._key, "***")
        return Entry(
            key=row["key"],
            status=status,
            reply=text,
            model=row["model"],
            latency_s=reply.latency_s,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            request_id=reply.request_id,
            attempts=reply.attempts,
        )

    def _read(self, reply: transport.Reply, row: Mapping[str, Any]) -> tuple[str, str]:
        """Status of a reply, and what is kept of it."""
        error = reply.error
        if error is None:
            try:
                return replies.parse(reply.content, row["labels"]).status, reply.text
            except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as strange:
                error = transport.BadReply(f"reply is not of the form it should be: {strange}")
        hopeless = access.fatal(error, self._base_url, row["model"])
        if hopeless:
            raise hopeless from None  # the error beneath may hold what the server said about the key
        status = "filtered" if getattr(error, "code", None) == "content_filter" else "error"
        return status, json.dumps({"error": (str(error) or type(error).__name__)[:2000]})

    def _over_budget(self, progress: Progress) -> BudgetError:
        done, cap, spent = progress.counts.total(), self._budget.cap, self._budget.spent
        return BudgetError(
            f"US$ {spent:.6f} of max_cost_usd {cap} are spent, and the next request could go beyond: {done} were "
            f"answered in this run and are kept, {len(self._left) - done} are left; a higher cap goes on from there"
        )


def _chunks(planned: pd.DataFrame) -> Iterator[pd.DataFrame]:
    unique = planned.drop_duplicates("key")
    return (unique.iloc[start : start + CHUNK] for start in range(0, len(unique), CHUNK))


def _rows(planned: pd.DataFrame, kept: Mapping[str, Entry], prices: pricing.PriceBook) -> Iterator[dict[str, Any]]:
    taxonomy_of = dict(zip(planned["key"], planned["taxonomy"], strict=True))
    return (_row(kept[key], TAXONOMIES[taxonomy], prices) for key, taxonomy in taxonomy_of.items() if key in kept)


def _row(entry: Entry, labels: Iterable[str], prices: pricing.PriceBook) -> dict[str, Any]:
    reply = json.loads(entry.reply)
    ok = entry.status == "ok"
    answer = replies.Answer("error") if "error" in reply else replies.parse(reply, tuple(labels))
    tokens_in, tokens_out = transport.billed(reply)
    raw = str(reply.get("error", answer.text))
    return {
        "key": entry.key,
        "status": entry.status,
        "label": answer.label if ok else None,
        **{f"prob_{label}": share for label, share in (answer.probabilities if ok else {}).items()},
        "prob_source": answer.source if ok else "none",
        "raw": raw.encode("utf-8", "replace").decode(),  # half a surrogate pair is JSON, but no Parquet
        "model_requested": entry.model,
        "model_returned": reply.get("model"),
        "fingerprint": reply.get("system_fingerprint"),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "cost_usd": _cost(entry, reply, prices),
        "latency_s": entry.latency_s if entry.via == "online" else None,
        "created": entry.created,
    }


def _cost(entry: Entry, reply: Mapping[str, Any], prices: pricing.PriceBook) -> float | None:
    return transport.cost_usd(entry.model, reply, entry.via, prices)
