"""Where key frames lie: the run's folder, or any address fsspec knows (s3://, gs://, file://, memory://)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import fsspec

from fer_helpers.errors import ParamsError, RunError, one_line
from fer_helpers.files import write_whole
from fer_helpers.paths import resolve, shown


@dataclass(frozen=True)
class FrameStore:
    """Writes pictures, each whole or not at all; made anew from its two fields on every machine.

    Credentials are the environment's, as fsspec's file system for the address reads them.
    """

    folder: Path  # the run's
    address: str = ""  # a folder or an fsspec address; empty: `folder`/frames

    def check(self) -> None:
        """See that pictures can be written, before any work.

        Raises:
            ParamsError: the address is of a kind unknown here.
        """
        if "://" not in self.address:
            return
        try:
            fsspec.core.url_to_fs(self.address)
        except (ImportError, ValueError) as error:
            raise ParamsError(f"frame_store {self.address}: {one_line(error)}") from error

    @property
    def _root(self) -> str:
        if not self.address:
            return "frames"
        return self.address.rstrip("/") if "://" in self.address else str(resolve(self.address))

    def write(self, name: str, data: bytes) -> str:
        """Write `data` as `name` (safe, with /); returns frames.path, by which `read` finds it.

        Raises:
            RunError: the store cannot be written to.
        """
        path = f"{self._root}/{name}"
        try:
            if "://" not in path:
                write_whole(str(self.folder / path), data)
            elif path.startswith("file://"):
                write_whole(fsspec.core.url_to_fs(path)[1], data)
            else:
                system, place = fsspec.core.url_to_fs(path)
                system.pipe_file(place, data)  # one object: a store shows it when it is whole
        except Exception as error:  # each file system raises its own
            where = self.address or shown(self.folder / "frames")
            raise RunError(f"{where}: key frames cannot be written: {one_line(error)}") from error
        return path


def read(folder: Path, path: str) -> bytes:
    """The picture at `path`, a frames.path of the run in `folder`.

    Raises:
        RunError: it is not there, or not readable from here.
    """
    try:
        if "://" in path:
            system, place = fsspec.core.url_to_fs(path)
            return bytes(system.cat_file(place))
        return (folder / path).read_bytes()
    except Exception as error:  # as in `write`
        raise RunError(f"key frame {path} cannot be read: {one_line(error)}; run notebook 02 again") from error
