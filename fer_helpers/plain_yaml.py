"""YAML that people write, read where everybody reads it alike."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

_NUMBER = re.compile(r"[-+]?(0|[1-9]\d*|\d+\.\d*|\.\d+)([eE][-+]?\d+)?")


def plain_yaml(text: str) -> Any:
    """What YAML `text` says.

    Raises:
        ValueError: it is not YAML, or says something that is not what it looks like: a key given twice, or as something
            else than text or a whole number (no: is false:), a merge or a reference (*) to another place, a number that
            YAML 1.1 takes for another (1:30 is 90, 030 is 24) or for no finite one; names the line.
    """
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError(f"line {_line(event)}: *{event.anchor} stands for another value; write that out")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        _check(root)
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"is not YAML: {' '.join(str(error).split())}; put text with signs into quotes") from error


def _check(root: yaml.Node | None) -> None:
    left = [root] if root else []
    while left:
        node = left.pop()
        if isinstance(node, yaml.ScalarNode):
            number = _kind(node) in ("int", "float")
            if number and not (_NUMBER.fullmatch(node.value) and math.isfinite(float(node.value))):
                raise ValueError(
                    f"line {_line(node)}: {node.value} is no plain decimal number; write it out, or quote a text"
                )
        elif isinstance(node, yaml.SequenceNode):
            left += node.value
        else:
            keys = [key.value for key, _ in node.value]
            for place, (key, value) in enumerate(node.value):
                if key.value in keys[:place]:
                    raise ValueError(f"line {_line(key)}: {key.value} is given twice; keep one")
                if isinstance(key, yaml.ScalarNode) and _kind(key) not in ("str", "int"):
                    raise ValueError(f"line {_line(key)}: {key.value or 'an empty key'} is no name in YAML; quote it")
                left += [key, value]


def _kind(node: yaml.Node) -> str:
    """What YAML takes a value for: str, int, float, bool, null, timestamp, merge."""
    return str(node.tag).rpartition(":")[2]


def _line(place: yaml.Node | yaml.Event) -> int:
    return place.start_mark.line + 1 if place.start_mark else 0
