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

FRAMES = ("none", "blurred", "full")
_HERE = Path(__file__).parent


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
    module = "\n".join(_text(name) for name in ("explorer.js", "standalone.js"))
    style = "\n".join(_text(name) for name in ("explorer.css", "standalone.css"))
    environment = jinja2.Environment(autoescape=True)
    page = environment.from_string(_text("standalone.html")).render(
        module=module,
        style=style,
        module_hash=_hash(module),
        style_hash=_hash(style),
        # Compressed for its size; as base64 no text in it can end the element it stands in.
        data=base64.b64encode(gzip.compress(data.encode(), mtime=0)).decode(),
    )
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(page, encoding="utf-8")
    beside.replace(path)
    return path


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a content security policy names an inline script or style: nothing else in the page may run."""
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
