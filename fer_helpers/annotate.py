"""Online annotation: sends the planned requests through the `openai` client and keeps every reply at once."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import tenacity
from tqdm.auto import tqdm

from fer_helpers import answers, pricing, provider, requests, tables
from fer_helpers.archive import Archive, Entry
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import EndpointError

if TYPE_CHECKING:
    import openai

ATTEMPTS = 6
TIMEOUT_S = 120.0
REUSED = ("ok", "refused", "filtered", "truncated", "invalid")


def answered(planned: pd.DataFrame, archive: Archive) -> set[str]:
    """The keys of `planned` that need not be asked: an error is no answer, and asked again."""
    return {key for key, entry in archive.get(planned["key"]).items() if entry.status in REUSED}


async def annotate(
    planned: pd.DataFrame,
    picture: Callable[[str, int], bytes],
    archive: Archive,
    base_url: str,
    max_concurrency: int = 8,
) -> pd.DataFrame:
    """Ask what the archive does not answer yet; return the answers table for `planned`.

    Args:
        planned: the requests table.
        picture: (clip_id, frame_index) -> JPEG bytes; read when a request is sent, not before.
        archive: where each reply is kept as soon as it arrives.
        base_url: "embedded", or an OpenAI-compatible address ending in /v1.
        max_concurrency: requests under way at once.

    Raises:
        EndpointError: the key, quota, model or server is of no use for any request; replies so far are kept.
    """
    import openai

    unique = planned.drop_duplicates("key").set_index("key", drop=False)
    known = answered(planned, archive)
    asked = [key for key in unique["key"] if key not in known]
    with (
        provider.reachable(base_url) as url,
        tqdm(total=len(asked), desc=f"asking {unique['model'].iloc[0] if len(unique) else 'nobody'}") as bar,
    ):
        async with openai.AsyncOpenAI(
            base_url=url,
            api_key=provider.api_key(base_url),
            max_retries=0,
            timeout=TIMEOUT_S,
            http_client=openai.DefaultAioHttpClient(timeout=TIMEOUT_S),
        ) as client:
            todo = iter(asked)
            statuses: Counter[str] = Counter()

            async def worker() -> None:
                for key in todo:
                    request = unique.loc[key]
                    entry = await _ask(client, request, picture)
                    archive.put(entry)
                    statuses[entry.status] += 1
                    bar.set_postfix(statuses, refresh=False)
                    bar.update()

            await _all([worker() for _ in range(min(max_concurrency, len(asked)))])
    return table(unique, archive.get(unique["key"]))


async def _all(workers: Iterable[Any]) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for worker in workers:
                group.create_task(worker)
    except* EndpointError as errors:
        raise errors.exceptions[0] from None


async def _ask(client: openai.AsyncOpenAI, request: pd.Series, picture: Callable[[str, int], bytes]) -> Entry:
    import openai

    urls = [
        "data:image/jpeg;base64," + base64.b64encode(picture(request["clip_id"], index)).decode()
        for index in request["frame_indices"]
    ]
    body = requests.body_of(request, urls)
    started = time.monotonic()
    try:
        reply = await _send(client, body)
        status = answers.parse(json.loads(reply), TAXONOMIES[request["taxonomy"]]).status
    except openai.APIError as error:
        hopeless = provider.fatal(error, str(client.base_url), request["model"])
        if hopeless:
            raise hopeless from error
        status = "filtered" if getattr(error, "code", None) == "content_filter" else "error"
        reply = json.dumps({"error": str(error)})
    except json.JSONDecodeError as error:
        status, reply = "error", json.dumps({"error": f"reply is not JSON: {error}"})
    return Entry(
        key=request["key"],
        status=status,
        reply=reply,
        model=request["model"],
        latency_s=round(time.monotonic() - started, 4),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


async def _send(client: openai.AsyncOpenAI, body: dict[str, Any]) -> str:
    """The reply's text, after as many attempts as the kind of failure deserves."""
    async for attempt in tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_passing),
        wait=_wait,
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        reraise=True,
    ):
        with attempt:
            raw = await client.chat.completions.with_raw_response.create(**body)
            return raw.http_response.text
    raise AssertionError("unreachable: tenacity returns or raises")


def _passing(error: BaseException) -> bool:
    """Whether asking again may help: no connection, time-out, overload, server error; not an empty purse."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return error.code != "insufficient_quota" and (error.status_code in (408, 409, 429) or error.status_code >= 500)
    return isinstance(error, openai.APIConnectionError)  # time-outs are among these


_backoff = tenacity.wait_random_exponential(multiplier=0.5, max=30)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(getattr(error, "response", None), "headers", {}).get("retry-after", "")
    return min(float(asked), 300.0) if asked.replace(".", "", 1).isdigit() else _backoff(state)


def table(planned: pd.DataFrame, kept: Mapping[str, Entry]) -> pd.DataFrame:
    """The answers table: one row for each key of `planned` that `kept` has an entry for."""
    taxonomy_of = dict(zip(planned["key"], planned["taxonomy"], strict=True))
    rows = [_row(kept[key], TAXONOMIES[taxonomy]) for key, taxonomy in taxonomy_of.items() if key in kept]
    return tables.check("answers", pd.DataFrame(rows, columns=list(tables.SCHEMAS["answers"].columns)))


def _row(entry: Entry, labels: Iterable[str]) -> dict[str, Any]:
    reply = json.loads(entry.reply)
    answer = answers.parse(reply, tuple(labels))
    ok = entry.status == "ok"
    usage = {"prompt_tokens": None, "completion_tokens": None, **(reply.get("usage") or {})}
    billed = [usage["prompt_tokens"], usage["completion_tokens"]]
    by_batch = entry.via == "batch"
    return {
        "key": entry.key,
        "status": entry.status,
        "label": answer.label if ok else None,
        **{f"prob_{label}": share for label, share in (answer.probabilities if ok else {}).items()},
        "prob_source": answer.source if ok else "none",
        "raw": reply.get("error", answer.text),
        "model_requested": entry.model,
        "model_returned": reply.get("model"),
        "fingerprint": reply.get("system_fingerprint"),
        "tokens_in": billed[0],
        "tokens_out": billed[1],
        "cost_usd": None if None in billed else pricing.cost_usd(entry.model, billed[0], billed[1], by_batch),
        "latency_s": None if by_batch else entry.latency_s,  # a batch's replies come together
        "created": entry.created,
    }
