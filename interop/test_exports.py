"""Exports of a run, read by the programs they are made for: mlcroissant and Hugging Face's datasets."""

from pathlib import Path

import datasets
import mlcroissant
import programs
import pyarrow.parquet as pq
import pytest


@pytest.fixture(scope="module")
def folder(work: Path) -> Path:
    """A small run of the demo."""
    small = ["-p", "n_clips", "14", "-p", "n_resamples", "200", "--out", work / "exported"]
    done = programs.fer("run", programs.ROOT / "params" / "demo.yaml", *small)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return work / "exported"


def exported(folder: Path, target: str, *more: str) -> Path:
    done = programs.fer("export", folder, "--to", target, *more)
    assert done.returncode == 0, done.stderr
    return folder / "exports" / target


def labels(folder: Path) -> dict[str, str | None]:
    rows = pq.read_table(folder / "exports" / "labels" / "labels.parquet").to_pylist()
    return {row["clip_id"]: row["label"] for row in rows}


def test_mlcroissant_finds_nothing_wrong_and_reads_the_same_labels(folder: Path) -> None:
    described = mlcroissant.Dataset(exported(folder, "labels") / "croissant.json")
    assert not described.metadata.issues.errors
    assert not [words for words in described.metadata.issues.warnings if "context" in words]
    rows = list(described.records("labels"))
    found = {row["labels/clip_id"].decode(): row["labels/label"] for row in rows}
    assert {clip: label and label.decode() for clip, label in found.items()} == labels(folder)


def test_datasets_loads_the_labels(folder: Path, tmp_path: Path) -> None:
    exported(folder, "labels")
    rows = datasets.load_dataset(str(exported(folder, "hf")), cache_dir=str(tmp_path))["train"]
    assert {row["clip_id"]: row["label"] for row in rows} == labels(folder)


def test_datasets_loads_frames_with_their_labels(folder: Path, tmp_path: Path) -> None:
    exported(folder, "labels")
    rows = datasets.load_dataset(str(exported(folder, "hf", "--frames")), cache_dir=str(tmp_path))["train"]
    assert len(rows) == 14 * 5
    assert all(row["image"].size[0] > 0 for row in rows)
    assert {row["clip_id"]: row["label"] for row in rows} == labels(folder)
