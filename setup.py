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
                study = Path(self.build_lib, "fer_helpers", "study")
                shutil.rmtree(study / name, ignore_errors=True)
                for pattern in ("*.ipynb", "solutions/*.ipynb", "*.yaml"):
                    for path in Path(name).glob(pattern):
                        (study / path).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(path, study / path)


setup(cmdclass={"build_py": WithStudy})
