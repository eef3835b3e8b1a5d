"""A paper's supplement opened where the run was not made: its tables by replay, and what is refused."""

import json
import os
import shutil
import stat
import subprocess
import venv
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from fer_helpers import paths, tables
from fer_helpers.errors import RunError
from fer_helpers.params import flat_yaml
from fer_helpers.pipeline import opening
from fer_helpers.runs import open_run
from tests.support.command import SMALL, fer
from tests.support.supplements import packed, unpacked
from tests.support.wheels import pip


@pytest.fixture(scope="module")
def archive(small_run, tmp_path_factory):
    """The supplement of the small run."""
    to = tmp_path_factory.mktemp("archive") / "small.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_OUTPUTS", str(small_run.parent))
        assert fer("supplement", small_run, "--to", to).exit_code == 0
    return to


@pytest.fixture
def study(archive, tmp_path, monkeypatch):
    """A study made of it, where this process's paths begin."""
    opening.unpack(archive, tmp_path / "study")
    monkeypatch.delenv("FER_OUTPUTS")
    monkeypatch.setattr(paths, "ROOT", tmp_path / "study")
    return tmp_path / "study"


def test_the_same_run_gives_the_same_bytes(archive, small_copy, tmp_path):
    """Wherever its folder lies; and every file is in the checksums and in the metadata."""
    assert fer("supplement", small_copy, "--to", tmp_path / "again.zip").exit_code == 0
    assert archive.read_bytes() == (tmp_path / "again.zip").read_bytes()
    folder = unpacked(archive, tmp_path / "a")
    done = subprocess.run(["sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stdout
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    listed = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert names == listed | {"SHA256SUMS"}
    assert all(opening.NAME.fullmatch(name) and name.isascii() for name in names)
    crate = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert {one["@id"] for one in crate if one["@type"] == "File"} == names - {"SHA256SUMS", "ro-crate-metadata.json"}
    for table in ("answers", "predictions", "scores"):
        assert (folder / f"run/{table}.parquet").read_bytes() == (small_copy / f"{table}.parquet").read_bytes()


def test_its_tables_equal_the_runs(study, small_run, in_process, monkeypatch):
    """All that follows from the replies is made anew, with neither a client nor a clip to help.

    A shipped table with a right checksum, and yet not what the replies say, is named with columns and rows.
    """
    monkeypatch.setattr("fer_helpers.annotation.access.Access.async_client", None)
    shipped = study / "supplement" / "run" / "scores.parquet"
    scores = pd.read_parquet(shipped)
    of_interest = scores["metric"] == "WAR"
    scores.assign(value=scores["value"].mask(of_interest, 0.99)).to_parquet(shipped, index=False)
    found = opening.replay(study, print)["result"].to_dict()
    assert found.pop("scores") == f"differs: value ({of_interest.sum()} rows)"
    checked = {found.pop(name) for name in ("clips", "frames", "videos")}
    assert {words.split(":")[0] for words in checked} == {"as shipped"}
    assert found == dict.fromkeys(["requests", "answers", "predictions", "comparisons"], "same")
    for name in ("scores", *found):
        remade = pd.read_parquet(study / "outputs" / "small" / f"{name}.parquet")
        pd.testing.assert_frame_equal(remade, pd.read_parquet(small_run / f"{name}.parquet"))
    assert not list(study.rglob("*.mp4"))
    assert open_run(study / "outputs" / "small").facts["requests_sent"] == 0


def test_tables_are_compared_by_their_keys():
    one = pd.DataFrame({"key": ["a", "b", "c"], "n": pd.array([1, None, 3], "Int64"), "x": [0.1, None, 0.3]})
    assert opening.difference(one, one.iloc[::-1], ["key"]) == "same"
    assert opening.difference(one, one.assign(x=one["x"] * (1 + 1e-12)), ["key"]) == "same"
    assert opening.difference(one, one.assign(x=one["x"] * (1 + 1e-6)), ["key"]) == "differs: x (2 rows)"
    assert opening.difference(one, one.assign(n=pd.array([1, 2, 3], "Int64")), ["key"]) == "differs: n (1 rows)"
    assert opening.difference(one, one.iloc[:2], ["key"]) == "differs: 1 rows in one alone"
    assert opening.difference(one, one.drop(columns="n"), ["key"]) == "differs: columns n in one alone"


def _changed(folder):
    (folder / "run" / "report.html").write_text("another")


def _foreign(folder):
    (folder / "run" / "more.html").write_text("more")


def _gone(folder):
    (folder / "run" / "report.html").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_changed, "run/report.html has another checksum"),
        (_foreign, "'run/more.html' is not in SHA256SUMS"),
        (_gone, "'run/report.html' is missing"),
    ],
)
@pytest.mark.parametrize("as_folder", [True, False])
def test_what_was_changed_on_the_way_is_refused(archive, tmp_path, change, said, as_folder):
    folder = unpacked(archive, tmp_path / "a")
    change(folder)
    source = folder if as_folder else packed(folder, tmp_path / "b.zip", sums=False)
    _refused(source, tmp_path, said)


def _refused(source, tmp_path, said):
    result = fer("open", source, "--into", tmp_path / "study")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.stderr
    assert said in result.stderr
    assert not [path for path in tmp_path.iterdir() if "study" in path.name]


@pytest.mark.parametrize(
    "name",
    ["../out.txt", "/out.txt", "run/../../out.txt", "C:/out.txt", "run\\..\\out.txt", ".hidden", "a\nb", "run//x"],
)
def test_a_name_that_leads_out_is_refused(archive, tmp_path, name):
    shutil.copyfile(archive, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as more:
        more.writestr(name, "out")
    _refused(tmp_path / "a.zip", tmp_path, "no safe name")
    assert not list(tmp_path.rglob("out.txt"))


def test_links_bombs_doubles_and_fragments_are_refused(archive, tmp_path):
    link = zipfile.ZipInfo("run/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for number, (entry, data, said) in enumerate(
        [
            (link, "/etc/passwd", "a link"),
            ("run/bomb", bytes(2_000_000_000 // 8), "would unpack to"),
            ("RUN/report.html", "other", "twice"),
        ]
    ):
        bad = tmp_path / f"{number}.zip"
        if said == "would unpack to":  # as small as it comes, so that what it may grow to is small, too
            with zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as made:
                made.writestr(entry, data)
        else:
            shutil.copyfile(archive, bad)
            with zipfile.ZipFile(bad, "a", zipfile.ZIP_DEFLATED) as more:
                more.writestr(entry, data)
        _refused(bad, tmp_path, said)
    (tmp_path / "cut.zip").write_bytes(archive.read_bytes()[:-1000])
    _refused(tmp_path / "cut.zip", tmp_path, "no whole zip archive")
    folder = unpacked(archive, tmp_path / "a")
    (folder / "run" / "link").symlink_to("/etc/passwd")
    _refused(folder, tmp_path, "a link")


def test_nothing_that_a_supplement_names_is_reached(archive, tmp_path):
    """Its parameters may name a server, a store, files and folders: in the study none of them is left."""
    folder = unpacked(archive, tmp_path / "a")
    bad = flat_yaml(folder / "params.yaml") | {
        "base_url": "https://example.org/v1",
        "allow_upload": True,
        "out": "/tmp/elsewhere/../x y",
        "archive": "/tmp/elsewhere.sqlite",
        "frame_store": "s3://theirs",
        "dask_scheduler": "tcp://example.org:1",
        "corpus": "folder",
        "corpus_path": "/etc",
        "manifest": "/etc/passwd",
        "prices": "/etc/passwd",
        "votes": "/etc/passwd",
        "human_labels": "/etc/passwd",
        "prompt": "/etc/a.yaml",
        "compare_with": ["/etc"],
    }
    (folder / "params.yaml").write_text(json.dumps(bad))
    opening.unpack(packed(folder, tmp_path / "b.zip"), tmp_path / "study")
    found = flat_yaml(tmp_path / "study" / "params" / "supplement.yaml")
    text = (tmp_path / "study" / "params" / "supplement.yaml").read_text()
    assert (found["base_url"], found["out"], found["allow_upload"]) == ("replay", "outputs/x-y", False)
    assert not [word for word in ("/etc", "example.org", "theirs", "/tmp") if word in text]


def test_nothing_is_written_over(archive, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("precious")
    with pytest.raises(RunError, match="holds something already"):
        opening.unpack(archive, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]


_GUARD = """
import socket
def refuse(self, address):
    if self.family != socket.AF_UNIX:
        open({log!r}, "a").write(f"{{address}}\\n")
        raise OSError("no network here")
    return connect(self, address)
connect = socket.socket.connect
socket.socket.connect = socket.socket.connect_ex = refuse
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_a_clean_environment_without_network(wheel, small_copy, tmp_path):
    """A demo's supplement where only the wheel and its dependencies are: a new environment, any folder, no network."""
    site, log = _environment(wheel, tmp_path)
    panel = ("-p", "human_labels", "panel", "-p", "n_labels", "10", "-p", "n_audit", "4")  # notebook 06, too
    assert fer("run", "params/demo.yaml", *SMALL, *panel).exit_code == 0
    assert fer("supplement", small_copy, "--to", tmp_path / "small.zip").exit_code == 0
    elsewhere = tmp_path / "another machine"
    elsewhere.mkdir()
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("FER_", "PYTHON"))}
    (site / "sitecustomize.py").write_text(_GUARD.format(log=str(log)))
    namespace = ["unshare", "-rn"] if not subprocess.run(["unshare", "-rn", "true"]).returncode else []
    python = tmp_path / "env" / "bin" / "python"
    command = [*namespace, python, "-c", "from fer_helpers.cli import main; main()", "open", tmp_path / "small.zip"]
    done = subprocess.run(command, cwd=elsewhere, env=bare, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" same\n") == 7, done.stdout
    assert not log.exists(), log.read_text()
    study = elsewhere / "small-opened"
    for name in tables.SCHEMAS:
        if (small_copy / f"{name}.parquet").is_file():
            remade = pd.read_parquet(study / "outputs" / "small" / f"{name}.parquet")
            pd.testing.assert_frame_equal(remade, pd.read_parquet(small_copy / f"{name}.parquet"))


def _environment(wheel, tmp_path):
    """A new environment with the wheel; its dependencies are this one's, without what is installed for editing."""
    venv.create(tmp_path / "env", symlinks=True)
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    pip("install", wheel, "--no-deps", "--target", site)
    (site / "dependencies.pth").write_text(str(Path(pd.__file__).parents[1]) + "\n")
    where = [tmp_path / "env" / "bin" / "python", "-c", "import fer_helpers; print(fer_helpers.__file__)"]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("FER_", "PYTHON"))}
    found = subprocess.run(where, cwd=tmp_path, env=bare, capture_output=True, text=True)
    assert found.stdout.startswith(str(site)), found.stdout + found.stderr
    return site, tmp_path / "network.log"
