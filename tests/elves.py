"""Small ELF files for tests, made from the specification: no compiler needed."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

AMD64, ARM64 = 0x3E, 0xB7


def elf(
    needed: Sequence[str] = (),
    versions: Mapping[str, Sequence[str]] | None = None,
    *,
    machine: int = AMD64,
    soname: str = "",
    weak: Sequence[str] = (),
    bits: int = 64,
) -> bytes:
    """A dynamic ELF file that needs these libraries and these versions of their symbols; a static one without them."""
    strings = b"\0"

    def text(value: str) -> int:
        nonlocal strings
        strings += value.encode() + b"\0"
        return len(strings) - len(value.encode()) - 1

    tags = [(1, text(name)) for name in needed] + ([(14, text(soname))] if soname else [])
    verneed = b""
    wanted = dict(versions or {})
    for index, (library, names) in enumerate(wanted.items()):
        size = 16 + 16 * len(names)
        verneed += struct.pack("<HHIII", 1, len(names), text(library), 16, 0 if index == len(wanted) - 1 else size)
        for number, name in enumerate(names):
            flags = 2 if name in weak else 0
            verneed += struct.pack("<IHHII", 0, flags, 2, text(name), 0 if number == len(names) - 1 else 16)
    word, header_size, segment_size = ("Q", 64, 56) if bits == 64 else ("I", 52, 32)
    base, start = 0x400000, header_size + 2 * segment_size
    if wanted:
        tags += [(0x6FFFFFFE, base + start + len(strings)), (0x6FFFFFFF, len(wanted))]
    tags = [*tags, (5, base + start), (0, 0)] if tags else []
    dynamic = b"".join(struct.pack(f"<{word}{word}", *tag) for tag in tags)
    place = start + len(strings) + len(verneed)
    total = place + len(dynamic)
    segments = _segment(bits, 1, 0, base, total) + _segment(bits, 2 if dynamic else 0, place, base + place, len(dynamic))
    identity = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1]) + bytes(9)
    header = identity + struct.pack(
        f"<HHI{word}{word}{word}IHHHHHH", 3, machine, 1, 0, header_size, 0, 0, header_size, segment_size, 2, 0, 0, 0
    )
    return header + segments + strings + verneed + dynamic


def _segment(bits: int, kind: int, offset: int, address: int, size: int) -> bytes:
    if bits == 64:
        return struct.pack("<IIQQQQQQ", kind, 5, offset, address, address, size, size, 8)
    return struct.pack("<IIIIIIII", kind, offset, address, address, size, size, 5, 4)
