"""The numbered notebooks: where they lie, and the parameters that each declares."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_helpers.paths import ROOT

NOTEBOOKS = (
    "01_data_exploration",
    "02_frame_extraction",
    "03_zero_shot_annotation",
    "04_strategy_comparison",
    "05_error_analysis",
)  # that every run executes
AUDIT = "06_label_audit"  # once people have labelled clips
SWEEP_COMPARISON = "07_sweep_comparison"  # of several runs; no run executes it
EVERY = (*NOTEBOOKS, AUDIT, SWEEP_COMPARISON)


def source(notebook: str) -> Path:
    """The notebook's own file; a run never starts from an executed copy."""
    return ROOT / "notebooks" / f"{notebook}.ipynb"


def declared(notebook: str) -> dict[str, Any]:
    """Names and defaults of the notebook's parameters cell."""
    # Read as JSON: nbformat takes 1.5 s to import, in each kernel.
    cells = json.loads(source(notebook).read_text(encoding="utf-8"))["cells"]
    code = "".join(next(cell["source"] for cell in cells if "parameters" in cell["metadata"].get("tags", [])))
    return {
        item.target.id: ast.literal_eval(item.value)
        for item in ast.parse(code).body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.value
    }


def set_by_papermill(cells: Sequence[str]) -> set[str]:
    """The names that papermill's cell sets among the `cells` a kernel executed, declared or not."""
    given = [ast.parse(cell).body for cell in cells if cell.startswith("# Parameters\n")]
    return {target.id for body in given for item in body if isinstance(item, ast.Assign)
            for target in item.targets if isinstance(target, ast.Name)}  # fmt: skip
