"""What is asked of a model, and the schema of its reply; a prompt is known by the hash of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
PROMPTS = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(_FOLDER.glob("*.md"))}


def text(prompt: str, labels: Sequence[str], n_pictures: int) -> str:
    """The words sent with `n_pictures` pictures; `labels` are named in the order given."""
    pictures = "one key frame" if n_pictures == 1 else f"{n_pictures} key frames, in the order of time,"
    return PROMPTS[prompt].format(pictures=pictures, labels=", ".join(labels))


def schema(labels: Sequence[str]) -> dict[str, Any]:
    """`response_format` that allows one of `labels` and nothing else (strict JSON schema)."""
    return {
        "type": "json_schema",
        "json_schema": {
            "name": "expression",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"label": {"type": "string", "enum": list(labels)}},
                "required": ["label"],
                "additionalProperties": False,
            },
        },
    }


def fingerprint(prompt: str, labels: Sequence[str]) -> str:
    """SHA-256 of the template and the schema, so that a changed prompt is never mistaken for the old one."""
    return sha256(json.dumps([PROMPTS[prompt], schema(labels)]).encode()).hexdigest()
