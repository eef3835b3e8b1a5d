"""The site: built without a warning, whole, and all its own in a browser."""

import importlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from fer_helpers import params
from fer_helpers.paths import ROOT
from tests.support.browser import barriers
from tests.support.checkout import committed
from website import api, conf
from website.build import NAVIGATION

LISTED = [page for pages in NAVIGATION.values() for page in pages]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The site's folder, by the command that `make site` is; Sphinx counts every warning as an error."""
    out = tmp_path_factory.mktemp("site") / "html"
    command = [sys.executable, "-m", "website.build", str(out)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    return out


@pytest.fixture(scope="session")
def pages(site):
    """The HTML of every page by its path."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html"))}


def test_every_page_stands_in_the_navigation_once():
    paths = [path.relative_to(ROOT) for path in committed()]
    written = {
        path.with_suffix("").as_posix()
        for path in paths
        if path.parts[0] in ("docs", "notebooks") and path.suffix in (".md", ".ipynb")
    }
    assert written == {page for page in LISTED if page.startswith(("docs/", "notebooks/"))}
    assert max(Counter(LISTED).values()) == 1


def test_every_link_leads_to_a_page_or_file_and_its_anchor(site, pages):
    anchors = {path: set(re.findall(r'\bid="([^"]+)"', text)) | {""} for path, text in pages.items()}
    broken = []
    for path, text in pages.items():
        for link in re.findall(r"""\b(?:href|src)=["']([^"']*)["']""", text):
            parts = urlsplit(link)
            if not parts.scheme:
                target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
                if not target.is_file() or unquote(parts.fragment) not in anchors.get(target, {parts.fragment}):
                    broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_every_table_is_one(pages):
    """Those that a notebook prints as Markdown too."""
    assert not [path.name for path, text in pages.items() if "|---|" in text]


def test_what_a_room_offers_is_documented(site, pages):
    rooms = [name.removesuffix(".rst") for name in api.pages() if name != "index.rst"]
    assert {"evaluation", "params", "tables"} < set(rooms)
    for room in rooms:
        text = pages[site / "api" / f"{room}.html"]
        for name in importlib.import_module(f"fer_helpers.{room}").__all__:
            documented = {f'id="fer_helpers.{room}.{name}"', f'id="module-fer_helpers.{room}.{name}"'}
            assert any(anchor in text for anchor in documented), f"{room}.{name}"
    # Names that end with _, which reStructuredText would take for links:
    assert "both value_, ci_low_, ci_high_, n_people_;" in " ".join(pages[site / "api" / "evaluation.html"].split())
    for name in params.Params.model_fields:
        assert f">{name}</span>" in pages[site / "api" / "params.html"]


def test_a_notebook_is_offered_and_launched_where_it_can_be(site, pages):
    notebook = "notebooks/04_strategy_comparison"
    offered = re.search(r'<a href="([^"]+)" download>', pages[site / f"{notebook}.html"])[1]
    assert (site / "notebooks" / offered).resolve().read_bytes() == (ROOT / f"{notebook}.ipynb").read_bytes()
    assert conf.launch("", notebook) == {}
    assert conf.launch("https://example.org/a/b", notebook) == {}
    assert conf.launch("https://github.com/a/b/", notebook) == {
        "Binder": "https://mybinder.org/v2/gh/a/b/HEAD?urlpath=lab/tree/notebooks/04_strategy_comparison.ipynb",
        "Colab": "https://colab.research.google.com/github/a/b/blob/main/notebooks/04_strategy_comparison.ipynb",
    }


def figures_in(notebook):
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.get("outputs", []))


def test_in_a_browser_every_page_is_whole_and_asks_nobody(site, pages, browser):
    """On a phone's width: every picture is there and has an alternative, nothing fails, nothing sticks out."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    problems, asked = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    for path in pages:
        name = path.relative_to(site).with_suffix("")
        page.goto(path.as_uri())
        pictures = page.locator("img").evaluate_all("all => all.map(one => [one.alt, one.naturalWidth])")
        problems += [f"{name}: {alt!r}" for alt, width in pictures if not (alt.strip() and width) or ".png" in alt]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append(f"{name} is wider than the window")
        if (ROOT / f"{name}.ipynb").is_file():
            assert page.locator(".cell_output img").count() == figures_in(ROOT / f"{name}.ipynb")
    page.close()
    assert not problems
    assert len(asked) > len(pages)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_search_finds_a_word_without_a_server(site, browser):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.get_by_role("textbox", name="Search").fill("Krippendorff")
    page.keyboard.press("Enter")
    page.locator("#search-results a[href*='docs/statistics.html']").wait_for()
    page.close()


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("index", "light"),
        ("docs/published", "dark"),
        ("api/explorer", "light"),
        ("notebooks/07_sweep_comparison", "dark"),
        ("search", "dark"),
    ],
)
def test_axe_finds_no_barrier(site, browser, name, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto((site / f"{name}.html").as_uri())
    assert barriers(page) == []
    page.close()


def test_printed_it_is_the_article_alone(site, browser):
    page = browser.new_page()
    page.emulate_media(media="print")
    page.goto((site / "notebooks" / "03_zero_shot_annotation.html").as_uri())
    assert page.locator("article h1").is_visible()
    for furniture in (".sidebar-drawer", ".toc-drawer", ".mobile-header", ".related-pages", ".launch"):
        assert not page.locator(furniture).is_visible()
    page.close()
