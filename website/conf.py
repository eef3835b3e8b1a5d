"""Sphinx's settings for the site, and what it does not do by itself."""

import hashlib
import json
import re
from binascii import a2b_base64
from pathlib import Path

import yaml
from docutils import nodes

citation = yaml.safe_load((Path(__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8"))
project = html_title = "fer-helpers"
author = citation["authors"][0]["name"]
release = version = citation["version"]
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"
smartquotes = False  # as on GitHub
default_role = "code"  # a docstring's `name`

myst_heading_anchors = 6  # as GitHub names them
nb_execution_mode = "off"
nb_render_markdown_format = "myst"  # outputs may have tables
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # a page has no kernel; the widgets' alternatives stand there instead
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]

autodoc_member_order = "bysource"
napoleon_custom_sections = [("Traits to observe or set", "params_style")]

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
templates_path = ["templates"]
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = False  # search finds names too
html_domain_indices = False
html_sourcelink_suffix = ""  # a notebook's copy, which its page offers, keeps its name


def launch(repository: str, page: str) -> dict[str, str]:
    """Where a notebook's page can be run, by service; nowhere while the repository's address is not known.

    The address is CITATION.cff's `repository-code`; Binder and Colab take it from GitHub.
    """
    if not repository.startswith("https://github.com/"):
        return {}
    place = repository.removeprefix("https://github.com/").removesuffix("/")
    return {
        "Binder": f"https://mybinder.org/v2/gh/{place}/HEAD?urlpath=lab/tree/{page}.ipynb",
        "Colab": f"https://colab.research.google.com/github/{place}/blob/main/{page}.ipynb",
    }


def plain(app, what, name, obj, options, lines):
    """Docstrings are plain text with `code`: a name that ends with _ is no link, a star no emphasis."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = re.split(r"(`[^`]*`)", line)
            parts[::2] = [re.sub(r"(?<=\w)_(?!\w)|[*|](?=\w)", r"\\\g<0>", part) for part in parts[::2]]
            lines[number] = "".join(parts)


alternatives: dict[str, str] = {}


def note_alternatives(app, docname, source):
    """Figures' text alternatives, which myst-nb leaves out, by the name that it gives a figure's file."""
    if docname.startswith("notebooks/"):
        for cell in json.loads(source[0])["cells"]:
            for output in cell.get("outputs", []):
                alternative = output.get("metadata", {}).get("image/png", {}).get("alt")
                if alternative:
                    png = a2b_base64("".join(output["data"]["image/png"]))
                    alternatives[hashlib.sha256(png).hexdigest()] = alternative


def mend_outputs(app, doctree):
    """Figures get their alternatives; links from an output into its run's folder, which no site has, are their text."""
    for image in doctree.findall(nodes.image):
        image.setdefault("alt", alternatives.get(Path(image["uri"]).stem, ""))
    for raw in doctree.findall(nodes.raw):
        unlinked = re.sub(r'<a href="\.\./[^"]*">(.*?)</a>', r"\1", raw.astext())
        raw.replace_self(nodes.raw("", unlinked, format=raw["format"], classes=raw["classes"]))


def offer(app, pagename, templatename, context, doctree):
    context["launch"] = launch(citation.get("repository-code", ""), pagename)
    tree = context["furo_navigation_tree"]
    context["furo_navigation_tree"] = tree.replace('role="heading"', 'role="heading" aria-level="2"')


def setup(app):
    app.connect("autodoc-process-docstring", plain, priority=400)  # before napoleon
    app.connect("source-read", note_alternatives)
    app.connect("doctree-read", mend_outputs)
    app.connect("html-page-context", offer, priority=900)  # after the theme
