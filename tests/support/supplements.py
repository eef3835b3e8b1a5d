"""Supplements as they travel."""

import zipfile
from hashlib import sha256


def unpacked(archive, folder):
    """What is in `archive`, as another tool would unpack it."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


def packed(folder, archive, sums=True):
    """`folder` as an archive; its checksums as they should be, unless they are what is wrong."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    if sums:
        listed = sorted(files.items() - {("SHA256SUMS", files["SHA256SUMS"])})
        files["SHA256SUMS"] = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in listed).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return archive
