"""Deflate streams that can be laid end to end (RFC 1951), so that what was compressed once can stand in many archives.

libdeflate ends every stream: the last block says that it is the last, and the rest of its last byte is unused. Here
that mark is taken away and an empty stored block fills the byte. Where the last block begins is not known but by
reading the stream, so each block is decoded once by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from slipway.files import CHUNK

PIECE: Final = 1 << 24  # how much is compressed at once: enough for a good ratio, and a bound for the memory
SPLICED_FROM: Final = 1 << 18  # files from here on are compressed apart from what is around them
END: Final = b"\x03\x00"  # a last block that holds nothing
_HISTORY: Final = 1 << 15
_WINDOW: Final = 1 << 14
_STORED: Final = 0
_POLYNOMIAL: Final = 0xEDB88320


def joinable(data: bytes | bytearray | memoryview, level: int) -> bytearray:
    """Deflate some bytes into a stream that ends at a whole byte and that any other can follow."""
    import deflate

    packed = bytearray(deflate.deflate_compress(data, level))
    start, end = _last_block(packed, memoryview(data))
    packed[start >> 3] &= ~(1 << (start & 7))
    used = end & 7
    if used:
        packed[-1] &= (1 << used) - 1
    # Three bits begin the empty block; its lengths stand at the next whole byte.
    packed += b"\0\0\xff\xff" if 0 < used <= 5 else b"\0\0\0\xff\xff"
    return packed


def in_pieces(chunks: Iterable[bytes | bytearray]) -> Iterator[bytearray]:
    """Gather chunks into pieces of one size; only the last is shorter, and there is none of nothing."""
    piece = bytearray()
    for chunk in chunks:
        place = 0
        while place < len(chunk):
            taken = chunk[place : place + PIECE - len(piece)]
            piece += taken
            place += len(taken)
            if len(piece) == PIECE:
                yield piece
                piece = bytearray()
    if piece:
        yield piece


def combined_crc(first: int, second: int, size: int) -> int:
    """The CRC-32 of two stretches of bytes, from theirs; the second has `size` bytes."""
    return _product(_power(8 * size), first) ^ second


def slices(data: bytes | bytearray) -> Iterator[memoryview]:
    """The bytes in chunks, so that a sink that keeps a little in memory never gets all at once."""
    view = memoryview(data)
    return (view[start : start + CHUNK] for start in range(0, len(view), CHUNK))


def _last_block(packed: bytearray, data: memoryview) -> tuple[int, int]:
    """The first bit of the last block and the bit behind it."""
    start = done = 0
    while True:
        last = packed[start >> 3] >> (start & 7) & 1
        end, size = _block(packed, start, data[max(0, done - _HISTORY) : done])
        done += size
        if last:
            return start, end
        start = end


def _block(packed: bytearray, start: int, history: memoryview) -> tuple[int, int]:
    """The bit behind the block that begins at a bit, and how many bytes the block holds."""
    place, shift = divmod(start, 8)
    if int.from_bytes(packed[place : place + 2], "little") >> shift + 1 & 3 == _STORED:
        lengths = (start + 3 + 7) // 8
        size = int.from_bytes(packed[lengths : lengths + 2], "little")
        return (lengths + 4 + size) * 8, size
    decoder, size = zlib.decompressobj(-zlib.MAX_WBITS, zdict=bytes(history)), 0
    mark = 1  # decoded as if it were the last, so that the decoder stops behind it
    while True:
        window = _shifted(packed, place, shift, mark)
        before = decoder.copy()
        found = len(decoder.decompress(window))
        size += found
        if decoder.eof:
            used = len(window) - len(decoder.unused_data)
            return (place + used - 1) * 8 + shift + _bits(before, window[:used], found), size
        place, mark = place + _WINDOW, 0


def _shifted(packed: bytearray, place: int, shift: int, mark: int) -> bytes:
    number = int.from_bytes(packed[place : place + _WINDOW + 1], "little") >> shift | mark
    return number.to_bytes(_WINDOW + 1, "little")[:_WINDOW]


def _bits(decoder: zlib._Decompress, window: bytes, size: int) -> int:
    """How many bits of its last byte a block uses: those behind them may be turned round and nothing changes."""
    head = len(decoder.decompress(window[:-1]))
    for bits in range(1, 8):
        trial = decoder.copy()
        try:
            rest = trial.decompress(bytes([window[-1] ^ (0xFF << bits & 0xFF)]))
        except zlib.error:
            continue
        if trial.eof and head + len(rest) == size:
            return bits
    return 8


def _power(bits: int) -> int:
    """x to the power of a number of bits, modulo the polynomial of CRC-32."""
    found, square = 1 << 31, 1 << 30
    while bits:
        if bits & 1:
            found = _product(square, found)
        square = _product(square, square)
        bits >>= 1
    return found


def _product(one: int, other: int) -> int:
    """The product of two polynomials modulo that of CRC-32; the highest bit is the constant."""
    found = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            found ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return found
