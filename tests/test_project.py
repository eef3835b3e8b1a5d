"""The project's own files: what they promise each other, and what must not be in them."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from fer_helpers import params, tables
from fer_helpers.corpora import CORPORA
from fer_helpers.paths import ROOT
from fer_helpers.runs import EVERY
from tests.support.checkout import committed

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements):
    """Requirement strings without extras and markers, spaces out: name and bounds."""
    return {re.sub(r"\[.*?\]|;.*|\s", "", line) for line in requirements}


def test_pyproject_names_the_pythons_that_the_workflow_tests():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    tested = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PYPROJECT["project"]["classifiers"]))
    assert named == tested
    assert PYPROJECT["project"]["requires-python"] == f">={tested[0]}"


def test_the_paper_is_cited_by_its_authors_and_both_titles():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    readme = (ROOT / "README.md").read_text()
    assert len(citation["references"]) == 2
    for reference in citation["references"]:
        assert [author["family-names"] for author in reference["authors"]] == ["Zhang", "Fu"]
        assert reference["title"] in readme
    assert "He Zhang and Xinyi Fu" in readme
    assert citation["version"] == PYPROJECT["project"]["version"]


def test_every_hook_is_a_program_of_the_environment_or_the_makefile():
    """So that the lock says its version and committing needs no network."""
    hooks = [h for r in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"] for h in r["hooks"]]
    makefile = (ROOT / "Makefile").read_text()
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert hook["language"] == "system"
        if program == "make":
            assert f"\n{arguments[0]}:" in makefile
        else:
            assert program.startswith(".venv/bin/")
            assert (Path(sys.executable).parent / Path(program).name).is_file(), f"{program} is not in the lock"


@pytest.fixture
def made(tmp_path):
    """A folder with the Makefile and an environment that is up to date, and `make` there."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    (programs / "pip").write_text(f"#!{programs}/python\n")
    for name in ("requirements.lock", "pyproject.toml", ".venv/ready"):
        (tmp_path / name).touch()

    def make(*arguments):
        command = ["make", "--no-print-directory", "-C", tmp_path, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    return make


@pytest.mark.parametrize("what", ["moved", "no interpreter", "sound"])
def test_an_environment_that_cannot_work_any_more_is_made_anew(made, tmp_path, what):
    """Its programs name the interpreter by its path; make said "Error 127"."""
    programs = tmp_path / ".venv" / "bin"
    if what == "moved":
        (programs / "pip").write_text(f"#!{tmp_path}/before/.venv/bin/python\n")
    elif what == "no interpreter":
        (programs / "python").unlink()
        (programs / "python").symlink_to(tmp_path / "removed" / "python3")
    assert ("-m venv .venv" in made("-n", "demo")) == (what != "sound")
    assert programs.exists() == (what == "sound")


def test_cleaning_up_keeps_what_was_paid_for(made, tmp_path):
    """Replies, people's labels and marks lie in outputs/."""
    kept = [tmp_path / name for name in ("outputs/archive.sqlite", "outputs/mine/people.jsonl", "website/build.py")]
    gone = [tmp_path / name for name in ("website/_build/index.html", ".venv/ready", "fer_helpers/__pycache__/a.pyc")]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("interop", "tests", "benchmarks"):
        (tmp_path / name).mkdir()
    made("clean")
    assert [path.is_file() for path in kept] == [True] * 3
    assert not any(path.parent.exists() for path in gone)


def test_the_lock_pins_every_dependency_by_hash():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", lock, re.M)}
    dependencies = PYPROJECT["project"]["dependencies"] + PYPROJECT["project"]["optional-dependencies"]["dev"]
    for requirement in names(dependencies):
        assert re.split(r"[<>=]", requirement)[0] in pinned
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.M)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    assert "--index-url" not in lock
    assert "://" not in lock


# Put together here, so that this file does not hold what it looks for.
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org"]
FORBIDDEN = [
    *(re.escape(host) for host in HOSTS),
    r"sk-[A-Za-z0-9]{20,}",
    r"(?<![\w.~])/(?:" + "|".join(["home", "Users", "root", "work", "private"]) + r")/[\w.-]+",
]


def test_no_key_registry_or_path_of_a_machine_is_committed():
    found = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {hit}" for pattern in FORBIDDEN for hit in re.findall(pattern, text)]
    assert not found


def test_no_video_and_no_foreign_picture_is_committed():
    """Pictures live in notebooks (rendered faces and figures) and docs; nothing that could show a person."""
    media = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".jpg", ".jpeg", ".parquet", ".sqlite", ".tflite"}
    assert not [path for path in committed() if path.suffix.lower() in media]
    assert {path.parent.name for path in committed() if path.suffix == ".png"} <= {"docs"}


def test_the_map_is_true_to_the_tree():
    """Every room and module of the package stands on the map, and everything on the map is there."""
    tree = (ROOT / "docs" / "architecture.md").read_text().split("```")[1]
    on_map, room = set(), ""
    for indent, name in re.findall(r"^( *)([\w./]+?)/? {2,}\S", tree.partition("fer_helpers/\n")[2], re.M):
        room = name if len(indent) == 4 else room
        on_map.add(name if len(indent) == 4 else f"{room}/{name}")
    summarised = ("endpoint/", "corpora/published/", "corpora/demo/", "prompting/templates/", "explorer/browser/")
    files = {path.relative_to(PACKAGE).as_posix() for path in committed() if path.is_relative_to(PACKAGE)}
    files = {name for name in files if name.endswith(".py") and not name.startswith(summarised)}
    files = {name for name in files if not name.endswith("__init__.py")}
    assert files | ROOMS | {name.rstrip("/") for name in summarised} == on_map


def test_the_readme_begins_with_two_commands_and_takes_three_minutes():
    """At 238 words a minute, the mean for English non-fiction read silently (Brysbaert 2019); commands not counted."""
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"(?:^ {4}.*\n)+", readme, re.M)
    assert [line.split()[:2] for line in commands[0].splitlines()] == [["make", "demo"], ["make", "test"]]
    assert readme.index(commands[0]) < 120
    prose = re.sub(r"\]\([^)]*\)", "]", re.sub(r"^ {4}.*\n", "", readme, flags=re.M))
    assert len(re.findall(r"[A-Za-z][\w'’-]*", prose)) <= 3 * 238


def test_links_in_the_readme_and_the_architecture_lead_somewhere():
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    readme = (ROOT / "README.md").read_text()
    for notebook in EVERY:
        assert f"notebooks/{notebook}.ipynb" in readme
    for link in re.findall(r"\]\(([^)#]+)\)", readme + architecture):
        assert (ROOT / link).exists() or (ROOT / "docs" / link).exists() or link.startswith("https://"), link


PACKAGE = ROOT / "fer_helpers"
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imported_from_rooms(path):
    """(room, module path, name) of each `from fer_helpers.<room>... import name` in a file of the package."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fer_helpers."):
            module = node.module.split(".")[1:]
            if module[0] in ROOMS:
                yield from ((module[0], module, alias.name) for alias in node.names)


def test_other_rooms_take_only_what_a_room_offers():
    """Through its `__init__`, so that what is behind it can change."""
    offered = {room: set(importlib.import_module(f"fer_helpers.{room}").__all__) for room in ROOMS}
    for path in sorted(PACKAGE.rglob("*.py")):
        mine = path.relative_to(PACKAGE).parts[0]
        for room, module, name in imported_from_rooms(path):
            if room != mine:
                assert module == [room], f"{path.name} reaches into {'.'.join(module)}"
                assert name in offered[room], f"{path.name} takes {name} from {room}, which does not offer it"


def test_the_top_of_the_package_can_be_read_at_a_glance():
    listed = {path.relative_to(PACKAGE).parts[0] for path in committed() if path.is_relative_to(PACKAGE)}
    assert len(listed) <= 24


def test_no_module_is_longer_than_a_room_should_be():
    lengths = {
        path.relative_to(PACKAGE).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }
    assert not {name: n for name, n in lengths.items() if n > 300}


def dotted_names(path):
    """What a file imports, as far as it says; also in the code that it hands to other processes as strings."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\btests(?:\.\w+)+", node.value)


def test_nothing_imports_from_a_test_module():
    """What tests share lies in tests/support, so that a test module can be changed by who reads it alone."""
    ours = [path for room in ("tests", "benchmarks", "fer_helpers") for path in (ROOT / room).rglob("*.py")]
    assert {path.name for path in ours} > {"test_project.py", "conftest.py", "explorer_runs.py"}
    found = {(path.name, name) for path in ours for name in dotted_names(path)}
    assert not {(path, name) for path, name in found if re.search(r"(^|\.)(test_\w+|conftest)(\.|$)", name)}


def test_every_corpus_a_parameter_may_name_is_in_the_registry():
    allowed = params.Params.model_fields["corpus"].annotation.__args__
    assert set(allowed) == set(CORPORA)


def test_every_table_says_who_writes_it_and_what_its_columns_mean():
    assert set(tables.WRITTEN_BY) == set(tables.SCHEMAS) - {"draws"}  # which `fer-helpers sample` writes, and 06
    assert set(tables.WRITTEN_BY.values()) <= set(EVERY)
    for schema in tables.SCHEMAS.values():
        assert all(len(column.description) > 3 for column in schema.columns.values())


def test_the_page_of_tables_is_up_to_date():
    """Written anew by: python -c "from fer_helpers import tables; print(tables.page(), end='')" > docs/tables.md"""
    assert (ROOT / "docs" / "tables.md").read_text(encoding="utf-8") == tables.page()
