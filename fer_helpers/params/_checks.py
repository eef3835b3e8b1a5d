"""Parameters checked at once, from Python, from a YAML file and from the command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fer_helpers.errors import ParamsError
from fer_helpers.files import plain_yaml
from fer_helpers.params._fields import Params
from fer_helpers.paths import resolve, shown, typed
from fer_helpers.prompting import content, find, pricing, prompts

# What to type where text was given for another type; papermill's -p takes most things for text.
_TYPED = {
    "bool_type": "; write true or false without quotes, with papermill -p {name} True",
    "list_type": "; write [a, b], with papermill -y '{name}: [a, b]'",
    "string_type": "; put it into quotes, with papermill -r {name} {value}",
    "int_type": "; write a whole number without quotes, with papermill -p {name} 3",
    "float_type": "; write a number without quotes, with papermill -p {name} 0.5",
}


def problems_in(error: ValidationError, known: Iterable[str]) -> str:
    """Every wrong name and value in `error` on one line; `known` are the names there are."""
    problems = []
    for item in error.errors():
        name, problem = str(item["loc"][0]) if item["loc"] else "", item["msg"].removeprefix("Value error, ")
        if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            near = difflib.get_close_matches(name, known, n=1)
            problems.append(f"unknown parameter {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        else:
            hint = _TYPED.get(item["type"], "").format(name=name, value=item["input"])
            problems.append(f"{name} is {item['input']!r}: {problem}{hint}" if name else problem)
    return "; ".join(problems)


def validate(values: Mapping[str, Any], source: str = "parameters") -> Params:
    """`values` over the defaults, with every name and type checked.

    Raises:
        ParamsError: one line that names `source` and each wrong parameter.
    """
    try:
        params = Params(**values)
    except ValidationError as error:
        raise ParamsError(f"{source}: {problems_in(error, Params.model_fields)}") from error
    if params.corpus != "demo" and not params.corpus_path:
        raise ParamsError(f"{source}: corpus {params.corpus!r} needs corpus_path, its folder")
    if (params.n_replicates > 1) != any(find(name).replicates for name in params.strategies):
        raise ParamsError(
            f"{source}: n_replicates is {params.n_replicates}: strategy self_consistency needs 2 or more, all others 1"
        )
    if params.corpus == "demo" and (params.corpus_path or params.n_clips < 7):
        raise ParamsError(f"{source}: corpus 'demo' takes no corpus_path, and n_clips of at least 7")
    if params.manifest and params.corpus != "folder":
        raise ParamsError(f"{source}: manifest works with corpus 'folder' only; {params.corpus!r} has its own lists")
    if "://" in params.frame_store and re.search(r"://[^/]*@|[?#]", params.frame_store):
        # What was found is not repeated: it may be a key.
        raise ParamsError(f"{source}: frame_store contains a user, key or option: put credentials in the environment")
    return params


def from_text(name: str, text: str) -> Any:
    """The value of parameter `name` typed as `text` on the command line: text where it is a text, else YAML.

    Raises:
        ParamsError: it is not YAML, where it has to be.
    """
    field = Params.model_fields.get(name)
    if field and isinstance(field.default, str) and name != "other_labels":
        return text
    try:
        return plain_yaml(text)
    except ValueError as error:
        raise ParamsError(f"-p {name} {text!r} {error}") from error


def flat_yaml(path: Path) -> dict[str, Any]:
    """The names and values of a flat YAML file, unchecked.

    Raises:
        ParamsError: if the file is not flat YAML.
    """
    try:
        values = plain_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path} is not UTF-8: save it as UTF-8") from error
    except ValueError as error:
        raise ParamsError(f"{shown(path)} {error}") from error
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise ParamsError(f"{shown(path)} contains a {type(values).__name__}: write `name: value` lines")
    return {str(name): value for name, value in values.items()}


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Params:
    """Parameters from a flat YAML file, typed on the command line, `overrides` on top.

    Raises:
        ParamsError: if the file is missing, not flat YAML, or holds a wrong parameter; or its price file or
            prompt file does.
    """
    path = typed(path)
    if not path.is_file():
        raise ParamsError(
            f"{path} is not a file: give one of params/*.yaml, of a checkout or of a study (fer-helpers new)"
        )
    values = {**flat_yaml(path), **(overrides or {})}
    if {"sweep", "zip", "each"} & values.keys():
        raise ParamsError(f"{shown(path)} is a sweep of many runs: use `fer-helpers sweep`")
    params = validate(values, shown(path))
    if not params.strategies:
        raise ParamsError(f"{shown(path)}: strategies is []: name one or more")
    if content.wants_clips(params.strategies) and not params.clip_size:
        raise ParamsError(f"{shown(path)}: strategy whole_clip needs videos: set clip_size, such as 384")
    pricing.book(resolve(params.prices) if params.prices else None)  # read now: a wrong entry is to end nothing later
    prompts.named(params.prompt)  # likewise
    return params
