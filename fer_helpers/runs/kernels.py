"""Kernels of the project's own interpreter, reached over socket files, whatever Jupyter and matplotlib are set to.

A notebook has one of its own, or, where many run in one process, one that was cleared: starting and importing takes
longer than most of the notebooks' cells.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager, BlockingKernelClient
from traitlets.config import Config

from fer_helpers.paths import ROOT, VARIABLE

LONGEST = 103  # bytes of a socket's path on macOS; 107 on Linux
ENDS_IN_S = 8  # a little more than annotation waits for replies
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
            "IPYTHONDIR": place,  # nobody's startup files, formats of figures or history; HOME may be read-only
            "PYTHONSTARTUP": "",
            "MATPLOTLIBRC": os.devnull,  # figures have a style of their own
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


class _Shared(AsyncKernelManager):
    """A kernel for one notebook after another; the sockets of the last one's client are closed for the next's."""

    _client: Any = None

    @classmethod
    def new(cls, config: Config) -> _Shared:
        return cls(kernel_name="python3", config=config, connection_file=_connection_file())

    def client(self, **settings: Any) -> Any:
        if self._client:
            self._client.stop_channels()
        self._client = super().client(**settings)
        return self._client

    @property
    def _process(self) -> subprocess.Popen[bytes] | None:
        return getattr(self.provisioner, "process", None)

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def clear(self) -> None:
        """Forget the last notebook's names, and count cells from 1 again."""
        client = BlockingKernelClient()
        client.load_connection_info(self.get_connection_info())
        client.start_channels()
        try:
            client.execute("get_ipython().reset()", silent=True, reply=True, timeout=60)
        finally:
            client.stop_channels()

    def end(self) -> None:
        """Let the kernel keep the replies that are under way (SIGTERM), then see that it is gone."""
        process = self._process
        if process is not None and self.lives:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(ENDS_IN_S)
            process.kill()


_shared: list[_Shared] = []  # of this process; one at most


@contextmanager
def shared_kernel() -> Iterator[None]:
    """While the block runs, notebooks executed by this process share a kernel, cleared between them."""
    with surroundings() as config:
        _shared.append(_Shared.new(config))
        try:
            yield
        finally:
            _shared.pop().end()


@contextmanager
def kernel() -> Iterator[dict[str, Any]]:
    """The arguments by which papermill finds a notebook's kernel: its own, which ends with the block, or the shared."""
    if not _shared:
        with surroundings() as config:
            config.KernelManager.connection_file = _connection_file()
            yield {"config": config}
        return
    if _shared[-1].lives:
        _shared[-1].clear()
    else:  # none yet, or the last notebook's was killed
        _shared[-1] = _Shared.new(_shared[-1].config)
    yield {"km": _shared[-1]}


def _connection_file() -> str:
    """Without this name a kernel's sockets would lie in the working directory: read-only, or shared with other runs."""
    return str(Path(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-{uuid.uuid4()}.json"))


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


def _short_place() -> str | None:
    """A folder for temporary folders whose sockets' paths are short enough; None: the usual one, which may be long."""
    for place in (tempfile.gettempdir(), "/tmp"):
        if len(os.fsencode(place)) + len("/fer-01234567") + _NAMES <= LONGEST and os.access(place, os.W_OK):
            return place
    return None
