"""The package as a new user has it: installed from a wheel, in a folder of their own, without the checkout."""

import os
import subprocess
import sys
import zipfile

import pytest

from fer_helpers.errors import RunError
from fer_helpers.paths import PACKAGE, ROOT
from fer_helpers.runs import create_study
from tests.support.checkout import committed
from tests.support.wheels import pip


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """`fer-helpers` of the wheel as a function of arguments and a working directory; there is no terminal."""
    site = tmp_path_factory.mktemp("site")
    pip("install", wheel, "--no-deps", "--target", site)
    bare = {name: value for name, value in os.environ.items() if not name.startswith("FER_")}

    def fer(*arguments, cwd):
        command = [sys.executable, "-c", "from fer_helpers.cli import main; main()", *arguments]
        environment = {**bare, "PYTHONPATH": str(site)}
        return subprocess.run(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )

    return fer


def test_a_wheel_carries_every_file_of_the_package_and_of_a_study(wheel):
    """Prompts, prices, page, browser and py.typed too: without one of them an installed command is a traceback."""
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("fer_helpers/")}
    files = {p.relative_to(ROOT).as_posix() for p in committed()}
    study = {f"fer_helpers/study/{name}" for name in files if name.startswith(("notebooks/", "params/", "docs/"))}
    assert packed == {name for name in files if name.startswith("fer_helpers/")} | study


@pytest.mark.slow  # several commands that import everything
def test_a_study_works_without_a_checkout(installed, tmp_path):
    """From an empty folder whose name has spaces and other letters: new, and a corpus rendered into the study."""
    place = tmp_path / "leerer Ordner ä"
    place.mkdir()
    made = installed("new", "Studie ö", cwd=place)
    assert made.stdout == "made Studie ö; next: cd 'Studie ö' && fer-helpers run params/demo.yaml\n", made.stderr
    study = place / "Studie ö"
    checked = installed("check", "params/demo.yaml", "-p", "n_clips", "7", cwd=study / "params")
    assert "demo: 7 clips listed, 7 examined" in checked.stdout, checked.stderr
    assert (study / "outputs" / "corpora" / "demo-7-seed1" / "manifest.csv").is_file()
    assert sorted(path.name for path in place.iterdir()) == ["Studie ö"]


@pytest.mark.slow
def test_a_study_ends_with_a_report(installed, tmp_path):
    """Kernels find the study, too; a log gets no bars."""
    installed("new", "mine", cwd=tmp_path)
    done = installed("run", "params/demo.yaml", "-p", "n_clips", "7", "-p", "n_resamples", "200", cwd=tmp_path / "mine")
    assert done.stdout.endswith("report: outputs/demo/report.html\n"), done.stderr
    assert "\r" not in done.stderr
    assert (tmp_path / "mine" / "outputs" / "demo" / "labels.parquet").is_file()


def test_outside_a_study_a_command_says_what_to_do(installed, tmp_path):
    said = installed("run", "params/demo.yaml", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (1, "")
    assert "fer-helpers new" in said.stderr
    assert len(said.stderr.splitlines()) == 1


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "mine").write_text("precious")
    for folder in (tmp_path, tmp_path / "mine"):
        with pytest.raises(RunError, match="holds something already"):
            create_study(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_study_has_the_notebooks_parameters_and_pages_of_the_checkout(tmp_path):
    create_study(tmp_path / "new")
    for name in ("notebooks", "params", "docs"):
        made, ours = tmp_path / "new" / name, PACKAGE.parent / name
        found = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
        assert found == {path.relative_to(ours) for path in committed() if path.is_relative_to(ours)}
