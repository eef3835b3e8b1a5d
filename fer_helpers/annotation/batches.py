"""Annotation through the Batch API, at half the price and within a day: submit, look, collect, submit the rest."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import tenacity

from fer_helpers import statuses
from fer_helpers.annotation import access, books, online
from fer_helpers.annotation._batch_session import forget, give_up_hint, listed, session
from fer_helpers.annotation._failures import judge
from fer_helpers.annotation.archive import Archive
from fer_helpers.annotation.batch_files import DEFAULT_LIMITS, URL, Limits, cut, entry, lines
from fer_helpers.annotation.batch_ledger import ENDED, Ledger, Shard, locked, when
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import EndpointError, RunError
from fer_helpers.paths import shown
from fer_helpers.prompting import content, pricing, replies

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

CREATE_ATTEMPTS = 5
FILE_KEPT_S = 3 * 24 * 3600  # the provider forgets faces after that, even if nobody collects
_backoff = tenacity.wait_exponential(multiplier=1, max=30)


def missing(planned: pd.DataFrame, archive: Archive, folder: Path, retry: Collection[str] = ()) -> pd.DataFrame:
    """Rows of `planned`, one a key, that neither the archive answers nor an open shard of the run asks."""
    unique = planned.drop_duplicates("key")
    return unique[~unique["key"].isin(online.answered(unique, archive, retry) | Ledger(folder).pending())]


def progress(
    planned: pd.DataFrame, archive: Archive, folder: Path, retry: Collection[str] = ()
) -> tuple[int, int, int]:
    """How many requests of `planned` are answered, in open shards, and missing."""
    keys, left = set(planned["key"]), len(missing(planned, archive, folder, retry))
    pending = len(keys & Ledger(folder).pending() - online.answered(planned, archive, retry))
    return len(keys) - pending - left, pending, left


def price_tag(rows: pd.DataFrame) -> str:
    """Requests, tokens and US$ of `rows` of the requests table if they are sent as batches, in words."""
    usd = rows["cost_usd"].sum(min_count=len(rows) or 1) * pricing.BATCH_DISCOUNT
    price = "price not known" if pd.isna(usd) else f"about US$ {usd:.2f} as a batch"
    return f"{len(rows)} requests, {rows['tokens_in'].sum()} tokens to send, {price}"


def submit(
    planned: pd.DataFrame,
    picture: content.Picture,
    archive: Archive,
    folder: Path,
    to: access.Access,
    limits: Limits = DEFAULT_LIMITS,
    retry: Collection[str] = (),
    prices: pricing.PriceBook = pricing.OURS,
) -> list[Shard]:
    """Send what is missing as batches, as many as `limits.tokens` lets wait at once; returns the new shards.

    The ledger is written before and after each step, and every batch carries its shard's id, so whatever is
    cut off in the middle is found again and nothing is sent twice.

    Args:
        planned: the requests table.
        picture: (clip_id, frame_index) -> JPEG bytes, or with None the clip's video; read when a shard is
            written, not before.
        archive: replies that are there already.
        folder: the run's folder; its name stands in the batches' metadata.
        to: an address that has /batches.
        limits: of a shard, of the tokens under way, and of the run's costs.
        retry: statuses that are asked again although a reply is kept.
        prices: that the cap holds by.

    Raises:
        EndpointError: the server has no Batch API, cannot be reached, or refuses; a cap on unknown costs.
        RunError: the ledger is damaged or in use, or a request is larger than a shard may be.
    """
    made = []
    with session(folder, to) as (client, ledger), ledger.upload_removed():
        client.batches.list(limit=1)  # before anything is uploaded: is there a Batch API?
        rows = missing(planned, archive, folder, retry).sort_values("model", kind="stable")
        rows = _affordable(rows, ledger, limits, books.spent(planned, archive, prices))
        for part in cut(lines(rows, picture), limits):
            shard = ledger.write(part, to.base_url)
            waiting = sum(other.tokens for other in ledger.open if other.state not in ENDED)
            if waiting and waiting + shard.tokens > limits.tokens:
                break
            _send(client, ledger, shard)
            made.append(shard)
    return made


def _affordable(rows: pd.DataFrame, ledger: Ledger, limits: Limits, spent: float) -> pd.DataFrame:
    """As many of `rows` as the cap leaves money for, with all that was billed before, online or not."""
    if not limits.usd:
        return rows
    if rows["cost_usd"].isna().any():
        raise EndpointError(
            "max_cost_usd cannot be enforced: the model's price is unknown; add it to a price file (prices), or set 0"
        )
    left = limits.usd - spent - sum(shard.usd for shard in ledger.open)
    return rows[(rows["cost_usd"] * pricing.BATCH_DISCOUNT).cumsum() <= left]


def _send(client: openai.OpenAI, ledger: Ledger, shard: Shard) -> None:
    ledger.shards.append(shard)
    ledger.save()
    with ledger.upload.open("rb") as file:
        shard.file_id = client.files.create(
            file=(f"{shard.id}.jsonl", file, "application/jsonl"),
            purpose="batch",
            expires_after={"anchor": "created_at", "seconds": FILE_KEPT_S},
        ).id
    shard.state = "uploaded"
    ledger.save()
    shard.take(_create(client, ledger.run, shard))
    ledger.save()


def _create(client: openai.OpenAI, run: str, shard: Shard) -> Batch:
    """The batch of `shard`: the one there is, or a new one.

    No idempotency key exists, and a reply can be lost after the work was done. So the client's own retries are
    off here, and each attempt looks first whether an earlier one has come through.
    """
    import openai

    once = client.with_options(max_retries=0)
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((openai.APIConnectionError, openai.InternalServerError)),
        wait=lambda state: _backoff(state),
        stop=tenacity.stop_after_attempt(CREATE_ATTEMPTS),
        reraise=True,
    ):
        with attempt:
            return listed(client, run).get(shard.id) or once.batches.create(
                input_file_id=shard.file_id,
                endpoint=URL,
                completion_window="24h",
                metadata={"fer_shard": shard.id, "fer_run": run},
            )
    raise AssertionError("unreachable: tenacity returns or raises")


def status(folder: Path, to: access.Access) -> pd.DataFrame:
    """One row a shard: batch, requests, state, done, failed, age in hours, and what the server says.

    Raises:
        EndpointError, RunError: as `submit`; and if nothing was submitted.
    """
    _check_any(folder)
    with session(folder, to) as (_, ledger):
        now = datetime.now(UTC)
        rows = [
            {
                "shard": shard.id,
                "batch": shard.batch_id,
                "requests": shard.requests,
                "state": shard.state + (", collected" if shard.collected else ""),
                "done": shard.done,
                "failed": shard.failed,
                "age h": round((now - datetime.fromisoformat(shard.submitted)).total_seconds() / 3600, 1),
                "note": shard.note,
            }
            for shard in ledger.shards
        ]
    return pd.DataFrame(rows).set_index("shard") if rows else pd.DataFrame()


def _check_any(folder: Path) -> None:
    if not Ledger(folder).shards:
        raise RunError(f"{shown(folder)} has no batches: submit some with `fer-helpers batch submit`")


_COUNTED = (*statuses.ANSWER, "known", "not run", "strange")


def collect(
    archive: Archive, folder: Path, to: access.Access, prices: pricing.PriceBook = pricing.OURS
) -> pd.DataFrame:
    """Put the replies of all ended batches into the archive; one row a shard that was looked at.

    Columns: state, requests, how many replies came with each status, "known" (answered already, left as they
    are), "not run" (expired, cancelled or failed with their batch: submit again), "strange" (lines that are not
    of this shard), and a note in words. A shard whose files cannot be had stays open and holds up no other.
    Collecting again changes nothing.

    Raises:
        EndpointError, RunError: as `submit`; and if nothing was submitted.
    """
    import openai

    _check_any(folder)
    rows = []
    with session(folder, to) as (client, ledger):
        for shard in ledger.open:
            counts: Mapping[str, int] = {}
            if shard.state in ENDED:
                try:
                    counts = _collect(client, to, ledger, shard, archive, prices)
                except (openai.APIStatusError, RunError) as error:
                    reason = judge(error).reason if isinstance(error, openai.APIStatusError) else str(error)
                    shard.note = f"its replies cannot be fetched ({to.masked(reason)}): {give_up_hint(shard)}"
                else:
                    shard.note = _outcome(shard, counts)
                    forget(client, shard)
                    shard.collected = datetime.now(UTC).isoformat(timespec="seconds")
                ledger.save()
            if shard.state in ENDED or shard.note:
                row = {"shard": shard.id, "state": shard.state, "requests": shard.requests, "note": shard.note}
                rows.append({**row, **counts})
    columns = ["shard", "state", "requests", *_COUNTED, "note"]
    return pd.DataFrame(rows, columns=columns).fillna(0).set_index("shard").convert_dtypes()


def give_up(folder: Path, shard_id: str) -> Shard:
    """Wait no longer for a shard's replies: its requests are missing again, and what was billed for it is lost.

    Raises:
        RunError: there is no open shard of that name, or another process is at the ledger.
    """
    with locked(folder):
        ledger = Ledger(folder)
        shard = next((one for one in ledger.open if one.id == shard_id), None)
        if shard is None:
            known = ", ".join(one.id for one in ledger.open) or "none"
            raise RunError(f"{shown(folder)} has no open shard {shard_id!r}: the open shards are {known}")
        shard.collected, shard.note = datetime.now(UTC).isoformat(timespec="seconds"), "given up"
        ledger.save()
    return shard


def _outcome(shard: Shard, counts: Mapping[str, int]) -> str:
    """What became of the shard; how a batch ended says whether anything was billed."""
    if shard.state == "failed":
        return f"failed before anything was run or billed ({shard.note or 'no reason given'})"
    found = ", ".join(f"{counts[name]} {name}" for name in _COUNTED if counts[name])
    ends = {"expired": ", what was finished in time is kept and billed", "cancelled": ", what was finished is billed"}
    return f"{shard.state}{ends.get(shard.state, '')}: {found}"


def _collect(
    client: openai.OpenAI, to: access.Access, ledger: Ledger, shard: Shard, archive: Archive, prices: pricing.PriceBook
) -> Counter[str]:
    """Archive what stands in the output and the error file; a batch with any end may have both."""
    batch = client.batches.retrieve(shard.batch_id)
    ends = ("completed_at", "expired_at", "cancelled_at", "failed_at", "created_at")
    created = when(batch, *ends) or shard.submitted  # the same at each collecting
    left, counts = ledger.asked(shard), Counter[str]()
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        for item in _items(client, file_id, ledger.folder / "download.jsonl"):
            key = str(item.get("custom_id"))  # whatever a server may write there
            if key not in left:
                counts["strange"] += 1
                continue
            taxonomy, *kind = left[key].split()
            reply = entry(item, key, replies.Asked(TAXONOMIES[taxonomy], *kind), shard.model, created, prices)
            if reply is None:
                continue
            del left[key]
            kept = archive.get([key]).get(key)
            # an answer stays what it was, and less replaces nothing
            ranks = [statuses.ANSWER[one.status].rank for one in (reply, kept) if one]
            known = kept is not None and (kept.status == statuses.OK or ranks[0] < ranks[1])
            counts["known" if known else reply.status] += 1
            if not known:
                archive.put(replace(reply, reply=to.masked(reply.reply)))
    counts["not run"] = len(left)
    return counts


def _items(client: openai.OpenAI, file_id: str, path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file at the server's, downloaded whole first; what is no JSON object comes as an empty one."""
    with client.files.with_streaming_response.content(file_id) as response:
        response.stream_to_file(path)
    with path.open("rb") as rows:  # bytes end lines only at \n, and a reply may hold other separators
        for line in rows:
            try:
                item = json.loads(line)
            except RecursionError:  # paid for: kept as it came, however deep it nests
                name = re.search(rb'"custom_id"\s*:\s*"([0-9a-f]+)"', line)
                text = line.decode("utf-8", "replace")
                item = {"custom_id": name[1].decode() if name else "", "response": {"status_code": 200, "raw": text}}
            except ValueError:
                item = {}
            yield item if isinstance(item, dict) else {}
    path.unlink()
