"""The project as git has it."""

import subprocess

from fer_helpers.paths import ROOT


def committed():
    """The files of the checkout that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
