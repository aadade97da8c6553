"""Small PE files for tests, made from the specification: no compiler needed."""

from __future__ import annotations

import struct
from collections.abc import Sequence

AMD64, ARM64 = 0x8664, 0xAA64
_ALIGNED = 0x200
_ADDRESS = 0x1000


def pe(
    libraries: Sequence[str] = (),
    *,
    machine: int = AMD64,
    characteristics: int = 0x22,
    dll_characteristics: int = 0x8160,
    subsystem: tuple[int, int] = (6, 1),
    symbols: int = 0,
    section: str = ".rdata",
    managed: bool = False,
    certificate: int = 0,
) -> bytes:
    """A 64-bit PE file with one section, which holds the table of the libraries that it needs."""
    body = _imports(libraries)
    raw = body.ljust(-(-max(len(body), 1) // _ALIGNED) * _ALIGNED, b"\0")
    directories = [(0, 0)] * 16
    directories[1] = (_ADDRESS, 20 * (len(libraries) + 1)) if libraries else (0, 0)
    directories[4] = (0, certificate)
    directories[14] = (_ADDRESS, 72) if managed else (0, 0)
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, len(raw), 0, _ADDRESS, _ADDRESS)
    optional += struct.pack(
        "<QIIHHHHHHIIIIHH", 0x140000000, 0x1000, _ALIGNED, 6, 0, 0, 0, *subsystem, 0, 0x2000, 0x400, 0, 3, dll_characteristics
    )
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += b"".join(struct.pack("<II", *each) for each in directories)
    header = struct.pack("<HHIIIHH", machine, 1, 0, 0, symbols, len(optional), characteristics)
    sections = struct.pack("<8sIIIIIIHHI", section.encode(), len(raw), _ADDRESS, len(raw), 0x400, 0, 0, 0, 0, 0x40000040)
    dos = b"MZ".ljust(60, b"\0") + (0x80).to_bytes(4, "little")
    return (dos.ljust(0x80, b"\0") + b"PE\0\0" + header + optional + sections).ljust(0x400, b"\0") + raw


def _imports(libraries: Sequence[str]) -> bytes:
    size = 20 * (len(libraries) + 1)
    thunks, names = _ADDRESS + size, b""
    place = size + 16 * len(libraries)
    table = b""
    for index, name in enumerate(libraries):
        table += struct.pack("<IIIII", thunks + 16 * index, 0, 0, _ADDRESS + place + len(names), thunks + 16 * index)
        names += name.encode() + b"\0"
    by_ordinal = struct.pack("<QQ", 1 << 63 | 1, 0) * len(libraries)
    return table + bytes(20) + by_ordinal + names if libraries else b""
