"""A sweep's file: which cells it stands for, what they are called, and what is refused before anything runs."""

import math
import re
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from fer_helpers.errors import ParamsError, RunError
from fer_helpers.paths import ROOT
from fer_helpers.runs import sweeps

OUT = {"out": "outputs/x"}


def names(**values):
    return [cell.name for cell in sweeps.of_values({**OUT, **values}).cells]


def test_a_grid_is_every_value_with_every_other():
    swept = sweeps.of_values({**OUT, "n_clips": 14, "sweep": {"prompt": ["labels", "reasoning"], "n_frames": [3, 5]}})
    assert swept.varied == ["prompt", "n_frames"]
    found = [(cell.params.prompt, cell.params.n_frames, cell.params.n_clips) for cell in swept.cells]
    assert found == [("labels", 3, 14), ("labels", 5, 14), ("reasoning", 3, 14), ("reasoning", 5, 14)]
    assert [cell.params.out for cell in swept.cells] == [f"outputs/x/{cell.name}" for cell in swept.cells]


def test_what_is_zipped_changes_together_with_each_of_a_grid():
    zipped = {"frame_choice": ["middle", "uniform"], "n_frames": [1, 5]}
    swept = sweeps.of_values({**OUT, "sweep": {"prompt": ["labels", "reasoning"]}, "zip": zipped})
    found = [(cell.params.prompt, cell.params.frame_choice, cell.params.n_frames) for cell in swept.cells]
    assert found == [
        ("labels", "middle", 1), ("labels", "uniform", 5), ("reasoning", "middle", 1), ("reasoning", "uniform", 5),
    ]  # fmt: skip


def test_what_stands_under_each_changes_alone_against_the_base():
    swept = sweeps.of_values(
        {**OUT, "n_frames": 4, "each": {"prompt": ["reasoning"], "n_frames": {"one": 1, "nine": 9}}}
    )
    assert [cell.name for cell in swept.cells] == ["base", "reasoning", "one", "nine"]
    found = [(cell.params.prompt, cell.params.n_frames) for cell in swept.cells]
    assert found == [("labels", 4), ("reasoning", 4), ("labels", 1), ("labels", 9)]
    assert swept.varied == ["prompt", "n_frames"]
    assert [cell.values for cell in swept.cells] == [{"prompt": p, "n_frames": n} for p, n in found]


def test_a_grid_has_a_base_in_each_of_its_fields():
    found = names(sweep={"model": ["a", "b"]}, each={"n_frames": [3], "label_order": ["rotated:1"]})
    assert found == ["a", "a_n_frames-3", "a_rotated-1", "b", "b_n_frames-3", "b_rotated-1"]


def test_the_standard_robustness_sweep_changes_one_thing_at_a_time():
    base, *others = sweeps.load(ROOT / "params/robustness.yaml").cells
    assert base.name == "base"
    for cell in others:
        assert sum(cell.values[name] != base.values[name] for name in base.values) == 1
    orders = [cell.params.label_order for cell in others if cell.values["label_order"] != "fixed"]
    assert orders == [f"rotated:{k}" for k in range(1, 7)]


def test_names_can_be_read_and_given():
    assert names(sweep={"taxonomies": [["seven"], ["seven", "ternary"]]}) == ["seven", "seven-ternary"]
    assert names(sweep={"face_margin": [0.1, 0.25]}) == [
        "face_margin-0.1",
        "face_margin-0.25",
    ]
    assert names(sweep={"reasoning_effort": ["", "none"]}) == ["reasoning_effort-none", "none"]
    given = names(sweep={"taxonomies": {"all": ["seven", "ternary"], "three": ["ternary"]}, "n_frames": [3]})
    assert given == ["all_n_frames-3", "three_n_frames-3"]


@hypothesis.given(st.lists(st.text(min_size=1), min_size=1, max_size=6, unique=True))
def test_names_of_any_texts_are_safe_and_apart(models):
    """A model's name is untrusted, and case alone keeps no folders apart on every file system."""
    found = names(sweep={"model": models})
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name) for name in found)
    assert len({name.lower() for name in found}) == len(models)
    assert not {name.lower() for name in found} & {"cells.csv", "sweep.json", "notebooks", "figures"}


@pytest.mark.parametrize("model", ["notebooks", "Figures", "a/b", "../..", "-rf", "lock", "x" * 200])
def test_no_name_leads_elsewhere_or_to_the_sweeps_own_files(model):
    (name,) = names(sweep={"model": [model]})
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name)
    assert name.lower() != model.lower()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "nothing varies"),
        ({"sweep": {"promt": ["labels"]}}, "unknown parameter 'promt', did you mean 'prompt'?"),
        ({"sweep": {"prompt": ["labels", "label"]}}, "cell label: prompt is 'label'"),
        ({"sweep": {"prompt": []}}, "prompt is []: list one or more values"),
        ({"sweep": {"prompt": {}}}, "prompt is {}: list one or more values"),
        ({"sweep": {"prompt": "labels"}}, "prompt is 'labels': list one or more values"),
        ({"sweep": ["prompt"]}, "sweep is a list"),
        ({"sweep": {"prompt": ["labels", "labels"]}}, "are the same run (prompt: labels): remove one"),
        ({"sweep": {"face_margin": [1, 1.0]}}, "are the same run"),
        (
            {"sweep": {"n_frames": list(range(1, 16)), "jpeg_quality": list(range(1, 15))}},
            "210 cells are more than 200",
        ),
        ({"sweep": {"out": ["a", "b"]}}, "out stands under sweep, but is the whole sweep's"),
        ({"zip": {"archive": ["a", "b"]}}, "archive stands under zip, but is the whole sweep's"),
        ({"sweep": {"max_cost_usd": [1, 2]}}, "max_cost_usd stands under sweep"),
        ({"sweep": {"allow_upload": [True, False]}}, "allow_upload stands under sweep"),
        ({"prompt": "labels", "sweep": {"prompt": ["labels"]}}, "at the top and under sweep"),
        ({"sweep": {"n_frames": [3]}, "zip": {"n_frames": [3]}}, "stands under sweep and under zip"),
        ({"each": {"n_frames": [3]}, "zip": {"n_frames": [3]}}, "stands under zip and under each"),
        ({"n_frames": 3, "each": {"n_frames": [3, 5]}}, "cells base and n_frames-3 are the same run"),
        ({"each": {"promt": ["labels"]}}, "unknown parameter 'promt', did you mean 'prompt'?"),
        ({"each": {"out": ["a"]}}, "out stands under each, but is the whole sweep's"),
        ({"zip": {"n_frames": [3, 5], "prompt": ["labels"]}}, "differ in length (n_frames: 2, prompt: 1)"),
        ({"sweep": {"prompt": {"a/b": "labels"}}}, "'a/b' cannot name a folder"),
        ({"sweep": {"prompt": {"notebooks": "labels"}}}, "'notebooks' cannot name a folder"),
        ({"sweep": {"strategies": [[], ["multi_frame"]]}}, "strategies is []: name one or more"),
        ({"sweep": {"prompt": ["labels"]}, "error_analysis": "no"}, "error_analysis is 'no': write true or false"),
        ({"sweep": {"prompt": ["labels"]}, "out": "notebooks"}, "holds files of the project"),
    ],
)
def test_a_wrong_sweep_is_refused_in_one_line(values, message):
    with pytest.raises(ParamsError) as caught:
        sweeps.of_values({**OUT, **values}, "s.yaml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_cells_are_refused_before_they_are_made():
    with pytest.raises(ParamsError, match=str(64 * 100 * 100)):
        sweeps.of_values(
            {**OUT, "sweep": {"n_frames": [*range(1, 65)], "jpeg_quality": [*range(1, 101)], "seed": [*range(100)]}}
        )


def test_a_file_that_varies_nothing_or_is_not_there_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"is not a file: give one like params/sweep\.yaml"):
        sweeps.load(tmp_path / "none.yaml")
    with pytest.raises(ParamsError, match=r"params/demo\.yaml: nothing varies"):
        sweeps.load(ROOT / "params/demo.yaml")


def test_the_table_says_what_became_of_each_cell(tmp_path):
    swept = sweeps.of_values({**OUT, "sweep": {"taxonomies": [["seven"], ["ternary"]], "temperature": [0.00001, 1]}})
    states = {cell.name: (sweeps.NOT_RUN, "") for cell in swept.cells}
    states[swept.cells[1].name] = (sweeps.FAILED, 'it said "no", twice')
    sweeps.write(swept, states, tmp_path)
    table = sweeps.read(tmp_path)
    assert list(table.columns) == ["cell", "taxonomies", "temperature", "state", "reason", "hash"]
    assert list(table["taxonomies"]) == ["[seven]", "[seven]", "[ternary]", "[ternary]"]
    assert table["reason"].tolist() == ["", 'it said "no", twice', "", ""]
    assert table["hash"].is_unique
    assert sweeps.states(swept, tmp_path) == states
    other = sweeps.of_values({**OUT, "n_frames": 3, "sweep": {"taxonomies": [["seven"]], "temperature": [1]}})
    assert sweeps.states(other, tmp_path) == {other.cells[0].name: (sweeps.NOT_RUN, "")}  # of other parameters


def test_a_folder_without_a_sweep_is_named(tmp_path):
    with pytest.raises(RunError, match=r"cells\.csv is missing: give the folder of a sweep"):
        sweeps.read(tmp_path)
    Path(tmp_path, "cells.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RunError, match="is not a sweep's table"):
        sweeps.read(tmp_path)


def test_a_hash_is_of_the_parameters_and_not_of_the_folder():
    one, other = (sweeps.of_values({"out": out, "sweep": {"n_frames": [3]}}).cells[0] for out in ("outputs/a", "b"))
    assert one.hash == other.hash != sweeps.fingerprint(one.params.model_copy(update={"n_frames": 5}))


@pytest.mark.parametrize("value", ["no", "1e-4", "a: b", "", "1:30", True, 1e-05, ["a", "#b"], {"contempt": "sad"}])
def test_values_as_yaml_mean_the_same_again(value):
    import yaml

    text = sweeps.as_yaml(value)
    assert "\n" not in text
    assert yaml.safe_load(text) == value or math.isclose(yaml.safe_load(text), value)


def test_cells_that_agree_in_the_first_notebooks_stand_together():
    values = {"prompt": ["labels", "reasoning"], "frame_choice": ["middle", "peak"], "surprise_is": ["positive"]}
    cells = sweeps.of_values({**OUT, "sweep": values}).cells
    assert [[cell.name for cell in group] for group in sweeps.alike(cells, 1)] == [[cell.name for cell in cells]]
    assert [len(group) for group in sweeps.alike(cells, 2)] == [2, 2]
    assert [len(group) for group in sweeps.alike(cells, 3)] == [1, 1, 1, 1]
