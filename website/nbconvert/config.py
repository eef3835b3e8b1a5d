"""nbconvert's settings: figures keep their text alternatives, and slides follow the headings.

`jupyter nbconvert --config website/nbconvert/config.py --to html notebooks/*.ipynb`; `make slides` for slides. A
browser fetches reveal.js from the network when they are shown.
"""

from pathlib import Path

LONG = 12  # lines of code that a slide has beside its text


def by_heading(notebook, resources):
    """Each heading begins a slide; a figure, a table or long code goes on below it, on a slide of its own."""
    for cell in notebook.cells:
        heading = cell.cell_type == "markdown" and cell.source.startswith("#")
        shown = cell.cell_type == "code" and any(output.output_type != "stream" for output in cell.outputs)
        kind = "slide" if heading else "subslide" if shown or cell.source.count("\n") >= LONG else "-"
        cell.metadata["slideshow"] = {"slide_type": kind}
    return notebook, resources


c = get_config()  # noqa: F821 - traitlets gives it to this file
c.TemplateExporter.extra_template_basedirs = [str(Path(__file__).parent)]
c.HTMLExporter.template_name = "chapters"
c.SlidesExporter.template_name = "chapter-slides"
c.SlidesExporter.preprocessors = [by_heading]
c.SlidesExporter.reveal_scroll = True
