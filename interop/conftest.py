"""What the interoperability tests share: one llama.cpp server, and one run of the project against it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import programs
import pyarrow.parquet as pq
import pytest

PARAMS = programs.ROOT / "interop" / "params.yaml"


@dataclass(frozen=True)
class Done:
    """A run that ended: its tables as rows, and what it said."""

    folder: Path
    said: str

    def rows(self, table: str) -> list[dict[str, Any]]:
        return pq.read_table(self.folder / f"{table}.parquet").to_pylist()


def run(folder: Path, base_url: str, archive: Path, *more: str, **environment: str) -> Done:
    """`fer-helpers run` into `folder` with its answers in `archive`; the test fails where it does not end well."""
    chosen = ["-p", "base_url", base_url, "-p", "archive", str(archive), *more]
    done = programs.fer("run", PARAMS, "--out", folder, *chosen, **environment)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return Done(folder, done.stdout)


def generated(base_url: str) -> float:
    """Tokens that the llama.cpp server has generated so far, by its own count."""
    with programs.DIRECT.open(base_url.removesuffix("/v1") + "/metrics", timeout=10) as reply:
        count = re.search(r"^llamacpp:tokens_predicted_total (\S+)$", reply.read().decode(), re.MULTILINE)
    assert count
    return float(count[1])


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interop")


@pytest.fixture(scope="session")
def llama(work: Path) -> Iterator[str]:
    with programs.llama_cpp(work / "llama.log") as base_url:
        yield base_url


@pytest.fixture(scope="session")
def direct(llama: str, work: Path) -> Done:
    """The run that asks the llama.cpp server itself."""
    return run(work / "direct", llama, work / "direct.sqlite")
