"""What archives ask of a supplement: RO-Crate metadata, whom to cite, under which terms, the versions of packages."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fer_helpers import corpora
from fer_helpers.paths import PACKAGE
from fer_helpers.runs import Run, read_manifest

FILE = "ro-crate-metadata.json"
_SPECIFICATION = "https://w3id.org/ro/crate/1.1"
_TYPES = {
    "parquet": "application/vnd.apache.parquet", "csv": "text/csv", "tex": "application/x-tex", "html": "text/html",
    "ipynb": "application/x-ipynb+json", "json": "application/json", "jsonl": "application/jsonl",
    "yaml": "application/yaml", "md": "text/markdown", "lock": "text/plain", "cff": "application/yaml",
    "svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "jpg": "image/jpeg", "mp4": "video/mp4",
}  # fmt: skip
_ABOUT = {
    "README.md": "What is in here, and how to make the tables again",
    "LICENSE.md": "Under which terms this may be used",
    "CITATION.cff": "What to cite",
    "params.yaml": "The run's parameters, for a replay",
    "prompts.md": "The words that the model was asked with",
    "replies.parquet": "Every reply of the model, by the hash of its request",
    "requirements.lock": "The versions of all packages",
    "run/report.html": "The report",
    "run/explorer.html": "The confusion matrix, to click in",
    "run/manifest.json": "Parameters, versions and facts of the run",
}

_LICENCE = """# Licence

fer-helpers, and what it wrote here (tables, figures, pages, notebooks): MIT, as the program itself, unless whoever
publishes this says otherwise.

The clips are not in here{but}. Their names, labels and groups come from the corpus, under its terms:
{about} Licence: {licence}.

The replies are a model's; its provider's terms say what may be done with them.
"""


def write(folder: Path, run: Run, names: list[str]) -> None:
    """Write ro-crate-metadata.json about the files `names` in `folder`, by RO-Crate 1.1."""
    made, corpus = read_manifest(run.folder).get("made_with", {}), corpora.CORPORA[run.params.corpus]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Supplement of the run {run.folder.name}",
        "description": f"Zero-shot annotation of perceived facial expressions in video by {run.params.model}: tables, "
        f"replies, executed notebooks, report. Corpus: {corpus.about}",
        "datePublished": str(made.get("time", "1970-01-01"))[:10],
        "license": {"@id": "LICENSE.md"},
        "hasPart": [{"@id": name} for name in names],
        "mentions": [{"@id": "#run"}],
    }
    about = {"@id": FILE, "@type": "CreativeWork", "conformsTo": {"@id": _SPECIFICATION}, "about": {"@id": "./"}}
    program = {
        "@id": "#fer-helpers",
        "@type": "SoftwareApplication",
        "name": "fer-helpers",
        "version": str(made.get("packages", {}).get("fer-helpers", version("fer-helpers"))),
    }
    action = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": f"The run {run.folder.name}",
        "instrument": {"@id": "#fer-helpers"},
        "object": [{"@id": "params.yaml"}, {"@id": "replies.parquet"}],
        "result": [{"@id": name} for name in names if name.startswith("run/")],
    }
    graph = [about, root, *(_file(folder, name) for name in names), program, action]
    crate = {"@context": f"{_SPECIFICATION}/context", "@graph": graph}
    (folder / FILE).write_text(json.dumps(crate, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _file(folder: Path, name: str) -> dict[str, Any]:
    entry = {
        "@id": name,
        "@type": "File",
        "name": name.rpartition("/")[2],
        "contentSize": str((folder / name).stat().st_size),
        "encodingFormat": _TYPES.get(name.rpartition(".")[2], "application/octet-stream"),
    }
    return entry | ({"description": _ABOUT[name]} if name in _ABOUT else {})


def citation() -> str:
    """CITATION.cff of the checkout; in an installed wheel one of the package alone."""
    path = PACKAGE.parent / "CITATION.cff"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    about = distribution("fer-helpers").metadata
    lines = [
        "cff-version: 1.2.0",
        "message: If you use this software, please cite it.",
        f'title: "fer-helpers: {about["Summary"]}"',
        "type: software",
        f"version: {about['Version']}",
        "license: MIT",
        "authors:",
        "  - name: The fer-helpers developers",
    ]
    return "\n".join(lines) + "\n"


def licence(corpus: corpora.Corpus, faces: bool) -> str:
    """LICENSE.md: whose terms are on what is in the supplement."""
    but = " (but for key frames, which whoever made this asked for)" if faces else ""
    return _LICENCE.format(but=but, about=corpus.about, licence=corpus.licence)


def lock() -> str:
    """requirements.lock of the checkout; in an installed wheel the versions of what is installed for it."""
    path = PACKAGE.parent / "requirements.lock"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    found: dict[str, str] = {}
    left = ["fer-helpers"]
    while left:
        name = canonicalize_name(left.pop())
        if name not in found:
            try:
                known = distribution(name)
            except PackageNotFoundError:  # for another system, or an extra's
                continue
            found[name] = known.version
            wanted = map(Requirement, known.requires or [])
            left += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return "".join(f"{name}=={known}\n" for name, known in sorted(found.items()))
