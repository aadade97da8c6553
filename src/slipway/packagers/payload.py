"""What a package puts into a system: the files of a distribution at their places, and what slipway adds to them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from slipway.contents import Contents, File
from slipway.errors import ConfigError
from slipway.layout import Folders, role_of
from slipway.packagers.entries import Entry, text_entry

_MANUAL: Final = re.compile(r"man/(?:[A-Za-z_.@]+/)?man[1-9][a-z]*/[^/]+\.[1-9][a-z]*")


def installed(
    folder: Path, contents: Contents, name: str, folders: Folders, made: Iterable[Entry] = (), *, gzip_manuals: bool = True
) -> tuple[Entry, ...]:
    """The files of a staged distribution at their places below `folders`, and those that the packager has `made`.

    Paths begin without a slash; folders are not among them. Manual pages are compressed, as every package manager wants.
    Raises ConfigError when two files would have one place.
    """
    found: dict[str, Entry] = {}
    for file in contents.files:
        entry = _placed(folder, file, name, folders)
        entry = _gzipped(entry) if gzip_manuals and entry.role == "manual" else entry
        if found.setdefault(entry.path, entry).sha256 != entry.sha256:
            raise _clash(entry.path, file.path)
    for entry in made:
        if found.setdefault(entry.path, entry) is not entry:
            raise _clash(entry.path, "a file that slipway makes")
    return tuple(found.values())


def made_file(path: str, data: bytes, role: str = "share", mode: int = 0o644) -> Entry:
    """A file that a packager adds, at an absolute path; its role is one of layout's or `unit`, `license`, `manual`."""
    entry = text_entry(path.lstrip("/"), data, mode)
    sha256, md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data, usedforsecurity=False).hexdigest()
    return replace(entry, role=role, sha256=sha256, md5=md5)


def _placed(folder: Path, file: File, name: str, folders: Folders) -> Entry:
    role, below = role_of(file.path, name)
    return Entry(
        path=f"{folders.of(role)}/{below}".lstrip("/"),
        mode=file.mode,
        size=file.size,
        source=folder / file.path,
        sha256=file.sha256,
        md5=file.md5,
        role="manual" if role == "share" and _MANUAL.fullmatch(below) else role,
    )


def _gzipped(entry: Entry) -> Entry:
    import deflate

    # As policy 12.1 wants it: the best compression, no name, no time.
    data = bytes(deflate.gzip_compress(b"".join(entry.chunks()), 12))
    return made_file(f"{entry.path}.gz", data, entry.role, entry.mode)


def _clash(path: str, other: str) -> ConfigError:
    return ConfigError(
        f"two files of the package would be /{path}; one of them is {other}",
        hint="give one of them another place in slipway.toml (`to` of its component)",
    )
