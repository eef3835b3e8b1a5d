"""Chapters as nbconvert's pages and slides, by the settings of website/nbconvert."""

import re

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter, SlidesExporter
from traitlets.config.loader import PyFileConfigLoader

from fer_helpers import runs
from fer_helpers.paths import ROOT


def exported(exporter):
    settings = PyFileConfigLoader("config.py", path=str(ROOT / "website" / "nbconvert")).load_config()
    return exporter(config=settings).from_filename(str(runs.source("04_strategy_comparison")))[0]


@pytest.mark.parametrize("exporter", [HTMLExporter, SlidesExporter])
def test_figures_keep_their_alternatives(exporter):
    """nbconvert's own templates leave them out, warn, and say that there is no description."""
    alternatives = re.findall(r'<img[^>]* alt="([^"]*)', exported(exporter))
    assert len(alternatives) == 10
    assert all(len(text) > 20 and "No description" not in text for text in alternatives)


def test_each_heading_begins_a_slide_and_a_long_one_goes_on_below():
    """The chapter was one endless slide."""
    page = exported(SlidesExporter)
    slides = re.split(r"<section[^>]*>\s*<section[^>]*>", page)[1:]
    headings = [len(re.findall(r"<h[12][ >]", slide)) for slide in slides]
    assert len(slides) > 12
    assert headings == [1] * len(slides)
    parts = re.split(r"<section[^>]*>", page)
    cells = nbformat.read(runs.source("04_strategy_comparison"), as_version=4).cells
    most = max(sum("image/png" in output.get("data", {}) for output in cell.get("outputs", [])) for cell in cells)
    assert max(part.count("data:image/png") for part in parts) == most  # one cell's, through which one scrolls
