"""A wheel carries the notebooks and parameter files, for `fer-helpers new`; all else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithStudy(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for name in ("notebooks", "params"):
                place = Path(self.build_lib, "fer_helpers", "study", name)
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                for path in [*Path(name).glob("*.ipynb"), *Path(name).glob("*.yaml")]:
                    shutil.copyfile(path, place / path.name)


setup(cmdclass={"build_py": WithStudy})
