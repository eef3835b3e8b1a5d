"""The Files API of the embedded endpoint: uploads for batches and what batches wrote, in OpenAI's shapes."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from fer_helpers.endpoint.errors import ApiError

MAX_FILE = 512_000_000  # bytes an upload may have; what a batch may have is another limit
KEPT_S = 30 * 24 * 3600


class Files:
    """The files of one served app: what is known of them, and the folder where their bytes lie under their ids."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: dict[str, dict[str, Any]] = {}

    def path(self, file_id: str) -> Path:
        return self.folder / file_id

    def add(self, file_id: str, filename: str, purpose: str, kept_s: int = KEPT_S) -> dict[str, Any]:
        """Enter the file whose bytes are already at its path."""
        now = int(time.time())
        self.entries[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": self.path(file_id).stat().st_size,
            "created_at": now,
            "expires_at": now + kept_s,
            "filename": filename,
            "purpose": purpose,
            "status": "processed",
            "status_details": None,
        }
        return self.entries[file_id]

    def write(self, filename: str, lines: Iterable[str]) -> str:
        """Keep what a batch has written; returns its id."""
        file_id = f"file-{uuid.uuid4().hex}"
        with self.path(file_id).open("w", encoding="utf-8") as file:
            file.writelines(lines)
        return str(self.add(file_id, filename, "batch_output")["id"])


FILES = web.AppKey("files", Files)


def add_routes(app: web.Application) -> None:
    """Give `app` the routes below /v1/files; the files go when the app ends."""
    app.cleanup_ctx.append(_lifetime)
    app.router.add_routes(
        [
            web.post("/v1/files", _upload),
            web.get("/v1/files", _list),
            web.get("/v1/files/{id}", _file),
            web.get("/v1/files/{id}/content", _content),
            web.delete("/v1/files/{id}", _delete),
        ]
    )


async def _lifetime(app: web.Application) -> AsyncIterator[None]:
    with tempfile.TemporaryDirectory(prefix="fer-endpoint-") as folder:
        app[FILES] = Files(Path(folder))
        yield


async def _upload(request: web.Request) -> web.Response:
    files, file_id, filename = request.app[FILES], f"file-{uuid.uuid4().hex}", ""
    if request.content_type != "multipart/form-data":
        raise ApiError("Send the file as multipart/form-data.", param="file")
    fields = {}
    path = files.path(file_id)
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise ApiError("The form holds a form.", param="file")
            if part.name == "file":
                filename = part.filename or ""
                await _save(part, path)
            else:
                fields[part.name] = await part.text()
        kept_s = _checked_upload(fields, filename, path)
    except BaseException:  # a connection that breaks off, too, leaves nothing behind
        path.unlink(missing_ok=True)
        raise
    return web.json_response(files.add(file_id, filename, "batch", kept_s))


async def _save(part: BodyPartReader, path: Path) -> None:
    size = 0
    with path.open("wb") as file:
        while chunk := await part.read_chunk(2**20):
            size += len(chunk)
            if size > MAX_FILE:
                raise ApiError(f"The file is larger than {MAX_FILE // 10**6} MB.", status=413, param="file")
            file.write(chunk)


def _checked_upload(fields: Mapping[str | None, str], filename: str, path: Path) -> int:
    """How long the file is to be kept, s."""
    if not path.is_file():
        raise ApiError("Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    if fields.get("purpose") != "batch":
        raise ApiError("purpose must be 'batch': this endpoint takes no other files.", param="purpose")
    if not filename.endswith(".jsonl"):
        raise ApiError("Invalid file format for Batch API. Must be .jsonl", param="file")
    seconds = fields.get("expires_after[seconds]", str(KEPT_S))
    if not seconds.isdecimal() or not 3600 <= int(seconds) <= KEPT_S:
        raise ApiError(f"expires_after.seconds must be 3600 to {KEPT_S}.", param="expires_after")
    return int(seconds)


async def _list(request: web.Request) -> web.Response:
    purpose = request.query.get("purpose")
    found = [entry for entry in request.app[FILES].entries.values() if purpose in (None, entry["purpose"])]
    return page(request, found if request.query.get("order") == "asc" else found[::-1], 10_000, 10_000)


async def _file(request: web.Request) -> web.Response:
    return web.json_response(known(request, request.app[FILES].entries))


async def _content(request: web.Request) -> web.FileResponse:
    entry = known(request, request.app[FILES].entries)
    return web.FileResponse(request.app[FILES].path(entry["id"]))


async def _delete(request: web.Request) -> web.Response:
    files = request.app[FILES]
    file_id = known(request, files.entries)["id"]
    del files.entries[file_id]
    files.path(file_id).unlink()
    return web.json_response({"id": file_id, "object": "file", "deleted": True})


def known(request: web.Request, entries: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The entry whose id stands in the address; ApiError 404 if there is none."""
    wanted = request.match_info["id"]
    if wanted not in entries:
        raise ApiError(f"There is nothing with the id {wanted[:100]!r}.", status=404, param="id")
    return entries[wanted]


def page(request: web.Request, entries: Sequence[dict[str, Any]], default: int, most: int) -> web.Response:
    """The part of `entries` that `limit` and `after` ask for, as OpenAI pages its lists."""
    limit, after = request.query.get("limit", str(default)), request.query.get("after")
    if not limit.isdecimal() or not 1 <= int(limit) <= most:
        raise ApiError(f"limit must be 1 to {most}.", param="limit")
    ids = [entry["id"] for entry in entries]
    if after is not None and after not in ids:
        raise ApiError(f"There is nothing with the id {after[:100]!r} in this list.", param="after")
    rest = entries[ids.index(after) + 1 :] if after else entries
    data = rest[: int(limit)]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return web.json_response({"object": "list", "data": data, **ends, "has_more": len(rest) > len(data)})
