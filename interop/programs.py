"""The programs that the tests start, each from its own environment: servers, and the project's command line."""

import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import weights

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / ".venv-interop" / "weights"
MODEL = "nonsense"
STARTS_WITHIN_S = 120
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever proxy the user has set
LITELLM = """
model_list:
  - {{model_name: nonsense, litellm_params: {{model: openai/nonsense, api_base: "{base_url}", api_key: none}}}}
  - {{model_name: dead, litellm_params: {{model: openai/dead, api_base: "http://127.0.0.1:9/v1", api_key: none}}}}
"""


def fer(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `fer-helpers`; nothing that other tests or the user have set reaches it but `environment`."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "LITELLM_"))}
    command = [str(ROOT / ".venv/bin/fer-helpers"), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=variables | environment, capture_output=True, text=True, check=False)


@contextmanager
def llama_cpp(log: Path, *, pictures: bool = True, context: int = 4096) -> Iterator[str]:
    """llama.cpp's server with two slots of `context` tokens; gives its base URL.

    Without `pictures` it has no picture encoder, and neither Gemma's own words around a message (the weights carry
    no template): then it takes its general ones, with which its grammar allows white space before an answer.
    One thread a slot: more would spin while they wait for each other, which stands still on a busy machine.
    """
    model, encoder = weights.prepare(WEIGHTS)
    command = [ROOT / ".venv-interop/bin/llama-server-vulkan", "--model", model, "--alias", MODEL, "--metrics"]
    command += ["--ctx-size", 2 * context, "--parallel", 2, "--threads", 1, "--poll", 0, "--no-ui"]
    command += ["--mmproj", encoder, "--no-jinja", "--chat-template", "gemma"] if pictures else []
    with _started(command, log, "/health") as address:
        yield f"{address}/v1"


@contextmanager
def litellm(log: Path, base_url: str) -> Iterator[tuple[str, str]]:
    """LiteLLM's proxy in front of `base_url` and of a model whose server is dead; gives base URL and key."""
    config, key = log.with_suffix(".yaml"), f"sk-{secrets.token_hex(16)}"
    config.write_text(LITELLM.format(base_url=base_url), encoding="utf-8")
    command = [ROOT / ".venv-litellm/bin/litellm", "--config", config, "--telemetry", "False"]
    own_prices = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # else it looks for newer ones on the network
    with _started(command, log, "/health/liveliness", LITELLM_MASTER_KEY=key, **own_prices) as address:
        yield f"{address}/v1", key


@contextmanager
def own_endpoint(log: Path) -> Iterator[str]:
    """`fer-helpers serve`; gives its base URL."""
    with _started([ROOT / ".venv/bin/fer-helpers", "serve"], log, "/v1/models", host=False) as address:
        yield f"{address}/v1"


@contextmanager
def _started(command: list[object], log: Path, health: str, host: bool = True, **environment: str) -> Iterator[str]:
    """`command` as a server on a free port until the block ends; gives its address once `health` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [*map(str, command), *(["--host", "127.0.0.1"] if host else []), "--port", str(port)]
    with (
        log.open("wb") as out,
        subprocess.Popen(
            words, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait(process, f"http://127.0.0.1:{port}{health}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with DIRECT.open(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise RuntimeError(f"{process.args[0]} does not answer (exit code {process.poll()}); it said: {said}")
