"""The examples in the docstrings of the pure rooms are true."""

import doctest
import importlib

import pytest

from fer_helpers.paths import ROOT

PACKAGE = ROOT / "fer_helpers"
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_are_true(module):
    found = doctest.testmod(importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted
    assert not found.failed, "see the captured output"


def test_what_a_reader_looks_up_has_an_example():
    """The public functions of the emotions, of choosing frames and of pooling; elsewhere it is a matter of taste."""
    for name in ("fer_helpers.emotions", "fer_helpers.frames.selection"):
        module = importlib.import_module(name)
        own = [f for n, f in vars(module).items() if getattr(f, "__module__", "") == name and not n.startswith("_")]
        functions = [f for f in own if not isinstance(f, type)]
        assert functions
        assert all(">>> " in function.__doc__ for function in functions)
