"""The checksum that bills of materials hold: that of cksum(1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

_TURNED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def cksum(chunks: Iterable[bytes]) -> int:
    """The checksum of some bytes (POSIX 1003.1, cksum).

    It takes bits in the other order than zlib's does; with each byte turned round, zlib's fast one comes to the same.
    """
    crc, size = 0xFFFFFFFF, 0
    for chunk in chunks:
        crc, size = zlib.crc32(chunk.translate(_TURNED), crc), size + len(chunk)
    length = size.to_bytes((size.bit_length() + 7) // 8, "little")
    crc = zlib.crc32(length.translate(_TURNED), crc)
    return int.from_bytes(crc.to_bytes(4, "little").translate(_TURNED), "big")
