"""A 7z writer: one solid stream of LZMA2, Unix modes, one time for all (7zFormat.txt of the LZMA SDK)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from struct import pack
from typing import IO, Any, Final

from slipway.compress import find_codec
from slipway.files import Sink, chunks_of, spooled
from slipway.packagers.entries import Entry

_SIGNATURE: Final = b"7z\xbc\xaf\x27\x1c\x00\x04"
# The numbers of the header's parts, in the order of the format's own table.
_END, _HEADER, _MAIN, _FILES, _PACK, _UNPACK, _SUB = 0x00, 0x01, 0x04, 0x05, 0x06, 0x07, 0x08
_SIZE, _DIGESTS, _FOLDER, _UNPACK_SIZES, _STREAMS = 0x09, 0x0A, 0x0B, 0x0C, 0x0D
_EMPTY_STREAM, _EMPTY_FILE, _NAMES, _TIMES, _ATTRIBUTES = 0x0E, 0x0F, 0x11, 0x14, 0x15
_LZMA2: Final = b"\x21"
_ALL: Final = b"\x01"
_INSIDE: Final = b"\x00"
_UNIX, _IS_FOLDER, _IS_ARCHIVE = 0x8000, 0x10, 0x20
# liblzma's own dictionaries, as powers of two, for its levels 0 to 9.
_DICTIONARIES: Final = (18, 20, 21, 22, 22, 23, 23, 24, 25, 26)
_FROM_1601: Final = 11_644_473_600


@dataclass(frozen=True, slots=True)
class Packed:
    """What became of the entries that have bytes: their digests in order, and the size of the one stream that holds them."""

    crcs: tuple[int, ...]
    sizes: tuple[int, ...]
    size: int
    crc: int


def write_7z(out: Sink, entries: Iterable[Entry], *, epoch: int, compression: int) -> dict[str, str]:
    """Write a whole 7z archive of sorted entries, all of one time; returns what decided its bytes."""
    files = tuple(entries)
    level = find_codec("xz").level(compression)
    with spooled() as spool:
        packed = _compress(spool, [entry for entry in files if entry.size], level)
        header = _header(files, packed, level, epoch) if files else b""
        start = pack("<QQI", packed.size, len(header), zlib.crc32(header))
        out.write(_SIGNATURE + pack("<I", zlib.crc32(start)) + start)
        for chunk in chunks_of(spool):
            out.write(chunk)
    out.write(header)
    return find_codec("xz").tools(compression)


def _compress(spool: IO[bytes], files: list[Entry], level: int) -> Packed:
    import lzma

    if not files:
        return Packed((), (), 0, 0)
    chain = [{"id": lzma.FILTER_LZMA2, "preset": level, "dict_size": 1 << _DICTIONARIES[level]}]
    packer = lzma.LZMACompressor(lzma.FORMAT_RAW, filters=chain)
    stream, crcs = _Stream(spool), []
    for entry in files:
        crc = 0
        for chunk in entry.chunks():
            crc = zlib.crc32(chunk, crc)
            stream.write(packer.compress(chunk))
        crcs.append(crc)
    stream.write(packer.flush())
    return Packed(tuple(crcs), tuple(entry.size for entry in files), stream.size, stream.crc)


class _Stream:
    def __init__(self, out: IO[bytes]) -> None:
        self._out, self.size, self.crc = out, 0, 0

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self.size, self.crc = self.size + len(data), zlib.crc32(data, self.crc)


def _header(files: tuple[Entry, ...], packed: Packed, level: int, epoch: int) -> bytes:
    streams = _part(_MAIN, *_streams(packed, level)) if packed.sizes else b""
    return _part(_HEADER, streams, _files(files, epoch))


def _streams(packed: Packed, level: int) -> Iterator[bytes]:
    yield _part(
        _PACK,
        _number(0) + _number(1),
        bytes([_SIZE]) + _number(packed.size),
        bytes([_DIGESTS]) + _ALL + pack("<I", packed.crc),
    )
    # One coder with an identifier of one byte and with properties: the size of its dictionary.
    coder = b"\x01" + bytes([0x20 | len(_LZMA2)]) + _LZMA2 + b"\x01" + bytes([2 * (_DICTIONARIES[level] - 12)])
    yield _part(
        _UNPACK,
        bytes([_FOLDER]) + _number(1) + _INSIDE + coder,
        bytes([_UNPACK_SIZES]) + _number(sum(packed.sizes)),
    )
    sizes = b"".join(map(_number, packed.sizes[:-1]))
    yield _part(
        _SUB,
        bytes([_STREAMS]) + _number(len(packed.sizes)),
        bytes([_SIZE]) + sizes if sizes else b"",
        bytes([_DIGESTS]) + _ALL + b"".join(pack("<I", crc) for crc in packed.crcs),
    )


def _files(files: tuple[Entry, ...], epoch: int) -> bytes:
    empty = [entry for entry in files if not entry.size]
    when = pack("<Q", (epoch + _FROM_1601) * 10_000_000)
    parts = (
        _property(_EMPTY_STREAM, _bits(files, lambda entry: not entry.size)) if empty else b"",
        _property(_EMPTY_FILE, _bits(empty, lambda entry: not entry.is_folder)) if empty else b"",
        _property(_NAMES, _INSIDE + b"".join(f"{entry.path}\0".encode("utf-16-le") for entry in files)),
        _property(_TIMES, _ALL + _INSIDE + when * len(files)),
        _property(_ATTRIBUTES, _ALL + _INSIDE + b"".join(map(_attributes, files))),
    )
    return _part(_FILES, _number(len(files)), *parts)


def _attributes(entry: Entry) -> bytes:
    kind, mark = (0o040000, _IS_FOLDER) if entry.is_folder else (0o100000, _IS_ARCHIVE)
    return pack("<I", (kind | entry.mode) << 16 | _UNIX | mark)


def _part(number: int, *inside: bytes) -> bytes:
    return bytes([number]) + b"".join(inside) + bytes([_END])


def _property(number: int, data: bytes) -> bytes:
    return bytes([number]) + _number(len(data)) + data


def _bits(entries: Iterable[Entry], holds: Callable[[Entry], Any]) -> bytes:
    """One bit for each entry, the first in the highest place."""
    text = "".join("1" if holds(entry) else "0" for entry in entries)
    return bytes(int(text[start : start + 8].ljust(8, "0"), 2) for start in range(0, len(text), 8))


def _number(value: int) -> bytes:
    """A number as the format spells it: as many leading ones in the first byte as bytes follow, the high bits behind them."""
    for more in range(8):
        if value < 1 << (7 * (more + 1)):
            first = 0xFF << (8 - more) & 0xFF | value >> (8 * more)
            return bytes([first]) + (value & ((1 << 8 * more) - 1)).to_bytes(more, "little")
    return b"\xff" + pack("<Q", value)
