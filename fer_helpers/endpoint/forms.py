"""The form of a reply: a word, JSON by a schema or by the prompt's words, or a call of a function; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, Field

from fer_helpers.emotions import SEVEN, TAXONOMIES, TERNARY
from fer_helpers.endpoint.errors import ApiError
from fer_helpers.prompting import KINDS

MAX_NAME = 64  # characters of a function's or property's name, which a reply repeats
REASON_NAMES = ("rationale", "reasoning", "reason", "explanation")

_LABEL_NAME = re.compile("label|emotion|expression", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """What a reply chooses from, and how it says it.

    `properties` are the reply's JSON properties in order, or None for a plain word; `label` is the one that holds
    the answer: a label, or another of `KINDS`. With `function` the JSON is the arguments of a call of it, in the older
    notation if `legacy`.
    """

    labels: tuple[str, ...]
    properties: tuple[str, ...] | None = None
    label: str = "label"
    kind: str = "label"
    function: str | None = None
    legacy: bool = False


class JsonSchema(BaseModel):
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(BaseModel):
    type: str
    json_schema: JsonSchema | None = None


class Function(BaseModel):
    name: Annotated[str, Field(pattern=rf"^[a-zA-Z0-9_-]{{1,{MAX_NAME}}}$")]
    parameters: dict[str, Any] | None = None


def content_form(wanted: ResponseFormat | None, text: str) -> Form:
    """The form of a reply's content under `wanted`; `text` are the prompt's words."""
    kind = wanted.type if wanted else "text"
    if kind == "json_schema" and wanted and wanted.json_schema:
        return _by_schema(wanted.json_schema.schema_, "response_format")
    if kind not in ("text", "json_object"):
        message = "response_format may be text, json_object, or json_schema with a schema."
        raise ApiError(message, param="response_format")
    words = re.findall(r"[a-z]+", text.lower())
    labels = TERNARY if {"negative", "positive"} <= set(words) else SEVEN
    shown = [name for name in KINDS[1:] if f'"{name}":' in text]  # an example in the words is obeyed
    return _by_words(labels, text, words) if kind == "json_object" or shown else Form(labels)


def _by_words(labels: tuple[str, ...], text: str, words: Sequence[str]) -> Form:
    """JSON with the keys of an example in the prompt, or else what its words name; always with the label."""
    keys = re.findall(rf"""["'](\w{{1,{MAX_NAME}}})["']\s*:""", text)
    kind = next((name for name in KINDS if name in keys), "label")
    label = kind if kind in keys else next(filter(_LABEL_NAME.search, keys), "label")
    named = [key for key in keys or words if key in (label, "confidence", *REASON_NAMES)]
    if label not in named:
        named.insert(0, label)
    return Form(labels, tuple(dict.fromkeys(named)), label, kind)


def call_form(functions: Sequence[Function], choice: Any, legacy: bool) -> Form | None:
    """The form of a call of the first function of `functions` that `choice` allows and that asks for a label.

    None where the reply is content: without functions, or where `choice` is "none".

    Raises:
        ApiError: if none of them can be called, or `choice` is none of OpenAI's; says what is understood.
    """
    param = "function_call" if legacy else "tool_choice"
    match choice:
        case None | "auto" | "required":
            allowed = functions
        case "none":
            return None
        case {"type": "function", "function": {"name": str(name)}} | {"name": str(name)}:
            allowed = [function for function in functions if function.name == name]
        case _:
            raise ApiError(f"{param} may be none, auto, required, or one function by its name.", param=param)
    if not allowed and choice not in (None, "auto"):
        raise ApiError(f"{param} asks for a function that is not among the request's.", param=param)
    reasons = []
    for function in allowed:
        try:
            form = _by_schema(function.parameters or {}, "functions" if legacy else "tools")
        except ApiError as error:
            reasons.append(ApiError(f"Function {function.name!r}: {error}", param=error.body["error"]["param"]))
        else:
            return replace(form, function=function.name, legacy=legacy)
    if reasons:
        raise reasons[0]
    return None


def _by_schema(schema: Mapping[str, Any], param: str) -> Form:
    """JSON that fits `schema`, where this annotator has a value for everything it requires."""
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        properties, required = {}, []
    known = {name: found for name in properties if len(name) <= MAX_NAME and (found := _answer(name, schema))}
    if not known:
        message = f"The schema has no property with an enum of {', '.join(SEVEN)}, or {', '.join(TERNARY)}, any order."
        raise ApiError(message, param=param)
    label = "label" if "label" in known else next(iter(known))
    kind, labels = known[label]
    names = tuple(name for name, spec in properties.items() if name == label or _fits(name, spec))
    unknown = [name for name in required if name not in names]
    if unknown:
        message = f"This annotator cannot fill the required property {str(unknown[0])[:100]!r}: it knows one label"
        message += f" (enum), confidence (number) and {', '.join(REASON_NAMES)} (string);"
        message += " a ranking (array of the enum) or a distribution (object of numbers) may take the label's place."
        raise ApiError(message, param=param)
    return Form(labels, names, label, kind)


def _answer(name: str, schema: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """What the property `name` asks for, one of KINDS, and the taxonomy whose labels it is about; None if nothing.

    An enum of the labels is a label, a list of such a ranking, and an object with a number for each a distribution.
    """
    spec = _referred(schema["properties"][name], schema)
    match spec:
        case {"enum": list(enum)}:
            return _of("label", enum)
        case {"type": "array", "items": items}:
            match _referred(items, schema):
                case {"enum": list(enum)}:
                    return _of("ranking", enum)
        case {"type": "object", "properties": dict(numbers)}:
            if all(isinstance(one, dict) and one.get("type") in ("number", "integer") for one in numbers.values()):
                return _of("distribution", list(numbers))
    return None


def _referred(spec: Any, schema: Mapping[str, Any]) -> Any:
    """`spec`, or what it refers to: pydantic writes a Python Enum as a reference."""
    match spec, schema.get("$defs"):
        case {"$ref": str(reference)}, dict(definitions):
            return definitions.get(reference.removeprefix("#/$defs/"))
    return spec


def _of(kind: str, names: Sequence[Any]) -> tuple[str, tuple[str, ...]] | None:
    for labels in TAXONOMIES.values():
        # in the taxonomy's order, whatever the enum's, so that a tie falls the same way
        if len(names) == len(labels) and all(label in names for label in labels):
            return kind, labels
    return None


def _fits(name: str, spec: Any) -> bool:
    """Whether this annotator has a value for a property other than the label."""
    kind = spec.get("type") if isinstance(spec, dict) and "enum" not in spec else None
    return (name == "confidence" and kind == "number") or (name in REASON_NAMES and kind == "string")
