"""Read archives back member by member, links and folders included, and judge their places."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from slipway.errors import VerificationError
from slipway.files import CHUNK
from slipway.verify.archives import kind_of, newline_of
from slipway.verify.unpacking import Unpacked

if TYPE_CHECKING:
    import tarfile
    import zipfile

FILE, FOLDER, OTHER = "file", "folder", "link or device"
_TEXT_LIMIT: Final = 8 << 20
_TEXT: Final = (".md", ".txt", ".toml", ".ps1", ".bat", ".cmd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a package; `owner` is empty where the format knows none, `link` is what a symbolic link in a tar file says.

    `newline` is lf, crlf, mixed or none, `kind` what its first bytes say.
    """

    path: str
    type: str
    mode: int
    owner: str = ""
    size: int = 0
    sha256: str = ""
    md5: str = ""
    newline: str = "none"
    kind: str = ""
    script: bool = False
    link: str = ""


def members_of(path: Path, file: IO[bytes] | None = None, name: str = "") -> Iterator[Member]:
    """Read every member of an archive, or of an archive inside `file`; raises VerificationError when it is damaged."""
    import tarfile
    import zipfile
    import zlib
    from lzma import LZMAError

    with ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb")) if file is None else file
            yield from _read(stream, name or path.name)
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


def ill_kept(members: Iterable[Member]) -> Iterator[str]:
    """Say which members are not root's, and which folders others may write to or nobody may enter."""
    for member in members:
        if member.owner not in {"", "0:0"}:
            yield f"{member.path} belongs to {member.owner}, not to root"
        if member.type == FOLDER and member.mode != 0o755:
            yield f"{member.path} is a folder with the mode {member.mode:04o}, not 0755"


def stray_folders(members: Iterable[Member], files: Iterable[str]) -> Iterator[str]:
    """Say which folders hold none of the files that are to be there."""
    wanted = {str(above) for file in files for above in PurePosixPath(file).parents}
    found = {str(PurePosixPath(member.path)) for member in members if member.type == FOLDER}
    yield from (f"{folder} is a folder of no file of the distribution" for folder in sorted(found - wanted))


def wrong_lines(member: Member, path: str, newline: str) -> str:
    """Say what is wrong with the line ends of a text at a place in a distribution; programs keep theirs."""
    is_script = member.script or path.endswith(".sh")
    wanted = "lf" if is_script or newline == "\n" else "crlf"
    if member.newline in {"none", wanted} or path.startswith("bin/") or not (is_script or path.endswith(_TEXT)):
        return ""
    return f"{path} has {member.newline} line ends, not {wanted}"


def _read(file: IO[bytes], name: str) -> Iterator[Member]:
    import tarfile
    import zipfile

    if name.endswith(".zip"):
        with zipfile.ZipFile(file) as archive:
            yield from _zip_members(archive)
        return
    if name.endswith(".7z"):
        yield from _7z_members(file)
        return
    stream = Unpacked(file, PurePosixPath(name).suffix)
    with tarfile.open(fileobj=stream, mode="r|") as packed:
        yield from _tar_members(packed)
        # A reader of tar stops at the end mark; what comes after it is unpacked too, so that checksums are checked.
        assert packed.fileobj is not None
        while rest := packed.fileobj.read(CHUNK):
            if rest.strip(b"\0"):
                raise ValueError("there is something behind the end of the archive")


def _tar_members(archive: tarfile.TarFile) -> Iterator[Member]:
    for each in archive:
        owner = f"{each.uid}:{each.gid}"
        if each.isreg() and (file := archive.extractfile(each)) is not None:
            yield _hashed(each.name, each.mode, file, owner)
        else:
            kind, link = (FOLDER if each.isdir() else OTHER), (each.linkname if each.issym() else "")
            yield Member(path=each.name, type=kind, mode=each.mode, owner=owner, link=link)


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


def _7z_members(file: IO[bytes]) -> Iterator[Member]:
    from slipway.verify.sevenzip import entries_of

    for each in entries_of(file, _Measures):
        if each.sink is not None:
            yield each.sink.member(each.path, each.mode)
        else:
            yield Member(path=each.path, type=FOLDER if each.is_folder else OTHER, mode=each.mode)


def _hashed(path: str, mode: int, file: IO[bytes], owner: str = "") -> Member:
    measures = _Measures()
    while chunk := file.read(CHUNK):
        measures.write(chunk)
    return measures.member(path, mode, owner)


class _Measures:
    """What is found out about the bytes of one file while they pass."""

    def __init__(self) -> None:
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._size, self._first = 0, b""

    def write(self, data: bytes, /) -> object:
        self._sha256.update(data)
        self._md5.update(data)
        self._first += data if self._size < _TEXT_LIMIT else b""
        self._size += len(data)
        return len(data)

    def member(self, path: str, mode: int, owner: str = "") -> Member:
        return Member(
            path=path,
            type=FILE,
            mode=mode,
            owner=owner,
            size=self._size,
            sha256=self._sha256.hexdigest(),
            md5=self._md5.hexdigest(),
            newline=newline_of(self._first) if self._size <= _TEXT_LIMIT else "none",
            kind=kind_of(self._first),
            script=self._first.startswith(b"#!"),
        )
