"""The same requests through inspect_ai (in an environment of its own) and through ours, interleaved in one run.

    python -m benchmarks.with_inspect_ai

2,560 requests of one 20 kB picture each to a server on loopback that answers after 500 ms, 128 at once. inspect_ai's
time is that of its `eval` alone, without its start; it keeps its log, we keep our archive.
"""

from __future__ import annotations

import asyncio
import base64
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.client import PICTURE, body, ours, planned, served

LATENCY, WORKERS, N, REPEATS = 0.5, 128, 2560, 3
ENVIRONMENT = Path(".venv-inspect")
THEIRS = """
import sys, tempfile, time
from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser, ContentImage, ContentText, GenerateConfig, get_model
from inspect_ai.solver import generate

url, n, workers, picture, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4]).read(), sys.argv[5]
content = [ContentText(text=words), ContentImage(image=picture, detail="low")]
samples = [Sample(input=[ChatMessageUser(content=content)], id=str(i)) for i in range(n)]
model = get_model("openai/m", base_url=url, api_key="none", responses_api=False)
config = GenerateConfig(max_connections=workers, max_tokens=64)
task = Task(dataset=MemoryDataset(samples), solver=generate(), config=config)
with tempfile.TemporaryDirectory() as logs:
    began = time.perf_counter()
    (log,) = eval(task, model=model, max_samples=workers, log_dir=logs, display="none", log_images=False)
    seconds = time.perf_counter() - began
    assert log.status == "success" and len(log.samples) == n, log.status
print(seconds)
"""


def theirs(url: str, picture: Path) -> float:
    """Seconds of inspect_ai's eval."""
    words = body(planned(1).iloc[0].to_dict())["messages"][0]["content"][0]["text"]
    command = [ENVIRONMENT / "bin" / "python", "-c", THEIRS, url, str(N), str(WORKERS), picture, words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Print the share of the ideal of both, and their ratio; medians of interleaved repeats."""
    if not ENVIRONMENT.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([ENVIRONMENT / "bin" / "pip", "install", "-q", "inspect_ai", "openai"], check=True)
    picture = ENVIRONMENT / "picture.txt"
    picture.write_text("data:image/jpeg;base64," + base64.b64encode(PICTURE).decode())
    shares: dict[str, list[float]] = {"ours": [], "inspect_ai": []}
    planned(N)
    with served(LATENCY, 0.0) as url:
        for _ in range(REPEATS):
            shares["ours"].append(N * LATENCY / WORKERS / asyncio.run(ours(url, N, WORKERS)))
            shares["inspect_ai"].append(N * LATENCY / WORKERS / theirs(url, picture))
    ratio = statistics.median(a / b for a, b in zip(shares["ours"], shares["inspect_ai"], strict=True))
    print("| latency | N | requests | ours | inspect_ai | ours ÷ inspect_ai |")
    print("|---|---|---|---|---|---|")
    medians = [f"{statistics.median(shares[name]):.2f}" for name in shares]
    print(f"| {LATENCY * 1000:.0f} ms | {WORKERS} | {N} | {medians[0]} | {medians[1]} | {ratio:.1f} |")


if __name__ == "__main__":
    main()
