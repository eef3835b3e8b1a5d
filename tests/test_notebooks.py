"""The committed notebooks: executed, clean, in one shape, and with the parameters the package knows."""

import ast
import re

import nbformat
import pytest

from fer_helpers import evaluation, pipeline, prompting, runs, tables
from fer_helpers.params import Params
from fer_helpers.runs import EVERY

COMPARED = {  # cells whose output nbval compares, at least
    "01_data_exploration": 9,
    "02_frame_extraction": 10,
    "03_zero_shot_annotation": 10,
    "04_strategy_comparison": 8,
    "05_error_analysis": 8,
    "06_label_audit": 12,
    "07_sweep_comparison": 8,
}
SECTIONS = ["## Answer", "## Checks", "## Save", "## Summary", "## Exercises", "## Discussion"]
SOLUTIONS = tuple(f"solutions/{name}" for name in EVERY)


def read(name):
    return nbformat.read(runs.source(name), as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_it_was_executed_from_top_to_bottom(name):
    """A notebook without execution counts passes nbval with nothing compared."""
    assert pipeline.is_executed(read(name))


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_enough_of_its_outputs_are_compared(name):
    skipped = {"nbval-skip", "nbval-ignore-output"}
    compared = [c for c in code(read(name)) if c.outputs and not skipped & set(c.metadata.get("tags", []))]
    assert len(compared) >= COMPARED.get(name, 4)


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_it_is_clean(name):
    """No timings, widget state or warnings: what would make a difference in every rerun."""
    notebook = read(name)
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.get("language_info", {})
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        for output in cell.get("outputs", []):
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            assert output.output_type != "error"
            assert not re.search(r"0x[0-9a-f]{6,}|Warning", text), text


@pytest.mark.parametrize("name", EVERY)
def test_it_has_the_shape_of_a_chapter(name):
    cells = read(name).cells
    opening = cells[0].source
    assert opening.startswith(f"# {name[:2]} ")
    for part in ("**Question.**", "**Goals.**", "**Before you start.**"):
        assert part in opening
    for row in ("Reads", "Writes", "Time", "In class", "Cost"):
        assert f"| {row} |" in opening
    assert re.search(r"\| In class \| \d+ minutes \|", opening)
    assert 2 <= len(re.findall("^- ", opening.split("**Before")[0], re.M)) <= 4
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert [line for line in text.splitlines() if line in SECTIONS] == SECTIONS
    assert "**Limitations:**" in text
    assert 12 <= len(code(read(name))) <= 32


@pytest.mark.parametrize("name", EVERY)
def test_its_exercises_rise_in_difficulty_and_each_is_solved(name):
    """From a parameter to a line of code to a small study; the solutions keep the exercises' order and titles."""
    (posed,) = (cell.source for cell in read(name).cells if cell.source.startswith("## Exercises"))
    exercises = re.findall(r"^(\d)\. \*\*(.+?)\*\* \((parameter|code|study)\)", posed, re.M)
    assert [int(number) for number, *_ in exercises] == list(range(1, len(exercises) + 1))
    assert 3 <= len(exercises) <= 5
    kinds = [("parameter", "code", "study").index(kind) for *_, kind in exercises]
    assert kinds == sorted(kinds)
    assert {0, 1, 2} == set(kinds)
    assert posed.splitlines()[-1] == f"[Solutions](solutions/{name}.ipynb)"
    solved = "\n".join(cell.source for cell in read(f"solutions/{name}").cells if cell.cell_type == "markdown")
    titles = re.findall(r"^## Exercise (\d)\n\*\*(.+?)\*\* \((\w+)\)", solved, re.M)
    assert titles == exercises
    (discussed,) = (cell.source for cell in read(name).cells if cell.source.startswith("## Discussion"))
    assert "?" in discussed


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_its_links_lead_somewhere(name):
    """To a file beside it, whatever folder it is read from."""
    text = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert link.startswith("https://") or (runs.source(name).parent / link).exists(), link


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_no_code_cell_is_long(name):
    """What takes more lines is a function of a room."""
    logic = [cell for cell in code(read(name)) if "parameters" not in cell.metadata.get("tags", [])]
    assert not [cell.source for cell in logic if len(cell.source.splitlines()) > 12]


@pytest.mark.parametrize("name", EVERY)
def test_its_question_is_answered_by_computation(name):
    """The cell below the heading prints sentences of a function, and none is typed into it."""
    cells = read(name).cells
    at = next(n for n, cell in enumerate(cells) if cell.source.startswith("## Answer"))
    assert re.search(r"(findings|answers)\.of_\w+\(", cells[at + 1].source)
    constants = [node.value for node in ast.walk(parsed(cells[at + 1].source)) if isinstance(node, ast.Constant)]
    assert not [text for text in constants if " " in str(text)]


@pytest.mark.parametrize("name", EVERY + SOLUTIONS)
def test_every_figure_is_shown_with_its_caption(name):
    """A picture in an output has a text alternative; `plt.show` gives none."""
    notebook = read(name)
    assert not [cell.source for cell in code(notebook) if "plt.show" in cell.source]
    outputs = [output for cell in code(notebook) for output in cell.outputs if "image/png" in output.get("data", {})]
    assert all(output.metadata["image/png"]["alt"] for output in outputs)


@pytest.mark.parametrize("name", EVERY)
def test_no_strategy_or_metric_is_typed_again(name):
    """They come from the parameters and the records, so that a new one is added in one place."""
    logic = [cell.source for cell in code(read(name)) if "parameters" not in cell.metadata.get("tags", [])]
    columns = {column for schema in tables.SCHEMAS.values() for column in schema.columns}  # mosaic is one, too
    known = {*prompting.STRATEGIES, *evaluation.METRICS} - columns
    words = {node.value for text in logic for node in ast.walk(parsed(text)) if isinstance(node, ast.Constant)}
    assert not {name for name in known if name in words}


def parsed(source):
    """A cell as IPython reads it: `await` may stand at its top."""
    return compile(source, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("name", EVERY)
def test_its_abbreviations_are_spelled_out_where_they_are_first_read(name):
    text = "\n".join(cell.source for cell in read(name).cells if "parameters" not in cell.metadata.get("tags", []))
    for short, long in SPELLED_OUT.items():
        if found := re.search(rf"\b{short}\b", text):
            near = text[max(0, found.start() - 200) : found.end() + 200]
            assert re.search(long, near, re.I), f"{short}: {near}"


SPELLED_OUT = {
    "WAR": "weighted average recall",
    "UAR": "unweighted average recall",
    "FACS": "Facial Action Coding System",
    "ECE": "expected calibration error",
    "Brier": "squared distance",
    "Pareto": "no cheaper one",
    "Holm": "many pairs are tested",
    "McNemar": "clips that only one of the two gets right",
}


@pytest.mark.parametrize("name", EVERY)
def test_its_parameters_are_the_packages(name):
    """Same names, types and defaults, each with a word of help, in a cell that papermill can find and read."""
    notebook = read(name)
    tagged = [cell for cell in code(notebook) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    assert all(re.fullmatch(r"\w+: \w+ = [^=]+  # .+", line) for line in tagged[0].source.splitlines())
    defaults = Params().model_dump()
    for parameter, value in runs.declared(name).items():
        assert (type(value), value) == (type(defaults[parameter]), defaults[parameter])


def test_every_parameter_belongs_to_a_notebook():
    declared = {parameter for name in EVERY for parameter in runs.declared(name)}
    assert declared == set(Params.model_fields)


def test_only_what_must_be_one_place_is_declared_twice():
    """A later notebook cannot disagree with an earlier one about a parameter it does not have."""
    count = [parameter for name in EVERY for parameter in runs.declared(name)]
    assert {parameter for parameter in count if count.count(parameter) > 1} == {"out"}
