"""A supplement's metadata, by the validator of the RO-Crate project."""

import json
import zipfile
from pathlib import Path

import programs
import rocrate
from rocrate_validator import models, services


def test_the_metadata_are_a_valid_ro_crate(work: Path) -> None:
    """The context is the one that the project's library carries; the validator would fetch it."""
    small = ["-p", "n_clips", "7", "-p", "n_resamples", "100", "--out", work / "supplemented"]
    done = programs.fer("run", programs.ROOT / "params" / "demo.yaml", *small)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    done = programs.fer("supplement", work / "supplemented", "--to", work / "supplement.zip")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(work / "supplement.zip") as archive:
        archive.extractall(work / "crate")
    metadata = work / "crate" / "ro-crate-metadata.json"
    about = json.loads(metadata.read_text())
    assert about["@context"] == "https://w3id.org/ro/crate/1.1/context"
    context = json.loads(Path(rocrate.__file__).with_name("data").joinpath("ro-crate.jsonld").read_text())
    metadata.write_text(json.dumps({**about, "@context": context["@context"]}))
    settings = services.ValidationSettings(
        rocrate_uri=str(work / "crate"),
        profile_identifier="ro-crate-1.1",
        requirement_severity=models.Severity.REQUIRED,
    )
    found = services.validate(settings)
    assert not found.has_issues(), [issue.message for issue in found.get_issues()]
