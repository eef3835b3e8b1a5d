"""A run that asks about clips as videos beside their key frames, from the corpus to the report."""

import pytest

from fer_helpers import corpora, tables
from fer_helpers.annotation import Archive, access, online
from fer_helpers.errors import EndpointError, ParamsError
from fer_helpers.explorer._run_data import Source
from fer_helpers.explorer._table import Columns
from fer_helpers.frames import extract_videos
from fer_helpers.params import load, validate
from fer_helpers.paths import ROOT, resolve
from fer_helpers.prompting import planning
from fer_helpers.runs import open_run
from tests.support.command import SMALL, fer

CLIPS = ("-p", "strategies", "[multi_frame, whole_clip]", "-p", "clip_size", "96")


@pytest.mark.slow  # a run of its own
def test_a_clip_is_a_strategy_like_any_other(small_copy, in_process, tmp_path):
    """14 clips, two label sets: multi_frame is answered from the archive, whole_clip asked, and both asked once."""
    before = tables.read("answers", small_copy)
    result = fer("run", "params/demo.yaml", *SMALL, *CLIPS)
    assert result.exit_code == 0, result.output
    assert "requests sent: 28" in result.output
    run = open_run(small_copy)
    requests, answers, predicted = (run.read(name) for name in ("requests", "answers", "predictions"))
    about_clips = requests[requests["frame_indices"].map(len) == 0]
    assert len(about_clips) == 28
    assert set(answers["key"]) - set(before["key"]) == set(about_clips["key"])
    own = predicted[(predicted["strategy"] == "whole_clip") & (predicted["asked"] == predicted["taxonomy"])]
    assert own["status"].eq("ok").all()
    expected = about_clips.merge(answers, on="key")[["clip_id", "taxonomy", "label"]]
    assert own[["clip_id", "taxonomy", "label"]].sort_values(["clip_id", "taxonomy"]).to_numpy().tolist() == (
        expected.sort_values(["clip_id", "taxonomy"]).to_numpy().tolist()
    )
    report = (small_copy / "report.html").read_text()
    assert "whole_clip" in report
    assert "encoded anew: H.264, at most 96 pixels a side, 10 frames a second and 300 in all, silent" in report
    assert b"ftyp" not in (small_copy / "explorer.html").read_bytes()
    for path in [small_copy.parent / "archive.sqlite", *small_copy.glob("*.parquet")]:
        assert b"avcC" not in path.read_bytes(), f"{path} holds a video"

    again = fer("run", "params/demo.yaml", *SMALL, *CLIPS)
    assert "requests sent: 0" in again.output
    frames = run.read("frames")
    anew = extract_videos(run.read("clips"), frames, corpora.location(run.params), tmp_path / "anew", 96)
    planned = planning.plan(frames, run.params.strategies, run.params.taxonomies, run.asking(), anew)
    with Archive(resolve(run.params.archive)) as archive:  # known by what they show
        assert online.answered(planned, archive) == set(planned["key"])

    source = Source.of_run(run)
    series = next(one for one in Columns(source.clips, {"run": predicted}).series if one.strategy == "whole_clip")
    behind = source.about(series, 0, source.clips["clip_id"].iloc[0])
    assert [(one["frames"], one["status"]) for one in behind["replies"]] == [([], "ok")]
    assert len(source.key_frames(source.clips["clip_id"].iloc[0])) == 5  # the card shows them as for others


def test_what_it_needs_is_said_before_anything_runs(tmp_path):
    with pytest.raises(ParamsError, match="strategy whole_clip needs videos: set clip_size, such as 384"):
        load(ROOT / "params" / "demo.yaml", {"strategies": ["multi_frame", "whole_clip"]})


def test_clips_leave_the_machine_by_the_same_rules_as_frames(monkeypatch):
    """Nothing is sent, or looked up, without consent."""
    monkeypatch.setenv("A_KEY", "key of a test")
    params = validate({
        "corpus": "folder", "corpus_path": "somewhere", "strategies": ["whole_clip"], "clip_size": 96,
        "base_url": "https://example.invalid/v1", "api_key_env": "A_KEY",
    })  # fmt: skip
    with pytest.raises(EndpointError, match="set allow_upload: true"):
        access.check(params, corpus_allows=False)
