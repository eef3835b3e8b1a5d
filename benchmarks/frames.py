"""What key frames cost, as a share of what decoding alone costs, beside other ways to get at frames.

    make bench

Clips of 30 frames (H.264, B-frames, one group of pictures; a rendered face that moves, with a camera's noise), at 224²
and 300 kbit/s and at 1280×720 and 3 Mbit/s. The limit is FFmpeg decoding the same clips on one thread to nothing; where
no `ffmpeg` is installed, PyAV decoding and dropping stands in. Figures are CPU time (user and system, all threads) of
the limit over that of the contender: 1 is decoding for nothing, and stopping early can exceed it. Only two workers
against one is wall time. Repeats are interleaved, so that whatever else the machine does meets all alike; the tables
compare the least of each, since what else it does only ever adds.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np

from fer_helpers import corpora, frames, params, tables
from fer_helpers.corpora.demo.renderer import Identity, Light, Pose, render
from fer_helpers.frames import choose
from fer_helpers.media import videos

N = 30
REPEATS = 5
SIZES = {"224²": (224, 224, 300_000, 160), "1280×720": (1280, 720, 3_000_000, 16)}  # and bit/s, clips
CHOICES = {"middle": [N // 2], "five": choose("uniform", N, 5), "all": list(range(N))}
MEMORY = (500, 1000, 2339)
# ext4 looks long for a free inode where many files were just removed, as this benchmark does and extraction does not.
MEMORY_DISK = Path("/dev/shm")


# --- clips ----------------------------------------------------------------------------------------------


def write_clips(to: Path, width: int, height: int, bit_rate: int, n: int) -> list[Path]:
    """`n` clips, four encoded and the others copies of them."""
    to.mkdir()
    paths = [to / f"{number}.mp4" for number in range(n)]
    for number, path in enumerate(paths):
        if number < 4:
            encode(path, width, height, bit_rate, number)
        else:
            shutil.copy(paths[number % 4], path)
    return paths


def encode(path: Path, width: int, height: int, bit_rate: int, seed: int) -> None:
    """A rendered face swaying over a blurred ground, each frame with fresh noise."""
    rng, side = np.random.default_rng(seed), min(width, height)
    face = cv2.resize(render({}, Identity(seed=seed), Pose(), Light(), 448), (side, side))
    ground = cv2.resize(rng.integers(50, 200, (9, 16, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", bit_rate
        for number in range(N):
            picture = ground.astype(np.float32)
            left = round((width - side) / 2 * (1 + np.sin(number / 8)))
            picture[:, left : left + side] = face
            picture += rng.normal(0, 6, (height, width, 1))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), "bgr24")))
        out.mux(stream.encode())


# --- contenders: each makes BGR arrays of the frames wanted ---------------------------------------------


def ours(path: Path, wanted: list[int]) -> None:
    """The package's decoder, up to the last frame wanted."""
    for shot in videos.shots(path, []):
        if shot.index in wanted:
            shot.bgr(0)
        if shot.index == wanted[-1]:
            break


def decoding(path: Path, wanted: list[int]) -> None:
    """PyAV decoding up to the last frame wanted, and nothing else."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for number, _ in enumerate(container.decode(stream)):
            if number == wanted[-1]:
                break


def pyav(path: Path, wanted: list[int]) -> None:
    """PyAV as its documentation shows it."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                frame.to_ndarray(format="bgr24")
            if number == wanted[-1]:
                break


def opencv_seek(path: Path, wanted: list[int]) -> None:
    """OpenCV, sought for each frame as many tutorials do."""
    capture = cv2.VideoCapture(str(path))
    for index in wanted:
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        capture.read()


def decord2(path: Path, wanted: list[int]) -> None:
    """decord2 on one thread."""
    import decord

    decord.VideoReader(str(path), num_threads=1).get_batch(wanted).asnumpy()


CONTENDERS: dict[str, Callable[[Path, list[int]], None]] = {
    "ours": ours,
    "PyAV": pyav,
    "OpenCV, seeking": opencv_seek,
}
if importlib.util.find_spec("decord"):
    CONTENDERS["decord2"] = decord2


def limit(paths: list[Path]) -> None:
    """FFmpeg decodes all clips to nothing on one thread, in one process."""
    if not shutil.which("ffmpeg"):
        for path in paths:
            decoding(path, [N])
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"file '{path}'\n" for path in paths))
        listed.flush()
        quiet = ["ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1", "-f", "concat", "-safe", "0"]
        subprocess.run([*quiet, "-i", listed.name, "-f", "null", "-"], check=True)


# --- measuring ------------------------------------------------------------------------------------------


def cpu() -> float:
    """CPU time of this process and its finished children, s."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def spent(work: Callable[[], object]) -> float:
    """CPU time `work` takes, s."""
    began = cpu()
    work()
    return cpu() - began


def ratio(over: list[float], under: list[float]) -> str:
    """Of the least of each: what else the machine does only ever adds."""
    return f"{min(over) / min(under):.2f}"


def of_folder(path: Path | str) -> params.Params:
    return params.validate({"corpus": "folder", "corpus_path": str(path), "n_clips": 0})


def extraction(paths: list[Path], choice: str, n_jobs: int) -> tuple[float, float]:
    """CPU and wall time of all of `frames.extract`: decode, choose, scale, JPEG, hash, write, table."""
    clips = corpora.load(of_folder(paths[0].parent))
    with tempfile.TemporaryDirectory() as out:
        began = time.perf_counter()
        used = spent(lambda: frames.extract(clips, paths[0].parent, Path(out), choice, 5, n_jobs=n_jobs))
        return used, time.perf_counter() - began


def as_videos(paths: list[Path], size: int) -> float:
    """CPU time of all of `frames.extract_videos`: decode, scale, encode, hash, write, table."""
    clips = corpora.load(of_folder(paths[0].parent))
    with tempfile.TemporaryDirectory() as out:
        whole = tables.empty("frames")
        return spent(lambda: frames.extract_videos(clips, whole, paths[0].parent, Path(out), size, n_jobs=1))


def frames_table(paths: list[Path]) -> dict[str, list[float]]:
    """CPU times of the limit, of every contender and choice, and of decoding as far."""
    some = paths[: len(paths) // 4]
    times: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        times.setdefault("limit", []).append(spent(lambda: limit(some)))
        for choice, wanted in CHOICES.items():
            for name, contender in {**CONTENDERS, "decoding": decoding}.items():
                if contender is opencv_seek and choice == "all":
                    continue  # seventeen times the limit, and most of the benchmark's time
                once = spent(lambda c=contender, w=wanted: [c(path, w) for path in some])  # type: ignore[misc]
                times.setdefault(f"{name}, {choice}", []).append(once)
    return times


def extraction_table(paths: list[Path]) -> dict[str, list[float]]:
    """CPU times of the limit and of the whole extraction; wall times of one and of two workers."""
    times: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        times.setdefault("limit", []).append(spent(lambda: limit(paths)))
        for choice in ("uniform", "all"):
            for n_jobs in (1, 2):
                used, wall = extraction(paths, choice, n_jobs)
                times.setdefault(f"{choice}, {n_jobs}", []).append(used)
                times.setdefault(f"{choice}, {n_jobs}, wall", []).append(wall)
    return times


def resident(n: int, paths: list[Path]) -> float:
    """Resident memory of a process when it has extracted five frames of each of `n` clips, MB."""
    with tempfile.TemporaryDirectory() as work:
        for number in range(n):
            Path(work, f"{number}.mp4").hardlink_to(paths[number % 4])
        code = (
            "import sys, tempfile, pathlib, psutil\n"
            "from benchmarks.frames import of_folder\nfrom fer_helpers import corpora, frames\n"
            "clips = corpora.load(of_folder(sys.argv[1]))\n"
            "with tempfile.TemporaryDirectory() as out:\n"
            "    table = frames.extract(clips, pathlib.Path(sys.argv[1]), pathlib.Path(out))\n"
            "print(psutil.Process().memory_info().rss / 1e6)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, work], check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def main() -> None:
    """Print the tables, row by row."""
    if MEMORY_DISK.is_dir():
        tempfile.tempdir = str(MEMORY_DISK)
    with tempfile.TemporaryDirectory() as work:
        made = {name: write_clips(Path(work, name), *what) for name, what in SIZES.items()}
        print(f"limit: {'ffmpeg' if shutil.which('ffmpeg') else 'PyAV decoding and dropping'}\n")
        print(f"| to BGR | frames | {' | '.join(CONTENDERS)} | decoding as far ÷ ours | clips a CPU-second, ours |")
        print("|---|---|" + "---|" * (len(CONTENDERS) + 2))
        for size, paths in made.items():
            times = frames_table(paths)
            for choice in CHOICES:
                done = [times.get(f"{name}, {choice}") for name in CONTENDERS]
                shares = [ratio(times["limit"], once) if once else "" for once in done]
                as_far = ratio(times[f"decoding, {choice}"], times[f"ours, {choice}"])
                rate = len(paths) // 4 / min(times[f"ours, {choice}"])
                print(f"| {size} | {choice} | {' | '.join(shares)} | {as_far} | {rate:.0f} |", flush=True)
        print("\n| whole extraction | frames | CPU ÷ decoding | clips a CPU-second | two workers ÷ one, wall |")
        print("|---|---|---|---|---|")
        for size, paths in made.items():
            times = extraction_table(paths)
            for choice, shown in (("uniform", "five"), ("all", "all")):
                cost = ratio(times[f"{choice}, 1"], times["limit"])
                rate = len(paths) / min(times[f"{choice}, 1"])
                gain = ratio(times[f"{choice}, 1, wall"], times[f"{choice}, 2, wall"])
                print(f"| {size} | {shown} | {cost} | {rate:.0f} | {gain} |", flush=True)
        print("\n| as a video | pixels a side | CPU ÷ decoding | ms of CPU a clip |\n|---|---|---|---|")
        for size, paths in made.items():
            bare = min(spent(lambda p=paths: limit(p)) for _ in range(REPEATS))  # type: ignore[misc]
            for side in (224, 384):
                used = min(as_videos(paths, side) for _ in range(REPEATS))
                print(f"| {size} | {side} | {used / bare:.2f} | {1000 * used / len(paths):.0f} |", flush=True)
        held = [f"{resident(n, made['224²']):.0f} MB after {n}" for n in MEMORY]
        print(f"\nResident memory, five frames of each clip at 224²: {', '.join(held)} clips")


if __name__ == "__main__":
    main()
