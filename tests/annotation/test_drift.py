"""Drift: a model that changed behind its name is found, and one that did not raises no alarm."""

import asyncio
import json
from hashlib import sha256
from urllib.request import urlopen

import numpy as np
import pytest

from fer_helpers import endpoint
from fer_helpers.annotation import access, drift, online
from fer_helpers.annotation.archive import Archive
from fer_helpers.endpoint.faults import Faults
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.params import Params
from fer_helpers.prompting import planning
from fer_helpers.runs import Run
from tests.support.chat import encoded, noise
from tests.support.command import fer
from tests.support.plans import frames_of

N = 200
FRAMES = frames_of({f"c{n:03}": 1 for n in range(N)})
PLANNED = planning.plan(FRAMES, ["single_frame"], ["seven"], planning.Asking(endpoint.MODEL))
PICTURES = {f"c{n:03}": encoded(noise(n, 16, 16), "jpeg") for n in range(N)}


class Hashed:
    """A model whose probabilities depend on the picture's bytes alone."""

    def read(self, data):
        return np.random.default_rng(int.from_bytes(sha256(data).digest()[:4])).dirichlet(np.ones(7)), (16, 16)


def picture(clip_id: str, _: int) -> bytes:
    return PICTURES[clip_id]


def a_run(folder, url, monkeypatch) -> Run:
    """A run annotated at `url`."""
    monkeypatch.setattr(Run, "picture", lambda _, clip_id, index: picture(clip_id, index))
    run = Run(folder, Params(out=str(folder), base_url=url, archive=str(folder / "archive.sqlite")))
    folder.mkdir()
    with Archive(folder / "archive.sqlite") as archive:
        answers = asyncio.run(online.annotate(PLANNED, picture, archive, access.of(run.params)))
    run.write("requests", PLANNED)
    run.write("answers", answers)
    return run


def test_a_swapped_model_is_found_and_the_same_one_is_not(tmp_path, monkeypatch):
    with endpoint.serve(model=Hashed(), faults=Faults(swapped_after=2 * N, swapped=0.1)) as url:
        run = a_run(tmp_path / "run", url, monkeypatch)
        kept = (run.folder / "answers.parquet").read_bytes()
        quiet = drift.check(run, N // 2)
        assert (quiet.anchors, quiet.changed, quiet.noise, quiet.p, quiet.alarm) == (N // 2, 0, 0, 1.0, False)
        alarmed = drift.check(run, N // 2)
    differs = sum(Faults(swapped=0.1).looks_different(data) for data in PICTURES.values())
    assert 10 <= differs <= 30
    assert alarmed.alarm
    assert alarmed.noise == 0
    assert 3 <= alarmed.changed <= differs
    assert alarmed.p == pytest.approx(3.0**-alarmed.changed)
    assert "has changed" in alarmed.sentence
    assert (run.folder / "answers.parquet").read_bytes() == kept
    assert len(list((run.folder / "drift").glob("*_repeat.sqlite"))) == 2


def test_the_command_tells_and_exits_with_4(tmp_path, monkeypatch):
    with endpoint.serve(model=Hashed(), faults=Faults(swapped_after=N, swapped=0.2)) as url:
        run = a_run(tmp_path / "run", url, monkeypatch)
        monkeypatch.setattr("fer_helpers.runs.open_run", lambda _: run)
        done = fer("drift", str(run.folder))
    assert done.exit_code == 4, done.output
    assert "The model has changed" in done.output
    assert f"kept: {endpoint.MODEL}" in done.output


def test_a_check_that_was_cut_off_goes_on_where_it_was(tmp_path, monkeypatch):
    with endpoint.serve(model=Hashed(), faults=Faults(insufficient_quota_after=N + 150)) as url:
        run = a_run(tmp_path / "run", url, monkeypatch)
        with pytest.raises(Exception, match="no quota or money left"):
            drift.check(run, N)
    with endpoint.serve(model=Hashed(), faults=Faults()) as url:
        again = Run(run.folder, Params(out=str(run.folder), base_url=url, archive=run.params.archive))
        found = drift.check(again, N)
        assert (found.anchors, found.changed) == (N, 0)
        with urlopen(url.removesuffix("/v1") + "/fer/books") as books:
            received = [page["received"] for page in json.load(books).values()]
    assert sum(received) == 2 * N - 150


def test_anchors_are_the_same_at_every_check_and_one_a_clip(tmp_path, monkeypatch):
    with endpoint.serve(model=Hashed()) as url:
        run = a_run(tmp_path / "run", url, monkeypatch)
    first = drift.anchors(run, 30)
    assert len(first) == first["clip_id"].nunique() == 30
    assert drift.anchors(run, 100)["key"].tolist() == first["key"].tolist()
    others, answers = PLANNED[~PLANNED["key"].isin(first["key"])], run.read("answers")
    run.write("requests", others)
    run.write("answers", answers[answers["key"].isin(others["key"])])
    with pytest.raises(RunError, match=r"anchors\.json names requests"):
        drift.anchors(run, 30)


def test_a_replay_cannot_be_checked(tmp_path, monkeypatch):
    with endpoint.serve(model=Hashed()) as url:
        run = a_run(tmp_path / "run", url, monkeypatch)
    with pytest.raises(ParamsError, match="replay, which asks nobody"):
        drift.check(Run(run.folder, Params(out=str(run.folder), base_url="replay")), 5)
