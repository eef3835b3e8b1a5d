"""docs/recipes.md, followed: a metric and a corpus are each added in one place, and found everywhere."""

import re
import shutil
import subprocess
import sys
import textwrap

import matplotlib.pyplot as plt
import pytest

from fer_helpers import figures, report, tables
from fer_helpers.evaluation import METRICS, Metric, comparisons, scores
from fer_helpers.evaluation.metrics import war
from fer_helpers.paths import ROOT
from tests.support.explorer_runs import make_run


def code_of(section):
    """The indented blocks of a recipe, in order."""
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    body = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [textwrap.dedent(block) for block in re.findall(r"(?:^ {7}.*\n|^\n(?=\n* {7}))+", body, re.M)]


@pytest.fixture
def error_rate(monkeypatch):
    """The recipe's metric, compared as well as shown."""
    line = code_of("A metric")[0].strip().rstrip(",").replace("shown=True", "shown=True, compared=True")
    metric = eval(line, {"Metric": Metric, "war": war})
    monkeypatch.setitem(METRICS, metric.name, metric)
    return metric.name


def test_a_metric_is_one_record(error_rate, tmp_path):
    """It is scored, bounded by its range, compared, in the report's summary, and drawn."""
    run = make_run(tmp_path / "run", n_clips=30)
    clips, predicted = run.read("clips"), run.read("predictions")
    table = scores.score(predicted, clips, n_resamples=200)
    by_metric = table[table["strategy"] == "soft_vote"].set_index("metric")["value"]
    assert by_metric[error_rate] == pytest.approx(1 - by_metric["WAR"])
    assert scores.in_range(table)

    paired = comparisons.compare(predicted, clips, n_resamples=200).set_index(["strategy_a", "strategy_b", "metric"])
    pair = paired.sort_index().loc["single_frame", "majority_vote"]
    assert pair.loc[error_rate, "difference"] == pytest.approx(-pair.loc["WAR", "difference"])

    tables.write("scores", table, run.folder)
    assert f"{by_metric[error_rate]:.2f} [" in set(report.summary(run)[error_rate].str.replace("\xa0", " ").str[:6])
    figure, drawn = figures.metric_by_annotator(table, error_rate)
    plt.close(figure)
    assert set(drawn["metric"]) == {error_rate}
    assert "share of clips predicted wrong" in figures.caption_of(error_rate)


CHECK = """
import json, sys
from pathlib import Path
from fer_helpers import cli, corpora, params
clips = corpora.load(params.validate({"corpus": "mine", "corpus_path": sys.argv[1], "n_clips": 0}))
print(json.dumps([Path(cli.__file__).parent.as_posix(), *clips[["clip_id", "label", "status"]].to_numpy().tolist()]))
cli.main(["corpora"])
"""


def test_a_corpus_is_one_module(tmp_path):
    """In a copy of the package, so that no other test meets it: listed by the command, loaded by its name."""
    shutil.copytree(ROOT / "fer_helpers", tmp_path / "fer_helpers", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "fer_helpers/corpora/published/mine.py").write_text(code_of("A corpus")[0], encoding="utf-8")
    corpus = tmp_path / "clips"
    for label in ("happiness", "sad"):
        (corpus / label).mkdir(parents=True)
        (corpus / label / f"one_{label}.mp4").write_bytes(b"not a video")
    done = subprocess.run(
        [sys.executable, "-c", CHECK, corpus], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found, listed = done.stdout.split("\n", 1)
    assert (tmp_path / "fer_helpers").as_posix() in found
    assert '["happiness/one_happiness", "happy", "unreadable"], ["sad/one_sad", "sad", "unreadable"]' in found
    assert re.search(r"^mine\b.*My clips", listed, re.M | re.S)
