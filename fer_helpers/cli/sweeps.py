"""The command of many runs: sweep."""

from __future__ import annotations

import click

from fer_helpers.cli._base import main, typed_values
from fer_helpers.paths import resolve, shown


@main.command()
@click.argument("params_file", default="params/sweep.yaml")
@click.option("-p", "overrides", nargs=2, multiple=True, metavar="NAME VALUE", help="override a parameter of all cells")
@click.option("--out", help="folder of the sweep")
@click.option("--plan", "only_plan", is_flag=True, help="say what would be asked, and stop")
@click.option("--print", "printed", type=click.Choice(["papermill"]), help="print each cell's commands, and stop")
@click.option("--at-once", type=click.IntRange(1), default=None, help="cells at once on this machine; default: cores")
def sweep(
    params_file: str,
    overrides: tuple[tuple[str, str], ...],
    out: str | None,
    only_plan: bool,
    printed: str | None,
    at_once: int | None,
) -> None:
    """Run the notebooks with every combination of the values that a YAML file lists, under one plan and one cap."""
    from fer_helpers import pipeline
    from fer_helpers.runs import sweeps

    found = sweeps.load(params_file, typed_values(overrides) | ({"out": out} if out else {}))
    if printed:
        for cell in found.cells:
            click.echo(f"# {cell.name}")
            click.echo("\n".join(pipeline.papermill_commands(cell.params, found.notebooks)))
        return
    table = pipeline.execute_sweep(found, click.echo, only_plan, at_once or 0)
    if not only_plan:
        click.echo(f"{len(table)} cells are done: {shown(resolve(found.out) / sweeps.TABLE)}")
