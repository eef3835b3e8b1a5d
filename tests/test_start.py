"""The first chapter: it leads to all others, and its first cell brings the package into a kernel that has none."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from fer_helpers import pipeline
from fer_helpers.paths import ROOT
from fer_helpers.runs import EVERY
from tests.support.checkout import committed

CHAPTER = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
TEXT = "\n".join(cell.source for cell in CHAPTER.cells if cell.cell_type == "markdown")
(COLAB,) = [cell for cell in CHAPTER.cells if "FER_SOURCE" in cell.source]


def anchors(page):
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_it_was_executed_and_nothing_in_it_is_of_one_machine():
    assert pipeline.is_executed(CHAPTER)
    outputs = json.dumps([cell.get("outputs", []) for cell in CHAPTER.cells])
    assert "not ok" not in outputs
    assert "/" not in outputs.replace("text/", "")
    assert "Everything is here" in outputs


def test_it_leads_to_every_chapter_in_order():
    linked = re.findall(r"^\| \[\d\d [^]]+\]\((\w+)\.ipynb\)", TEXT, re.M)
    assert linked == list(EVERY)


def test_its_terms_and_the_glossarys_own_links_are_in_the_glossary():
    glossary = ROOT / "docs" / "glossary.md"
    terms = anchors(glossary)
    linked = re.findall(r"glossary\.md#([\w-]+)\)", TEXT) + re.findall(r"\]\(#([\w-]+)\)", glossary.read_text())
    assert len(linked) >= 12
    assert not set(linked) - set(terms)
    assert len(terms) == len(set(terms))
    assert 40 <= glossary.read_text().count("\n### ") <= 64


def test_the_first_cell_does_nothing_here():
    assert len(COLAB.source.splitlines()) <= 6
    assert COLAB.outputs == []


def cells_of(chapter, first):
    return next(c.source for c in nbformat.read(ROOT / "notebooks" / chapter, 4).cells if first in c.source)


@pytest.fixture
def bare_kernel(tmp_path, monkeypatch):
    """A running kernel of an environment that has every package but this one, as pip sees it, too."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    (place,) = (tmp_path / "env").glob("lib/python*/site-packages")
    for old in place.glob("*setuptools*"):  # Python 3.11 brings one that cannot build this package
        shutil.rmtree(old)
    # A path in a .pth file brings the packages of that folder, and not its editable ones.
    (place / "others.pth").write_text(sysconfig.get_path("purelib"))
    spec = tmp_path / "jupyter" / "kernels" / "bare" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "bare", "language": "python"}))
    (tmp_path / "content").mkdir()
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.startswith("FER_")}
    bare |= {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}  # 0: as pip reads it, no isolation
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    manager, client = start_new_kernel(kernel_name="bare", cwd=str(tmp_path / "content"), env=bare)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_the_first_cell_brings_the_package_into_a_running_kernel(bare_kernel, tmp_path):
    """As on Colab: it asks for an address, and then a chapter's imports, parameters and first steps work at once."""
    checkout = tmp_path / "a checkout"
    for path in committed():
        copy = checkout / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    said = []

    def run(code):
        def answer(message):
            bare_kernel.input(str(checkout))

        told = bare_kernel.execute_interactive(
            code,
            allow_stdin=True,
            stdin_hook=answer,
            output_hook=lambda m: said.append(m["content"].get("text", "")),
            timeout=300,
        )
        assert told["content"]["status"] == "ok", "".join(said)

    run("import numpy")
    run("import importlib.util; assert importlib.util.find_spec('fer_helpers') is None")
    run(COLAB.source)
    run(COLAB.source)  # a second time nothing happens
    run(cells_of("01_data_exploration.ipynb", 'out: str = "outputs/demo"').replace("240", "7"))
    run(cells_of("01_data_exploration.ipynb", "import matplotlib"))
    run(cells_of("01_data_exploration.ipynb", 'run = start("01_data_exploration"'))
    run("corpora.prepare(run.params); assert len(corpora.listed(run.params)) == 7")
    assert (tmp_path / "content" / "study.yaml").is_file()
    assert (tmp_path / "content" / "outputs" / "corpora" / "demo-7-seed1" / "manifest.csv").is_file()
