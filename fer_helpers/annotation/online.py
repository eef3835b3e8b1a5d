"""Online annotation: sends the planned requests through the `openai` client and keeps every reply at once."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic_core import to_json  # four times as fast as json on a picture

from fer_helpers import statuses, tables
from fer_helpers.annotation import _transport, books
from fer_helpers.annotation._answers import asked, row_of
from fer_helpers.annotation._claims import Claims
from fer_helpers.annotation._failures import Failure
from fer_helpers.annotation._limits import Budget, CapReached, Concurrency, Rates
from fer_helpers.annotation._progress import Progress, terminable
from fer_helpers.annotation.access import REPLAY, Access, ends_run
from fer_helpers.annotation.archive import Archive, Entry
from fer_helpers.errors import BudgetError, EndpointError, ParamsError
from fer_helpers.prompting import content, planning, pricing, replies

if TYPE_CHECKING:
    import openai

CLAIMED_S = 0.1  # between two looks at a request that another run is asking
GRACE_S = 5.0  # for replies under way when a run ends before its time
# So many requests given up for the same reason, with no answer between them, say that the next will fare no better.
HOPELESS = {"request": 20, "transient": 5, "limited": 3}


def answered(planned: pd.DataFrame, archive: Archive, retry_statuses: Collection[str] = ()) -> set[str]:
    """The keys of `planned` that need not be asked.

    An error is no answer, and always asked again; `retry_statuses` names further statuses to ask again.
    """
    good = statuses.reused(retry_statuses)
    return {key for key, status in archive.statuses(asked_of(planned)).items() if status in good}


def asked_of(planned: pd.DataFrame) -> dict[str, replies.Asked]:
    """What the reply to each request may say, by key."""
    known = {pair: asked(*pair) for pair in set(zip(planned["taxonomy"], planned["prompt"], strict=True))}
    rows = zip(planned["key"], planned["taxonomy"], planned["prompt"], strict=True)
    return {key: known[taxonomy, prompt] for key, taxonomy, prompt in rows}


async def annotate(
    planned: pd.DataFrame,
    picture: content.Picture,
    archive: Archive,
    access: Access,
    *,
    max_concurrency: int = 8,
    max_cost_usd: float | None = None,
    spent_elsewhere_usd: float = 0.0,
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
        picture: (clip_id, frame_index) -> JPEG bytes, or with None the clip's video; read when a request
            is sent, not before.
        archive: where each reply is kept before its worker asks the next.
        access: to the model; with "replay" nothing is sent, and what the archive has no entry for has no row.
        max_concurrency: requests under way at most; fewer while the server refuses by rate.
        max_cost_usd: US$ that `planned` may cost in all, with all that was billed for it before; None: no cap.
        spent_elsewhere_usd: what other requests were billed that the cap holds for, too.
        requests_per_minute: 0: no limit but the server's.
        tokens_per_minute: estimated tokens in and most tokens out, together; 0: no limit but the server's.
        retry_statuses: statuses among refused, filtered, truncated and invalid that are asked again although a
            reply is kept. A label that is kept is never given up for a failure.
        prices: that the cap and the answers' prices hold by.

    Raises:
        BudgetError: the next request might cost more than the cap leaves.
        EndpointError: the key, quota, model or server is of no use for any request, or many in a row failed alike.
        ParamsError: a cap without a price to hold it by.
    """
    if access.base_url != REPLAY:
        unique = planned.drop_duplicates("key")
        left = unique[~unique["key"].isin(answered(planned, archive, retry_statuses))]
        if len(left):
            budget = _budget(unique, archive, max_cost_usd, prices)
            budget.spent += spent_elsewhere_usd
            rates, concurrency = Rates(requests_per_minute, tokens_per_minute), Concurrency(max_concurrency)
            async with _client(access, max_concurrency) as client:
                sender = _transport.Sender(client, concurrency, rates, budget, access.timeout_s, prices)
                run = _Run(sender, picture, archive, budget, access, left, prices, statuses.reused(retry_statuses))
                with closing(run.claims):
                    await run.work(max_concurrency)
    return kept(planned, archive, prices)


def kept(planned: pd.DataFrame, archive: Archive, prices: pricing.PriceBook = pricing.OURS) -> pd.DataFrame:
    """The answers table: one row for each key of `planned` that `archive` has an entry for."""
    wanted = asked_of(planned)
    parts = ([row_of(entry, wanted[key], prices) for key, entry in part] for part in books.parts(planned, archive))
    columns = list(tables.SCHEMAS["answers"].columns)
    frames = [pd.DataFrame(rows, columns=columns) for rows in parts]  # dicts of all rows take many times the room
    return tables.check("answers", pd.concat(frames) if frames else pd.DataFrame(columns=columns))


def _budget(unique: pd.DataFrame, archive: Archive, cap: float | None, prices: pricing.PriceBook) -> Budget:
    if cap is None:
        return Budget(None)
    books.check_priced(cap, unique["model"].unique(), prices)
    if unique.loc[unique["frame_indices"].map(len) == 0, "cost_usd"].isna().any():
        raise ParamsError(
            f"max_cost_usd is {cap}, but how many tokens a video has is not known of this model: leave it empty, or "
            "add `videos` to a price file (parameter prices)"
        )
    return Budget(cap, books.spent(unique, archive, prices))


@asynccontextmanager
async def _client(access: Access, most: int) -> AsyncIterator[openai.AsyncOpenAI]:
    """One client for a whole run, with a connection for each worker."""
    with access.reachable() as there:
        async with there.async_client(most + 1) as client:
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
        sender: _transport.Sender,
        picture: content.Picture,
        archive: Archive,
        budget: Budget,
        access: Access,
        left: pd.DataFrame,
        prices: pricing.PriceBook,
        good: Collection[str],
    ) -> None:
        self.claims = Claims(archive.path)
        self._good = good
        self._sender = sender
        self._picture = picture
        self._archive = archive
        self._budget = budget
        self._access = access
        self._left = left
        self._prices = prices
        self._alike: Counter[str] = Counter()  # requests given up since the last answer, by the failure's sign
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
            if known := await self._answered_elsewhere(row):
                progress.add(known)
                continue
            if self._ending:
                return
            try:
                entry, end = await self._ask(row)
                await self._archive.aput(entry)
            finally:
                self.claims.let_go(row["key"])
            self._sender.under_way.discard(asyncio.current_task())
            progress.add(entry.status)
            if end:
                raise end from None  # the error beneath may hold what the server said about the key
            if self._ending:
                return

    async def _answered_elsewhere(self, row: Mapping[str, Any]) -> str:
        """The status of the answer that another run has put into the archive since this one began; empty if none.

        Waits where another run is asking the same at this moment.
        """
        key = row["key"]
        while not self.claims.take(key):
            await asyncio.sleep(CLAIMED_S)
            if self._ending:
                return ""
        status = self._archive.statuses({key: asked(row["taxonomy"], row["prompt"])}).get(key, "")
        if status not in self._good:
            return ""
        self.claims.let_go(key)
        return status

    async def _ask(self, row: Mapping[str, Any]) -> tuple[Entry, EndpointError | None]:
        """What becomes of a request, and what ends the run with it."""
        body = planning.body_of(row, content.urls_of(row, self._picture))
        out = body[row["limit_field"]]
        worst = self._prices.cost_usd(row["model"], row["tokens_in"], out) or 0.0
        wanted = asked(row["taxonomy"], row["prompt"])
        reply = await self._sender.send(row["model"], wanted, to_json(body), row["tokens_in"] + out, worst)
        end = self._end_of_run(reply, row["model"])
        text = self._access.masked(reply.kept)
        entry = Entry(
            key=row["key"],
            status=reply.answer.status if reply.answer else replies.read(text, *wanted).status,
            reply=text,
            model=row["model"],
            latency_s=reply.latency_s,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            request_id=reply.request_id,
            attempts=reply.attempts,
            usd=reply.usd if reply.failure is None else None,
            earlier_usd=reply.earlier_usd,
            reader=replies.READER,
        )
        return entry, end

    def _end_of_run(self, reply: _transport.Reply, model: str) -> EndpointError | None:
        """The error that ends the run after this reply is kept, where many in a row failed alike.

        Raises:
            EndpointError: no other request can fare better.
        """
        failure: Failure | None = reply.failure
        if failure is None or reply.error is None:
            self._alike.clear()
            return None
        if failure.kind == "account":
            raise ends_run(failure, reply.error, self._access, model) from None
        self._alike[failure.sign] += 1
        if self._alike[failure.sign] < HOPELESS[failure.kind]:
            return None
        said = self._access.masked(failure.reason)
        return EndpointError(
            f"{self._alike[failure.sign]} requests to {self._access.base_url} failed in the same way, with no answer "
            f"in between: {said}; replies are kept; run again to resume"
        )

    def _over_budget(self, progress: Progress) -> BudgetError:
        done, cap, spent = progress.counts.total(), self._budget.cap, self._budget.spent
        return BudgetError(
            f"US$ {spent:.6f} of max_cost_usd {cap} are spent and the next request could exceed it: {done} requests "
            f"were answered in this run and are kept, {len(self._left) - done} remain; raise the cap to resume"
        )
