"""Kernels of the project's own interpreter, reached over socket files, whatever Jupyter and matplotlib are set to."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traitlets.config import Config

from fer_helpers.paths import ROOT, VARIABLE

LONGEST = 103  # bytes of a socket's path on macOS; 107 on Linux
NO_BARS = "TQDM_DISABLE"  # set where standard error is a log, which bars would fill
_NAMES = len("/kernel-01234567-0123-0123-0123-0123456789ab-ipc-1")
# An interrupt that meets the end of the last message is logged as an error; what ends a notebook is told by papermill.
_QUIET = "--IPKernelApp.log_level=50"


@contextmanager
def surroundings() -> Iterator[Config]:
    """While the block runs, kernels called python3 are this interpreter and draw inline; yields Jupyter's settings.

    Their connection files and sockets lie in a folder of their own, which goes with the block. Where no folder has a
    path short enough for a socket, kernels are reached over TCP on loopback.
    """
    with tempfile.TemporaryDirectory(prefix="fer-", dir=_short_place(), ignore_cleanup_errors=True) as place:
        spec = Path(place, "kernels", "python3", "kernel.json")
        spec.parent.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", _QUIET]
        spec.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), encoding="utf-8")
        own = {
            "JUPYTER_PATH": os.pathsep.join(filter(None, [place, os.environ.get("JUPYTER_PATH")])),
            "JUPYTER_RUNTIME_DIR": place,
            VARIABLE: str(ROOT),  # a kernel may start in a temporary folder
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        before = {name: os.environ.get(name) for name in (*own, NO_BARS)}
        os.environ.update(own)
        os.environ.pop(NO_BARS, None)  # a notebook's bars are part of it, whatever the terminal
        main = threading.current_thread() is threading.main_thread()
        told = signal.signal(signal.SIGTERM, _end) if main else None  # kernels and this folder are to go
        try:
            short = os.name == "posix" and len(os.fsencode(place)) + _NAMES <= LONGEST
            yield Config({"KernelManager": {"transport": "ipc"}} if short else {})
        finally:
            if main:
                signal.signal(signal.SIGTERM, told)
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _short_place() -> str | None:
    """A folder for temporary folders whose sockets' paths are short enough; None: the usual one, which may be long."""
    for place in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(place)) + len("/fer-01234567") + _NAMES <= LONGEST and os.access(place, os.W_OK):
            return place
    return None
