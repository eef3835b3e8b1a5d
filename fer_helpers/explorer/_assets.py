"""What is sent to the browser: files of browser/ as one text, so that nothing has to be built or fetched."""

from __future__ import annotations

from pathlib import Path

EXPLORER = (
    *("counting.js", "marks.js", "elements.js", "accuracies.js", "bar.js", "matrices.js", "card.js", "cards.js"),
    *("player.js", "large.js", "explorer.js"),
)
LABELLING = ("elements.js", "player.js", "labelling.js")


def joined(*names: str) -> str:
    """The files of these names, one after the other; of scripts: one ES module."""
    folder = Path(__file__).parent / "browser"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)
