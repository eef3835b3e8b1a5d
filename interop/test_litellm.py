"""LiteLLM's proxy between the project and a llama.cpp server, and in front of a server that is dead."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import programs
import pytest
from conftest import PARAMS, Done, generated, run

pytestmark = pytest.mark.timeout(900)
KEY = "INTEROP_KEY"  # the variable that holds the proxy's key


@pytest.fixture(scope="session")
def proxy(llama: str, work: Path) -> Iterator[tuple[str, str]]:
    with programs.litellm(work / "litellm.log", llama) as started:
        yield started


@pytest.fixture(scope="session")
def through(proxy: tuple[str, str], work: Path) -> Done:
    base_url, key = proxy
    return run(work / "through", base_url, work / "through.sqlite", "-p", "api_key_env", KEY, **{KEY: key})


def test_every_request_is_answered_as_without_the_proxy(direct, through):
    """The same requests; the server's sums depend on what else is under way, so a few may come out otherwise."""
    ours, theirs = ({row["key"]: row["label"] for row in done.rows("answers")} for done in (direct, through))
    print(Counter(row["status"] for row in through.rows("answers")))
    assert ours.keys() == theirs.keys()
    assert sum(ours[key] == theirs[key] for key in ours) >= 0.9 * len(ours)


def test_a_second_run_through_it_sends_nothing(through, llama, proxy, work):
    before, (base_url, key) = generated(llama), proxy
    run(work / "through_again", base_url, work / "through.sqlite", "-p", "api_key_env", KEY, **{KEY: key})
    assert generated(llama) == before


@pytest.mark.parametrize(
    ("model", "key", "reason"),
    [("dead", None, "Connection error"), ("nonsense", "sk-wrong", "No connected db"), ("other", None, "other")],
    ids=["dead backend", "wrong key", "unknown model"],
)
def test_what_is_hopeless_ends_the_run_with_what_the_proxy_says(proxy, work, model, key, reason):
    base_url, right = proxy
    folder = work / f"{model}-{key}"
    chosen = ["-p", "base_url", base_url, "-p", "model", model, "-p", "n_clips", 7, "-p", "archive", f"{folder}.sqlite"]
    done = programs.fer("run", PARAMS, "--out", folder, *chosen, "-p", "api_key_env", KEY, **{KEY: key or right})
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
