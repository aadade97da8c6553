"""A file system at one moment, and what differs between two moments."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What an engine puts into every container, and our own folder.
ENGINE: Final = (
    "/work",
    "/dev",
    "/proc",
    "/sys",
    "/run",
    "/.dockerenv",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/mtab",
)
# What a package manager keeps for itself. Accounts of services stay after a purge, as Debian asks: their files may be elsewhere.
PACKAGE_MANAGER: Final = (
    *("/var/lib/dpkg", "/var/lib/apt", "/var/cache/apt", "/var/cache/debconf", "/var/cache/ldconfig", "/var/log"),
    *(f"/etc/{name}{old}" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid") for old in ("", "-")),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link; `digest` is a file's SHA-256 or where a link points."""

    kind: str
    mode: int
    owner: str
    digest: str


Snapshot = Mapping[str, Entry]


def read_snapshot(tar: Path) -> Snapshot:
    """Read a file system from a tar file that an engine exported."""
    entries: dict[str, Entry] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            path = "/" + member.name.removeprefix("./").strip("/")
            # Which of several names of one file is the link depends on the order of the walk.
            entries[path] = entries["/" + member.linkname.lstrip("/")] if member.islnk() else _entry(archive, member)
    return entries


def compare(before: Snapshot, after: Snapshot, ignored: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Say in sorted lines what was left behind, lost or changed; nothing below an ignored path counts."""
    paths = sorted(path for path in before.keys() | after.keys() if not _is_below(path, ENGINE + ignored))
    return tuple(line for path in paths for line in _difference(path, before.get(path), after.get(path)))


def _entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    kind = "folder" if member.isdir() else "link" if member.issym() else "file" if member.isreg() else "device"
    digest = member.linkname
    if member.isreg() and (data := archive.extractfile(member)) is not None:
        digest = hashlib.sha256(data.read()).hexdigest()
    return Entry(kind, member.mode & 0o7777, f"{member.uid}:{member.gid}", digest)


def _difference(path: str, old: Entry | None, new: Entry | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"left behind: {path} ({new.kind})"
    elif new is None and old is not None:
        yield f"lost: {path} ({old.kind})"
    elif old is not None and new is not None and old != new:
        yield f"changed: {path} ({', '.join(_changes(old, new))})"


def _changes(old: Entry, new: Entry) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"{old.kind} became {new.kind}"
    if old.mode != new.mode:
        yield f"mode {old.mode:04o} became {new.mode:04o}"
    if old.owner != new.owner:
        yield f"owner {old.owner} became {new.owner}"
    if old.kind == new.kind and old.digest != new.digest:
        yield "target" if old.kind == "link" else "contents"


def _is_below(path: str, tops: tuple[str, ...]) -> bool:
    return path.startswith(tuple(f"{top}/" for top in tops)) or path in tops
