"""The project's own files: what they promise each other, and what must not be in them."""

import ast
import re
import subprocess
import tomllib

import pytest
import yaml

from fer_helpers import params, tables
from fer_helpers.corpora import CORPORA
from fer_helpers.paths import ROOT
from fer_helpers.run import NOTEBOOKS

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def names(requirements):
    """Requirement strings without extras and markers, spaces out: name and bounds."""
    return {re.sub(r"\[.*?\]|;.*|\s", "", line) for line in requirements}


def committed():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_environment_and_pyproject_name_the_same_packages():
    wanted = names(PYPROJECT["project"]["dependencies"] + PYPROJECT["project"]["optional-dependencies"]["dev"])
    *conda, pip = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    own = {"python" + PYPROJECT["project"]["requires-python"], "pip", "--no-deps--editable."}
    assert names(conda) | names(pip["pip"]) == wanted | own


def test_the_lock_pins_every_dependency_by_hash():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", lock, re.M)}
    dependencies = PYPROJECT["project"]["dependencies"] + PYPROJECT["project"]["optional-dependencies"]["dev"]
    for requirement in names(dependencies):
        assert re.split(r"[<>=]", requirement)[0] in pinned
    entries = re.split(r"^(?=[\w.-]+==)", lock, flags=re.M)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    assert "--index-url" not in lock
    assert "://" not in lock


# Put together here, so that this file does not hold what it looks for.
HOSTS = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "deb.debian" + ".org"]
FORBIDDEN = [
    *(re.escape(host) for host in HOSTS),
    r"sk-[A-Za-z0-9]{20,}",
    r"(?<![\w.~])/(?:" + "|".join(["home", "Users", "root", "work", "private"]) + r")/[\w.-]+",
]


def test_no_key_registry_or_path_of_a_machine_is_committed():
    found = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {hit}" for pattern in FORBIDDEN for hit in re.findall(pattern, text)]
    assert not found


def test_no_video_and_no_foreign_picture_is_committed():
    """Pictures live in notebooks (rendered faces and figures) and docs; nothing that could show a person."""
    media = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".jpg", ".jpeg", ".parquet", ".sqlite", ".tflite"}
    assert not [path for path in committed() if path.suffix.lower() in media]
    assert {path.parent.name for path in committed() if path.suffix == ".png"} <= {"docs"}


def test_the_readme_and_the_architecture_are_true_to_the_tree():
    """Every module, notebook and parameter file is on the map, and everything on the map is there."""
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    tree = architecture.split("```")[1]
    on_map = set(re.findall(r"^\s+([\w/]+(?:\.py|/))", tree, re.M))
    modules = {path.name for path in (ROOT / "fer_helpers").glob("*.py")} - {"__init__.py"}
    folders = {f"{path.name}/" for path in (ROOT / "fer_helpers").iterdir() if (path / "__init__.py").is_file()}
    assert modules | folders <= on_map
    for name in on_map:
        assert (ROOT / name).exists() or (ROOT / "fer_helpers" / name).exists(), f"{name} is on the map but not there"
    readme = (ROOT / "README.md").read_text()
    for notebook in NOTEBOOKS:
        assert f"notebooks/{notebook}.ipynb" in readme
    for link in re.findall(r"\]\(([^)#]+)\)", readme + architecture):
        assert (ROOT / link).exists() or (ROOT / "docs" / link).exists() or link.startswith("https://"), link


LAYERS = [  # the way of the data: a module may import what stands above it or beside it
    {"errors", "paths"},
    {"emotions"},
    {"tables", "prompts", "strategies", "pricing"},
    {"params"},
    {"pictures", "faces"},
    {"pixels", "choices", "face_crop", "mosaic", "frame_store"},
    {"media"},
    {"footage"},
    {"motion"},
    {"key_frames"},
    {"corpora", "frames"},
    {"requests", "answers", "commits", "archive"},
    {"endpoint"},
    {"provider", "throttle"},
    {"sending", "watching"},
    {"annotate"},
    {"shards"},
    {"ledger"},
    {"batch"},
    {"predictions"},
    {"annotators"},
    {"metrics", "bootstrap", "calibration", "ensembles"},
    {"agreement"},
    {"scores"},
    {"comparisons"},
    {"figures", "score_figures", "explorer", "run"},
    {"report"},
    {"execute"},
    {"cli"},
]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fer_helpers").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT / "fer_helpers"))
)
def test_imports_follow_the_way_of_the_data(path):
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    inside = path.relative_to(ROOT / "fer_helpers").parts[0].removesuffix(".py")
    if inside == "__init__":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        targets = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fer_helpers"):
            package = node.module.split(".")
            targets = [package[1]] if len(package) > 1 else [alias.name for alias in node.names]
        for target in targets:
            assert level[target] <= level[inside], f"{inside} imports {target}"


def test_every_corpus_a_parameter_may_name_is_in_the_registry():
    allowed = params.Params.model_fields["corpus"].annotation.__args__
    assert set(allowed) == set(CORPORA)


def test_every_table_says_who_writes_it_and_what_its_columns_mean():
    assert set(tables.WRITTEN_BY) == set(tables.SCHEMAS)
    assert set(tables.WRITTEN_BY.values()) <= set(NOTEBOOKS)
    for name in tables.SCHEMAS:
        assert tables.describe(name)["meaning"].str.len().gt(3).all()
