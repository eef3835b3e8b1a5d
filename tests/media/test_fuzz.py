"""Broken files: whatever their bytes are, each ends as rows with a reason or a good picture, in silence and in time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from fer_helpers.paths import ROOT
from tests.support.media import coded, write_coded_video

N_FILES = 500
CODECS = {
    **{".mp4": "libx264", ".mov": "libx264", ".mkv": "ffv1"},
    **{".avi": "mpeg4", ".webm": "libvpx", ".mpg": "mpeg2video"},
    **{".wmv": "wmv2", ".ts": "libx264", ".flv": "flv", ".gif": "gif"},
}
PICTURES = (".jpg", ".png", ".bmp", ".webp", ".tiff", ".avif")
EXTRACT = """
import json, sys
from io import BytesIO
from pathlib import Path
from PIL import Image
from fer_helpers import corpora, params
from fer_helpers.frames import extract

corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
given = {"corpus": "folder", "corpus_path": str(corpus), "n_clips": 0, "pictures_as": "clips"}
clips = corpora.load(params.validate(given))
found = {}
for choice in ("uniform", "peak"):
    table = extract(clips, corpus, out, choice, 3)
    assert set(table["clip_id"]) == set(clips["clip_id"])
    assert table.loc[table["status"] != "ok", "reason"].str.len().gt(5).all()
    for path in table["path"].dropna():
        with Image.open(out / path) as picture:
            picture.load()
    found[choice] = table["status"].value_counts().to_dict()
print(json.dumps({"clips": len(clips), **found}))
"""


def seeds(folder: Path) -> dict[str, bytes]:
    """A whole file of each kind, by suffix."""
    rich = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    for suffix, codec in CODECS.items():
        options = {} if codec in ("libvpx", "ffv1", "wmv2", "flv", "gif") else None
        pixels = "rgb8" if codec == "gif" else "yuv420p"
        write_coded_video(folder / f"seed{suffix}", 8, codec=codec, options=options, pixels=pixels)
    for suffix in PICTURES:
        Image.fromarray(coded(5) // 2 + rich // 2).save(folder / f"seed{suffix}")
    moving = [Image.fromarray(coded(i)) for i in range(4)]
    moving[0].save(folder / "seed.apng", "PNG", save_all=True, append_images=moving[1:], duration=40)
    return {path.suffix: path.read_bytes() for path in sorted(folder.iterdir())}


def mutated(data: bytes, kind: int, rng: np.random.Generator) -> bytes:
    """`data` cut off, with bits flipped, with a stretch of zeros, or other text altogether."""
    broken = np.frombuffer(data, np.uint8).copy()
    if kind == 0:
        return data[: rng.integers(0, len(data))]
    if kind in (1, 2):  # a few bits anywhere, or in the header
        at = rng.integers(0, len(data) if kind == 1 else min(len(data), 400), rng.integers(1, 20))
        broken[at] ^= (1 << rng.integers(0, 8, len(at))).astype(np.uint8)
    if kind == 3:
        at = rng.integers(0, len(data))
        broken[at : at + rng.integers(1, 2000)] = 0
    if kind == 4:
        return b"ffconcat version 1.0\nfile seed.mp4\n" + bytes(rng.integers(9, 127, 200, np.uint8))
    return broken.tobytes()


def test_five_hundred_broken_files_are_rows_and_the_decoders_say_nothing(tmp_path):
    """In a process of its own, whose standard error is a file: libraries in C write past Python's."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "corpus").mkdir()
    whole, rng = seeds(tmp_path / "seeds"), np.random.default_rng(7)
    suffixes = list(whole)
    for number in range(N_FILES):
        suffix, kind = suffixes[number % len(suffixes)], int(rng.integers(0, 6))
        named = suffixes[rng.integers(0, len(suffixes))] if kind == 5 else suffix  # 5: only the suffix is wrong
        (tmp_path / "corpus" / f"{number}{named}").write_bytes(mutated(whole[suffix], kind, rng))
    with (tmp_path / "stderr").open("wb") as stderr:
        done = subprocess.run(
            [sys.executable, "-c", EXTRACT, tmp_path / "corpus", tmp_path / "out"],
            cwd=ROOT, env={**os.environ, "TQDM_DISABLE": "1"}, stdout=subprocess.PIPE, stderr=stderr, timeout=200,
        )  # fmt: skip
    assert (tmp_path / "stderr").read_bytes() == b""
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found.pop("clips") == N_FILES
    for statuses in found.values():
        assert set(statuses) == {"ok", "unreadable", "empty"} or set(statuses) == {"ok", "unreadable"}
        assert statuses["ok"] > 100  # much can still be decoded
        assert statuses["unreadable"] > 100
