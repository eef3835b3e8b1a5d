"""No installation: what Docker, a devcontainer and Binder are told, and Docker's steps carried out as a script."""

import getpass
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

from fer_helpers.paths import ROOT
from tests.support.checkout import committed

PYTHON = re.compile(r"python[:-](3\.\d+)")


def dockerfile():
    """(instruction, the rest of its line), in order."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    return [tuple(line.split(" ", 1)) for line in lines if line and not line.startswith("#")]


def all_of(instruction):
    return [rest for name, rest in dockerfile() if name == instruction]


def copied(rest):
    """Sources and target of a COPY."""
    *sources, target = [word for word in shlex.split(rest) if not word.startswith("--")]
    return sources, target


def test_the_image_is_run_by_a_user_who_is_not_root():
    (user,) = all_of("USER")
    assert user not in ("root", "0")
    assert f"useradd --create-home {user} " in all_of("RUN")[0]
    assert all(rest.startswith(f"--chown={user} ") for rest in all_of("COPY"))


def test_the_image_and_binder_install_the_lock_by_its_hashes():
    for steps in ("\n".join(all_of("RUN")), (ROOT / ".binder" / "postBuild").read_text()):
        assert re.search(r"pip install .*--require-hashes --no-deps -r requirements\.lock", steps)
        assert steps.rstrip().endswith("fer-helpers doctor")


def test_every_file_that_is_copied_into_the_image_exists():
    for sources, _ in map(copied, all_of("COPY")):
        assert all((ROOT / source).exists() for source in sources)


def test_pythons_agree_with_pyproject():
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    tested = {name.rpartition(" ")[2] for name in classifiers if "Python :: 3." in name}
    binder = (ROOT / ".binder" / "runtime.txt").read_text()
    assert {PYTHON.match(text)[1] for text in (all_of("FROM")[0], binder)} <= tested
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", all_of("FROM")[0])  # an exact version


def test_no_face_and_no_history_gets_into_the_image():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".git", "outputs/*", ".venv*"} <= set(ignored)
    assert all_of("VOLUME") == ["/opt/course/outputs"]


def test_jupyter_is_started_at_the_first_chapter():
    (command,) = map(json.loads, all_of("CMD"))
    assert command[:2] == ["jupyter", "lab"]
    (url,) = [word.partition("/lab/tree/")[2] for word in command if "default_url" in word]
    assert (ROOT / url).is_file()


def test_the_devcontainer_is_the_same_image_with_the_same_user():
    told = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    place = ROOT / ".devcontainer"
    assert (place / told["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (place / told["build"]["context"]).resolve() == ROOT
    assert told["remoteUser"] == all_of("USER")[0]
    assert told["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"] == "/opt/venv/bin/python"


def test_binders_script_can_be_executed():
    script = ROOT / ".binder" / "postBuild"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


class Container:
    """The Dockerfile's steps after USER in folders of this machine, by a user who is not root and has nothing else."""

    def __init__(self, place):
        self.place, self.course = place, place / "opt" / "course"
        self.user = "nobody" if os.geteuid() == 0 else getpass.getuser()
        for folder in (self.course, place / "opt" / "venv", place / "user", place / "bin"):
            folder.mkdir(parents=True)
        name = f"python3.{sys.version_info.minor}"
        own = Path(sys.base_prefix, "bin", name)  # of root, it may be closed to others
        (place / "bin" / "python").symlink_to(shutil.which(name, path="/usr/local/bin:/usr/bin") or own)
        self.give()

    def give(self):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", self.user, self.place], check=True)

    def copy(self, sources, target):
        for path in committed():
            name = path.relative_to(ROOT)
            if "." in sources or name.as_posix() in sources:
                (self.course / target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, self.course / target / name)
        self.give()

    def run(self, command):
        places = self.here(all_of("ENV")[0]).removeprefix("PATH=").removesuffix(":$PATH")
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
        bare = {**kept, "HOME": f"{self.place}/user", "PATH": f"{places}:{self.place}/bin:/usr/bin:/bin"}
        who = {"user": self.user, "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        pipes = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
        return subprocess.run(["sh", "-c", self.here(command)], cwd=self.course, env=bare, **who, **pipes)

    def here(self, text):
        return text.replace("/opt/", f"{self.place}/opt/")


@pytest.fixture
def container():
    """In a folder that another user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="fer-image-") as place:
        Path(place).chmod(0o755)
        yield Container(Path(place, "image"))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_images_steps_end_with_an_installation_that_runs(container):
    """Packages of the lock, the check, a run of a few clips, without Docker; the workflow builds and runs the image."""
    steps = dockerfile()
    for name, rest in steps[[name for name, _ in steps].index("USER") :]:
        if name == "COPY":
            container.copy(*copied(rest))
        elif name == "RUN":
            done = container.run(rest)
            assert not done.returncode, f"{rest}\n{done.stdout}{done.stderr}"
    assert "not ok" not in done.stdout
    assert done.stdout.count("ok  ") >= 10
    done = container.run("fer-helpers run params/demo.yaml -p n_clips 7 -p n_resamples 200")
    assert done.stdout.endswith("report: outputs/demo/report.html\n"), done.stderr
    assert (container.course / "outputs" / "demo" / "report.html").owner() == container.user
