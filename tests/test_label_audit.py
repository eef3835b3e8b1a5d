"""Notebook 06: from nobody's labels to forty and eighty, what it refuses, when it runs and what the report says."""

import json

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_helpers import report, tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import RunError
from fer_helpers.estimation import draw_core, in_words
from fer_helpers.params import Params
from fer_helpers.pipeline.run import _people_labelled
from fer_helpers.pipeline.steps import execute_steps
from fer_helpers.report import exports
from fer_helpers.runs import AUDIT, Run, draws, file_hash, open_run, people, read_manifest, source, write_manifest
from tests.support.command import SMALL, fer
from tests.support.explorer_runs import make_run
from tests.support.labelling import enter, open_view, press

OTHERS = ("clips", "frames", "requests", "answers", "predictions", "scores", "comparisons")
MARKS = {"04_strategy_comparison": {"fingerprint": "x", "tables": {}, "seconds": 1.0}}


@pytest.fixture
def run(tmp_path, in_process):
    """A run of 100 clips of which the notebooks 01 to 05 left their tables and marks."""
    made = make_run(tmp_path / "run", 100, n_frames=1, people=True, scored=True)
    (made.folder / "notebooks").mkdir()
    manifest = read_manifest(made.folder)
    write_manifest(made.folder, {**manifest, "steps": MARKS, "params": {**manifest["params"], "human_labels": ""}})
    return open_run(made.folder)


def audited(run, **params):
    """What notebook 06 shows, executed as a step of the pipeline."""
    mine = run.params.model_copy(update=params)
    execute_steps([AUDIT], mine, print, "")
    book = nbformat.read(run.folder / "notebooks" / f"{AUDIT}.ipynb", as_version=4)
    return " ".join("".join(cell.outputs[0].text for cell in book.cells if cell.cell_type == "code").split())


def label(run, clip_ids, queue="core", rater="ann", word=None):
    """`rater` gives the corpus's label, or `word`, in the labelling view."""
    truth = tables.read("clips", run.folder).set_index("clip_id")["label"]
    with (run.folder / "people.jsonl").open("a", encoding="utf-8") as lines:
        for clip in clip_ids:
            row = {"clip_id": clip, "rater": rater, "label": word or truth[clip], "queue": queue}
            lines.write(json.dumps({**row, "labelled_at": "2026-11-28T00:00:00+00:00"}) + "\n")


def core(run):
    return draws.drawn(draws.read(run), "core")


def test_without_labels_it_ends_after_the_plan_and_the_sample(run):
    said = audited(run, n_labels=40)
    assert "Nobody has labelled enough yet: 40 clips are drawn" in said
    assert "fer-helpers label" in said
    assert tables.read("estimates", run.folder).empty
    finished = open_run(run.folder).read("labels")
    assert set(finished["source"].dropna()) == {"model"}
    assert finished["promise"].isna().all()
    assert len(core(run)) == 40


def test_an_extension_changes_the_estimate_and_nothing_else(run):
    """Labels of 80 clips are there from the beginning; those of clips that are not drawn yet count for nothing."""
    before = {name: file_hash(run.folder / f"{name}.parquet") for name in OTHERS}
    label(run, draw_core(draws.population(run), 80, run.params.seed)["clip_id"])
    said = audited(run, n_labels=40)
    first = core(run)["clip_id"].tolist()
    assert "40 of 40 drawn clips are labelled, of 100 in the corpus." in said
    assert "<th>never drawn</th> <td>40</td>" in said
    forty = tables.read("estimates", run.folder)
    assert set(forty["n"]) <= {40, *range(30, 40)}  # WAR and UAR without the clips that the model did not answer
    assert "80 of 80 drawn clips are labelled" in audited(run, n_labels=80)
    assert core(run)["clip_id"].tolist()[:40] == first
    eighty = tables.read("estimates", run.folder)
    widths = [
        (table["ci_high"] - table["ci_low"])[(table["source"] == "people") & (table["target"] == "this corpus")].mean()
        for table in (forty, eighty)
    ]
    assert widths[1] < 0.8 * widths[0]
    assert {name: file_hash(run.folder / f"{name}.parquet") for name in OTHERS} == before
    steps = read_manifest(run.folder)["steps"]
    assert {name: steps[name] for name in MARKS} == MARKS
    assert set(steps) == {*MARKS, AUDIT}


@pytest.mark.browser
def test_forty_clips_by_keys_give_an_estimate_and_ten_more_change_nothing_else(run, browser):
    """From the page to the notebook: what is typed where people label is what the estimate is made of."""
    before = {name: file_hash(run.folder / f"{name}.parquet") for name in OTHERS}
    truth = run.read("clips").set_index("clip_id")["label"]
    told = []
    for n in (40, 50):
        queue = draws.draw(run, "core", n)
        drawn = queue["clip_id"]
        page = browser.new_page()
        open_view(page, run)
        enter(page, "ann")
        press(page, *(str(1 + SEVEN.index(truth[clip])) for clip in drawn[len(told) and 40 :]))
        page.close()
        assert f"{n} of {n} drawn clips are labelled, of 100 in the corpus." in audited(run, n_labels=n)
        told.append(tables.read("estimates", run.folder).set_index(["quantity", "target", "source"]))
        share = told[-1].loc[("share: happy", "this corpus", "people")]
        assert share["n"] == n
        happy = (truth[drawn] == "happy").to_numpy()
        assert share["value"] == pytest.approx(np.average(happy, weights=1 / queue["probability"]))
    assert told[0]["value"].ne(told[1]["value"]).any()
    assert {name: file_hash(run.folder / f"{name}.parquet") for name in OTHERS} == before
    assert len(people.read(run.folder)) == 50


def test_labels_of_other_queues_and_clips_are_refused_by_name(run):
    """Worklist labels feed no estimate, whoever gives them; nor do clips that were never drawn, or unknown words."""
    draws.draw(run, "core", 40)
    inside, outside = core(run)["clip_id"], set(run.read("clips")["clip_id"]) - set(core(run)["clip_id"])
    label(run, inside[:5], queue="worklist")
    label(run, sorted(outside)[:3])
    label(run, ["nowhere"], word="sad")
    label(run, inside[6:8], word="cannot tell")
    said = audited(run, n_labels=40)
    for rule, rows in (("another queue", 5), ("never drawn", 3), ("unknown clip", 1), ("no label", 2)):
        assert f"<th>{rule}</th> <td>{rows}</td>" in said
    assert "Nobody has labelled enough yet" in said
    assert tables.read("estimates", run.folder).empty
    votes = open_run(run.folder).read("labels").set_index("clip_id")["n_votes"]
    assert votes[votes > 0].index.tolist() == sorted({*inside[:5], *sorted(outside)[:3]})


def test_the_report_tells_the_same_numbers(run):
    draws.draw(run, "core", 40)
    label(run, core(run)["clip_id"])
    said = audited(run, n_labels=40)
    page = report.write(open_run(run.folder)).read_text()
    section = page[page.index("What few labels say (people)") :]
    for sentence in open_run(run.folder).facts["audit"]:
        assert " ".join(sentence.split()) in said
    estimates = open_run(run.folder).read("estimates")
    row = estimates[(estimates["quantity"] == "WAR") & (estimates["source"] == "both")].iloc[0]
    words = f"{row['value']:.2f}\N{NO-BREAK SPACE}[{row['ci_low']:.2f},\N{NO-BREAK SPACE}{row['ci_high']:.2f}]"
    assert words in section
    estimated = in_words(estimates[estimates["quantity"] == "WAR"]).iloc[0]
    assert estimated["both together"] == words
    assert words.replace("\N{NO-BREAK SPACE}", " ") in (run.folder / "tables" / "estimates.csv").read_text()
    exports.write(open_run(run.folder), "labels", run.folder / "exports")
    card = (run.folder / "exports" / "README.md").read_text()
    assert f"| this corpus | WAR | {estimated.loc['model alone']} |" in card
    assert words in card
    assert "40 labels by people, of 40 clips" in card
    tables.write("predictions", run.read("predictions").head(1), run.folder)  # as if notebook 04 had run again
    assert report.audit(open_run(run.folder)) == {}


def test_a_run_executes_it_when_there_are_labels_and_skips_it_when_it_is_up_to_date(small_copy, in_process, tmp_path):
    """The panel of the small demo; then a list, and a list that grew. The first five steps stay as they are."""
    command = ["run", "params/demo.yaml", *SMALL]

    def said(*arguments):
        result = fer(*command, *arguments)
        assert result.exit_code == 0, result.output
        return result.output

    assert "06" not in said()
    panel = said("-p", "human_labels", "panel")
    assert panel.count("up to date") == 5
    assert f"[6/6] {AUDIT}\n" in panel
    assert said("-p", "human_labels", "panel").count("up to date") == 6
    estimates = open_run(small_copy).read("estimates")
    assert set(estimates["raters"]) == {"simulated panel"}
    assert "nobody was asked" in (small_copy / "report.html").read_text()
    assert "simulated panel" in set(open_run(small_copy).read("labels")["annotator"].str.split(" and ").str[-1])

    clips, path = tables.read("clips", small_copy), tmp_path / "people.csv"
    rows = clips[["clip_id", "label"]].assign(rater="ann")
    rows.head(5).to_csv(path, index=False)
    listed = said("-p", "human_labels", str(path))
    assert listed.count("up to date") == 5
    assert open_run(small_copy).read("estimates")["n"].max() == 5
    rows.head(9).to_csv(path, index=False)
    assert said("-p", "human_labels", str(path)).count("up to date") == 5
    found = open_run(small_copy).read("estimates")
    assert (found["n"].max(), set(found["raters"])) == (9, {"people"})


def test_a_draw_that_only_the_panel_labelled_is_drawn_anew_where_it_does_not_hold(run):
    """The demo with other clips in the same folder: nobody's labels are lost. A person's are not given up."""
    simulated = Run(run.folder, run.params.model_copy(update={"human_labels": "panel"}))
    before = draws.draw(simulated, "core", 40)
    tables.write("clips", run.read("clips").head(60), run.folder)
    manifest = read_manifest(run.folder)
    write_manifest(run.folder, {name: part for name, part in manifest.items() if name != "tables"})
    assert draws.read(simulated).empty
    after = draws.draw(simulated, "core", 40)
    assert set(after["clip_id"]) <= set(run.read("clips")["clip_id"])
    before.pipe(lambda rows: tables.write("draws", rows, run.folder))
    label(run, before["clip_id"].head(1), word="sad")
    with pytest.raises(RunError, match="drawn from other clips"):
        draws.read(simulated)


def test_what_labels_single_frames_is_not_audited_for_a_panel(tmp_path):
    """The run would have ended with an error that nobody asked for."""
    demo = Params(out=str(tmp_path))
    assert _people_labelled(demo, tmp_path)
    for none in ({"human_labels": ""}, {"strategies": ["per_frame"]}, {"strategy_shown": "per_frame"}):
        assert not _people_labelled(demo.model_copy(update=none), tmp_path)
    mine = demo.model_copy(update={"corpus": "folder", "corpus_path": "x"})
    assert not _people_labelled(mine, tmp_path)
    assert _people_labelled(mine.model_copy(update={"human_labels": "people.csv"}), tmp_path)


def test_a_model_that_is_right_is_certified_by_its_audit(run):
    """All predictions become the corpus's labels: 30 audited clips, none wrong, and 22 are enough."""
    predicted, clips = run.read("predictions"), run.read("clips").set_index("clip_id")["label"]
    empty = dict.fromkeys(tables.PROBABILITIES, np.nan)
    sure = np.linspace(0.5, 1, len(predicted))
    right = predicted.assign(**empty, label=predicted["clip_id"].map(clips), status="ok", confidence=sure)
    run.write("predictions", tables.check("predictions", right))
    tables.write("scores", tables.empty("scores"), run.folder)
    manifest = read_manifest(run.folder)
    write_manifest(run.folder, {name: part for name, part in manifest.items() if name != "tables"})
    draws.draw(run, "core", 40)
    label(run, core(run)["clip_id"])
    said = audited(run, n_labels=40, n_audit=30)
    assert "30 clips of the audit are not labelled" in said
    label(run, draws.drawn(draws.read(run), "audit")["clip_id"], queue="audit")
    said = audited(run, n_labels=40, n_audit=30)
    assert "100 labels can be taken: at most 10% of these labels wrong" in said
    finished = open_run(run.folder).read("labels")
    assert finished["promise"].notna().sum() == (finished["n_votes"] == 0).sum() > 20


def test_the_demos_notebook_says_that_its_panel_is_simulated():
    book = nbformat.read(source(AUDIT), as_version=4)
    shown = json.dumps([cell.get("outputs", []) for cell in book.cells])
    assert "These raters are simulated" in shown
    assert pd.Series(shown).str.count("nobody was asked").iloc[0] >= 2
