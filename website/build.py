"""Lays out the site's pages and has Sphinx build them: `python -m website.build [FOLDER]`."""

import gc
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from website import api

ROOT = Path(__file__).parents[1]
OUT = ROOT / "website" / "_build"

PAGES = {".md", ".ipynb"}
LINK = r"\]\(([^)#:\s]+)"

# Every page in the order of the sidebar, by caption; one that is not here, or not there, fails the build.
NAVIGATION = {
    "Course": [
        "notebooks/00_start_here",
        "notebooks/01_data_exploration",
        "notebooks/02_frame_extraction",
        "notebooks/03_zero_shot_annotation",
        "notebooks/04_strategy_comparison",
        "notebooks/05_error_analysis",
        "notebooks/06_label_audit",
        "notebooks/07_sweep_comparison",
        "docs/teaching",
        "docs/glossary",
    ],
    "Solutions": [
        "notebooks/solutions/01_data_exploration",
        "notebooks/solutions/02_frame_extraction",
        "notebooks/solutions/03_zero_shot_annotation",
        "notebooks/solutions/04_strategy_comparison",
        "notebooks/solutions/05_error_analysis",
        "notebooks/solutions/06_label_audit",
        "notebooks/solutions/07_sweep_comparison",
    ],
    "Guide": [
        "docs/guide",
        "docs/install",
        "docs/corpora",
        "docs/servers",
        "docs/sweeps",
        "docs/audit",
        "docs/large-corpora",
        "docs/supplement",
    ],
    "Reference": [
        "docs/statistics",
        "docs/tables",
        "docs/demo",
        "docs/cards",
        "docs/published",
        "api/index",
    ],
    "Project": [
        "docs/architecture",
        "docs/recipes",
        "CONTRIBUTING",
        "benchmarks/README",
        "outputs/README",
        "CHANGELOG",
        "SECURITY",
    ],
}


def lay_out(folder: Path) -> None:
    """Copies of the pages into `folder`, as they lie in the checkout, and of files that they link to.

    README.md becomes index.md, with the navigation, because a folder's front page is called index.
    """
    waiting = {Path("README.md"), *written()}
    done: set[Path] = set()
    while waiting - done:
        done.add(name := (waiting - done).pop())
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
        if name.suffix in PAGES:
            text = (ROOT / name).read_text(encoding="utf-8")
            waiting |= linked(name, text)
            (folder / name).write_text(redirected(name, text), encoding="utf-8")
    (folder / "README.md").rename(folder / "index.md")
    with (folder / "index.md").open("a", encoding="utf-8") as front:
        for caption, pages in NAVIGATION.items():
            front.write("\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""]))
    (folder / "api").mkdir()
    for name, text in api.pages().items():
        (folder / "api" / name).write_text(text, encoding="utf-8")


def written() -> set[Path]:
    """The pages of docs/ and notebooks/, listed or not, so that none is forgotten, and those listed from elsewhere."""
    found = {path for room in ("docs", "notebooks") for path in (ROOT / room).rglob("*") if path.suffix in PAGES}
    found |= {ROOT / f"{page}.md" for pages in NAVIGATION.values() for page in pages}
    return {path.relative_to(ROOT) for path in found if path.is_file() and ".ipynb_checkpoints" not in path.parts}


def linked(page: Path, text: str) -> set[Path]:
    """The files of the checkout that `page` links to: pages, pictures, and what a reader can download."""
    paths = [Path(os.path.normpath(ROOT / page.parent / target)) for target in re.findall(LINK, text)]
    return {path.relative_to(ROOT) for path in paths if path.is_relative_to(ROOT) and path.is_file()}


def redirected(page: Path, text: str) -> str:
    """`text` with links to README.md leading to the front page, and links to a folder to the first page in it."""

    def instead(link: re.Match[str]) -> str:
        place = Path(os.path.normpath(page.parent / link[1]))
        inside = sorted(path for path in (ROOT / place).glob("*") if path.suffix in PAGES)
        other = "index.md" if place == Path("README.md") else place / inside[0].name if inside else None
        return f"]({os.path.relpath(other, page.parent)}" if other else link[0]

    return re.sub(LINK, instead, text)


def build(out: Path) -> int:
    """The site in `out`; Sphinx's exit status, 1 after any warning."""
    from sphinx.cmd.build import main

    with tempfile.TemporaryDirectory(prefix="fer-site-") as folder:
        source, doctrees = Path(folder, "source"), Path(folder, "doctrees")
        source.mkdir()
        lay_out(source)
        settings = ["-c", str(ROOT / "website"), "-d", str(doctrees), "-q", "-W", "--keep-going"]
        return main([*settings, str(source), str(out)])


if __name__ == "__main__":
    gc.disable()  # a quarter of the time: a short process whose trees stay until its end
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT))
