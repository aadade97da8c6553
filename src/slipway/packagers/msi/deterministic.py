"""Take out of a finished package what is another at each build: times, and a code that was drawn by lot.

The package is a compound file: a file system of sectors with a chain of sectors for every stream (MS-CFB). What has to be
changed keeps its length, so it is changed in place.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from slipway.files import digest_file, explained

NO_CODE: Final = f"{{{uuid.UUID(int=0)}}}"
_SUMMARY: Final = "\x05SummaryInformation"
_END: Final = 0xFFFFFFFA  # from here on, a number of a sector is none
_ENTRY: Final = 128
# Properties of the summary (MS-OLEPS 3; Windows Installer, Summary Information Stream).
_CODEPAGE, _CODE, _CREATED, _SAVED = 1, 9, 12, 13
_UTF_8: Final = 65001
# FILETIME counts tenths of microseconds from 1601 on.
_BEFORE_1970: Final = 11_644_473_600


def settle(path: Path, epoch: int, product: str) -> None:
    """Set all times of a package to `epoch`, and its package code to one that stands for these very bytes."""
    with explained(path), path.open("r+b") as file:
        disk = _Disk(file)
        disk.clear_times()
        summary = disk.summary()
        _put(summary, _CODEPAGE, struct.pack("<H", _UTF_8))
        for time in (_CREATED, _SAVED):
            _put(summary, time, struct.pack("<Q", (epoch + _BEFORE_1970) * 10_000_000))
        _put(summary, _CODE, _spelled(uuid.UUID(int=0)))
    code = uuid.uuid5(uuid.UUID(product), digest_file(path))
    with explained(path), path.open("r+b") as file:
        _put(_Disk(file).summary(), _CODE, _spelled(code))


class _Disk:
    """The sectors of a compound file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        header = self._read(0, 512)
        self._shift: int
        self._mini_shift: int
        self._shift, self._mini_shift = struct.unpack_from("<HH", header, 30)
        directory, self._cutoff, mini, _, more = struct.unpack_from("<I4xIIII", header, 48)
        blocks = list(struct.unpack_from("<109I", header, 76))
        while more < _END:
            *found, more = self._numbers(more)
            blocks += found
        self._next = [number for block in blocks if block < _END for number in self._numbers(block)]
        self._mini = [number for sector in self._chain(mini) for number in self._numbers(sector)]
        self._entries = [
            self._place(sector) + at for sector in self._chain(directory) for at in range(0, 1 << self._shift, _ENTRY)
        ]

    def clear_times(self) -> None:
        """Forget when each stream was made and changed."""
        for place in self._entries:
            self._file.seek(place + 100)
            self._file.write(bytes(16))

    def summary(self) -> _Stream:
        """The stream that says what the file is."""
        raw = _SUMMARY.encode("utf-16-le")
        place = next(place for place in self._entries if self._read(place, len(raw) + 2) == raw + bytes(2))
        first, size = struct.unpack("<II", self._read(place + 116, 8))
        if size >= self._cutoff:
            return _Stream(self._file, [self._place(sector) for sector in self._chain(first)], 1 << self._shift)
        (root,) = struct.unpack("<I", self._read(self._entries[0] + 116, 4))
        big = _Stream(self._file, [self._place(sector) for sector in self._chain(root)], 1 << self._shift)
        wide = 1 << self._mini_shift
        return _Stream(self._file, [big.place(sector * wide) for sector in self._chain(first, mini=True)], wide)

    def _chain(self, first: int, *, mini: bool = False) -> Iterator[int]:
        table = self._mini if mini else self._next
        while first < _END:
            yield first
            first = table[first]

    def _numbers(self, sector: int) -> tuple[int, ...]:
        data = self._read(self._place(sector), 1 << self._shift)
        return struct.unpack(f"<{len(data) // 4}I", data)

    def _place(self, sector: int) -> int:
        return (sector + 1) << self._shift

    def _read(self, place: int, size: int) -> bytes:
        self._file.seek(place)
        return self._file.read(size)


class _Stream:
    """A stream that lies in pieces of one size."""

    def __init__(self, file: IO[bytes], pieces: list[int], wide: int) -> None:
        self.file, self._pieces, self._wide = file, pieces, wide

    def place(self, at: int) -> int:
        """Where a byte of the stream lies in the file."""
        return self._pieces[at // self._wide] + at % self._wide

    def read(self, at: int, size: int) -> bytes:
        """Some bytes of the stream."""
        return b"".join(self._byte(place) for place in map(self.place, range(at, at + size)))

    def write(self, at: int, data: bytes) -> None:
        """Put bytes in the place of others."""
        for offset, byte in enumerate(data):
            self.file.seek(self.place(at + offset))
            self.file.write(bytes([byte]))

    def _byte(self, place: int) -> bytes:
        self.file.seek(place)
        return self.file.read(1)


def _put(summary: _Stream, number: int, value: bytes) -> None:
    """Set a property; a text has its length before it, the others begin behind their type."""
    (start,) = struct.unpack("<I", summary.read(44, 4))
    (count,) = struct.unpack("<I", summary.read(start + 4, 4))
    listed = [struct.unpack("<II", summary.read(start + 8 + 8 * index, 8)) for index in range(count)]
    at = start + dict(listed)[number] + 4
    summary.write(at + 4 if number == _CODE else at, value)


def _spelled(code: uuid.UUID) -> bytes:
    return f"{{{str(code).upper()}}}".encode()
