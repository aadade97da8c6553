"""Read a cabinet (MS-CAB): its files in their order, every block held against its checksum."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from slipway.errors import VerificationError

_NONE, _MSZIP = 0, 1
_BLOCK: Final = 32768


class Source(Protocol):
    """Where a cabinet's bytes come from."""

    @property
    def size(self) -> int:
        """How many there are."""

    def read(self, start: int = 0, size: int | None = None) -> bytes:
        """Some of them."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One file of a cabinet; `place` is where it begins in its folder."""

    name: str
    size: int
    folder: int
    place: int
    sha256: str = ""


def cabinet_files(source: Source) -> Iterator[Packed]:
    """The files with their digests; raises VerificationError when a part of the cabinet is broken."""
    header = source.read(0, 36)
    if len(header) < 36 or not header.startswith(b"MSCF"):
        raise VerificationError("its cabinet has no header")
    size, first, version, folders, files, flags = struct.unpack_from("<4xI4xI4xHHHH", header, 4)
    if size != source.size:
        raise VerificationError(f"its cabinet says that it has {size} bytes, and has {source.size}")
    if version != 0x0103 or flags:
        raise VerificationError("its cabinet is of another kind than those that stand alone")
    listed = list(_listed(source, first, files))
    if any(each.folder >= folders for each in listed):
        raise VerificationError("a file of its cabinet is in a folder that is not there")
    for number in range(folders):
        begin, blocks, kind = struct.unpack("<IHH", source.read(36 + 8 * number, 8))
        yield from _digested([each for each in listed if each.folder == number], _unpacked(source, begin, blocks, kind))


def _listed(source: Source, place: int, count: int) -> Iterator[Packed]:
    for _ in range(count):
        entry = source.read(place, 16 + 257)
        end = entry.find(b"\0", 16)
        if end < 0:
            raise VerificationError("the list of files of its cabinet is broken")
        size, offset, folder = struct.unpack_from("<IIH", entry)
        yield Packed(entry[16:end].decode("utf-8", "replace"), size, folder, offset)
        place += end + 1


def _digested(files: list[Packed], data: Iterator[bytes]) -> Iterator[Packed]:
    """Files lie one behind the other; nothing is between them and nothing behind the last."""
    place, rest = 0, b""
    for file in files:
        if file.place != place:
            raise VerificationError(f"{file.name} of its cabinet does not begin where the file before it ends")
        digest, missing = hashlib.sha256(), file.size
        while missing:
            if not rest and not (rest := next(data, b"")):
                raise VerificationError(f"its cabinet ends within {file.name}")
            digest.update(rest[:missing])
            rest, missing = rest[missing:], max(missing - len(rest), 0)
        place += file.size
        yield Packed(file.name, file.size, file.folder, file.place, digest.hexdigest())
    if rest or next(data, b""):
        raise VerificationError("its cabinet holds bytes that belong to no file")


def _unpacked(source: Source, place: int, blocks: int, kind: int) -> Iterator[bytes]:
    if kind & 0xF not in {_NONE, _MSZIP}:
        raise VerificationError("its cabinet is compressed in a way that is not read here")
    before = b""
    for number in range(blocks):
        head = source.read(place, 8)
        if len(head) < 8:
            raise VerificationError(f"block {number} of its cabinet is missing")
        wanted, packed, size = struct.unpack("<IHH", head)
        data = source.read(place + 8, packed)
        if len(data) != packed or (wanted and _checksum(head[4:], _checksum(data)) != wanted):
            raise VerificationError(f"block {number} of its cabinet has another checksum than it says")
        before = data if kind & 0xF == _NONE else _inflated(data, before, number)
        if len(before) != size or size > _BLOCK:
            raise VerificationError(f"block {number} of its cabinet has another length than it says")
        yield before
        place += 8 + packed


def _inflated(data: bytes, before: bytes, number: int) -> bytes:
    """A block of MSZIP: deflated by itself, with the block before it as its dictionary (MS-MCI 2)."""
    try:
        unpacker = zlib.decompressobj(-15, zdict=before)
        found = unpacker.decompress(data[2:], _BLOCK + 1)
    except zlib.error as error:
        raise VerificationError(f"block {number} of its cabinet cannot be unpacked: {error}") from error
    if not data.startswith(b"CK") or not unpacker.eof or unpacker.unused_data:
        raise VerificationError(f"block {number} of its cabinet cannot be unpacked")
    return found


def _checksum(data: bytes, seed: int = 0) -> int:
    """The exclusive or of all numbers of four bytes; one to three last bytes count from the other end (MS-CAB 3.1)."""
    whole = len(data) // 4 * 4
    numbers, count = int.from_bytes(data[:whole], "little"), whole // 4
    while count > 1:
        # The upper half is laid over the lower one.
        half = (count + 1) // 2
        numbers = (numbers >> (32 * half)) ^ (numbers & ((1 << (32 * half)) - 1))
        count = half
    return seed ^ numbers ^ int.from_bytes(data[whole:], "big")
