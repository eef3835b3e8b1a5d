"""`fer-helpers tiny FOLDER CODE`: one notebook of one cell, executed as a run's are; to be run as a script."""

import signal
from pathlib import Path

import click
import nbformat
from nbformat import v4

from fer_helpers import cli
from fer_helpers.pipeline import steps
from fer_helpers.runs import hold


@cli.main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("code")
def tiny(folder, code):
    """Execute `code` in a kernel, in a run's folder that this process holds."""
    first = v4.new_code_cell('out: str = "x"  # folder', metadata={"tags": ["parameters"]})
    book = v4.new_notebook(cells=[first, v4.new_code_cell(code)])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (folder / "notebooks").mkdir(parents=True)
    nbformat.write(book, folder / "tiny.ipynb")
    steps.source = lambda _: folder / "tiny.ipynb"
    with hold(folder):
        steps.run_notebook("tiny", {"out": str(folder)}, folder)
    click.echo("done")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    cli.main()
