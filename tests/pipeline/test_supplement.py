"""A paper's supplement: what goes into it, and above all what does not."""

import base64
import gzip
import json
import re
import shutil
import sqlite3
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from fer_helpers.annotation import Archive
from fer_helpers.explorer import marks
from fer_helpers.paths import ROOT, resolve
from fer_helpers.pipeline import supplement
from fer_helpers.runs import open_run, people, read_manifest, write_manifest
from tests.support.command import fer
from tests.support.outputs import outputs_in
from tests.support.supplements import unpacked

NAME = "Zoë Ångström"
HOME = "/home" + "/zoe.angstrom"  # in two, as paths of a machine are not for a repository


def _text_of(path):
    """A file as it can be searched: Parquet's columns, the explorer's data and report's drawings unpacked."""
    data = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return (table.to_pandas().to_json() + str(table.schema.metadata)).encode()
    if path.suffix == ".html":
        packed = re.findall(rb"(?:base64,|octet-stream\" id=\"data\">)([A-Za-z0-9+/=]+)", data)
        found = [base64.b64decode(one) for one in packed]
        data += b"".join(gzip.decompress(one) if one[:2] == b"\x1f\x8b" else one for one in found)
    return data + data.replace(b"\\/", b"/").replace(b"\\n", b"").replace(b"\n", b"")  # base64 on one line


def _shows(data, picture):
    """Whether a middle part of `picture` is in `data` of `_text_of`, raw or in base64 at one of three alignments."""
    part = picture[len(picture) // 2 :][:60]
    coded = [base64.b64encode(part[start:])[: (60 - start) // 3 * 4 - 4] for start in range(3)]
    return part in data or any(one in data for one in coded)


@pytest.fixture(scope="module")
def real(small_outputs, tmp_path_factory):
    """The small run as that of a folder of real clips: every place of it that could hold a face does, and more."""
    with outputs_in(tmp_path_factory.mktemp("real") / "outputs") as folder:
        shutil.copytree(small_outputs, folder)
        yield _as_real(folder / "small")


def _as_real(small_copy):
    run = open_run(small_copy)
    frame = next((small_copy / "frames").rglob("*.jpg")).read_bytes()
    coded = base64.b64encode(frame).decode()
    manifest = read_manifest(small_copy)
    manifest["params"] |= {"corpus": "folder", "corpus_path": f"{HOME}/clips of {NAME}", "faces": "full"}
    manifest["figures"]["05_mine"] = "A strip under a name of one's own."
    write_manifest(small_copy, manifest)
    for suffix in ("svg", "png", "pdf"):
        shutil.copyfile(small_copy / f"figures/01_examples.{suffix}", small_copy / f"figures/05_mine.{suffix}")
    with Archive(resolve(run.params.archive)) as kept:  # a server that repeats what it was sent
        key = run.read("requests")["key"].iloc[0]
        (entry,) = kept.get([key]).values()
        said = json.loads(entry.reply) | {"input": f"data:image/jpeg;base64,{coded}", "at": f"{HOME}/x sk-{'a1' * 12}"}
    with sqlite3.connect(resolve(run.params.archive)) as db:
        db.execute("UPDATE entries SET reply = ? WHERE key = ?", (json.dumps(said), key))
    _plant(small_copy / "notebooks" / "05_error_analysis.ipynb", coded)
    marks.keep(marks.check({"clip_id": "demo_0001", "verdict": "ambiguous", "reviewer": NAME}), small_copy)
    row = {"clip_id": "demo_0001", "rater": NAME, "label": "happy", "queue": "core", "labelled_at": ""}
    people.keep(row, small_copy)
    return small_copy


def _plant(path, coded):
    """Pictures where people put them into notebooks, and what a notebook of a real corpus knows of its machine."""
    book = json.loads(path.read_text())
    book["metadata"]["widgets"] = {"state": {"buffers": [{"data": coded}]}}
    book["metadata"]["papermill"] = {"output_path": f"{HOME}/05.ipynb"}
    book["cells"][0]["attachments"] = {"a.jpg": {"image/jpeg": coded}}
    code = next(cell for cell in book["cells"] if cell["cell_type"] == "code" and cell["outputs"])
    html = f"<td>{NAME}</td><img src='data:image/jpeg;base64,{coded}'>"
    wrapped = base64.encodebytes(base64.b64decode(coded)).decode()
    code["outputs"] += [
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": coded, "text/plain": "<Figure>"}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/svg+xml": f"<image href='{coded}'/>"}},
        {"output_type": "display_data", "metadata": {}, "data": {"application/x-mine+json": {"data": coded}}},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": [html], "text/plain": "<img>"}},
        {
            "output_type": "stream",
            "name": "stdout",
            "text": [wrapped, f"read {HOME}/clips/a.mp4 of {NAME}\n", str(ROOT)],
        },
    ]
    path.write_text(json.dumps(book))


@pytest.fixture(scope="module")
def of_real(real, tmp_path_factory):
    """Its supplement, unpacked."""
    tmp_path = tmp_path_factory.mktemp("of_real")
    said = fer("supplement", real, "--to", tmp_path / "real.zip")
    assert said.exit_code == 0, said.output
    return unpacked(tmp_path / "real.zip", tmp_path / "real")


def test_no_picture_no_name_no_path_and_no_key_leaves_with_real_clips(real, of_real):
    """In no file, in no encoding, although figures, notebooks, replies and pages of the run are full of them."""
    frames = [path.read_bytes() for path in sorted((real / "frames").rglob("*.jpg"))]
    strips = [(real / "figures" / f"{name}.png").read_bytes() for name in ("01_examples", "02_key_frames")]
    for book in (real / "notebooks").glob("*.ipynb"):
        cells = [cell for cell in json.loads(book.read_text())["cells"] if "strips(" in "".join(cell["source"])]
        shown = [output.get("data", {}) for cell in cells for output in cell["outputs"]]
        strips += [base64.b64decode(data["image/png"]) for data in shown if "image/png" in data]
    assert len(strips) >= 5
    before = b"".join(_text_of(path) for path in [*(real / "notebooks").iterdir(), real / "report.html"])
    assert sum(_shows(before, one) for one in [*frames, *strips]) >= 4, "the run has none, so that nothing is shown"
    for path in filter(Path.is_file, of_real.rglob("*")):
        data = _text_of(path)
        assert not any(_shows(data, one) for one in [*frames, *strips]), path
        assert not re.search(rb"<image|data:image/(jpeg|webp);base64,\w", data), path
        for secret in (NAME, NAME.encode("unicode_escape").decode(), HOME, str(ROOT), "angstrom", "a1a1a1", str(real)):
            assert secret.encode() not in data, (path, secret)


def test_what_is_drawn_stays(real, of_real):
    """Figures without key frames, in figures/, notebooks and report; every text; who labelled, under another name."""
    figures = {path.stem for path in (of_real / "run" / "figures").iterdir()}
    assert figures == set(read_manifest(real)["figures"]) - {
        "01_examples",
        "02_key_frames",
        "05_wrong_and_confident",
        "05_mine",
    }
    book = json.loads((of_real / "run" / "notebooks" / "04_strategy_comparison.ipynb").read_text())
    shown = [one for cell in book["cells"] for one in cell.get("outputs", []) if "image/png" in one.get("data", {})]
    assert len(shown) == len([name for name in figures if name.startswith("04")])
    assert (of_real / "run" / "report.html").read_text().count("data:image/svg+xml") == len(figures)
    (person,) = people.read(of_real / "run").to_dict("records")
    assert (person["rater"], person["label"]) == ("rater 1", "happy")
    assert [mark.reviewer for mark in marks.read(of_real / "run")] == ["rater 1"]


def test_with_faces_everything_goes_and_it_is_said(real, tmp_path):
    said = fer("supplement", real, "--to", tmp_path / "faces.zip", "--faces")
    assert "shows the people in the clips" in said.stderr
    folder = unpacked(tmp_path / "faces.zip", tmp_path / "faces")
    kept = {path.name: path.read_bytes() for path in (folder / "run" / "frames").rglob("*.jpg")}
    assert kept == {path.name: path.read_bytes() for path in (real / "frames").rglob("*.jpg")}
    assert (folder / "run" / "figures" / "05_mine.png").is_file()
    assert "shows people's faces" in (folder / "README.md").read_text()
    assert NAME not in "".join(path.read_text("utf-8", "replace") for path in folder.rglob("*.ipynb"))


def test_interrupted_it_leaves_what_was_there(small_copy, tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(b"the one before")
    begun = []

    def interrupted(folder, names, to):
        to.write_bytes(b"half")
        begun.append(to)
        raise KeyboardInterrupt

    monkeypatch.setattr(supplement, "_pack", interrupted)
    monkeypatch.setattr(supplement, "_fill", lambda run, folder, *_: folder.mkdir())
    assert fer("supplement", small_copy, "--to", tmp_path / "a.zip").exit_code == 130
    assert begun
    assert [(path.name, path.read_bytes()) for path in tmp_path.glob("*a*zip*")] == [("a.zip", b"the one before")]


def test_a_sweep_and_an_unfinished_run_are_refused_in_a_line(tmp_path):
    (tmp_path / "sweep" / "one").mkdir(parents=True)
    (tmp_path / "sweep" / "cells.csv").touch()
    (tmp_path / "sweep" / "one" / "manifest.json").write_text('{"params": {}}')
    for folder, said in (
        ("sweep", "is a sweep: a supplement is of one run, such as"),
        ("sweep/one", "is missing: run notebook 01_data_exploration"),
    ):
        result = fer("supplement", tmp_path / folder, "--to", tmp_path / "a.zip")
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert said in result.stderr
    assert not (tmp_path / "a.zip").exists()
