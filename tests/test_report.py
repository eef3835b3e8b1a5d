"""The report: self-contained, escaped, and the same numbers as the tables."""

import re
from types import SimpleNamespace

import pytest

from fer_helpers import report, tables
from fer_helpers.run import open_run, read_manifest, write_manifest


@pytest.fixture
def run(small_run):
    return open_run(small_run[1])


def test_it_needs_nothing_but_itself(run):
    page = (run.folder / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:|notebooks/|explorer\.html)""", page)
    assert (run.folder / "explorer.html").is_file()
    assert page.count("<figure>") == len(list((run.folder / "figures").glob("*.svg"))) >= 9


def test_it_says_what_the_annotator_and_the_corpus_are(run):
    page = (run.folder / "report.html").read_text()
    assert "supervised cross-corpus baseline" in page
    assert "not a vision-language model" in page
    assert "no person&#39;s picture" in page


def test_its_numbers_are_the_tables(run):
    scores = tables.read("scores", run.folder).set_index(["strategy", "taxonomy", "asked", "metric"])
    row = scores.loc[("soft_vote", "ternary", "seven", "UAR")]
    shown = report.summary(run).set_index(["question", "strategy"])
    expected = f"{row['value']:.2f} [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    assert shown.loc[("three, collapsed from seven", "soft_vote"), "UAR"].replace("\xa0", " ") == expected
    assert expected in (run.folder / "report.html").read_text().replace("\xa0", " ")


def test_untrusted_text_is_text(run):
    """A caption or parameter with markup in it is shown, not run."""
    manifest = read_manifest(run.folder)
    evil = "<script>alert(1)</script>\"'"
    try:
        figures = {**manifest["figures"], "01_lengths": evil}
        write_manifest(run.folder, {**manifest, "figures": figures, "params": {**manifest["params"], "prompt": evil}})
        run.params = run.params.model_copy(update={"model": evil})
        page = report.write(run).read_text()
    finally:
        write_manifest(run.folder, manifest)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_hosted_annotator_is_called_zero_shot():
    run = SimpleNamespace(params=SimpleNamespace(model="gpt-4o-mini", base_url="https://x/v1"))
    assert report.annotator(run) == "gpt-4o-mini at https://x/v1, asked zero-shot"


def test_in_a_browser_it_is_whole_and_silent(run, browser):
    """Every figure loads, nothing is fetched, nothing fails, and no table is cut off at a narrow width."""
    report.write(run)
    page = browser.new_page(viewport={"width": 700, "height": 900})
    problems, asked = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((run.folder / "report.html").as_uri())
    images = page.locator("figure img")
    assert images.evaluate_all("all => all.every(image => image.complete && image.naturalWidth > 100)")
    assert images.count() >= 9
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert problems == []
    page.close()
