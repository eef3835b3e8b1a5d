"""Notebooks executed in this process: no kernel to start and nothing to import again, so that many runs are cheap."""

import ast
import asyncio
import contextlib
import inspect
import io
import warnings
from pathlib import Path
from unittest import mock

import matplotlib.pyplot as plt
import nbformat
from matplotlib.figure import Figure

from fer_helpers import runs


def run_here(notebook, values, out):
    """In the place of `steps.run_notebook`: its cells with `values`, and a copy with what they showed, as text."""
    book = nbformat.read(runs.source(notebook), as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code" and cell.source.strip()]
    namespace = {"__name__": "__main__"}
    with plt.rc_context(), warnings.catch_warnings(), mock.patch.object(Figure, "savefig", _drawn):
        plt.switch_backend("agg")
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
        for count, cell in enumerate(code, 1):
            text = _execute(cell.source, f"{notebook}, cell {count}", namespace)
            if "parameters" in cell.metadata.get("tags", []):
                namespace.update(values)
            cell.execution_count, cell.outputs = count, [nbformat.v4.new_output("stream", text=text)]
        plt.close("all")
    nbformat.write(book, out / "notebooks" / f"{notebook}.ipynb")


def _drawn(figure, path, **_):
    """In the place of `savefig`, which would spend most of the time: `save_figure` has laid it out and drawn it."""
    Path(path).touch()


def _execute(source, name, namespace):
    """What a cell shows, executed as a kernel would: `await` may stand at its top, and its end is displayed."""
    body = ast.parse(source).body
    last = ast.Expression(body.pop().value) if isinstance(body[-1], ast.Expr) and source[-1] != ";" else None
    with contextlib.redirect_stdout(io.StringIO()) as said, _displayed():
        _run(ast.Module(body, []), name, "exec", namespace)
        if last and (shown := _run(last, name, "eval", namespace)) is not None:
            _display(shown)
    return said.getvalue()


@contextlib.contextmanager
def _displayed():
    """`display` in the notebooks and in `figures.show`, which has a name of its own for it."""
    with mock.patch("IPython.display.display", _display), mock.patch("fer_helpers.figures.style.display", _display):
        yield


def _run(tree, name, mode, namespace):
    value = eval(compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), namespace)
    return asyncio.run(value) if inspect.iscoroutine(value) else value


def _display(*shown, **_):
    """As Markdown and tables come out of a kernel: their text, and HTML."""
    for one in shown:
        as_html = getattr(one, "_repr_html_", lambda: None)()
        print(getattr(one, "data", None) if hasattr(one, "_repr_markdown_") else as_html or repr(one))
