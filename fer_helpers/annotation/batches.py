"""Annotation through the Batch API, at half the price and within a day: submit, look, collect, submit the rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import tenacity

from fer_helpers import tables
from fer_helpers.annotation import online
from fer_helpers.annotation._batch_session import forget, listed, session
from fer_helpers.annotation.archive import Archive
from fer_helpers.annotation.batch_files import DEFAULT_LIMITS, URL, Limits, cut, entry, lines
from fer_helpers.annotation.batch_ledger import ENDED, Ledger, Shard
from fer_helpers.errors import EndpointError, RunError
from fer_helpers.paths import shown
from fer_helpers.prompting import pricing

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

CREATE_ATTEMPTS = 5
FILE_KEPT_S = 3 * 24 * 3600  # the provider forgets faces after that, even if nobody collects
_backoff = tenacity.wait_exponential(multiplier=1, max=30)


def missing(planned: pd.DataFrame, archive: Archive, folder: Path) -> pd.DataFrame:
    """Rows of `planned`, one a key, that neither the archive answers nor an open shard of the run asks."""
    unique = planned.drop_duplicates("key")
    return unique[~unique["key"].isin(online.answered(unique, archive) | Ledger(folder).pending())]


def progress(planned: pd.DataFrame, archive: Archive, folder: Path) -> tuple[int, int, int]:
    """How many requests of `planned` are answered, in open shards, and missing."""
    keys, left = set(planned["key"]), len(missing(planned, archive, folder))
    pending = len(keys & Ledger(folder).pending() - online.answered(planned, archive))
    return len(keys) - pending - left, pending, left


def price_tag(rows: pd.DataFrame) -> str:
    """Requests, tokens and US$ of `rows` of the requests table if they are sent as batches, in words."""
    usd = rows["cost_usd"].sum(min_count=1) * pricing.BATCH_DISCOUNT
    price = "price not known" if pd.isna(usd) else f"about US$ {usd:.2f} as a batch"
    return f"{len(rows)} requests, {rows['tokens_in'].sum()} tokens to send, {price}"


def submit(
    planned: pd.DataFrame,
    picture: Callable[[str, int], bytes],
    archive: Archive,
    folder: Path,
    base_url: str,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Shard]:
    """Send what is missing as batches, as many as `limits.tokens` lets wait at once; returns the new shards.

    The ledger is written before and after each step, and every batch carries its shard's id, so whatever is
    cut off in the middle is found again and nothing is sent twice.

    Args:
        planned: the requests table.
        picture: (clip_id, frame_index) -> JPEG bytes; read when a shard is written, not before.
        archive: replies that are there already.
        folder: the run's folder; its name stands in the batches' metadata.
        base_url: an OpenAI-compatible address ending in /v1 that has /batches.
        limits: of a shard, of the tokens under way, and of the run's costs.

    Raises:
        EndpointError: the server has no Batch API, cannot be reached, or refuses; a cap on unknown costs.
        RunError: the ledger is damaged or in use, or a request is larger than a shard may be.
    """
    made = []
    with session(folder, base_url) as (client, ledger), ledger.upload_removed():
        client.batches.list(limit=1)  # before anything is uploaded: is there a Batch API?
        rows = _affordable(missing(planned, archive, folder).sort_values("model", kind="stable"), ledger, limits)
        for part in cut(lines(rows, picture), limits):
            shard = ledger.write(part, base_url)
            waiting = sum(other.tokens for other in ledger.open if other.state not in ENDED)
            if waiting and waiting + shard.tokens > limits.tokens:
                break
            _send(client, ledger, shard)
            made.append(shard)
    return made


def _affordable(rows: pd.DataFrame, ledger: Ledger, limits: Limits) -> pd.DataFrame:
    if not limits.usd:
        return rows
    if rows["cost_usd"].isna().any():
        raise EndpointError(
            "max_cost_usd cannot be kept: the model has no price; name a file with its price in `prices`, or set 0"
        )
    left = limits.usd - sum(shard.billed_usd for shard in ledger.shards)
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


def status(folder: Path, base_url: str) -> pd.DataFrame:
    """One row a shard: batch, requests, state, done, failed, age in hours, and what the server says.

    Raises:
        EndpointError, RunError: as `submit`; and if nothing was submitted.
    """
    _check_any(folder)
    with session(folder, base_url) as (_, ledger):
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
        raise RunError(f"{shown(folder)} has no batches: submit them with `fer-helpers batch submit`")


_COUNTED = (*tables.ANSWER_STATUSES, "known", "not run", "strange")


def collect(archive: Archive, folder: Path, base_url: str) -> pd.DataFrame:
    """Put the replies of all ended batches into the archive; one row a shard that was collected now.

    Columns: state, requests, how many replies came with each status, "known" (answered already, left as they
    are), "not run" (expired, cancelled or failed with their batch: submit again), "strange" (lines that are not
    of this shard), and a note in words. Collecting again changes nothing.

    Raises:
        EndpointError, RunError: as `submit`; and if nothing was submitted.
    """
    _check_any(folder)
    rows = []
    with session(folder, base_url) as (client, ledger):
        for shard in ledger.open:
            if shard.state in ENDED:
                counts = _collect(client, ledger, shard, archive)
                shard.note = _outcome(shard, counts)
                forget(client, shard)
                shard.collected = datetime.now(UTC).isoformat(timespec="seconds")
                ledger.save()
                row = {"shard": shard.id, "state": shard.state, "requests": shard.requests, "note": shard.note}
                rows.append({**row, **counts})
    columns = ["shard", "state", "requests", *_COUNTED, "note"]
    return pd.DataFrame(rows, columns=columns).fillna(0).set_index("shard").convert_dtypes()


def _outcome(shard: Shard, counts: Mapping[str, int]) -> str:
    """What became of the shard; how a batch ended says whether anything was billed."""
    if shard.state == "failed":
        return f"failed before anything was run or billed ({shard.note or 'no reason given'})"
    found = ", ".join(f"{counts[name]} {name}" for name in _COUNTED if counts[name])
    ends = {"expired": ", what was finished in time is kept and billed", "cancelled": ", what was finished is billed"}
    return f"{shard.state}{ends.get(shard.state, '')}: {found}"


def _collect(client: openai.OpenAI, ledger: Ledger, shard: Shard, archive: Archive) -> Counter[str]:
    """Archive what stands in the output and the error file; a batch with any end may have both."""
    batch = client.batches.retrieve(shard.batch_id)
    end = batch.completed_at or batch.expired_at or batch.cancelled_at or batch.failed_at or batch.created_at
    created = datetime.fromtimestamp(end, UTC).isoformat()  # the same at each collecting
    left, counts = ledger.taxonomies(shard), Counter[str]()
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        for item in _items(client, file_id, ledger.folder / "download.jsonl"):
            key = str(item.get("custom_id"))  # whatever a server may write there
            if key not in left:
                counts["strange"] += 1
                continue
            reply = entry(item, key, left[key], shard.model, created)
            if reply is None:
                continue
            del left[key]
            kept = archive.get([key]).get(key)
            # an answer stays what it was, and an error replaces no reply
            known = kept is not None and (kept.status == "ok" or (reply.status == "error" and kept.status != "error"))
            counts["known" if known else reply.status] += 1
            if not known:
                archive.put(reply)
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
            except ValueError:
                item = {}
            yield item if isinstance(item, dict) else {}
    path.unlink()
