"""A wheel carries the notebooks, parameter files and pages, for `fer-helpers new`; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithStudy(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in ("notebooks", "params", "docs"):
                place = Path(self.build_lib, "fer_helpers", "study", name)
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(name, place, ignore=shutil.ignore_patterns(".*"))


setup(cmdclass={"build_py": WithStudy})
