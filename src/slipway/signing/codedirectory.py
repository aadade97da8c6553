"""The blobs of a code signature: a super blob that holds a code directory, requirements and a CMS wrapper.

The layout is that of Apple's open source: `osfmk/kern/cs_blobs.h` of XNU. All numbers are big-endian.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from slipway.signing.macho import damaged

SUPER_BLOB: Final = 0xFADE0CC0
CODE_DIRECTORY: Final = 0xFADE0C02
REQUIREMENTS: Final = 0xFADE0C01
CMS: Final = 0xFADE0B01

DIRECTORY_SLOT: Final = 0
REQUIREMENTS_SLOT: Final = 2
CMS_SLOT: Final = 0x10000
# Directories with other digests, for systems of another age.
OTHER_DIRECTORIES: Final = range(0x1000, 0x1005)

AD_HOC: Final = 0x2
LINKER_SIGNED: Final = 0x20000
MAIN_BINARY: Final = 0x1
VERSION: Final = 0x20400
PAGE_BITS: Final = 12
_SHA256: Final = 2
_FIELDS: Final = struct.Struct(">9I4B4I4Q")
_OLDEST: Final = struct.Struct(">9I4BI")
_ALGORITHMS: Final = {1: ("sha1", 20), 2: ("sha256", 32), 3: ("sha256", 20), 4: ("sha384", 48)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A code directory as it was read: what it says, and the digests that it holds."""

    flags: int
    identifier: str
    limit: int
    page: int
    algorithm: str
    codes: tuple[bytes, ...]
    specials: Mapping[int, bytes]
    length: int

    def digest(self, data: bytes | memoryview) -> bytes:
        """The digest of some bytes as this directory writes it."""
        return hashlib.new(self.algorithm, data, usedforsecurity=False).digest()[: self.length]


def signature(code: bytes | bytearray, identifier: str, *, text: tuple[int, int], executable: bool) -> bytes:
    """The ad hoc signature of the code that comes before it; `text` is offset and size of the segment __TEXT."""
    requirements = struct.pack(">3I", REQUIREMENTS, 12, 0)
    directory = _directory(code, identifier, requirements, text=text, executable=executable)
    blobs = {
        DIRECTORY_SLOT: directory,
        REQUIREMENTS_SLOT: requirements,
        CMS_SLOT: struct.pack(">2I", CMS, 8),
    }
    place = 12 + 8 * len(blobs)
    index = b""
    for slot, blob in blobs.items():
        index += struct.pack(">2I", slot, place)
        place += len(blob)
    return struct.pack(">3I", SUPER_BLOB, place, len(blobs)) + index + b"".join(blobs.values())


def signature_size(limit: int, identifier: str) -> int:
    """How long the signature of so many bytes of code is."""
    pages = -(-limit // (1 << PAGE_BITS))
    return 12 + 8 * 3 + _FIELDS.size + len(identifier.encode()) + 1 + 32 * (REQUIREMENTS_SLOT + pages) + 12 + 8


def _directory(
    code: bytes | bytearray, identifier: str, requirements: bytes, *, text: tuple[int, int], executable: bool
) -> bytes:
    view = memoryview(code)
    pages = [hashlib.sha256(view[at : at + (1 << PAGE_BITS)]).digest() for at in range(0, len(code), 1 << PAGE_BITS)]
    # Special slots are counted backwards from the first page: the requirements, then a property list that is not there.
    specials = [hashlib.sha256(requirements).digest(), bytes(32)]
    name = identifier.encode() + b"\0"
    hashes = _FIELDS.size + len(name) + 32 * len(specials)
    head = _FIELDS.pack(
        *(CODE_DIRECTORY, hashes + 32 * len(pages), VERSION, AD_HOC, hashes, _FIELDS.size, len(specials), len(pages), len(code)),
        *(32, _SHA256, 0, PAGE_BITS),
        *(0, 0, 0, 0),
        *(0, *text, MAIN_BINARY if executable else 0),
    )
    return b"".join((head, name, *specials, *pages))


def blobs_of(data: bytes) -> dict[int, bytes]:
    """The blobs of a super blob by their slots; raises MachOError."""
    if len(data) < 12:
        raise damaged("its code signature is too short")
    magic, length, count = struct.unpack_from(">3I", data)
    if magic != SUPER_BLOB or length > len(data) or 12 + 8 * count > length:
        raise damaged("its code signature does not begin as one")
    found = {}
    for number in range(count):
        slot, place = struct.unpack_from(">2I", data, 12 + 8 * number)
        size = int.from_bytes(data[place + 4 : place + 8], "big")
        if place + max(size, 8) > length:
            raise damaged("a part of its code signature is out of place")
        found[slot] = data[place : place + size]
    return found


def directories(blobs: Mapping[int, bytes]) -> Iterator[Directory]:
    """Every code directory among the blobs; raises MachOError."""
    for slot, blob in sorted(blobs.items()):
        if slot == DIRECTORY_SLOT or slot in OTHER_DIRECTORIES:
            yield _read(blob)


def _read(blob: bytes) -> Directory:
    if len(blob) < _OLDEST.size:
        raise damaged("its code directory is too short")
    magic, _, _, flags, hashes, name, specials, pages, limit, length, kind, _, bits, _ = _OLDEST.unpack_from(blob)
    algorithm, usual = _ALGORITHMS.get(kind, ("", 0))
    if magic != CODE_DIRECTORY or not algorithm or length != usual or bits > 31:
        raise damaged("its code directory is of an unknown kind")
    if hashes < length * specials or hashes + length * pages > len(blob) or name >= len(blob):
        raise damaged("its code directory has no room for its digests")
    return Directory(
        flags=flags,
        identifier=blob[name : blob.find(b"\0", name)].decode("utf-8", "replace"),
        limit=limit,
        page=1 << bits if bits else max(limit, 1),
        algorithm=algorithm,
        codes=tuple(blob[hashes + length * number : hashes + length * (number + 1)] for number in range(pages)),
        specials={number: blob[hashes - length * number : hashes - length * (number - 1)] for number in range(1, specials + 1)},
        length=length,
    )
