"""How long the explorer lets somebody wait in JupyterLab and as a file, and how large it makes a notebook.

    make bench

The runs are noise with as many clips, key frames and strategies as the paper's corpus has, and one of 100,000 clips.
Times in the browser are taken in the page: from the click to the moment when every frame of the page of clips is
decoded.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Page, sync_playwright

from fer_helpers.explorer import ConfusionExplorer
from fer_helpers.runs import open_run
from tests.support import jupyter as servers
from tests.support.browser import CHROMIUM
from tests.support.explorer_runs import make_run

SETTINGS = [(2_339, 5), (100_000, 1)]  # clips, key frames a clip; four strategies
CLICK = """async ([name, wait]) => {
  const began = performance.now();
  document.querySelector(`[data-testid="${name}"]`).click();
  const done = () => {
    const cards = [...document.querySelectorAll("[data-testid=fer-card]")];
    const images = [...document.querySelectorAll("[data-testid=fer-frames]")];
    return (!wait || cards.every((card) => card.dataset.loaded)) && images.every((image) => image.complete);
  };
  do await new Promise(requestAnimationFrame); while (!done());
  return performance.now() - began;
}"""
WATCH = """() => {
  const look = () => {
    if (document.querySelector("[data-testid=fer-matrix-a]")) window.shownAt = Date.now() / 1000;
    else requestAnimationFrame(look);
  };
  look();
}"""


def saved(folder: Path, cells: list[str]) -> int:
    """Bytes of a notebook of `cells` executed with its widgets' state, as JupyterLab and nbconvert can keep it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=600, kernel_name="python3", store_widget_state=True).execute()
    path = folder / "saved.ipynb"
    nbformat.write(notebook, path)
    return path.stat().st_size


def clicks(page: Page) -> dict[str, float]:
    """Milliseconds of a click on a cell nobody looked at yet, the same again, and a change of filter."""
    cells = page.locator("[data-testid=fer-matrix-a] [role=gridcell]")
    names = cells.evaluate_all("all => all.filter(one => one.dataset.count >= 12).map(one => one.dataset.testid)")
    first = [page.evaluate(CLICK, [name, True]) for name in names[:8]]
    again = [page.evaluate(CLICK, [name, True]) for name in names[:8]]
    redraw = [page.evaluate(CLICK, ["fer-diagonal", False]) for _ in range(5)]
    return {"click": max(first), "again": max(again), "redraw": max(redraw)}


OPENING = """from pathlib import Path
from fer_helpers.explorer import ConfusionExplorer
from fer_helpers.runs import open_run
run = open_run(Path({folder!r}))"""


def in_lab(page: Page, lab: servers.Lab, folder: Path) -> dict[str, float]:
    """Seconds from the end of the cell to the matrix, and milliseconds of clicks."""
    cells = [f"{OPENING.format(folder=str(folder))}\nexplorer = ConfusionExplorer(run)"]
    cells.append("import time\ndisplay(explorer)\nended = time.time()")
    page.add_init_script(f"({WATCH})()")
    servers.open_notebook(page, lab, f"{folder.name}.ipynb", cells)
    page.wait_for_function("window.shownAt", timeout=servers.WAIT)
    ended = float(page.evaluate(servers.IN_KERNEL, "print(ended)"))
    return {"shown": page.evaluate("window.shownAt") - ended, **clicks(page)}


def as_file(page: Page, explorer: ConfusionExplorer, path: Path, frames: str) -> dict[str, float]:
    """Seconds to write the file and to show its matrix, and its megabytes."""
    began = time.perf_counter()
    explorer.to_html(path, frames)
    written = time.perf_counter() - began
    began = time.perf_counter()
    page.goto(path.as_uri())
    page.get_by_test_id("fer-matrix-a").wait_for(timeout=servers.WAIT)
    return {"written": written, "opened": time.perf_counter() - began, "mb": path.stat().st_size / 1e6}


def measure(browser: Any, lab: servers.Lab, place: Path, clips: int, frames: int) -> str:
    """A row of the table."""
    folder = place / f"run{clips}"
    make_run(folder, clips, n_frames=frames)
    began = time.perf_counter()
    explorer = ConfusionExplorer(open_run(folder))
    made = time.perf_counter() - began
    opening = OPENING.format(folder=str(folder))
    more = saved(place, [opening, "ConfusionExplorer(run)"]) - saved(place, [opening, "None"])
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    there = in_lab(page, lab, folder)
    page.close()
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    none = as_file(page, explorer, place / "none.html", "none")
    page.close()
    cells = [f"{clips:,} × {frames} × 4", f"{made:.1f} s", f"{there['shown']:.1f} s"]
    cells += [f"{there[name]:.0f} ms" for name in ("click", "again", "redraw")]
    cells += [f"{more / 1e6:.2f} MB", f"{none['mb']:.1f} MB", f"{none['written']:.0f} s", f"{none['opened']:.1f} s"]
    if clips < 10_000:
        page = browser.new_page()
        full = as_file(page, explorer, place / "full.html", "full")
        page.close()
        cells.append(f"{full['mb']:.1f} MB, {full['written']:.0f} s, {full['opened']:.1f} s")
    else:
        cells.append("")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table, row by row."""
    names = ["clips × frames × strategies", "made", "shown", "new click", "click again", "redraw", "notebook", "file"]
    names += ["written", "opened", "with frames"]
    print("| " + " | ".join(names) + " |")
    print("|" + "---|" * len(names))
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        place = Path(name)
        (place / "lab").mkdir()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        with servers.lab(place / "lab") as lab:
            for clips, frames in SETTINGS:
                print(measure(browser, lab, place, clips, frames), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
