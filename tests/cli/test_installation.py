"""The check of the installation: every usual fault is found and has a remedy, and a sound machine has none."""

import json
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest

from fer_helpers.cli import installation
from tests.support.command import fer

INSTALLED = {"numpy": "1.26.4", "openai": "3.50.0rc1", "opencv-python-headless": "4.12.0.88"}


def installed(name):
    try:
        return INSTALLED[name]
    except KeyError:
        raise metadata.PackageNotFoundError(name) from None


def found(need):
    """What the whole check says about the one thing whose name contains `need`."""
    (one,) = [one for one in installation.check() if need in one.need]
    return one


@pytest.fixture(scope="module")
def sound():
    return installation.check()


def test_here_all_is_well(sound):
    assert [one for one in sound if one.problem or one.remedy] == []


def test_its_table_tells_nothing_of_the_machine(sound):
    """So that the committed first chapter is what everybody gets."""
    lines = installation.as_markdown(sound).splitlines()
    assert lines[2:] == [f"| {need} | ok |  |" for need, _, _ in installation._CHECKS]


def test_a_missing_package_and_one_too_old_are_named():
    """Extras and what another platform needs are not asked for; a pre-release counts by its number."""
    wanted = ["numpy>=2.0", "openai[aiohttp]>=3.49", "krippendorff>=0.8", "pytest; extra == 'dev'"]
    wanted += ["pywin32; sys_platform == 'never'", "opencv-python-headless<5,>=4.10"]
    problems = installation.package_problems(wanted, installed)
    assert problems == ["numpy 1.26.4, and not >=2.0", "krippendorff is missing"]


def test_an_old_python_is_named():
    assert installation.python_problem(">=3.11", "3.9.7") == "Python 3.9.7, and not >=3.11"
    assert not installation.python_problem(">=3.11", "3.13.1")


def test_a_package_that_was_replaced_under_a_running_kernel_is_named():
    """As pip does on Colab. cv2 4.12.0 is what opencv-python-headless 4.12.0.88 holds."""
    modules = {name: SimpleNamespace(__version__=v) for name, v in (("numpy", "2.0.2"), ("cv2", "4.12.0"))}
    packages = {"numpy": ["numpy"], "cv2": ["opencv-python-headless"], "openai": ["openai"]}
    assert installation.stale(modules, packages, installed) == ["numpy 2.0.2, but 1.26.4 is installed"]


def test_a_foreign_kernel_is_named_with_its_place(tmp_path, monkeypatch):
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    for program in ("/bin/false", "/gone/bin/python"):
        spec.write_text(json.dumps({"argv": [program, "{connection_file}"], "display_name": "x", "language": "python"}))
        one = found("kernel python3")
        assert program in one.problem
        assert str(spec.parent) in one.problem
        assert "jupyter kernelspec remove python3" in one.remedy


@pytest.mark.parametrize("program", ["python", "python3", "python3.12", sys.executable])
def test_this_interpreter_by_whatever_name_is_no_foreign_kernel(program):
    assert not installation.kernel_problem([program], "", installation.Path(sys.executable))


def test_an_environment_that_was_moved_is_named(tmp_path):
    script = tmp_path / "fer-helpers"
    assert installation.script_problem(script) == f"{script} is not there"
    script.write_text("#!/old place/.venv/bin/python\nimport sys\n")
    assert "was the environment moved?" in installation.script_problem(script)
    for there in (sys.executable, "/bin/sh"):  # pip writes the second where the first is too long
        script.write_text(f"#!{there}\n")
        assert not installation.script_problem(script)


@pytest.mark.parametrize(
    ("variable", "need"),
    [("FER_OUTPUTS", "for runs"), ("XDG_CACHE_HOME", "folder for the models"), ("JUPYTER_RUNTIME_DIR", "for Jupyter")],
)
def test_a_folder_that_cannot_be_made_is_named_with_the_variable_that_moves_it(tmp_path, monkeypatch, variable, need):
    """Below a file, which is refused to root, too."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(variable, str(tmp_path / "file" / "folder"))
    one = found(need)
    assert one.problem == f"{tmp_path / 'file'} cannot be written to"
    assert variable in one.remedy


def test_a_full_disk_and_a_broken_decoder_are_findings_and_no_tracebacks(monkeypatch):
    monkeypatch.setattr(installation.shutil, "disk_usage", lambda path: SimpleNamespace(free=2e8))
    monkeypatch.setitem(sys.modules, "av", None)  # importing it fails
    problems = {one.need: one.problem for one in installation.check() if one.problem}
    room, video = problems.values()
    assert room.startswith("0.2 GB are free at ")
    assert "import of av halted" in video


def test_without_the_large_packages_it_still_says_what_is_missing(tmp_path):
    """It imports none of them before it looks at them."""
    names = ("numpy", "pandas", "av", "aiohttp", "jupyter_client", "pydantic")
    code = f"import sys; sys.modules.update(dict.fromkeys({names})); from fer_helpers.cli import main; main(['doctor'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "not ok  videos" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("fer-helpers: ")


def test_on_the_command_line_problems_have_remedies_and_exit_1(tmp_path, monkeypatch):
    assert fer("doctor").exit_code == 0
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FER_OUTPUTS", str(tmp_path / "file"))
    said = fer("doctor")
    assert said.exit_code == 1
    assert f"found: {tmp_path / 'file'} cannot be written to\n        to do: set FER_OUTPUTS" in said.output
    assert "1 of 13 things" in said.output


def test_what_it_found_is_text_and_not_markup():
    table = installation.as_markdown([installation.Finding("a", "<script> | b\nc & d", "e")])
    assert table.splitlines()[2:] == ["| a | &lt;script> &#124; b c &amp; d | e |"]


def test_a_folder_with_other_things_becomes_a_study_and_keeps_them(tmp_path, monkeypatch):
    """As Colab's /content: without a loss, and known again after the kernel is restarted."""
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "sample_data").mkdir()
    monkeypatch.chdir(tmp_path)
    installation.settle()
    assert (tmp_path / "README.md").read_text() == "mine"
    assert {"notebooks", "params", "sample_data", "study.yaml"} < {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "params" / "demo.yaml").is_file()
