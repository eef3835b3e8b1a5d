"""What is asked of a model, and the schema of its reply; a prompt is known by the hash of both.

A prompt is a text file in templates/. `{pictures}` and `{labels}` are filled in, `{definitions}` and
`{action_units}` become a line a label from labels.yaml. Lines between two `---` at its head may set
`reasoning: true` (the reply gives its reasons before the label) and `max_tokens`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "templates"
_ABOUT_LABELS = yaml.safe_load((_FOLDER / "labels.yaml").read_text(encoding="utf-8"))
FORMS = ("schema+logprobs", "schema", "logprobs", "text")  # what a server can be asked for, the best first


@dataclass(frozen=True)
class Prompt:
    """A template, whether the reply starts with its reasons, and the most tokens a reply may have."""

    template: str
    reasoning: bool = False
    max_tokens: int = 64  # a label in JSON takes about ten


def _read(path: Path) -> Prompt:
    text = path.read_text(encoding="utf-8").strip()
    head, body = text.removeprefix("---").split("\n---\n", 1) if text.startswith("---") else ("", text)
    return Prompt(body.strip(), **(yaml.safe_load(head) or {}))


PROMPTS = {path.stem: _read(path) for path in sorted(_FOLDER.glob("*.md"))}


def text(prompt: str, labels: Sequence[str], n_pictures: int, form: str = FORMS[0], mosaic: bool = False) -> str:
    """The words sent with `n_pictures` key frames (0: the clip); `labels` are named in the order given.

    Where the server takes no schema (`form`), the words say how to reply; with a `mosaic`, how to read it.

    >>> text("labels", ["sad", "happy"], 2).splitlines()[-1]
    'Choose exactly one of these labels: sad, happy.'
    """
    pictures = "one key frame" if n_pictures == 1 else f"{n_pictures} key frames, in the order of time,"
    if n_pictures == 0:
        pictures = "the video itself, without sound,"
    if mosaic:
        pictures = (
            f"one picture with {n_pictures} key frames, in the order of time from left to right and top to bottom,"
        )
    words = PROMPTS[prompt].template.format(
        pictures=pictures,
        labels=", ".join(labels),
        definitions="\n".join(f"- {label}: {_ABOUT_LABELS[label]['definition']}" for label in labels),
        action_units="\n".join(f"- {label}: {_ABOUT_LABELS[label]['action_units']}" for label in labels),
    )
    if form.startswith("schema"):
        return words
    shown = {"reasoning": '"..."', "label": '"..."', "confidence": "0.0 to 1.0"}
    shape = ", ".join(f'"{name}": {shown[name]}' for name in _properties(prompt, form))
    return f"{words}\n\nReply with JSON and nothing else: {{{shape}}}"


def _properties(prompt: str, form: str) -> list[str]:
    """Names in the reply, in the order they are given: reasons first, and a confidence where nothing else tells."""
    reasons = ["reasoning"] if PROMPTS[prompt].reasoning else []
    return [*reasons, "label", *([] if form.endswith("logprobs") else ["confidence"])]


def schema(prompt: str, labels: Sequence[str], form: str = FORMS[0]) -> dict[str, Any]:
    """`response_format` that allows one of `labels` and nothing else (strict JSON schema)."""
    known = {
        "reasoning": {"type": "string"},
        "label": {"type": "string", "enum": list(labels)},
        "confidence": {"type": "number"},
    }
    properties = {name: known[name] for name in _properties(prompt, form)}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": "expression",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": properties,
                "required": list(properties),
                "additionalProperties": False,
            },
        },
    }


def fingerprint(prompt: str, labels: Sequence[str], form: str = FORMS[0]) -> str:
    """SHA-256 of the words and the schema, so that a changed prompt is never mistaken for the old one."""
    return sha256(json.dumps([text(prompt, labels, 1, form), schema(prompt, labels, form)]).encode()).hexdigest()
