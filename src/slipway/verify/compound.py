"""Read a compound file (MS-CFB): streams in chains of sectors. It shares nothing with what writes packages."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

from slipway.errors import VerificationError

_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST: Final = 0xFFFFFFFA
_STREAM, _ROOT = 2, 5


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: its size, and where its pieces lie."""

    file: IO[bytes]
    size: int
    pieces: tuple[int, ...]
    wide: int

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        """Some bytes, fewer where the stream ends."""
        end = self.size if size is None else min(self.size, start + size)
        return b"".join(self._spans(start, end))

    def _spans(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            number, offset = divmod(start, self.wide)
            # Pieces that follow one another are read at once.
            last = number
            while (last + 1) * self.wide < end and self.pieces[last + 1] == self.pieces[last] + self.wide:
                last += 1
            length = min(end, (last + 1) * self.wide) - start
            self.file.seek(self.pieces[number] + offset)
            yield self.file.read(length)
            start += length


def streams(file: IO[bytes]) -> Mapping[str, Stream]:
    """The streams of an open compound file by name; raises VerificationError when its structure is broken."""
    return _Reader(file).streams()


class _Reader:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        header = self._read(0, 512)
        if len(header) < 512 or not header.startswith(_MAGIC):
            raise VerificationError("it is no compound file")
        _, version, order, shift, mini_shift = struct.unpack_from("<HHHHH", header, 24)
        if (order, mini_shift) != (0xFFFE, 6) or (version, shift) not in {(3, 9), (4, 12)}:
            raise VerificationError("its header is none of a compound file of version 3 or 4")
        self._shift: int = shift
        self._wide = 1 << self._shift
        if self._size % self._wide:
            raise VerificationError("it ends within a sector: it has been cut off, or something hangs on its end")
        self._used: set[int] = set()
        self._fat = self._table(header)
        directory, self._cutoff, mini, minis = struct.unpack_from("<I4xIII", header, 48)
        self._entries = b"".join(self._sectors(directory))
        self._mini = self._numbers(b"".join(self._sectors(mini)))
        if len(self._mini) != minis * (self._wide // 4):
            raise VerificationError("the table of its small sectors has another length than its header says")

    def streams(self) -> Mapping[str, Stream]:
        found: dict[str, Stream] = {}
        entries = [self._entries[at : at + 128] for at in range(0, len(self._entries), 128)]
        if not entries or entries[0][66] != _ROOT:
            raise VerificationError("it has no root")
        root = self._stream(entries[0])
        for entry in entries[1:]:
            if entry[66] == _STREAM:
                name = _name(entry)
                if name in found:
                    raise VerificationError(f"it has two streams {name!r}")
                found[name] = self._small(entry, root) if _extent(entry)[1] < self._cutoff else self._stream(entry)
            elif entry[66] != 0:
                raise VerificationError("it has an entry that is no stream")
        return found

    def _stream(self, entry: bytes) -> Stream:
        first, size = _extent(entry)
        pieces = tuple(self._places(first)) if size else ()
        return self._fit(Stream(self._file, size, pieces, self._wide))

    def _small(self, entry: bytes, root: Stream) -> Stream:
        first, size = _extent(entry)
        pieces: list[int] = []
        while size and first < _LAST:
            if first >= len(self._mini) or (first + 1) * 64 > root.size or len(pieces) * 64 >= size:
                raise VerificationError("a chain of its small sectors leads nowhere")
            pieces.append(root.pieces[first * 64 // self._wide] + first * 64 % self._wide)
            first = self._mini[first]
        return self._fit(Stream(self._file, size, tuple(pieces), 64))

    def _fit(self, stream: Stream) -> Stream:
        if len(stream.pieces) != -(-stream.size // stream.wide):
            raise VerificationError(f"a stream of {stream.size} bytes has {len(stream.pieces)} sectors of {stream.wide}")
        return stream

    def _table(self, header: bytes) -> tuple[int, ...]:
        """The chains: for every sector the next one. The header and a chain of its own say where the table lies."""
        (count,) = struct.unpack_from("<I", header, 44)
        more, _ = struct.unpack_from("<II", header, 68)
        blocks = list(struct.unpack_from("<109I", header, 76))
        while more < _LAST:
            *found, more = self._numbers(self._sector(more))
            blocks += found
        blocks = [block for block in blocks if block < _LAST]
        if len(blocks) != count:
            raise VerificationError(f"its table of sectors has {len(blocks)} parts, and its header says {count}")
        return self._numbers(b"".join(self._sector(block) for block in blocks))

    def _sectors(self, first: int) -> Iterator[bytes]:
        return (self._read(place, self._wide) for place in self._places(first))

    def _places(self, first: int) -> Iterator[int]:
        while first < _LAST:
            yield self._take(first)
            if first >= len(self._fat):
                raise VerificationError(f"a chain of its sectors leads to {first}, which its table does not know")
            first = self._fat[first]

    def _sector(self, number: int) -> bytes:
        return self._read(self._take(number), self._wide)

    def _take(self, number: int) -> int:
        """Where a sector lies; no two streams can have one."""
        place = (number + 1) << self._shift
        if place + self._wide > self._size:
            raise VerificationError(f"its sector {number} lies behind its end: it has been cut off")
        if number in self._used:
            raise VerificationError(f"two of its streams have sector {number}")
        self._used.add(number)
        return place

    def _numbers(self, data: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(data) // 4}I", data)

    def _read(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        return self._file.read(size)


def _extent(entry: bytes) -> tuple[int, int]:
    first, size = struct.unpack_from("<II", entry, 116)
    return first, size


def _name(entry: bytes) -> str:
    (length,) = struct.unpack_from("<H", entry, 64)
    if not 2 <= length <= 64 or length % 2:
        raise VerificationError("the name of one of its streams has no right length")
    # Windows Installer spells names with any 16-bit numbers.
    return entry[: length - 2].decode("utf-16-le", "surrogatepass")
