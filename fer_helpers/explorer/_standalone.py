"""The explorer as one file: the same module, its data, and a stand-in for the kernel; nothing reaches the network."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import jinja2

from fer_helpers.explorer._assets import EXPLORER, joined
from fer_helpers.files import write_whole

FRAMES = ("none", "blurred", "full")
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src {{ module_hash }}; \
style-src {{ style_hash }}; img-src data: blob:; base-uri 'none'; form-action 'none'">
<title>Confusion explorer</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>Confusion explorer</h1>
<p>A label is a <em>perceived</em> expression, not an emotion felt. Marks made here are lost when the page is closed:
export them.</p>
<div id="explorer"></div>
</main>
<script type="application/octet-stream" id="data">{{ data }}</script>
<script type="module">{{ module }}</script>
</body>
</html>
"""


def write(path: Path, state: dict[str, Any], items: Sequence[dict[str, Any]], strips: Sequence[bytes]) -> Path:
    """Write the page to `path`, whole or not at all.

    Args:
        path: the file.
        state: the widget's synchronised traits.
        items: what is told of each clip, by position.
        strips: a WebP for each clip, or nothing at all.
    """
    pictures = [base64.b64encode(strip).decode() for strip in strips]
    data = json.dumps({"state": state, "items": list(items), "strips": pictures}, separators=(",", ":"))
    script = joined(*EXPLORER, "standalone.js")
    sheet = joined("explorer.css", "standalone.css")
    # Nothing in the template is anybody's text: the data are compressed, and as base64 cannot end their element.
    page = jinja2.Template(_PAGE).render(
        module=script,
        style=sheet,
        module_hash=_hash(script),
        style_hash=_hash(sheet),
        data=base64.b64encode(gzip.compress(data.encode(), mtime=0)).decode(),
    )
    write_whole(path, page)
    return path


def _hash(text: str) -> str:
    """How a content security policy names an inline script or style: nothing else in the page may run."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
