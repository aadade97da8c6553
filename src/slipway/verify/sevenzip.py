"""Read 7z archives, by a library that had no part in writing them."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, Final, Generic, Protocol, TypeVar

_HEAD: Final = 32  # bytes of the first header, which says where the last one is
# The library believes what it reads: a damaged archive shows itself in almost any error.
_UNFORESEEN: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)


class Sink(Protocol):
    """Where the bytes of one file go."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


S = TypeVar("S", bound=Sink)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[S]):
    """What the archive says about one member; `sink` has a file's bytes, and is None for a folder or a link."""

    path: str
    mode: int
    is_folder: bool
    sink: S | None


def entries_of(file: IO[bytes], sink: Callable[[], S]) -> list[Entry[S]]:
    """Unpack every file into a sink of its own; raises ValueError when the archive is damaged."""
    from lzma import LZMAError

    from py7zr.exceptions import ArchiveError

    if not _announced(file):
        return []
    try:
        return list(_entries(file, _Sinks(sink)))
    except (ArchiveError, LZMAError, *_UNFORESEEN) as error:
        raise ValueError(f"{type(error).__name__} {error}".strip()) from error


def _entries(file: IO[bytes], sinks: _Sinks[S]) -> Iterator[Entry[S]]:
    import py7zr

    # It wants a file of Python's own kind.
    with py7zr.SevenZipFile(file if isinstance(file, io.IOBase) else io.BytesIO(file.read()), "r") as archive:
        if archive.test() is False:
            raise ValueError("the digest of what is packed is wrong")
        archive.reset()
        archive.extract(factory=sinks)
        for each in archive.files:
            path = PurePosixPath(each.filename).as_posix()
            made = None if each.is_directory or not each.is_file else sinks.made.get(path)
            mode = (each.posix_mode or 0) & 0o7777
            yield Entry(path=each.filename, mode=mode, is_folder=each.is_directory, sink=made)


def _announced(file: IO[bytes]) -> int:
    """The size of the header at the end; it is all that follows the packed bytes."""
    head = file.read(_HEAD)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if len(head) < _HEAD:
        raise ValueError("it ends in the middle of its first header")
    if head[6]:
        raise ValueError(f"it is of version {head[6]} of the format, and only version 0 is known")
    packed, header = struct.unpack_from("<QQ", head, 12)
    if _HEAD + packed + header != size:
        raise ValueError("it does not end where its first header says")
    return int(header)


class _Sinks(Generic[S]):
    """Makes a sink for each file and finds it again by the file's name."""

    def __init__(self, sink: Callable[[], S]) -> None:
        self._sink = sink
        self.made: dict[str, S] = {}

    def create(self, name: str) -> _Writer:
        self.made[name] = self._sink()
        return _Writer(self.made[name])


class _Writer:
    """A sink as the library wants it: a file that can only be written."""

    def __init__(self, sink: Sink) -> None:
        self._sink, self._size = sink, 0

    def write(self, data: bytes) -> int:
        self._sink.write(data)
        self._size += len(data)
        return len(data)

    def seekable(self) -> bool:
        return False

    def size(self) -> int:
        return self._size

    def flush(self) -> Any:
        """Nothing waits."""

    def close(self) -> Any:
        """Nothing is open."""
