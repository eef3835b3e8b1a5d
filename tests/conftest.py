"""What several tests need: a place for outputs, and one small run of all notebooks, made once for all workers."""

import contextlib
import os
import shutil
import signal
import sqlite3
import tempfile
from hashlib import sha256
from pathlib import Path

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.browser import CHROMIUM
from tests.support.command import SMALL, fer
from tests.support.outputs import outputs_in
from tests.support.proxies import proxied
from tests.support.wheels import build_wheel

# A shell that starts the tests in the background lets them ignore Ctrl-C, and their child processes with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine is slow, not wrong.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_configure(config):
    """Nothing that a test or a notebook under nbval runs touches the user's own outputs/."""
    above = os.environ["FER_OUTPUTS"] if "PYTEST_XDIST_WORKER" in os.environ else None  # a killed worker's goes too
    folder = tempfile.TemporaryDirectory(prefix="fer-tests-", dir=above, ignore_cleanup_errors=True)
    patch = pytest.MonkeyPatch()
    patch.setenv("FER_OUTPUTS", folder.name)
    config.add_cleanup(patch.undo)
    config.add_cleanup(folder.cleanup)
    config.pluginmanager.register(SweepFirst())
    config.pluginmanager.register(DemoUnchanged())


# These take longest, so that no worker is left with one of them when the others have nothing to do.
FIRST = (
    "notebooks/",
    "tests/test_pipeline.py",
    "tests/test_site.py",
    "tests/annotation/test_kill.py",
    "tests/explorer/test_browser.py",
    "tests/test_notebook_matrix.py",
    "tests/report/test_page.py",
)


@pytest.hookimpl(tryfirst=True)  # before those marked slow are left out
def pytest_collection_modifyitems(items):
    place = {start: number for number, start in enumerate(FIRST)}
    for cell in items:
        if hasattr(cell, "output_timeout"):  # of nbval, 5 s: a busy machine is slow, not wrong
            cell.output_timeout = 120
            if cell.nodeid.startswith("notebooks/07"):  # its four cells take two minutes to make
                cell.add_marker("slow")
    items.sort(key=lambda item: min((place[start] for start in FIRST if item.nodeid.startswith(start)), default=99))


class SweepFirst:
    """Notebook 07 compares cells, which are made before it is executed, in the same outputs/ as notebooks 01 to 05."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        if hasattr(item, "output_timeout") and item.nodeid.startswith("notebooks/07"):  # a cell, of nbval
            from tests.support import small_sweep

            if not (Path(os.environ["FER_OUTPUTS"]) / "sweep" / "cells.csv").is_file():
                small_sweep.make_sweep()


class DemoUnchanged:
    """Solutions read the demo's run and leave its tables as they were."""

    before = None

    def pytest_runtest_setup(self, item):
        if self.before is None and _of_solution(item):
            self.before = _tables_of_the_demo()

    def pytest_runtest_teardown(self, item, nextitem):
        if _of_solution(item) and not _of_solution(nextitem):
            assert self.before
            assert _tables_of_the_demo() == self.before


def _of_solution(item):
    return item is not None and item.nodeid.startswith("notebooks/solutions/")


def _tables_of_the_demo():
    tables = Path(os.environ["FER_OUTPUTS"]).glob("demo/*.parquet")
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in tables}


class NotebooksInOrder(LoadFileScheduling):
    """A file's tests share a worker, and so do all notebooks: each reads what the one before it wrote."""

    def _split_scope(self, nodeid):
        return "notebooks" if nodeid.startswith("notebooks/") else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return NotebooksInOrder(config, log)


@pytest.fixture
def outputs():
    return Path(os.environ["FER_OUTPUTS"])


@contextlib.contextmanager
def only_one_worker(lock):
    """The others wait; SQLite's lock is on every platform, and whoever dies holding it lets it go."""
    with contextlib.closing(sqlite3.connect(lock, timeout=250)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture(scope="session")
def small_outputs(tmp_path_factory):
    """An outputs/ with the demo of 14 clips, run through all notebooks; what the command said is in `said`.

    It is run where every proxy variable names a server that notes who asks it.

    It is made once for all workers: to be read, never written to.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with only_one_worker(base / "small.lock"):
        if not (base / "small" / "said").is_file():
            shutil.rmtree(base / "small", ignore_errors=True)
            with outputs_in(base / "small"), proxied() as through_it:
                result = fer("run", "params/demo.yaml", *SMALL)
                assert result.exit_code == 0, result.output
            (base / "small" / "through the proxy").write_text("\n".join(through_it))
            (base / "small" / "said").write_text(result.output)
    return base / "small"


@pytest.fixture(scope="session")
def small_run(small_outputs):
    """The folder of the small run, to be read."""
    return small_outputs / "small"


@pytest.fixture
def small_copy(small_outputs, tmp_path):
    """The folder of a copy of the small run, in an outputs/ of the test's own: to run again, or to change."""
    with outputs_in(tmp_path / "outputs") as folder:
        shutil.copytree(small_outputs, folder)
        yield folder / "small"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The package's wheel, as a clone would build it."""
    return build_wheel(tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def in_process(monkeypatch):
    """`fer-helpers run` executes its notebooks in this process, without kernels, and draws figures on no file."""
    from tests.support.notebooks import run_here  # matplotlib and more, which other tests need not wait for

    monkeypatch.setattr("fer_helpers.pipeline.steps.run_notebook", run_here)


@pytest.fixture(scope="module")  # while Playwright is open its event loop runs, and no other can be started
def browser():
    """Headless Chromium; skipped where there is none, except where FER_REQUIRE_BROWSER is set."""
    if not CHROMIUM:
        if os.environ.get("FER_REQUIRE_BROWSER"):
            pytest.fail("FER_REQUIRE_BROWSER is set, but no Chromium is installed")
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        yield chromium
        chromium.close()
