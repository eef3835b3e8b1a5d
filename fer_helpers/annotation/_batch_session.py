"""One batch command's dealings with the server: a client, the ledger brought up to date, errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fer_helpers.annotation import access
from fer_helpers.annotation.batch_ledger import ENDED, Ledger, Shard, locked
from fer_helpers.errors import EndpointError

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

RETRIES = 5  # the client's own; a file sent twice costs nothing, and what only reads may be repeated
TIMEOUT_S = 600.0  # 200 MB have to go up
CONNECT_S = 10.0


@contextmanager
def session(folder: Path, base_url: str) -> Iterator[tuple[openai.OpenAI, Ledger]]:
    """A client and the ledger, which nobody else may use meanwhile, brought up to date with the server."""
    import openai

    if base_url in ("embedded", "replay"):
        raise EndpointError(
            f"base_url is {base_url!r}, but batches need a server that outlives this command: start "
            "`fer-helpers serve` and give its address"
        )
    key, timeout = access.api_key(base_url), openai.Timeout(TIMEOUT_S, connect=CONNECT_S)
    with (
        locked(folder),
        openai.OpenAI(base_url=base_url, api_key=key, max_retries=RETRIES, timeout=timeout) as client,
        _explained(base_url),
    ):
        ledger = Ledger(folder)
        elsewhere = sorted({shard.base_url for shard in ledger.open} - {base_url})
        if elsewhere:
            raise EndpointError(f"batches are under way at {elsewhere[0]}, not at {base_url}: collect them there first")
        _refresh(client, ledger)
        yield client, ledger


@contextmanager
def _explained(base_url: str) -> Iterator[None]:
    """Errors of the client as one line that says what to do."""
    import httpx2
    import openai

    try:
        yield
    except openai.APIStatusError as error:
        path = error.request.url.path
        if error.status_code in (404, 405, 501) and path.endswith(("/batches", "/files")):
            raise EndpointError(
                f"{base_url} has no Batch API ({error.status_code}): annotate online, with `fer-helpers run`"
            ) from error
        if error.status_code == 404:
            raise EndpointError(
                f"{base_url} does not know {path.removesuffix('/content').rpartition('/')[2]} (any more): is the key "
                "another account's? If it is lost, remove its shard from batches.json and submit again"
            ) from error
        raise access.fatal(error, base_url, "") or EndpointError(f"{base_url} refuses: {error.message}") from error
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        raise EndpointError(f"{base_url} does not answer: repeat the command; what was done stays done") from error


def _refresh(client: openai.OpenAI, ledger: Ledger) -> None:
    """What the server says of each open shard; one without a batch id was cut off and is looked for, or undone."""
    stray = [shard for shard in ledger.open if not shard.batch_id]
    found = listed(client, ledger.run) if stray else {}
    for shard in stray:
        if shard.id in found:
            shard.take(found[shard.id])
        else:
            ledger.shards.remove(shard)  # its requests are missing again
            forget(client, shard)
    for shard in ledger.open:
        if shard not in stray and shard.state not in ENDED:
            shard.take(client.batches.retrieve(shard.batch_id))
    ledger.save()


def listed(client: openai.OpenAI, run: str) -> dict[str, Batch]:
    """The server's batches of this run by shard id."""
    batches = [batch for batch in client.batches.list(limit=100) if (batch.metadata or {}).get("fer_run") == run]
    return {batch.metadata["fer_shard"]: batch for batch in batches if batch.metadata}


def forget(client: openai.OpenAI, shard: Shard) -> None:
    """Delete the pictures at the provider's."""
    import openai

    if shard.file_id:
        with suppress(openai.NotFoundError):
            client.files.delete(shard.file_id)
