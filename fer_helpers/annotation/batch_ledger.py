"""The ledger of a run's batches: which requests are under way where, on disk before and after each step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from fer_helpers.annotation.batch_files import Line
from fer_helpers.errors import RunError
from fer_helpers.files import exclusive, write_whole
from fer_helpers.paths import shown

if TYPE_CHECKING:
    from openai.types import Batch

ENDED = ("failed", "completed", "expired", "cancelled")


@dataclass
class Shard:
    """One file of requests and its batch: an entry of the ledger."""

    id: str
    base_url: str
    model: str
    requests: int
    tokens: int
    usd: float
    state: str = "uploading"  # then "uploaded", then what the server calls it
    file_id: str = ""
    batch_id: str = ""
    submitted: str = ""  # ISO 8601, UTC
    done: int = 0
    failed: int = 0
    note: str = ""  # what the server says about it
    collected: str = ""  # ISO 8601, UTC; empty: not yet

    def take(self, batch: Batch) -> None:
        """Take over what the server says."""
        self.batch_id, self.state = str(batch.id), str(batch.status)
        self.submitted = when(batch, "created_at") or self.submitted or datetime.now(UTC).isoformat()
        if batch.request_counts:
            self.done, self.failed = batch.request_counts.completed or 0, batch.request_counts.failed or 0
        problems = (batch.errors.data if batch.errors else None) or []
        self.note = "; ".join(
            f"{item.code}{f' in line {item.line}' if item.line else ''}: {item.message}" for item in problems[:3]
        )


def when(batch: Batch, *names: str) -> str:
    """The first of these times that the server names, ISO 8601, UTC; empty if it names none."""
    for name in names:
        stamp = getattr(batch, name, None)
        if isinstance(stamp, int | float) and stamp > 0:
            return datetime.fromtimestamp(stamp, UTC).isoformat()
    return ""


class Ledger:
    """The shards of a run: `batches.json` in its folder; in `batches/` the keys of each shard.

    The keys have files of their own because they never change, while the ledger is written around every step.
    """

    def __init__(self, folder: Path) -> None:
        """Read the ledger of the run in `folder`; RunError if it is damaged."""
        self.run = folder.name
        self.path = folder / "batches.json"
        self.folder = folder / "batches"
        self.upload = self.folder / "upload.jsonl"
        try:
            self.shards = [Shard(**entry) for entry in json.loads(self.path.read_text(encoding="utf-8"))["shards"]]
        except FileNotFoundError:
            self.shards = []
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(
                f"{shown(self.path)} is damaged ({error}): it records which batches are pending and paid for: "
                "repair it, or move it elsewhere and submit again, which finds the batches that the server still lists"
            ) from error

    def save(self) -> None:
        """Write the ledger, whole or not at all, and durable on return."""
        write_whole(self.path, json.dumps({"shards": [asdict(shard) for shard in self.shards]}, indent=1), durable=True)

    @contextmanager
    def upload_removed(self) -> Iterator[None]:
        """Remove the last file of requests at the end, however it comes: it may be large, and it holds faces."""
        try:
            yield
        finally:
            self.upload.unlink(missing_ok=True)

    def write(self, lines: Iterable[Line], base_url: str) -> Shard:
        """A new shard, not yet in the ledger; writes its file of requests, and its keys and what was asked."""
        asked, tokens, usd, model = {}, 0, 0.0, ""
        with self.upload.open("wb") as file:
            for line in lines:
                file.write(line.data)
                asked[line.key], model = line.asked, line.model
                tokens, usd = tokens + line.tokens, usd + line.usd
        name = sha256("\n".join(asked).encode()).hexdigest()[:16]
        # The same requests may have to be sent again, when a batch failed; that is another shard.
        attempt = sum(shard.id.startswith(name) for shard in self.shards)
        shard = Shard(f"{name}-{attempt}", base_url, model, len(asked), tokens, usd)
        write_whole(self.folder / f"{shard.id}.json", json.dumps(asked), durable=True)
        return shard

    def asked(self, shard: Shard) -> dict[str, str]:
        """key -> taxonomy of each request in `shard`, and what its reply is to be if not a label."""
        path = self.folder / f"{shard.id}.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise RunError(f"{shown(path)}, the request keys of a shard, cannot be read: {error}") from error

    @property
    def open(self) -> Sequence[Shard]:
        """Shards whose replies are still to be had; their requests must not be sent again."""
        return [shard for shard in self.shards if not shard.collected]

    def pending(self) -> set[str]:
        """Keys of the requests in open shards."""
        return {key for shard in self.open for key in self.asked(shard)}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from the ledger in `folder`: two that submit at once would both pay.

    Raises:
        RunError: another process has it.
    """
    (folder / "batches").mkdir(parents=True, exist_ok=True)
    with exclusive(folder / "batches" / "lock") as mine:
        if not mine:
            raise RunError(
                f"another `fer-helpers batch` is already running in {shown(folder)}: wait until it has finished"
            )
        yield
