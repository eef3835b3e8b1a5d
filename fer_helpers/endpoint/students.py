"""The students of a class and their tokens: who is asking, in a room where several people use one machine."""

from __future__ import annotations

import base64
import csv
import hmac
import logging
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fer_helpers.errors import ListError
from fer_helpers.lists import same_form
from fer_helpers.paths import outputs, shown

TOKENS = "tokens.csv"
# For servers that ask for tokens: aiohttp logs what is no HTTP as it came, and a broken request may hold a token.
UNHEARD = logging.getLogger(f"{__name__}.unheard")
UNHEARD.addFilter(lambda _: False)


def classroom() -> Path:
    """The folder of a class: its tokens, and the books of what each student asked."""
    return outputs() / "classroom"


def tokens_of(names: Path) -> dict[str, str]:
    """The token of each student in the file `names`, one name a line; lines that begin with # are passed over.

    Tokens are made once and kept in `classroom()`/tokens.csv, which only its owner may read: a name that is added
    later gets one, and one that is deleted from `names` lets nobody in while it is.

    Raises:
        ListError: there is no such file, a line is no name or repeats one, or tokens.csv is damaged or can be read by
            others.
    """
    students, path = _read_names(names), classroom() / TOKENS
    known = _read_tokens(path)
    if new := [name for name in students if name not in known]:
        # 80 random bits, as letters and digits that cannot be mistaken for each other: they are typed from a slip.
        known |= {name: base64.b32encode(secrets.token_bytes(10)).decode().lower() for name in new}
        _write_tokens(path, known)
    return {name: known[name] for name in students}


def whose(authorization: str, tokens: Mapping[str, str]) -> str | None:
    """The name whose token an Authorization header has; None if it is nobody's.

    Every token is compared, in a time that does not depend on where they differ.
    """
    scheme, _, given = authorization.partition(" ")
    said = given.strip().encode("utf-8", "surrogateescape")
    found = [name for name, token in tokens.items() if hmac.compare_digest(token.encode(), said)]
    return found[0] if found and scheme.casefold() == "bearer" else None


def address(host: str, port: int) -> str:
    """Where a server that listens on `host` is found by others: 0.0.0.0 and :: are no address to call."""
    if host in ("0.0.0.0", "::"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found, suppress(OSError):
            found.connect(("192.0.2.1", 9))  # of the documentation's range; sends nothing, but chooses the way out
            host = found.getsockname()[0]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _read_names(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        what = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ListError(f"{shown(path)} cannot be read ({what}): give a text file with one name a line") from error
    names: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name = " ".join(same_form(line).split())  # as `runs.people` keeps a rater's
        if len(name) > 100 or not name.isprintable():
            raise ListError(f"{shown(path)}: line {number} is no name: give 1 to 100 letters")
        if name.casefold() in names:
            raise ListError(f"{shown(path)}: line {number} repeats {name!r}: tell the two apart")
        names[name.casefold()] = name
    if not names:
        raise ListError(f"{shown(path)} has no names: write one a line")
    return list(names.values())


def _read_tokens(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise ListError(
            f"{shown(path)} can be read by others on this machine: chmod 600 it, or delete it for new tokens"
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {name: token for name, token in csv.reader(file, strict=True) if token}
    except (ValueError, csv.Error) as error:
        raise ListError(f"{shown(path)} is damaged: delete it, and everybody gets a new token") from error


def _write_tokens(path: Path, tokens: Mapping[str, str]) -> None:
    """Written whole, and never readable by others: a temporary file is its owner's from the beginning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(tokens.items())
    Path(file.name).replace(path)
