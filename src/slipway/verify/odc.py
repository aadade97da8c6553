"""Read cpio archives of the portable format, whose numbers are octal (POSIX 1003.1-1988)."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from slipway.errors import VerificationError
from slipway.files import CHUNK
from slipway.verify.archives import kind_of
from slipway.verify.unpacking import Unpacked

_HEADER: Final = 76
_FIELDS: Final = ((6, 12), (12, 18), (18, 24), (24, 30), (30, 36), (36, 42), (42, 48), (48, 59), (59, 65), (65, 76))
_END: Final = "TRAILER!!!"
_LONGEST: Final = 4096
_SMALL: Final = 1 << 20
_FOLDER, _FILE, _TYPE = 0o040000, 0o100000, 0o170000
_TURNED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A file or a folder of an archive; `mode` has the bits of the type, `data` is there for small files."""

    path: str
    mode: int
    owner: str
    time: int
    size: int
    sha256: str
    checksum: int
    kind: str
    data: bytes

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return self.mode & _TYPE == _FILE

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.mode & _TYPE == _FOLDER


def packed_in(file: IO[bytes]) -> Iterator[Packed]:
    """Read every member of a gzip-compressed archive to its very end; raises VerificationError when it is damaged."""
    try:
        yield from _read(_Whole(Unpacked(file, ".gz")))
    except (ValueError, OSError, EOFError, zlib.error, UnicodeDecodeError) as fault:
        raise VerificationError(f"it is damaged: {fault}") from fault


class _Whole:
    """A stream of which only whole pieces are read."""

    def __init__(self, stream: Unpacked) -> None:
        self._stream = stream

    def read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            if not (piece := self._stream.read(min(CHUNK, size - len(found)))):
                raise ValueError("it ends in the middle")
            found += piece
        return bytes(found)

    def rest(self) -> Iterator[bytes]:
        return iter(lambda: self._stream.read(CHUNK) or b"", b"")


def _read(stream: _Whole) -> Iterator[Packed]:
    while True:
        header = stream.read(_HEADER)
        if not re.fullmatch(rb"070707[0-7]{70}", header):
            raise ValueError("what should be the header of a file is none")
        _, _, mode, user, group, links, _, time, name_size, size = (int(header[start:end], 8) for start, end in _FIELDS)
        if not 1 < name_size <= _LONGEST:
            raise ValueError(f"a name has {name_size} bytes")
        name = stream.read(name_size)
        if name[-1:] != b"\0" or b"\0" in name[:-1]:
            raise ValueError(f"{name!r} is no name")
        path = name[:-1].decode()
        if path == _END:
            break
        if links != 1 or mode & _TYPE not in {_FOLDER, _FILE} or (size and mode & _TYPE == _FOLDER):
            raise ValueError(f"{path} is neither a file nor a folder")
        yield _measured(stream, path, size, mode=mode, owner=f"{user}:{group}", time=time)
    if size or any(piece.strip(b"\0") for piece in stream.rest()):
        raise ValueError("there is something behind the end of the archive")


def _measured(stream: _Whole, path: str, size: int, *, mode: int, owner: str, time: int) -> Packed:
    sha256, crc, left, first = hashlib.sha256(), 0xFFFFFFFF, size, b""
    while left:
        data = stream.read(min(left, CHUNK))
        sha256.update(data)
        crc, left = zlib.crc32(data.translate(_TURNED), crc), left - len(data)
        first = first or data
    return Packed(
        path=path,
        mode=mode,
        owner=owner,
        time=time,
        size=size,
        sha256=sha256.hexdigest(),
        checksum=_finished(crc, size),
        kind=kind_of(first),
        data=first if size <= _SMALL else b"",
    )


def _finished(crc: int, size: int) -> int:
    # cksum(1) counts the length as a part of the file, and takes the bits of each byte in the other order than zlib.
    while size:
        crc, size = zlib.crc32(_TURNED[size & 0xFF : (size & 0xFF) + 1], crc), size >> 8
    return int(f"{crc:032b}"[::-1], 2)
