"""What several tests need: a place for outputs, and one small run of all notebooks, made once."""

import os
import signal
from pathlib import Path

import pytest

from tests.support.browser import CHROMIUM
from tests.support.command import SMALL, fer

# A shell that starts the tests in the background lets them ignore Ctrl-C, and their child processes with them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def outputs(tmp_path_factory):
    """Nothing a test runs touches the user's own outputs/."""
    folder = tmp_path_factory.mktemp("outputs")
    before = os.environ.get("FER_OUTPUTS")
    os.environ["FER_OUTPUTS"] = str(folder)
    yield folder
    os.environ.pop("FER_OUTPUTS")
    if before:
        os.environ["FER_OUTPUTS"] = before


@pytest.fixture(scope="session")
def small_run(outputs):
    """The demo with 14 clips through all notebooks: (the command's result, the run's folder)."""
    result = fer("run", "params/demo.yaml", *SMALL)
    return result, Path(outputs, "small")


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
