"""One batch command's dealings with the server: a client, the ledger brought up to date, errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fer_helpers.annotation import access
from fer_helpers.annotation._failures import judge
from fer_helpers.annotation.batch_ledger import ENDED, Ledger, Shard, locked
from fer_helpers.errors import EndpointError

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

RETRIES = 5  # the client's own; a file sent twice costs nothing, and what only reads may be repeated
TIMEOUT_S = 600.0  # 200 MB have to go up
CONNECT_S = 10.0


@contextmanager
def session(folder: Path, to: access.Access) -> Iterator[tuple[openai.OpenAI, Ledger]]:
    """A client and the ledger, which nobody else may use meanwhile, brought up to date with the server."""
    import openai

    base_url = to.base_url
    if base_url in (access.EMBEDDED, access.REPLAY):
        raise EndpointError(
            f"base_url is {base_url!r}, but a batch needs a server that keeps running: start "
            "`fer-helpers serve` and set base_url to its address"
        )
    timeout = openai.Timeout(TIMEOUT_S, connect=CONNECT_S)
    with locked(folder), to.client(RETRIES, timeout) as client, explained(to):
        ledger = Ledger(folder)
        elsewhere = sorted({shard.base_url for shard in ledger.open} - {base_url})
        if elsewhere:
            raise EndpointError(f"batches are pending at {elsewhere[0]}, not at {base_url}: collect them there first")
        _refresh(client, to, ledger)
        yield client, ledger


@contextmanager
def explained(to: access.Access) -> Iterator[None]:
    """Errors of the client as one line that says what to do."""
    import httpx2
    import openai

    base_url = to.base_url
    try:
        yield
    except openai.APIStatusError as error:
        path = error.request.url.path
        if error.status_code in (404, 405, 501) and path.endswith(("/batches", "/files")):
            raise EndpointError(
                f"{base_url} has no Batch API ({error.status_code}): annotate online, with `fer-helpers run`"
            ) from error
        failure = judge(error)
        if error.status_code == 404:
            name = path.removesuffix("/content").rpartition("/")[2]
            raise EndpointError(f"{base_url} does not know {name}: does the key belong to another account?") from None
        if failure.kind == "account":
            raise access.ends_run(failure, error, to, "") from None
        raise EndpointError(f"{base_url} rejected the request: {to.masked(failure.reason)}") from None
    except (openai.APIConnectionError, httpx2.TransportError) as error:
        raise EndpointError(f"{base_url} does not respond: repeat the command; finished steps are kept") from error


def _refresh(client: openai.OpenAI, to: access.Access, ledger: Ledger) -> None:
    """What the server says of each open shard; one without a batch id was cut off and is looked for, or undone."""
    import openai

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
            try:
                shard.take(client.batches.retrieve(shard.batch_id))
                shard.note = to.masked(shard.note)
            except openai.NotFoundError:  # the others' replies are to be had all the same
                shard.note = f"the server does not know it: {give_up_hint(shard)}"
    ledger.save()


def give_up_hint(shard: Shard) -> str:
    return f"if its replies are lost, `fer-helpers batch give-up {shard.id}` lets its requests be asked again"


def listed(client: openai.OpenAI, run: str) -> dict[str, Batch]:
    """The server's batches of this run by shard id."""
    found = {}
    for batch in client.batches.list(limit=100):
        about = batch.metadata if isinstance(batch.metadata, dict) else {}
        if about.get("fer_run") == run and about.get("fer_shard"):
            found[str(about["fer_shard"])] = batch
    return found


def forget(client: openai.OpenAI, shard: Shard) -> None:
    """Delete the pictures at the provider's."""
    import openai

    if shard.file_id:
        with suppress(openai.NotFoundError):
            client.files.delete(shard.file_id)
