"""docs/teaching.md: every command in it is one, with options and parameters that there are."""

import re
import shlex

import click
import pytest

from fer_helpers import cli, params
from fer_helpers.cli._base import typed_values
from fer_helpers.paths import ROOT

PAGE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
COMMANDS = sorted({*re.findall(r"^ {4,}fer-helpers (.+)$", PAGE, re.M), *re.findall(r"`fer-helpers ([^`…]+)`", PAGE)})


def test_the_commands_were_found():
    assert {command.split()[0] for command in COMMANDS} == {
        *("serve", "classroom", "label", "sample", "run", "explore", "compare", "plan")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_each_is_a_command(command):
    """As click parses it, and its parameters as a run checks them, before anything is opened."""
    name, *arguments = shlex.split(command, comments=True)
    known = cli.main.get_command(click.Context(cli.main), name)
    given = known.make_context(name, arguments).params
    if "params_file" in given:
        assert (ROOT / given["params_file"]).is_file()
        params.load(ROOT / given["params_file"], typed_values(given["overrides"]))


def test_what_is_quoted_is_what_students_see():
    """Words in the table of what can go wrong are those of the messages."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "fer_helpers").rglob("*.py"))
    table = PAGE.split("\n## What can go wrong\n")[1].split("\n## ")[0]
    quoted = re.findall(r"^\| `([^`]+)`", table, re.M)
    assert len(quoted) >= 5
    for words in quoted:
        for part in filter(None, re.split(r" ?… ?|CLASS_TOKEN|: ", words)):
            assert part in code, part


def test_options_named_alone_are_options():
    options = {name for command in cli.main.commands.values() for option in command.params for name in option.opts}
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) <= options


def test_files_it_names_are_there():
    for path in re.findall(r"\((\.\./[^)#]+|[a-z-]+\.md)", PAGE):
        assert (ROOT / "docs" / path).resolve().exists(), path
    assert {path for path in re.findall(r"params/\w+\.yaml", PAGE) if not (ROOT / path).is_file()} == set()
