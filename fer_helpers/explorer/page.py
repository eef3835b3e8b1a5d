"""Serves the labelling view as a page: here, for raters who give a name, or in a room, each known by a token."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from fer_helpers.errors import RunError
from fer_helpers.explorer._assets import LABELLING, joined
from fer_helpers.explorer._desk import Desk
from fer_helpers.paths import shown
from fer_helpers.runs import open_run

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PAGE = jinja2.Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labelling</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script type="module" src="page.js"></script>
</head>
<body>
<main id="labelling" data-state="{{ state }}"></main>
</body>
</html>
""",
    autoescape=True,
)


def label(
    folder: Path,
    queue: str,
    port: int,
    say: Callable[[str], None],
    host: str = HOST,
    tokens: Mapping[str, str] | None = None,
) -> None:
    """Serve the labelling view of a queue of the run in `folder` until interrupted; `say` is told the address.

    Args:
        folder: the run's.
        queue: "core", "audit" or "worklist".
        port: TCP port.
        say: what is told.
        host: address to listen on.
        tokens: name -> token of those who label, each under that name; None for whoever has the address, under the
            name they give.

    Raises:
        RunError: there is no run, or no clip was drawn for the queue; or the port cannot be used.
    """
    from aiohttp import web

    from fer_helpers.endpoint import students

    desk = Desk(open_run(folder), queue)
    key = secrets.token_urlsafe(24)
    app = _app(desk, tokens or {"": key}, by_token=bool(tokens))
    try:
        found = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise RunError(f"port {port} on {host} cannot be used ({error.strerror}): give another --port") from error
    with found:
        if tokens:
            say(
                f"{len(tokens)} raters, each with a token: {shown(students.classroom() / students.TOKENS)}\n"
                "they see key frames and their own labels, nothing of the model, of clips' names or of each other\n"
                "plain HTTP: whoever is on this network can read key frames and tokens on their way"
            )
        say(f"{students.address(host, found.getsockname()[1])}/" + ("" if tokens else f"#{key}"))
        web.run_app(app, sock=found, access_log=None, print=None)


def _app(desk: Desk, tokens: Mapping[str, str], by_token: bool) -> web.Application:
    from aiohttp import web  # neither this nor the endpoint is needed where the explorer is a widget

    from fer_helpers.endpoint import students

    state = json.dumps({"_labels": desk.labels, "_by_token": by_token})
    files = {
        "/": ("text/html", _PAGE.render(state=state)),
        "/page.js": ("text/javascript", joined(*LABELLING, "page.js")),
        "/style.css": ("text/css", joined("explorer.css", "labelling.css", "standalone.css")),
    }

    async def file(request: web.Request) -> web.Response:
        kind, text = files[request.path]
        return web.Response(text=text, content_type=kind, headers=_HEADERS)

    async def ask(request: web.Request) -> web.Response:
        rater = students.whose(request.headers.get("Authorization", ""), tokens)
        if rater is None:
            return web.json_response({}, status=401)
        try:
            message = await request.json()
        except ValueError:
            return web.json_response({}, status=400)
        if by_token and isinstance(message, dict):
            message["rater"] = rater
        content, pictures = await asyncio.to_thread(desk.reply, message)
        strips = [base64.b64encode(picture).decode() for picture in pictures]
        return web.json_response({"content": content, "pictures": strips}, headers=_HEADERS)

    app = web.Application(client_max_size=10_000, handler_args={"logger": students.UNHEARD})
    app.add_routes([*(web.get(path, file) for path in files), web.post("/desk", ask)])
    return app
