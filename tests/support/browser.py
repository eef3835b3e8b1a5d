"""Which browser the tests drive, and what they read in the explorer's page."""

import json
import shutil
from importlib.resources import files

import pytest

from tests.support.jupyter import WAIT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def open_file(page, path):
    page.goto(path.as_uri())
    page.get_by_test_id("fer-matrix-a").wait_for(timeout=WAIT)


def matrix(page, which="a"):
    """Counts in the page by (row, column)."""
    cells = page.locator(f"[data-testid=fer-matrix-{which}] [role=gridcell]")
    read = "all => all.map(cell => [cell.dataset.row, cell.dataset.column, Number(cell.dataset.count)])"
    return {(row, column): count for row, column, count in cells.evaluate_all(read)}


def heading(page):
    return page.get_by_test_id("fer-heading").text_content()


def loaded(page, cards):
    page.wait_for_function(f"document.querySelectorAll('[data-loaded=true]').length === {cards}", timeout=WAIT)


def option(name, value):
    """What a facet's option is called in the page."""
    return json.dumps([name, value], separators=(",", ":"), ensure_ascii=False)


def barriers(page):
    """What axe-core finds serious or critical in the page: rule and element."""
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert len(found["passes"]) > 10  # it looked
    return [
        (violation["id"], node["html"][:300])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
