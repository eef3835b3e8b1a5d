"""Notebook 07 over made-up cells: what is said changes with the data, and every cell of it can be traced."""

import re
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_helpers import tables
from fer_helpers.emotions import SEVEN
from fer_helpers.errors import ParamsError, RunError
from fer_helpers.evaluation import predictions, sweeps
from fer_helpers.runs import begin_comparison, file_hash, open_run, read_manifest, write_manifest
from tests.support.explorer_runs import make_run
from tests.support.notebooks import run_here

STRATEGY = "multi_frame"
N_CLIPS, N_PEOPLE = 84, 21


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A run of 21 people; its cells are copies with other labels and parameters."""
    run = make_run(tmp_path_factory.mktemp("base") / "run", N_CLIPS, n_frames=2, people=True, scored=True)
    clips = run.read("clips").assign(
        label=[SEVEN[number % 7] for number in range(N_CLIPS)], subject=[f"s{n % N_PEOPLE}" for n in range(N_CLIPS)]
    )
    tables.write("clips", clips, run.folder)
    shutil.rmtree(run.folder / "frames")
    return run.folder


def cell(base, folder, right, seed, labelled=True, missing=0, **changed):
    """A run whose STRATEGY gives the true label to a share `right` of the clips, in the place of what it said."""
    shutil.copytree(base, folder)
    clips, predicted = tables.read("clips", folder), tables.read("predictions", folder)
    rng, shared = np.random.default_rng(seed), np.random.default_rng(0)
    luck, wrong = shared.random(N_CLIPS), shared.integers(1, 7, N_CLIPS)
    luck = np.where(rng.random(N_CLIPS) < 0.1, rng.random(N_CLIPS), luck)  # a tenth is this cell's own
    given = [SEVEN[(number + (0 if luck[number] < right else wrong[number])) % 7] for number in range(N_CLIPS)]
    mine = (predicted["strategy"] == STRATEGY).to_numpy()
    predicted.loc[mine, ["label", "status", "confidence", "n_votes"]] = np.column_stack(
        [np.array(given, object), ["ok"] * N_CLIPS, [0.9] * N_CLIPS, [1] * N_CLIPS]
    )
    gone = np.flatnonzero(mine)[:missing]
    predicted.loc[predicted.index[gone], ["label", "confidence"]] = None
    predicted.loc[predicted.index[gone], "status"] = "refused"
    predicted = predicted.astype({"confidence": float, "n_votes": int})
    tables.write("predictions", predicted, folder)
    if not labelled:
        tables.write("clips", clips.assign(label=None), folder)
        tables.write("scores", tables.empty("scores"), folder)
    known = read_manifest(folder)["params"] | {"out": str(folder), "strategy_shown": STRATEGY} | changed
    write_manifest(folder, {"params": known})


def grid(base, folder, share, labelled=True, missing=0, failed=()):
    """Two prompts by two numbers of frames; `share` of right labels by (prompt, n_frames)."""
    rows = []
    for number, ((prompt, n_frames), right) in enumerate(share.items()):
        name, done = f"{prompt}_{n_frames}", (prompt, n_frames) not in failed
        if done:
            cell(
                base, folder / name, right, number, labelled, missing * (number == 0), prompt=prompt, n_frames=n_frames
            )
        rows.append((name, prompt, str(n_frames), *(("done", "") if done else ("failed", "no key <b>")), "h"))
    table = pd.DataFrame(rows, columns=["cell", "prompt", "n_frames", "state", "reason", "hash"])
    table.to_csv(folder / "cells.csv", index=False)


def compared(folder, runs=()):
    """What notebook 07 shows, and its tables, after it was executed in `folder`."""
    (folder / "notebooks").mkdir()
    run_here("07_sweep_comparison", {"sweep_folder": str(folder), "sweep_runs": list(runs)}, folder)
    cells = nbformat.read(folder / "notebooks" / "07_sweep_comparison.ipynb", as_version=4).cells
    text = "\n".join(output.text for cell in cells for output in cell.get("outputs", []))
    return " ".join(text.split()), tables.read("effects", folder), tables.read("flips", folder)


PROMPT_MATTERS = {("labels", 1): 0.4, ("labels", 5): 0.4, ("reasoning", 1): 0.9, ("reasoning", 5): 0.9}


@pytest.fixture(scope="module")
def matters(base, tmp_path_factory):
    """A sweep in which the prompt matters and the number of frames does not, and what notebook 07 says of it."""
    folder = tmp_path_factory.mktemp("matters")
    grid(base, folder, PROMPT_MATTERS, missing=6)
    return folder, *compared(folder)


def test_the_choice_that_matters_is_named(matters):
    _, said, effects, flips = matters
    main = effects[(effects["metric"] == "UAR") & effects["with_parameter"].isna()].set_index("parameter")
    assert main.loc["prompt", "p_holm"] < 0.05
    assert main.loc["prompt", "ci_low"] < 0.5 < main.loc["prompt", "ci_high"]
    assert main.loc["n_frames", "p_holm"] > 0.05
    assert "1 of 3 effects on UAR (main effects and interactions) are significant" in said
    assert re.search(r"UAR: prompt reasoning instead of labels: higher, \+0\.[45]", said)
    assert "No significant main effect of n_frames 5 instead of 1; that is not equality" in said
    assert "On the 78 clips that all 4 cells label, reasoning_" in said
    assert "All 4 cells are done, on 84 clips that all of them have." in said
    assert set(flips["parameter"]) == {"prompt", "n_frames"}
    assert flips["p"].isna().all()
    assert "no request was repeated" in said


def test_every_effect_can_be_traced_to_its_cells(matters):
    folder, *_ = matters
    manifest = read_manifest(folder)
    noted = manifest["facts"]["cells"]
    assert set(noted) == {"labels_1", "labels_5", "reasoning_1", "reasoning_5"}
    for name, hashes in noted.items():
        assert hashes["predictions"] == file_hash(folder / name / "predictions.parquet")
        assert len(hashes["parameters"]) == 64
    assert len({hashes["parameters"] for hashes in noted.values()}) == 4
    assert manifest["params"] == {"sweep_folder": str(folder), "sweep_runs": []}
    assert {"07_effects_uar", "07_effects_war", "07_two_parameters", "07_flips", "07_agreement", "07_cost"} == set(
        manifest["figures"]
    )
    with pytest.raises(RunError, match=r"clips\.parquet is missing"):  # the folder is no run
        open_run(folder).read("clips")


@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_a_preference_for_the_label_named_first_is_on_the_page(base, tmp_path, bias):
    """A tenth of the answers is drawn anew; with the bias a share of all is the label named first."""
    rng, rows = np.random.default_rng(2), []
    own = np.arange(N_CLIPS) % 7
    for by in range(7):
        given = np.where(rng.random(N_CLIPS) < 0.1, rng.integers(0, 7, N_CLIPS), own)
        given = np.where(rng.random(N_CLIPS) < bias, by, given)
        folder = tmp_path / f"rotated-{by}"
        cell(base, folder, 1, 0, label_order=f"rotated:{by}")
        predicted = tables.read("predictions", folder)
        predicted.loc[predicted["strategy"] == STRATEGY, "label"] = np.array(SEVEN)[given]
        tables.write("predictions", predicted, folder)
        rows.append((folder.name, f"rotated:{by}", "done", "", "h"))
    pd.DataFrame(rows, columns=["cell", "label_order", "state", "reason", "hash"]).to_csv(
        tmp_path / "cells.csv", index=False
    )
    said, *_ = compared(tmp_path)
    assert "84 clips of 21 people have a label in all 7 orders." in said
    assert ("Answers depend on the place at which a label is named: the label named first" in said) == bool(bias)
    assert ("No significant preference for a place" in said) == (not bias)
    assert "labelled correctly in every order (CircularEval)" in said
    assert "07_label_order_0" in read_manifest(tmp_path)["figures"]


def test_without_labels_there_are_flips_and_agreement_only(base, tmp_path):
    """And a cell that failed: it is said, and the rest compared."""
    grid(base, tmp_path, PROMPT_MATTERS, labelled=False, failed=[("reasoning", 5)])
    said, effects, flips = compared(tmp_path)
    assert effects.empty
    assert "The corpus has no labels" in said
    assert "Without true labels, nothing here can say which cell is right more often." in said
    assert "Krippendorff's alpha" in said
    assert "significant" not in said.partition("Clips with another label")[2].partition("Not shown")[0]
    flips = flips.set_index("parameter")
    assert flips["value"]["prompt"] > flips["value"]["n_frames"]
    assert flips.loc["prompt", ["n_sets", "n_left_out"]].tolist() == [1, 1]
    assert "1 of 4 cells are not done and are left out: reasoning_5." in said
    assert "no key &lt;b&gt;" in said  # its reason, as text


def test_any_runs_are_compared_by_what_differs_between_them(base, tmp_path):
    """Parameters that change no label, such as how fast requests are sent, are no choices."""
    cell(base, tmp_path / "one", 0.5, 1, prompt="labels")
    cell(base, tmp_path / "two", 0.9, 2, prompt="reasoning", label_order="shuffled", max_concurrency=3, n_resamples=150)
    begin = begun(tmp_path / "both", sweep_runs=[str(tmp_path / "one"), str(tmp_path / "two")])
    sweep = sweeps.sweep_of(begin.params, made(begin))
    assert sweep.cells.to_dict("index") == {
        "one": {"prompt, label_order": "labels, fixed"}, "two": {"prompt, label_order": "reasoning, shuffled"},
    }  # fmt: skip


def test_runs_with_archives_of_their_own_are_repeats(base, tmp_path):
    """The same request in two archives was asked twice: how many labels that changes is what choices are tested by."""
    chosen = {"labels a": 0.4, "labels b": 0.4, "reasoning a": 0.9}
    for number, (name, right) in enumerate(chosen.items()):
        prompt, archive = name.split()
        cell(base, tmp_path / name, right, number, prompt=prompt, archive=archive)
    (tmp_path / "all").mkdir()
    said, _, flips = compared(tmp_path / "all", [str(tmp_path / name) for name in chosen])
    assert flips.set_index("parameter")["p_holm"]["prompt"] < 0.05
    assert "These choices change more labels than repeating does: prompt reasoning instead of labels" in said
    assert "Repeating the same request changes the label of" in said


def begun(folder, **values):
    return begin_comparison({"sweep_folder": str(folder), "sweep_runs": [], **values})


def test_what_cannot_be_compared_is_refused_with_the_remedy(base, tmp_path):
    with pytest.raises(RunError, match=r"cells\.csv is missing: give the folder of a sweep"):
        begun(tmp_path / "nothing")
    with pytest.raises(ParamsError, match="holds files of the project"):
        begun("notebooks")
    grid(base, tmp_path, PROMPT_MATTERS, failed=list(PROMPT_MATTERS)[1:])
    with pytest.raises(RunError, match="1 cells that are done: a comparison needs two"):
        begun(tmp_path)
    shutil.copytree(tmp_path / "labels_1", tmp_path / "again" / "labels_1")
    with pytest.raises(RunError, match="folders of the same name: rename one"):
        begun(tmp_path, sweep_runs=[str(tmp_path / "labels_1"), str(tmp_path / "again" / "labels_1")])
    shutil.copytree(tmp_path / "labels_1", tmp_path / "twin")
    begin = begun(tmp_path, sweep_runs=[str(tmp_path / "labels_1"), str(tmp_path / "twin")])
    with pytest.raises(RunError, match="labels_1 and twin have the same parameters"):
        sweeps.sweep_of(begin.params, made(begin))


def made(comparison):
    return {name: {table: run.read(table) for table in sweeps.READ} for name, run in comparison.cells.items()}


def test_cells_are_scored_on_the_clips_that_all_of_them_label(base, tmp_path):
    """Six clips less, all of them right: the cell that refuses them is not scored for having refused them."""
    grid(base, tmp_path, PROMPT_MATTERS, missing=6)
    begin = begun(tmp_path)
    tables_of = made(begin)
    sweep = sweeps.sweep_of(begin.params, tables_of, STRATEGY)
    table = sweeps.per_cell(sweep, tables_of, n_resamples=200)
    both = sweep.labels.notna().all(axis=1)
    right = sweep.labels[both].eq(sweep.truth[both], axis=0)
    assert table["WAR"].tolist() == pytest.approx(right.mean().tolist())
    assert table["UAR"].tolist() == pytest.approx(right.groupby(sweep.truth[both]).mean().mean().tolist())
    assert table["scored"].tolist() == [78] * 4
    assert table["missing"].tolist() == [6, 0, 0, 0]
    # 84 clips were paid for, of 78 labels
    assert table["tokens per clip"].tolist() == pytest.approx([2920 * 84 / 78, 2920, 2920, 2920])
    assert table["requests per clip"].tolist() == pytest.approx([84 / 78, 1, 1, 1])
    assert sweeps.price_unit(table) == "tokens per clip"
    assert sweeps.price_unit(table.assign(**{"tokens per clip": np.nan})) == "requests per clip"
    assert set(sweep.annotators["strategy"]) == {STRATEGY}
    assert sweep.unit == "subjects"


def test_where_label_sets_differ_three_classes_are_compared(base, tmp_path):
    """One cell asked for three classes alone, the other for seven: its seven are collapsed."""
    cell(base, tmp_path / "seven", 0.7, 1, taxonomies=["seven"])
    three = make_run(tmp_path / "three", N_CLIPS, n_frames=1, people=True, scored=True, taxonomies=("ternary",))
    tables.write("clips", tables.read("clips", tmp_path / "seven"), three.folder)
    begin = begun(tmp_path, sweep_runs=[str(tmp_path / "seven"), str(three.folder)])
    assert "taxonomies" in begin.params
    tables_of = made(begin)
    with pytest.raises(RunError, match="cell seven has no label of a whole clip"):
        sweeps.sweep_of(begin.params, tables_of, STRATEGY)  # not collapsed yet, as notebook 04 does
    whole = tables_of["seven"]["predictions"]
    tables_of["seven"]["predictions"] = pd.concat([whole, predictions.collapsed(whole)])
    sweep = sweeps.sweep_of(begin.params, tables_of, STRATEGY)
    assert sweep.taxonomy == "ternary"
    assert sweep.annotators["asked"].tolist() == ["seven", "ternary"]
    assert set(sweep.labels["seven"].dropna()) <= {"negative", "neutral", "positive"}
