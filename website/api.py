"""The API's pages as reStructuredText: what each room's `__init__` offers, and the parameters."""

import importlib
import inspect
import pkgutil
import textwrap
from typing import get_args

import fer_helpers
from fer_helpers.params import Params

SHORT = 80  # a constant whose value is longer is named without it


def pages() -> dict[str, str]:
    """Text by file name: index.rst, a page a room."""
    rooms = [module.name for module in pkgutil.iter_modules(fer_helpers.__path__) if module.ispkg]
    found = {f"{room}.rst": _room(f"fer_helpers.{room}") for room in rooms}
    found["params.rst"] += "\n\n" + _parameters()
    listed = [f"   {room}" for room in rooms]
    index = ["API", "===", "", INTRODUCTION, "", ".. toctree::", "   :titlesonly:", "", *listed, ""]
    return {"index.rst": "\n".join(index), **found}


INTRODUCTION = (
    "What the package's rooms offer each other and the notebooks, from their docstrings. "
    ":doc:`/docs/architecture` has the map, :doc:`/docs/tables` every table's columns."
)


def _room(name: str) -> str:
    module = importlib.import_module(name)
    offered = {public: getattr(module, public) for public in module.__all__}
    modules = [value for value in offered.values() if inspect.ismodule(value)]
    parts = [_title(name, "="), f".. automodule:: {name}\n   :no-members:"]
    for public, value in offered.items():
        if inspect.isclass(value) and value is not Params:
            parts.append(f".. autoclass:: {name}.{public}\n   :members:")
        elif inspect.isroutine(value):
            parts.append(f".. autofunction:: {name}.{public}")
        elif not inspect.ismodule(value) and value is not Params:
            parts.append(_constant(public, value))
    parts += [f"{_title(one.__name__, '-')}\n\n.. automodule:: {one.__name__}\n   :members:" for one in modules]
    return "\n\n".join(parts) + "\n"


def _title(text: str, line: str) -> str:
    return f"{text}\n{line * len(text)}"


def _constant(name: str, value: object) -> str:
    shown = repr(value)
    return f".. py:data:: {name}" + (f"\n   :value: {shown}" if len(shown) <= SHORT else "")


def _parameters() -> str:
    rows = ["   * - parameter\n     - default\n     - one of\n     - meaning"]
    for name, field in Params.model_fields.items():
        choices = ", ".join(f"``{one}``" for one in get_args(field.annotation) if isinstance(one, str | int))
        default = f"``{field.default!r}``"
        rows.append(f"   * - ``{name}``\n     - {default}\n     - {choices}\n     - {field.description}")
    about = textwrap.indent(inspect.getdoc(Params) or "", "   ")
    table = ".. list-table::\n   :header-rows: 1\n   :widths: 3 3 3 6\n"
    return "\n".join([".. py:class:: Params", "", about, "", table, *rows])
