"""Serves a run's explorer with Voila, on this machine only: cells as a page, without code."""

from __future__ import annotations

import json
import secrets
import socket
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from fer_helpers.errors import RunError
from fer_helpers.runs import NOTEBOOKS, open_run, source, surroundings

TAG = "explore"  # of the cells of notebook 05 that are served
# Voila's page asks a CDN for icons; nobody but this machine needs to know that somebody looks at faces here.
_POLICY = (
    "default-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'none'"
)
# Voila's theme is light or dark for everybody; here it follows the reader's own setting.
_STYLE = """<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  body {
    --jp-layout-color0: #111; --jp-layout-color1: #111; --jp-layout-color2: #333; --jp-border-color1: #616161;
    --jp-ui-font-color0: #fff; --jp-ui-font-color1: #c3cad1;
    --jp-content-font-color0: #fff; --jp-content-font-color1: #e6e9ec; --jp-content-link-color: #8ab4f8;
  }
}
</style>"""
_SETUP = """\
from pathlib import Path
from IPython.display import HTML, display
from fer_helpers.explorer import ConfusionExplorer
from fer_helpers.runs import open_run
run = open_run(Path({folder!r}))
strategy_shown = run.params.strategy_shown
display(HTML({style!r}))"""


def explore(folder: Path, port: int, say: Callable[[str], None]) -> None:
    """Serve the explorer of the run in `folder` on 127.0.0.1 until interrupted; `say` is told the address.

    Raises:
        RunError: there is no run, or it has no predictions yet; or the port cannot be used.
    """
    open_run(folder).read("predictions")  # an error here is a line, in the served page it would be nothing at all
    cells = json.loads(source(NOTEBOOKS[-1]).read_text(encoding="utf-8"))["cells"]
    tagged = [(cell["cell_type"], "".join(cell["source"])) for cell in cells if TAG in cell["metadata"].get("tags", [])]
    _serve("explorer", folder, tagged, port, say)


def _serve(title: str, folder: Path, cells: Sequence[tuple[str, str]], port: int, say: Callable[[str], None]) -> None:
    """Serve `cells`, type and text of each, as a page, after one that opens the run and writes nothing into it."""
    import nbformat  # takes 1.5 s, which every kernel would wait for
    from nbformat import v4
    from voila.app import Voila  # type: ignore[import-untyped]

    new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    setup = ("code", _SETUP.format(folder=str(folder), style=_STYLE))
    page = [new[kind](text) for kind, text in (setup, *cells)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    token = secrets.token_urlsafe(24)
    with surroundings() as config, tempfile.TemporaryDirectory() as place:
        notebook = Path(place, f"{title}.ipynb")
        nbformat.write(v4.new_notebook(cells=page, metadata=kernel), notebook)
        app = Voila.instance(
            ip="127.0.0.1",
            port=port,
            port_retries=0,
            token=token,
            open_browser=False,
            log_level="ERROR",
            config=config,
            tornado_settings={"headers": {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}},
        )
        app.initialize([str(notebook)])
        _see_that_it_is_free(port)
        say(f"http://127.0.0.1:{port}/?token={token}")
        app.start()


def _see_that_it_is_free(port: int) -> None:
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does, after one that has ended
        try:
            found.bind(("127.0.0.1", port))
        except OSError as error:
            raise RunError(f"port {port} cannot be used ({error.strerror}): give another --port") from error
