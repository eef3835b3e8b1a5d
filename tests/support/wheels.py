"""The package as a wheel, and pip without a network."""

import shutil
import subprocess
import sys

from fer_helpers.paths import ROOT
from tests.support.checkout import committed


def build_wheel(folder, built):
    """A wheel in `built` of the committed files, copied to `folder`: a build must not find what is left of another."""
    for path in committed():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    pip("wheel", folder, "--no-deps", "--wheel-dir", built)
    (wheel,) = built.glob("*.whl")
    return wheel


def pip(*arguments):
    """pip without network and without building in the project's own folder."""
    call = [sys.executable, "-m", "pip", *map(str, arguments), "--no-index", "--no-build-isolation"]
    done = subprocess.run(call, capture_output=True, text=True)
    assert not done.returncode, done.stdout + done.stderr
