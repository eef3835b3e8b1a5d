"""A run's labels as a data set for other tools, with its card: tables, Hugging Face, Label Studio, fine-tuning."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fer_helpers import corpora, estimation, tables
from fer_helpers.emotions import TAXONOMIES
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.evaluation import summaries
from fer_helpers.files import whole_folder, write_whole
from fer_helpers.paths import safe_name, shown
from fer_helpers.prompting import FORMS, planning, prompts, urls_of
from fer_helpers.report import _croissant, queues
from fer_helpers.report.methods import annotator
from fer_helpers.report.summary import audit
from fer_helpers.runs import Run, draws

_CARD = Path(__file__).with_name("card.md")
MOST_PICTURES = 10  # in one example of a fine-tuning file, as OpenAI documents it


def finished(run: Run) -> pd.DataFrame:
    """The labels table: as notebook 06 wrote it, or else the model's labels alone, of the annotator that the run shows.

    Raises:
        RunError: notebook 06 wrote it from other tables or people's labels than those there are now; there are no
            predictions, or the strategy shown judges no whole clips.
    """
    if (run.folder / "labels.parquet").is_file():
        return run.read("labels")
    nobody = pd.DataFrame(columns=["clip_id", "rater", "label"])
    words = TAXONOMIES[run.params.taxonomies[0]]
    return estimation.finished_labels(draws.population(run), estimation.by_clip(nobody, words))


def write(run: Run, target: str, folder: Path, frames: bool = False) -> list[str]:
    """Write the run's finished labels to `folder`, as `target` wants them; whole or not at all.

    Args:
        run: its tables are read, and its key frames where `frames` says so.
        target: one of TARGETS.
        folder: takes the place of what was there before, if that was such an export.
        frames: key frames go with the labels; they show faces.

    Returns:
        the files written, from `folder`.

    Raises:
        ParamsError: `frames` for a target that cannot have them, or none for one that needs them.
        RunError: there are no labels, or `folder` holds something else.
    """
    if target == "finetune" and not frames:
        raise ParamsError("fine-tuning needs the pictures: repeat with --frames if the corpus's terms allow it")
    if target == "labels" and frames:
        raise ParamsError("a table of labels holds no pictures: use --to hf or --to label-studio with --frames")
    if folder.exists() and not (folder / "README.md").is_file() and any(folder.iterdir()):
        raise RunError(f"{shown(folder)} holds something that is no export: choose another folder")
    labels = finished(run)
    with whole_folder(folder) as fresh:
        TARGETS[target](run, labels, fresh, frames)
        (fresh / "README.md").write_text(_card(run, labels, target, frames), encoding="utf-8")
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _tables(run: Run, labels: pd.DataFrame, folder: Path, _: bool) -> None:
    labels.to_csv(folder / "labels.csv", index=False)
    labels.to_parquet(folder / "labels.parquet", index=False)
    corpus = corpora.CORPORA[run.params.corpus]
    described = _croissant.described(folder, labels, run.folder.name, corpus.about, corpus.licence, corpus.citation)
    (folder / "croissant.json").write_text(json.dumps(described, indent=1), encoding="utf-8")


def _hugging_face(run: Run, labels: pd.DataFrame, folder: Path, frames: bool) -> None:
    """The layouts that `datasets` finds by itself: a Parquet file; with frames, an imagefolder with metadata.csv."""
    if not frames:
        (folder / "data").mkdir()
        labels.to_parquet(folder / "data" / "train.parquet", index=False)
        return
    files = pd.Series(_pictures(run, labels, folder / "train"), name="file_name").rename_axis("clip_id")
    rows = files.explode().reset_index().merge(labels, on="clip_id")
    rows.to_csv(folder / "train" / "metadata.csv", index=False)


def _label_studio(run: Run, labels: pd.DataFrame, folder: Path, frames: bool) -> None:
    """Tasks with the labels as predictions, to import, and the configuration of the labelling page."""
    files = _pictures(run, labels, folder / "frames") if frames else {}
    tasks = []
    for row in labels.to_dict("records"):
        task: dict[str, Any] = {"data": {"clip_id": row["clip_id"], "path": row["path"]}}
        if frames:
            task["data"]["frames"] = [f"frames/{name}" for name in files.get(row["clip_id"], [])]
        if isinstance(row["label"], str):
            share = row[f"prob_{row['label']}"]
            said = {"from_name": "label", "to_name": "clip", "type": "choices", "value": {"choices": [row["label"]]}}
            score = {} if pd.isna(share) else {"score": round(float(share), 4)}
            task["predictions"] = [{"model_version": row["annotator"], **score, "result": [said]}]
        tasks.append(task)
    (folder / "tasks.json").write_text(json.dumps(tasks, indent=1), encoding="utf-8")
    shows = '<Image name="clip" valueList="$frames"/>' if frames else '<Text name="clip" value="$path"/>'
    page = queues.page(shows, list(TAXONOMIES[run.params.taxonomies[0]]))
    (folder / "config.xml").write_text(page, encoding="utf-8")


def _fine_tuning(run: Run, labels: pd.DataFrame, folder: Path, _: bool) -> None:
    """One conversation a labelled clip: the run's words and most pictures, and the finished label as the answer."""
    requests = run.read("requests")
    requests = requests[(requests["taxonomy"] == run.params.taxonomies[0]) & ~requests["mosaic"]]
    requests = requests.assign(pictures=requests["frame_indices"].map(len))
    requests = requests[requests["pictures"].between(1, MOST_PICTURES)].sort_values("pictures", kind="stable")
    asked = requests.drop_duplicates("clip_id", keep="last").merge(labels[["clip_id", "label"]].dropna(), on="clip_id")
    with (folder / "train.jsonl").open("w", encoding="utf-8") as lines:
        for row in asked.to_dict("records"):
            lines.write(json.dumps(_conversation(run, row)) + "\n")


def _conversation(run: Run, row: Mapping[str, Any]) -> dict[str, Any]:
    """A request without its reasons and with its answer; the words ask for nothing that the answer lacks."""
    asked = prompts.find(row["prompt"])
    more = asked.reasoning or asked.reply != "label"
    plain = {"form": FORMS[0], "omitted": "", "prompt": "labels" if more else row["prompt"]}
    body = planning.body_of({**row, **plain}, urls_of(row, run.picture))
    return {"messages": [*body["messages"], {"role": "assistant", "content": json.dumps({"label": row["label"]})}]}


def _pictures(run: Run, labels: pd.DataFrame, folder: Path) -> dict[str, list[str]]:
    """Write the key frames of the clips in `labels` to `folder`; their names by clip, in the order of time."""
    frames = run.read("frames").dropna(subset="path")
    frames = frames[frames["clip_id"].isin(labels["clip_id"])]
    names: dict[str, list[str]] = {}
    for clip_id, index in zip(frames["clip_id"], frames["frame_index"].astype(int), strict=True):
        name = f"{safe_name(clip_id)}_{index}.jpg"
        write_whole(folder / name, run.picture(clip_id, index))
        names.setdefault(clip_id, []).append(name)
    return names


TARGETS: Mapping[str, Callable[[Run, pd.DataFrame, Path, bool], None]] = {
    "labels": _tables,
    "hf": _hugging_face,
    "label-studio": _label_studio,
    "finetune": _fine_tuning,
}


def _card(run: Run, labels: pd.DataFrame, target: str, frames: bool) -> str:
    """README.md: what the data set is, how it came about, and what it must not be used for."""
    corpus, clips = corpora.CORPORA[run.params.corpus], run.read("clips").set_index("clip_id")
    groups = {
        name.removeprefix(tables.GROUP): clips.loc[labels["clip_id"], name].fillna("not known").value_counts().to_dict()
        for name in clips
        if name.startswith(tables.GROUP)
    }
    environment = jinja2.Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
    environment.filters["plain"] = _plain
    card = environment.from_string(_CARD.read_text())
    return card.render(
        name=_plain(run.folder.name),
        target=target,
        frames=frames,
        corpus=corpus,
        annotators=[_plain(name) for name in labels["annotator"].unique()],
        supervised=annotator(run),
        counts=labels["label"].fillna("no label").value_counts().to_dict(),
        sources=labels["source"].fillna("nobody").value_counts().to_dict(),
        promises={_plain(words): n for words, n in labels["promise"].dropna().value_counts().items() if words},
        votes=int(labels["n_votes"].sum()),
        voted=int((labels["n_votes"] > 0).sum()),
        looks=int(labels["needs_look"].sum()),
        subjects=int(clips.loc[labels["clip_id"], "subject"].nunique()),
        groups={_plain(name): {_plain(key): n for key, n in found.items()} for name, found in groups.items()},
        scores=_scores(run, labels),
        audit=audit(run),
    )


def _scores(run: Run, labels: pd.DataFrame) -> pd.DataFrame:
    """WAR and UAR, with intervals, of who gave the labels; no row where the corpus has no labels of its own."""
    table = summaries.words(summaries.of_question(run.read("scores"), run.params.taxonomies[0]), ["WAR", "UAR"])
    mine = table[table.index.isin(labels["annotator"])]
    return mine.rename(index=_plain)


def _plain(text: object) -> str:
    """Untrusted text as Markdown that is nothing but text."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", " ".join(str(text).split()))
