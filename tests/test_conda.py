"""environment.yml as conda reads it, and its `pip:` section as pip does. Nothing here has a conda to ask."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fer_helpers.paths import ROOT
from tests.support.checkout import committed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
*CONDA, PIP = ENVIRONMENT["dependencies"]
OTHER_NAME = {"playwright-python": "playwright"}  # conda-forge's own `playwright` is Node's

COMMANDS = ("..", "..", "..", "bin")  # seen from site-packages; each begins with the path of its own interpreter


def bounds(lines):
    """{name on PyPI: bounds} of requirements without their extras and markers."""
    found = [Requirement(line) for line in lines]
    return {OTHER_NAME.get(one.name, one.name): str(one.specifier) for one in found}


def test_it_has_the_form_that_conda_takes():
    assert set(ENVIRONMENT) == {"name", "channels", "dependencies"}
    assert ENVIRONMENT["channels"] == ["conda-forge"]
    assert list(PIP) == ["pip"]
    assert "pip" in CONDA  # else conda adds it, with a warning
    # A name and bounds: no extras and no markers, which conda has none of; lower case, as channels have them.
    assert not [line for line in CONDA if not re.fullmatch(r"[a-z0-9-]+([<>=]+[\d.]+(,[<>=]+[\d.]+)*)?", line)]
    names = [re.split("[<>=]", line)[0] for line in CONDA + PIP["pip"]]
    assert len(names) == len(set(names))
    assert not set(names) & set(OTHER_NAME.values())


def test_it_and_pyproject_name_the_same_packages_and_pythons():
    wanted = bounds(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"])
    *pip, own = PIP["pip"]
    found = bounds(CONDA) | bounds(pip)
    python = SpecifierSet(found.pop("python"))
    minors = [name.rpartition(" ")[2] for name in PROJECT["classifiers"] if "Python :: 3." in name]
    assert [f"3.{minor}" for minor in range(30) if python.contains(f"3.{minor}.1")] == minors
    assert (found.pop("pip"), own) == ("", "-e .")
    assert found == wanted


def written(folder):
    """The file that conda makes of the `pip:` section, beside environment.yml."""
    path = folder / "condaenv.trial.requirements.txt"
    path.write_text("\n".join(PIP["pip"]))
    return path


# pip's own reader, for the grammar alone: whether the packages can be had is seen below.
READS = """
import sys
from pip._internal.network.session import PipSession
from pip._internal.req import parse_requirements
lines = list(parse_requirements(sys.argv[1], PipSession()))
assert len(lines) == int(sys.argv[2])
assert sum(line.is_editable for line in lines) == 1
assert not any(line.options for line in lines)  # a hash for one asks for hashes of all, and none fits an editable one
"""


def test_what_conda_hands_to_pip_is_a_requirements_file(tmp_path):
    call = [sys.executable, "-c", READS, written(tmp_path), str(len(PIP["pip"]))]
    subprocess.run(call, cwd=ROOT, check=True)


@pytest.fixture
def checkout(tmp_path):
    for path in committed():
        copy = tmp_path / "a checkout" / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    return tmp_path / "a checkout"


@pytest.fixture
def conda_part(tmp_path):
    """Python of an environment with what conda would bring: the lock's packages, without those of the pip section."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    (site,) = (tmp_path / "env").glob("lib/python*/site-packages")
    by_pip = {canonicalize_name(Requirement(line).name) for line in PIP["pip"][:-1]} | {"fer-helpers", "pip"}
    lock = sysconfig.get_path("purelib")
    for one in importlib.metadata.distributions(path=[lock]):
        if canonicalize_name(one.name) not in by_pip:
            for file in one.files or []:
                if file.parts[:4] != COMMANDS and one.locate_file(file).is_file():
                    (site / file).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(one.locate_file(file), site / file)
    return tmp_path / "env" / "bin" / "python"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_conda_hands_to_pip_ends_with_an_installation_that_works(conda_part, checkout):
    """It asks the package index; conda itself would give newer versions of its part than the lock's."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("FER_", "PYTHON"))}

    def run(program, *arguments):
        command = [conda_part.with_name(program), *arguments]
        done = subprocess.run(command, cwd=checkout, env=bare, capture_output=True, text=True)
        assert not done.returncode, done.stdout + done.stderr
        return done.stdout

    said = run("python", "-m", "pip", "install", "-U", "-r", written(checkout), "--exists-action=b")
    assert "fer-helpers" in said.splitlines()[-1]
    print(said.splitlines()[-1])
    assert run("python", "-c", "import fer_helpers; print(fer_helpers.__path__[0])").strip() == str(
        checkout / "fer_helpers"
    )
    found = run("fer-helpers", "doctor")
    print(found)
    assert "not ok" not in found
    assert found.count("ok  ") >= 10
