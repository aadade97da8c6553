"""Deflate by libdeflate: gzip streams in bounded memory, and a shelf of files that were deflated before.

Where several archives and packages hold the same files, a file of some size is compressed by itself, once for all of
them: its stream is kept under the digest of the file, and laid into every gzip stream and zip archive that asks for it.
Making a stream that others can follow costs a third more than a stream alone, so it is only done where it is used again.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from slipway.files import CHUNK, HashingWriter, Sink, chunks_of
from slipway.splicing import END, PIECE, SPLICED_FROM, combined_crc, in_pieces, joinable, slices

_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # no name, no time, system unknown
_MEASURES: Final = struct.Struct("<QIQI")
_KEPT_DAYS: Final = 14
_locks: Final[defaultdict[str, threading.Lock]] = defaultdict(threading.Lock)

Chunks = Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflated:
    """A file's bytes as a stream that others can follow, and the measures of both."""

    size: int
    crc: int
    packed_size: int
    packed_crc: int

    def footer(self) -> bytes:
        """What stands behind the stream on the shelf."""
        return _MEASURES.pack(self.size, self.crc, self.packed_size, self.packed_crc)


def deflate_into(out: Sink, chunks: Iterable[bytes | bytearray], level: int) -> Deflated:
    """Deflate chunks into a sink, in pieces."""
    import deflate

    size = crc = packed_size = packed_crc = 0
    for piece in in_pieces(chunks):
        packed = joinable(piece, level)
        size, crc = size + len(piece), deflate.crc32(piece, crc)
        packed_size, packed_crc = packed_size + len(packed), deflate.crc32(packed, packed_crc)
        for part in slices(packed):
            out.write(part)
    return Deflated(size=size, crc=crc, packed_size=packed_size, packed_crc=packed_crc)


@dataclass(frozen=True, slots=True)
class Kept:
    """A stream on the shelf."""

    path: Path
    measures: Deflated

    def parts(self) -> Iterator[bytes]:
        """The bytes of the stream."""
        left = self.measures.packed_size
        with self.path.open("rb") as file:
            while left > 0 and (part := file.read(min(CHUNK, left))):
                left -= len(part)
                yield part


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of deflated files, by the digest of what they hold; all of it may be deleted at any time."""

    folder: Path

    @classmethod
    def at(cls, folder: Path | None) -> Shelf | None:
        """The shelf of a folder, if there is one."""
        return None if folder is None else cls(folder)

    def find(self, sha256: str, chunks: Chunks, level: int) -> Kept:
        """The stream of a file; it is made when it is not there, or not whole any more."""
        import deflate

        path = self.folder / f"{sha256}.{deflate.__version__}.{level}"
        with _locks[str(path)]:
            if (kept := _load(path)) is None:
                kept = self._put(path, chunks, level)
            os.utime(path)
        return kept

    def _put(self, path: Path, chunks: Chunks, level: int) -> Kept:
        with HashingWriter(path) as out:
            measures = deflate_into(out, chunks(), level)
            out.write(measures.footer())
        old = time.time() - _KEPT_DAYS * 86400
        for other in self.folder.iterdir():
            with suppress(FileNotFoundError):
                if other.stat().st_mtime < old:
                    other.unlink()
        return Kept(path, measures)


class Gzip:
    """A gzip stream of one member: in pieces where it is long, and big files by themselves where there is a shelf."""

    def __init__(self, out: Sink, level: int, shelf: Shelf | None = None) -> None:
        self._out, self._level, self._shelf = out, level, shelf
        self._waiting = bytearray()
        self._crc = self._size = 0
        self._began = False

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""
        place = 0
        while place < len(data):
            if len(self._waiting) == PIECE:
                self._flush()
            taken = data[place : place + PIECE - len(self._waiting)]
            self._waiting += taken
            place += len(taken)
        return len(data)

    def file(self, sha256: str, size: int, chunks: Chunks) -> None:
        """Take a whole file; with a shelf, a big one comes from there."""
        if self._shelf is None or size < SPLICED_FROM:
            for chunk in chunks():
                self.write(chunk)
            return
        self._flush()
        kept = self._shelf.find(sha256, chunks, self._level)
        for part in kept.parts():
            self._out.write(part)
        self._count(kept.measures.crc, kept.measures.size)

    def finish(self) -> None:
        """Write what is left."""
        import deflate

        self._begin()
        for part in slices(deflate.deflate_compress(self._waiting, self._level)):
            self._out.write(part)
        self._count(deflate.crc32(self._waiting), len(self._waiting))
        self._waiting = bytearray()
        self._out.write(struct.pack("<II", self._crc, self._size & 0xFFFFFFFF))

    def _flush(self) -> None:
        self._begin()
        if self._waiting:
            made = deflate_into(self._out, (self._waiting,), self._level)
            self._count(made.crc, made.size)
            self._waiting = bytearray()

    def _begin(self) -> None:
        if not self._began:
            self._began = True
            self._out.write(_GZIP_HEADER)

    def _count(self, crc: int, size: int) -> None:
        self._crc, self._size = combined_crc(self._crc, crc, size), self._size + size


@contextmanager
def alone(sha256: str, chunks: Chunks, level: int, shelf: Shelf | None) -> Iterator[tuple[Deflated, Iterable[bytes]]]:
    """Give a file's stream by itself, with its end, and the measures of it without."""
    if shelf is not None:
        kept = shelf.find(sha256, chunks, level)
        yield kept.measures, chain(kept.parts(), (END,))
        return
    with tempfile.TemporaryFile() as spool:
        made = deflate_into(spool, chunks(), level)
        yield made, chain(chunks_of(spool), (END,))


def _load(path: Path) -> Kept | None:
    """What is kept under a path, unless it is missing or damaged."""
    import deflate

    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _MEASURES.size))
            size, crc, packed_size, packed_crc = _MEASURES.unpack(file.read())
        kept, found = Kept(path, Deflated(size=size, crc=crc, packed_size=packed_size, packed_crc=packed_crc)), 0
        for part in kept.parts():
            found = deflate.crc32(part, found)
    except (OSError, struct.error):
        return None
    whole = packed_size + _MEASURES.size == path.stat().st_size
    return kept if whole and found == packed_crc else None
