"""report.html: one self-contained page about a run, written from its tables, figures and manifest."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fer_helpers import corpora, figures
from fer_helpers.emotions import question
from fer_helpers.evaluation import METRICS, findings, groups, scores, summaries
from fer_helpers.files import write_whole
from fer_helpers.report import methods
from fer_helpers.report.summary import audit, commonest_errors, outcomes, published, read, summary
from fer_helpers.runs import EVERY, Run, read_manifest

_PAGE = Path(__file__).with_name("page.html")
_TABLES = ("clips", "frames", "requests", "answers", "predictions", "scores", "comparisons")
_SENTENCES = 6  # tests told for a question; the rest are in its table
_FACES = ("01_examples", "02_key_frames", "05_wrong_and_confident", "05_disagreement")  # never embedded as they are
_ABOUT_ONE_QUESTION = re.compile(r"05_confusion_(\w+)_asked_(\w+)")


def write(run: Run) -> Path:
    """Write report.html and its tables (CSV and LaTeX, in tables/) into the run's folder; returns the page's path."""
    manifest, made = read_manifest(run.folder), {name: read(run, name) for name in _TABLES}
    joined = scores.join(made["predictions"], made["clips"], run.params.surprise_is)
    who = findings.chosen(made["predictions"], made["scores"], run.params.strategy_shown)
    name, is_best = findings.called(made["predictions"], who), run.params.strategy_shown == findings.BEST
    mine = findings.rows_of(joined, who)
    first = mine[(mine[findings.QUESTION] == mine[findings.QUESTION].iloc[0]).all(axis=1)] if len(mine) else mine
    shown = _figures(run, manifest.get("figures", {}))
    errors = findings.of_errors(first, name)
    drawing = {"n_resamples": run.params.n_resamples, "seed": run.params.bootstrap_seed}
    alike = run.facts.get("groups") or (groups.findings(first, **drawing) if len(first) else [])
    questions, audited, scored = _questions(run, made, shown), audit(run), set(made["scores"]["metric"])
    page = _template().render(
        name=run.folder.name,
        asked_of=methods.asked_of(run, made),
        findings=_findings(questions, errors, alike),
        corpus=corpora.CORPORA[run.params.corpus],
        n_clips=len(made["clips"]),
        n_labelled=int(made["clips"]["label"].notna().sum()),
        labelled=not made["scores"].empty,
        questions=questions,
        summary=_cells(summary(run)) if made["scores"].empty and len(made["predictions"]) else None,
        annotator=name,
        is_best=is_best and not made["scores"].empty,
        errors=errors,
        alike=alike,
        strips=_strips(run, first),
        audit=audited,
        estimates=_cells(audited["estimates"]) if audited else None,
        faces=_faces(run),
        outcomes=_cells(outcomes(run)),
        common=_cells(commonest_errors(run)),
        metrics=[one for one in METRICS.values() if one.shown or (one.of_ranking and one.name in scored)],
        figures=shown,
        published=_cells(published(run)) if run.params.corpus != "demo" else None,
        methods=methods.paragraphs(run, made),
        bibliography=methods.bibliography(run, made),
        limitations=methods.limitations(run, made, is_best),
        explorer=(run.folder / "explorer.html").is_file(),
        notebooks=[name for name in EVERY if (run.folder / "notebooks" / f"{name}.ipynb").is_file()],
        params=manifest["params"],
        made_with=manifest.get("made_with", {}),
    )
    shown_tables = {**{one["slug"]: one["table"] for one in questions}, "statuses": outcomes(run)}
    _write_tables(run, shown_tables | ({"estimates": audited["estimates"]} if audited else {}))
    path = run.folder / "report.html"
    write_whole(path, page)
    return path


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_PAGE.read_text(encoding="utf-8"))


def _questions(run: Run, made: dict[str, pd.DataFrame], shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A section each: its scores as a table, what they and the tests say, its confusion matrix."""
    parts = []
    every = summary(run) if len(made["scores"]) else pd.DataFrame()
    for (taxonomy, asked), scored in made["scores"].groupby(findings.QUESTION, sort=False):
        title, tested = question(taxonomy, asked), summaries.of_question(made["comparisons"], taxonomy, asked)
        apart = tested[tested["p_holm"] < 0.05].sort_values("p_holm", kind="stable")["sentence"]
        table = every[every["question"] == title].drop(columns="question")
        parts.append(
            {
                "title": title.capitalize(),
                "slug": f"scores_{taxonomy}_asked_{asked}",
                "table": table,
                "cells": _cells(table),
                "says": findings.of_strategies(scored, tested),
                "tests": list(apart.head(_SENTENCES)),
                "n_apart": len(apart),
                "n_tests": int(tested["p_holm"].notna().sum()),
                "figures": [one for one in shown if one["question"] == f"{taxonomy} {asked}"],
            }
        )
    return parts


def _findings(questions: Sequence[dict[str, Any]], errors: Sequence[str], alike: Sequence[str]) -> list[str]:
    """Who is best, by more than chance or not; what is confused, and whether confidence warns; a gap between groups."""
    if not questions:
        return list(errors)
    best, *rest = questions[0]["says"]
    tests = [sentence for sentence in rest if not sentence.startswith("It was chosen")]
    nothing = ("no significant difference", "no verdict, ", "no more than chance")
    unequal = [one for one in alike if not any(words in one for words in nothing)]
    found = [best, " ".join(tests), " ".join(errors[1:]), *(unequal or list(alike))[:1]]
    return [sentence for sentence in found if sentence]


def _faces(run: Run) -> str:
    """Whether key frames are in the page: "none", "blurred" or "full"; the demo's faces are nobody's."""
    if run.params.faces != "auto":
        return run.params.faces
    return "full" if run.params.corpus == "demo" else "none"


def _strips(run: Run, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The most confident wrong predictions: in words, and with their key frames where faces may be shown."""
    faces, found = _faces(run), []
    for row in summaries.surest_wrong(rows).itertuples():
        words = f"{row.clip_id}: true {row.truth}, predicted {row.label if isinstance(row.label, str) else 'another'}"
        sure = "" if pd.isna(row.confidence) else f", confidence {row.confidence:.2f}"
        pictures = run.pictures(row.clip_id) if faces != "none" and (run.folder / "frames.parquet").is_file() else []
        pictures = [figures.blurred(one) for one in pictures] if faces == "blurred" else pictures
        found.append({"words": words + sure, "urls": [_url("image/jpeg", one) for one in pictures]})
    return found


def _cells(table: pd.DataFrame) -> dict[str, Any]:
    return {"columns": list(table.columns), "rows": table.astype(str).to_numpy().tolist()}


def _figures(run: Run, captions: dict[str, str]) -> list[dict[str, Any]]:
    """The run's figures without faces, in the order of the notebooks and of their cells."""
    found = []
    for name, caption in sorted(captions.items(), key=lambda item: item[0][:2]):
        path = run.folder / "figures" / f"{name}.svg"
        if path.is_file() and name not in _FACES:
            data = path.read_bytes()
            about = _ABOUT_ONE_QUESTION.fullmatch(name)
            width = re.search(rb'<svg[^>]* width="([\d.]+)pt"', data)
            found.append(
                {
                    "step": name[:2],
                    "caption": caption,
                    "url": _url("image/svg+xml", data),
                    "groups": name == "05_groups",
                    "question": " ".join(about.groups()) if about else "",
                    "width": "page" if width and float(width[1]) > 300 else "column",
                }
            )
    return found


def _url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _write_tables(run: Run, shown: dict[str, pd.DataFrame]) -> None:
    """The page's tables as CSV, and as LaTeX in booktabs' style."""
    folder = run.folder / "tables"
    folder.mkdir(exist_ok=True)
    for name, table in shown.items():
        plain = table.replace(summaries.NBSP, " ", regex=True)
        write_whole(folder / f"{name}.csv", plain.to_csv(index=False))
        styled = plain.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis="columns")
        write_whole(folder / f"{name}.tex", styled.to_latex(hrules=True))
