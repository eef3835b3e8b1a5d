"""The report: self-contained, escaped, and the same numbers as the tables."""

import re
import shutil

import nbformat
import pandas as pd
import pytest

from fer_helpers import report, tables
from fer_helpers.evaluation import METRICS
from fer_helpers.runs.run import open_run, read_manifest, write_manifest
from tests.support.command import SMALL, fer


@pytest.fixture
def run(small_run):
    return open_run(small_run)


@pytest.fixture
def copy(small_copy):
    return open_run(small_copy)


def test_it_needs_nothing_but_itself(run):
    page = (run.folder / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:|notebooks/|explorer\.html)""", page)
    assert (run.folder / "explorer.html").is_file()
    drawn = {path.stem for path in (run.folder / "figures").glob("*.svg")}
    faces = {"01_examples", "02_key_frames", "05_wrong_and_confident"}
    assert page.count("<figure>") == len(drawn - faces) >= 9
    assert drawn > faces


def test_it_says_what_the_annotator_and_the_corpus_are(run):
    page = (run.folder / "report.html").read_text()
    assert "supervised cross-corpus baseline" in page
    assert "not a vision-language model" in page
    assert "no person&#39;s picture" in page


def test_its_numbers_are_the_tables(run):
    scores = tables.read("scores", run.folder).set_index(["strategy", "taxonomy", "asked", "metric"])
    row = scores.loc[("soft_vote", "ternary", "seven", "UAR")]
    shown = report.summary(run).set_index(["question", "strategy"])
    interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
    expected = f"{row['value']:.2f}{interval}"
    assert shown.loc[("three, collapsed from seven", "soft_vote"), "UAR"].replace("\xa0", " ") == expected
    assert expected in (run.folder / "report.html").read_text().replace("\xa0", " ")


def test_it_says_what_its_scores_are(run):
    page = report.write(run).read_text()
    for name in report.summary(run).columns.intersection(list(METRICS)):
        assert f"<b>{name}</b>: " in page
    assert "<b>UAR</b>: unweighted average recall: balanced accuracy" in page


def test_untrusted_text_is_text(copy):
    """A caption or parameter with markup in it is shown, not run."""
    manifest = read_manifest(copy.folder)
    evil = "<script>alert(1)</script>\"'"
    figures = {**manifest["figures"], "01_lengths": evil}
    write_manifest(copy.folder, {**manifest, "figures": figures, "params": {**manifest["params"], "prompt": evil}})
    copy.params = copy.params.model_copy(update={"model": evil})
    page = report.write(copy).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_published_figures_on_its_corpus_stand_beside_it_and_none_beside_the_demo(copy):
    assert "Published figures" not in report.write(copy).read_text()
    copy.params = copy.params.model_copy(update={"corpus": "dfew"})
    page = report.write(copy).read_text()
    assert "Published figures on this corpus" in page
    assert "Emotion-LLaMA" in page
    assert "rerun by others" in page
    assert "another model" in report.published(copy)["differs here"].iloc[0]


def test_a_hosted_annotator_is_called_zero_shot():
    assert report.to_ask("gpt-4o-mini", "https://x/v1") == "gpt-4o-mini at https://x/v1, asked zero-shot"


@pytest.fixture
def twin(copy):
    """A second run of the same corpus: another prompt, and half of its labels are now neutral."""
    folder = copy.folder.with_name("twin")
    shutil.copytree(copy.folder, folder)
    manifest = read_manifest(folder)
    write_manifest(folder, {**manifest, "params": {**manifest["params"], "prompt": "definitions"}})
    predictions = tables.read("predictions", folder)
    half = predictions["clip_id"].isin(sorted(predictions["clip_id"].unique())[::2])
    changed = predictions.assign(label=predictions["label"].mask(half & predictions["label"].notna(), "neutral"))
    tables.write("predictions", changed, folder)
    return folder


def test_two_runs_are_compared_strategy_by_strategy(copy, twin, tmp_path):
    result = fer("compare", copy.folder, twin, "--csv", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    assert re.search(r"prompt +labels +definitions", result.output)
    found = pd.read_csv(tmp_path / "out.csv")
    assert (found["strategy_a"] == found["strategy_b"]).all()
    seven = found[(found["taxonomy"] == "seven") & (found["metric"] == "WAR")].set_index("strategy_a")
    truth = tables.read("clips", copy.folder).set_index("clip_id")["label"]

    def accuracy(folder):
        rows = tables.read("predictions", folder)
        mine = rows[(rows["strategy"] == "multi_frame") & (rows["taxonomy"] == "seven")]
        return (mine.set_index("clip_id")["label"] == truth).mean()

    row = seven.loc["multi_frame"]
    assert (row["value_a"], row["value_b"]) == pytest.approx((accuracy(copy.folder), accuracy(twin)))
    assert (row["model_a"], row["model_b"]) == ("small: fer2013-cnn", "twin: fer2013-cnn")
    for name in ("majority", "dawid_skene", "glad"):
        assert name in result.output


def test_one_run_is_nothing_to_compare(run):
    result = fer("compare", run.folder)
    assert (result.exit_code, "name two or more runs" in result.output) == (1, True)


@pytest.mark.slow
def test_other_annotators_people_and_runs_stand_beside_ours(copy, twin, in_process, tmp_path):
    """From CSV files and another run's folder to the scores, the comparisons and the report, and out again."""
    clips = tables.read("clips", copy.folder)
    theirs = tmp_path / "theirs.csv"
    clips[["clip_id", "label"]].assign(annotator="<b>Perfect & Co</b>").to_csv(theirs, index=False)
    result = fer("import", theirs, "params/demo.yaml", *SMALL)
    assert result.exit_code == 0, result.output
    assert "<b>Perfect & Co</b>: 14 of 14 clips" in result.output
    votes = tmp_path / "votes.csv"
    said = [clips["label"], clips["label"], clips["label"].where(clips.index > 1, "neutral")]
    pd.concat([clips[["clip_id"]].assign(rater=f"r{n}", label=one) for n, one in enumerate(said)]).to_csv(votes)
    result = fer(
        "run", "params/demo.yaml", *SMALL, "-p", "votes", votes, "-p", "compare_with", "[outputs/twin]"
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert re.findall(r"(\d\d)_\w+: up to date", result.output) == ["01", "02", "03"]
    cells = nbformat.read(copy.folder / "notebooks" / "04_strategy_comparison.ipynb", as_version=4).cells
    shown = " ".join(" ".join(output.text for cell in cells for output in cell.get("outputs", [])).split())
    assert "Krippendorff's alpha" in shown
    assert "multi_frame (twin: fer2013-cnn)" in shown
    assert "dawid_skene" in shown
    scores = tables.read("scores", copy.folder).set_index(["strategy", "model", "taxonomy", "metric"])
    assert scores.loc[("imported", "<b>Perfect & Co</b>", "seven", "WAR"), "value"] == 1
    paired = tables.read("comparisons", copy.folder)
    assert "<b>Perfect & Co</b>" in set(paired["model_b"])
    page = (copy.folder / "report.html").read_text()
    assert "&lt;b&gt;Perfect &amp; Co&lt;/b&gt;" in page
    assert "<b>Perfect" not in page


def test_in_a_browser_it_is_whole_and_silent(copy, browser):
    """Every figure loads, nothing is fetched, nothing fails, and no table is cut off at a narrow width."""
    report.write(copy)
    page = browser.new_page(viewport={"width": 700, "height": 900})
    problems, asked = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((copy.folder / "report.html").as_uri())
    images = page.locator("figure img")
    assert images.evaluate_all("all => all.every(image => image.complete && image.naturalWidth > 100)")
    assert images.count() >= 9
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert problems == []
    page.set_viewport_size({"width": 673, "height": 900})  # A4 within its margins, 17.8 cm
    page.emulate_media(media="print")
    ends = page.locator("main td, main th, main img").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect().right)"
    )
    assert max(ends) <= 673
    page.close()
