"""What is asked of a model, and the schema of its reply; a prompt is known by the hash of both.

A prompt is a text file: those in templates/, or a user's own. `{pictures}` and `{labels}` are filled in,
`{definitions}` and `{action_units}` become a line a label from labels.yaml. Lines between two `---` at its head may set
the other fields of `Prompt`. A file that ends in .yaml has all of them as YAML, the words under `template`.
"""

from __future__ import annotations

import difflib
import json
import re
import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from fer_helpers.emotions import LABELS, TAXONOMIES
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.files import plain_yaml, write_whole
from fer_helpers.paths import resolve, shown
from fer_helpers.prompting._said import KINDS

_FOLDER = Path(__file__).parent / "templates"
_ABOUT_LABELS = plain_yaml((_FOLDER / "labels.yaml").read_text(encoding="utf-8"))
FORMS = ("schema+logprobs", "schema", "logprobs", "text")  # what a server can be asked for, the best first
MOST_BYTES = 20_000  # of a prompt file
_FILLED = ("pictures", "labels", "definitions", "action_units")
_MAX_TOKENS = {"label": 64, "ranking": 128, "distribution": 192}  # a label in JSON takes about ten
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Prompt:
    """A prompt's words, and how the reply is to be.

    Args:
        template: the words.
        reply: one of KINDS: a label, a ranking of the labels, or a number from 0 to 100 for each.
        reasoning: the reply starts with its reasons.
        max_tokens: most tokens a reply may have.
        source: where the method was published, and whose the wording is.
        frames: how many frames a request had there; 0: any number.
        order: the labels in the order they were named there; empty: the taxonomy's.
    """

    template: str
    reply: Literal[KINDS] = "label"  # type: ignore[valid-type]
    reasoning: bool = False
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] = _MAX_TOKENS["label"]
    source: str = ""
    frames: Annotated[int, Field(ge=0, le=64)] = 0
    order: list[Literal[LABELS]] = Field(default_factory=list)  # type: ignore[valid-type]

    def ordered(self, labels: Sequence[str]) -> tuple[str, ...]:
        """`labels` as the prompt's source names them, if it says."""
        return tuple(self.order) if set(self.order) == set(labels) else tuple(labels)


def _bytes(path: Path) -> bytes:
    """Content of a prompt file.

    Raises:
        ParamsError: there is none, or it is too large for a prompt.
    """
    if not path.is_file():
        known = ", ".join(PROMPTS)
        raise ParamsError(f"prompt file {shown(path)} does not exist: correct the path, or use one of {known}")
    if path.stat().st_size > MOST_BYTES:
        size = path.stat().st_size
        raise ParamsError(f"prompt file {shown(path)} has {size} bytes, and a prompt at most {MOST_BYTES}: shorten it")
    return path.read_bytes()


def _prompt(path: Path, content: bytes) -> Prompt:
    """The prompt in the content of a file.

    Raises:
        ParamsError: it is no prompt, or names no labels; one line.
    """
    where = f"prompt file {shown(path)}"
    try:
        prompt = Prompt(**_fields(content.decode("utf-8-sig"), path.suffix in (".yaml", ".yml")))
    except UnicodeDecodeError:
        raise ParamsError(f"{where} is not UTF-8: save it as UTF-8") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise ParamsError(f"{where}: {_problem(error) if isinstance(error, ValidationError) else error}") from None
    unknown = [name for name in _PLACE.findall(prompt.template) if name not in _FILLED]
    if unknown:
        raise ParamsError(f"{where} has {{{unknown[0]}}}, which nothing fills: use {_listed(_FILLED)}")
    if not set(_FILLED[1:]) & set(_PLACE.findall(prompt.template)):
        raise ParamsError(f"{where} does not name the labels: write {{labels}} where they are to stand")
    if prompt.order and sorted(prompt.order) not in map(sorted, TAXONOMIES.values()):
        raise ParamsError(f"{where}: order must name each label of one label set once")
    return prompt


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def _fields(text: str, is_yaml: bool) -> dict[str, Any]:
    """The fields of a prompt in the text of a file."""
    text = text.replace("\r\n", "\n").strip()
    head, body = (text, None) if is_yaml else ("", text)
    if not is_yaml and (match := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)):
        head, body = f"\n{match[1]}", text[match.end() :]  # lines are counted from the file's first
    values = plain_yaml(head) or {}
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise ValueError(f"expected `name: value` lines of YAML, found a {type(values).__name__}")
    values = values if body is None else {**values, "template": body}
    if isinstance(values.get("template"), str):
        values["template"] = values["template"].strip()
    most = _MAX_TOKENS.get(str(values.get("reply", "label")), 0) * (6 if values.get("reasoning") else 1)
    return {"max_tokens": most, **values}


def _problem(error: ValidationError) -> str:
    """The first thing wrong with a prompt's fields, in words."""
    first, known = error.errors()[0], [one.name for one in fields(Prompt)]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        near = difflib.get_close_matches(name, known, n=1)
        return f"unknown field {name!r}; " + (f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}")
    if first["type"] in ("missing", "missing_argument"):
        return f"{name} is missing: write the words under `{name}:`"
    return f"{name} is {reprlib.repr(first['input'])}: {first['msg']}"


PROMPTS = {path.stem: _prompt(path, path.read_bytes()) for path in sorted(_FOLDER.glob("*.md"))}
_OWN: dict[str, tuple[Prompt, bytes, str]] = {}  # users' prompts: name -> prompt, its file's bytes and suffix


def named(prompt: str) -> str:
    """The name of the prompt that the parameter `prompt` means; a user's file is read, and named after its content.

    Raises:
        ParamsError: the file is no prompt.
    """
    return prompt if prompt in PROMPTS else learn(resolve(prompt))


def learn(path: Path) -> str:
    """Read a user's prompt file; from here on in this process it is known under the name that is returned.

    The name ends with a hash of the file's bytes, so that it never means another wording.

    Raises:
        ParamsError: the file is no prompt.
    """
    content = _bytes(path)
    prompt, digest = _prompt(path, content), sha256(content).hexdigest()[:12]
    stem = re.sub(r"\W+", "_", path.stem.removesuffix(f"-{digest}"))[:40]
    name = f"{stem}-{digest}"
    _OWN[name] = (prompt, content, path.suffix)
    return name


def find(name: str) -> Prompt:
    """The prompt called `name`.

    Raises:
        RunError: it is a user's, and its file was not read.
    """
    if name in PROMPTS:
        return PROMPTS[name]
    if name not in _OWN:
        raise RunError(f"prompt {name!r} is neither built in nor in the run's folder prompts: put its file back there")
    return _OWN[name][0]


def keep(name: str, folder: Path) -> None:
    """Write a copy of a user's prompt file into `folder`, from which `learn` reads it under the same name."""
    if name in _OWN:
        _, content, suffix = _OWN[name]
        write_whole(folder / f"{name}{suffix}", content)


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
    filled = {
        "pictures": pictures,
        "labels": ", ".join(labels),
        "definitions": "\n".join(f"- {label}: {_ABOUT_LABELS[label]['definition']}" for label in labels),
        "action_units": "\n".join(f"- {label}: {_ABOUT_LABELS[label]['action_units']}" for label in labels),
    }
    words = _PLACE.sub(lambda match: filled[match[1]], find(prompt).template)
    if form.startswith("schema"):
        return words
    shown = {
        "reasoning": '"..."',
        "label": '"..."',
        "ranking": '["...", "..."]',
        "distribution": "{" + ", ".join(f'"{label}": 0 to 100' for label in labels) + "}",
        "confidence": "0.0 to 1.0",
    }
    shape = ", ".join(f'"{name}": {shown[name]}' for name in _properties(prompt, form))
    return f"{words}\n\nReply with JSON and nothing else: {{{shape}}}"


def _properties(prompt: str, form: str) -> list[str]:
    """Names in the reply, in the order they are given: reasons first, and a confidence where nothing else tells."""
    asked = find(prompt)
    reasons = ["reasoning"] if asked.reasoning else []
    told = form.endswith("logprobs") or asked.reply == "distribution"
    return [*reasons, asked.reply, *([] if told else ["confidence"])]


def schema(prompt: str, labels: Sequence[str], form: str = FORMS[0]) -> dict[str, Any]:
    """`response_format` that allows what the prompt asks for, of `labels`, and nothing else (strict JSON schema).

    A strict schema cannot forbid a label twice in a ranking, or a number outside 0 to 100: the reader does.
    """
    label = {"type": "string", "enum": list(labels)}
    known = {
        "reasoning": {"type": "string"},
        "label": label,
        "ranking": {"type": "array", "items": label},
        "distribution": _object({name: {"type": "number"} for name in labels}),
        "confidence": {"type": "number"},
    }
    wanted = _object({name: known[name] for name in _properties(prompt, form)})
    return {"type": "json_schema", "json_schema": {"name": "expression", "strict": True, "schema": wanted}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """What a strict schema wants of an object: all of its properties, and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def fingerprint(prompt: str, labels: Sequence[str], form: str = FORMS[0]) -> str:
    """SHA-256 of the words and the schema, so that a changed prompt is never mistaken for the old one."""
    return sha256(json.dumps([text(prompt, labels, 1, form), schema(prompt, labels, form)]).encode()).hexdigest()
