"""What holds files that were built elsewhere: a folder, an archive or a single file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final

from slipway.errors import VerificationError
from slipway.files import CHUNK, HashingWriter
from slipway.trees import walk

LARGEST: Final = 4 << 30
_HEAD: Final = 265


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file that is held; `regular` is false for links, devices and what is encrypted."""

    name: str
    mode: int
    size: int
    regular: bool
    opened: Callable[[], IO[bytes] | None]


def is_archive(path: Path) -> bool:
    """Whether a file is an archive that can be opened, by its first bytes."""
    return _kind(path) is not None


def names_in(path: Path) -> tuple[str, ...]:
    """The paths of all files that are held, sorted; raises VerificationError for an archive that is damaged or hostile."""
    if path.is_dir():
        return walk(path)
    if not is_archive(path):
        return (path.name,)
    with _archive(path) as members:
        names = sorted(member.name for member in members)
    for name, following in zip(names, [*names[1:], ""], strict=True):
        if name == following:
            raise _hostile(f"{name} is in it twice")
    return tuple(names)


def take(path: Path, wanted: Mapping[str, Path]) -> None:
    """Write some files of an archive, by their paths in it, to other places; their right to be executed is kept."""
    with _archive(path) as members:
        for member in members:
            if (target := wanted.get(member.name)) is not None:
                _write(member, target)


def _write(member: Member, target: Path) -> None:
    if not member.regular:
        raise _hostile(f"{member.name} is a link or something else that is no plain file")
    if member.size > LARGEST:
        raise _hostile(f"{member.name} is said to have {member.size} bytes")
    source = member.opened()
    assert source is not None
    with source, HashingWriter(target, mode=0o755 if member.mode & 0o100 else 0o644) as out:
        while chunk := source.read(CHUNK):
            out.write(chunk)


@contextmanager
def _archive(path: Path) -> Iterator[Iterator[Member]]:
    """Read an archive; what its readers complain about becomes VerificationError."""
    import tarfile
    import zipfile
    import zlib
    from lzma import LZMAError

    from zstandard import ZstdError

    broken = (tarfile.TarError, zipfile.BadZipFile, zlib.error, LZMAError, ZstdError, EOFError, OSError, ValueError, RuntimeError)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            read = _READERS[_kind(path) or "tar"]
            yield (_checked(member) for member in read(file, stack))
        except broken as error:
            raise VerificationError(
                f"it cannot be unpacked: {error}", hint="it is damaged, or no archive of a kind that slipway reads"
            ) from error


def _checked(member: Member) -> Member:
    parts = member.name.split("/")
    if member.name.startswith("/") or "\\" in member.name or ".." in parts or parts[0].endswith(":"):
        raise _hostile(f"{member.name!r} points out of it")
    return member


def _hostile(complaint: str) -> VerificationError:
    return VerificationError(f"it is refused: {complaint}", hint="an archive of plain files is needed: ask those who made it")


def _tar(file: IO[bytes], stack: ExitStack) -> Iterator[Member]:
    import tarfile

    archive = stack.enter_context(tarfile.TarFile.open(fileobj=file, mode="r|"))
    for each in archive:
        if not each.isdir():
            yield Member(
                name=_plain(each.name),
                mode=each.mode,
                size=each.size,
                regular=each.isreg(),
                opened=partial(archive.extractfile, each),
            )


def _zip(file: IO[bytes], stack: ExitStack) -> Iterator[Member]:
    import zipfile

    archive = stack.enter_context(zipfile.ZipFile(file))
    for each in archive.infolist():
        if not each.is_dir():
            mode = each.external_attr >> 16
            yield Member(
                name=_plain(each.filename),
                mode=mode,
                size=each.file_size,
                regular=mode >> 12 in {0, 0o10} and not each.flag_bits & 1,
                opened=partial(archive.open, each),
            )


def _plain(name: str) -> str:
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def _unpacking(unpack: Callable[[IO[bytes]], Any]) -> Callable[[IO[bytes], ExitStack], Iterator[Member]]:
    return lambda file, stack: _tar(stack.enter_context(unpack(file)), stack)


def _gzip(file: IO[bytes]) -> Any:
    import gzip

    return gzip.GzipFile(fileobj=file)


def _bzip2(file: IO[bytes]) -> Any:
    import bz2

    return bz2.BZ2File(file)


def _xz(file: IO[bytes]) -> Any:
    import lzma

    return lzma.LZMAFile(file)


def _zstd(file: IO[bytes]) -> Any:
    import zstandard

    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)


_READERS: Final[Mapping[str, Callable[[IO[bytes], ExitStack], Iterator[Member]]]] = {
    "zip": _zip,
    "gzip": _unpacking(_gzip),
    "bzip2": _unpacking(_bzip2),
    "xz": _unpacking(_xz),
    "zstd": _unpacking(_zstd),
    "tar": _tar,
}
# Where each kind's mark lies: APPNOTE.TXT of zip, RFC 1952, the formats of bzip2, xz and zstd, POSIX ustar.
_MARKS: Final = (
    ("zip", 0, b"PK\x03\x04"),
    ("zip", 0, b"PK\x05\x06"),
    ("gzip", 0, b"\x1f\x8b\x08"),
    ("bzip2", 0, b"BZh"),
    ("xz", 0, b"\xfd7zXZ\0"),
    ("zstd", 0, b"\x28\xb5\x2f\xfd"),
    ("tar", 257, b"ustar"),
)


def _kind(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return next((kind for kind, place, mark in _MARKS if head[place : place + len(mark)] == mark), None)
