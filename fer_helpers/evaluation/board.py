"""Published figures on the task, and in what their protocols differ from a run's."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

_FILE = Path(__file__).with_name("board.csv")
_OF_ONE_RESULT = ["model", "kind", "corpus", "part", "labels", "frames", "prompt", "basis", "source"]
_NOT_FOUND = "not found"  # somebody looked for it: neither paper nor code says it


def published() -> pd.DataFrame:
    """board.csv, a row a figure: model, kind, corpus, part, labels, frames, prompt, metric, value, basis, source.

    Text that is empty was not looked up; "not found" was, in vain. `basis` is "claimed" by who measured it, or
    "rerun by others" who tried to reach a claimed figure.
    """
    return pd.read_csv(_FILE, dtype={"value": float}, keep_default_na=False)


def results(rows: pd.DataFrame) -> pd.DataFrame:
    """`rows` of `published` with one row a result and a column a metric, as text; in the order of the file."""
    words = rows.assign(value=rows["value"].map("{:.3f}".format))
    wide = words.pivot_table(index=_OF_ONE_RESULT, columns="metric", values="value", aggfunc="first", sort=False)
    wide = wide.sort_values("corpus", key=lambda names: names.map(list(rows["corpus"].unique()).index), kind="stable")
    return wide.fillna("").reset_index().rename_axis(columns=None)


def beside(
    corpus: str, part: str, models: Collection[str], labels: Collection[str], frames: str, drawn: int = 0
) -> pd.DataFrame:
    """The published results on `corpus`, with in what each differs from a run of these facts.

    Args:
        corpus: name of the corpus, as a parameter.
        part: its scene, or empty.
        models: names of the models that were asked.
        labels: label sets that were asked for.
        frames: key frames a clip, as a number; else empty.
        drawn: clips drawn at random; 0: all.

    Returns:
        a row a result: model, kind, a column a metric, basis, "protocol there", "differs here", source.
    """
    every = published()
    rows = results(every[every["corpus"] == corpus])
    if rows.empty:
        return rows
    metrics = [column for column in rows if column not in _OF_ONE_RESULT]
    there, here = [], []
    for row in rows.to_dict("records"):
        known = {"labels": row["labels"], "part": row["part"], "frames": row["frames"], "prompt": row["prompt"]}
        there.append("; ".join(f"{name} {value}" for name, value in known.items() if value) or "not looked up")
        here.append("; ".join(_differences(row, part, models, labels, frames, drawn)))
    rows = rows.assign(**{"protocol there": there, "differs here": here})
    return rows[["model", "kind", *metrics, "basis", "protocol there", "differs here", "source"]]


def _differences(
    row: dict[str, str], part: str, models: Collection[str], labels: Collection[str], frames: str, drawn: int
) -> list[str]:
    """In what one published result differs from a run, or may differ, in few words each."""
    same = any(name.lower().startswith(row["model"].lower()) for name in models)
    found = [] if same else ["another model"]
    if row["kind"] == "supervised":
        found.append("trained on this corpus")
    if row["labels"] not in labels:
        found.append(f"labels {row['labels']}" if row["labels"] else "labels not looked up")
    if row["part"].lower() != part.lower():
        found.append(f"here {part or 'all parts'}" if row["part"] else "part not looked up")
    if row["kind"] == "zero-shot":
        if row["frames"] in ("", _NOT_FOUND):
            found.append("frames not known")
        elif row["frames"] != frames:
            found.append(f"here {frames or 'another number of'} frames")
        found.append("prompt not known" if row["prompt"] != "published" else "another prompt")
    return [*found, f"here {drawn} clips drawn at random"] if drawn else found


def average_precision() -> dict[str, float]:
    """The paper's average precision (arXiv 2502.12454) by label set: GPT-4o-mini on FERV39k's DailyLife scene."""
    rows = published()
    return rows[rows["metric"] == "average precision"].set_index("labels")["value"].to_dict()


def page() -> str:
    """docs/published.md: every result, in Markdown."""
    table = results(published())
    head = ["| " + " | ".join(table.columns) + " |", "|" + "---|" * table.shape[1]]
    lines = ["| " + " | ".join(row) + " |" for row in table.to_numpy()]
    return _INTRODUCTION + "\n".join([*head, *lines]) + "\n\n" + _FOUND_BY_OTHERS


_INTRODUCTION = """# Published figures

What others report on the corpora that this project reads, and on a few more. `evaluation.board.page()` writes this
page from `fer_helpers/evaluation/board.csv`, and a test holds it; add a row there. Notebook 04 and the report set the
rows of a run's corpus beside its own scores and say in what the protocol differs. **None was measured here.** A figure
is not a comparison unless clips, labels, frames and prompt are the same; the field's loudest complaint is that
published scores cannot be reached again.

An empty cell was not looked up; "not found" was, in vain. *basis*: claimed by who measured it, or rerun by others who
tried to reach it. *average precision* is the paper's word, most likely the weighted precision of a classification
report.

"""

_FOUND_BY_OTHERS = """## Found by others, worth a sweep

- From two to three frames: +12 points (RAVDESS .223 to .343, eNTERFACE .197 to .324). Colour over grey: +1.5 on RAF-DB.
- Reasoning models: +7 to 8 points, most of it on sad. Stated confidence is too high everywhere.
- Boxes, landmarks and action units in the prompt help (arXiv 2504.17224).
- The second place of a ranked answer lifts GPT-4V on FERV39k from .343 to .526.
- Emotion-LLaMA's figures are asked after in its issues 62, 116 and 148, AffectGPT's in its issue 17.

## The paper's protocol

Zhang and Fu (arXiv 2502.12454; MRAC '25) tell model, corpus, label sets, strategies and average precision. No code,
prompt or number of frames was found. `params/paper.yaml` says line by line what is known and what is assumed.
"""
