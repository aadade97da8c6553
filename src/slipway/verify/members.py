"""Read packages back member by member, links and folders included, and judge their places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from slipway.errors import VerificationError
from slipway.files import CHUNK
from slipway.verify.archives import kind_of, newline_of

if TYPE_CHECKING:
    import tarfile
    import zipfile

FILE, FOLDER, OTHER = "file", "folder", "link or device"
_TEXT_LIMIT: Final = 8 << 20
_TEXT: Final = (".md", ".txt", ".toml", ".ps1", ".bat", ".cmd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a package; `newline` is lf, crlf, mixed or none, `kind` what its first bytes say."""

    path: str
    type: str
    mode: int
    size: int = 0
    sha256: str = ""
    md5: str = ""
    newline: str = "none"
    kind: str = ""
    script: bool = False


def members_of(path: Path, file: IO[bytes] | None = None, name: str = "") -> Iterator[Member]:
    """Read every member of an archive, or of an archive inside `file`; raises VerificationError when it is damaged."""
    import tarfile
    import zipfile
    import zlib
    from lzma import LZMAError

    with ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb")) if file is None else file
            yield from _read(stream, name or path.name, stack)
        except (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError) as error:
            raise VerificationError(f"it is damaged: {error}") from error


def misplaced(members: Iterable[Member]) -> Iterator[str]:
    """Say which members would leave the folder that they are unpacked in, are links, or are there twice."""
    seen: set[str] = set()
    for member in members:
        parts = member.path.split("/")
        if member.path.startswith("/") or "\\" in member.path or ".." in parts or parts[0].endswith(":"):
            yield f"{member.path} points out of the package"
        if member.type == OTHER:
            yield f"{member.path} is a {OTHER}: only files and folders are packed"
        if member.path in seen:
            yield f"{member.path} is there twice"
        seen.add(member.path)


def wrong_lines(member: Member, path: str, newline: str) -> str:
    """Say what is wrong with the line ends of a text at a place in a distribution; programs keep theirs."""
    is_script = member.script or path.endswith(".sh")
    wanted = "lf" if is_script or newline == "\n" else "crlf"
    if member.newline in {"none", wanted} or path.startswith("bin/") or not (is_script or path.endswith(_TEXT)):
        return ""
    return f"{path} has {member.newline} line ends, not {wanted}"


def _read(file: IO[bytes], name: str, stack: ExitStack) -> Iterator[Member]:
    import tarfile
    import zipfile

    if name.endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            yield from _zip_members(archive)
        return
    if name.endswith(".zst"):
        import zstandard

        try:
            unpacked = stack.enter_context(zstandard.ZstdDecompressor().stream_reader(file, closefd=False))
            with tarfile.open(fileobj=unpacked, mode="r|") as packed:
                yield from _tar_members(packed)
        except zstandard.ZstdError as error:
            raise OSError(str(error)) from error
        return
    with tarfile.open(fileobj=file, mode="r|*") as packed:
        yield from _tar_members(packed)


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for each in archive:
        if each.isreg() and (file := archive.extractfile(each)) is not None:
            yield _hashed(each.name, each.mode, file)
        else:
            yield Member(path=each.name, type=FOLDER if each.isdir() else OTHER, mode=each.mode)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[Member]:
    for each in archive.infolist():
        mode = each.external_attr >> 16
        if each.is_dir():
            yield Member(path=each.filename.rstrip("/"), type=FOLDER, mode=mode & 0o7777)
        elif mode >> 12 not in {0, 0o10}:
            yield Member(path=each.filename, type=OTHER, mode=mode & 0o7777)
        else:
            with archive.open(each) as file:
                yield _hashed(each.filename, mode & 0o7777, file)


def _hashed(path: str, mode: int, file: IO[bytes]) -> Member:
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    size, first = 0, b""
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
        md5.update(chunk)
        first += chunk if size < _TEXT_LIMIT else b""
        size += len(chunk)
    return Member(
        path=path,
        type=FILE,
        mode=mode,
        size=size,
        sha256=sha256.hexdigest(),
        md5=md5.hexdigest(),
        newline=newline_of(first) if size <= _TEXT_LIMIT else "none",
        kind=kind_of(first),
        script=first.startswith(b"#!"),
    )
