"""What system and processor a program is for, read from its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from slipway.errors import SlipwayError
from slipway.platforms import Platform

# ELF: System V ABI, chapter 4; Mach-O: <mach-o/loader.h>; PE: Microsoft's PE format.
_ELF_MACHINES: Final = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
_MACHO_MACHINES: Final = {0x01000007: "amd64", 0x0100000C: "arm64"}
_PE_MACHINES: Final = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_ELF_FREEBSD: Final = 9
_ELF_NOTE: Final = 4
# FreeBSD's kernel knows its programs by this note (elf(5)); zig's linker leaves the byte for the system at zero.
_FREEBSD_NOTE: Final = b"\x08\0\0\0\x04\0\0\0\x01\0\0\0FreeBSD\0"
_HEAD: Final = 4096


def identify(path: Path) -> tuple[str, str] | None:
    """Return the family and processor of a program; None for anything that is not machine code."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if head.startswith(b"\x7fELF") and len(head) >= 64:
            family = "freebsd" if head[7] == _ELF_FREEBSD or _FREEBSD_NOTE in _notes(file, head) else "linux"
            return family, _ELF_MACHINES.get(_word(head, 18, 2), "unknown")
    if head.startswith(b"\xcf\xfa\xed\xfe"):
        return "macos", _MACHO_MACHINES.get(_word(head, 4, 4), "unknown")
    if head.startswith(b"MZ") and head[(start := _word(head, 0x3C, 4)) : start + 4] == b"PE\0\0":
        return "windows", _PE_MACHINES.get(_word(head, start + 4, 2), "unknown")
    return None


def check_executable(path: Path, platform: Platform, owner: str) -> None:
    """Refuse a program that another system or processor would run; scripts and data pass."""
    found = identify(path)
    if found is not None and found != (platform.family, platform.arch):
        raise SlipwayError(
            f"{owner}: {path} is a program for {'/'.join(found)}, not for {platform.family}/{platform.arch}",
            hint="check which target the build command compiles for, and remove the stale file",
        )


def _notes(file: BinaryIO, head: bytes) -> bytes:
    # Every platform of the table is 64-bit and little-endian.
    table, size, count = _word(head, 32, 8), _word(head, 54, 2), _word(head, 56, 2)
    found = b""
    for place in range(table, min(table + size * count, len(head) - 56), max(size, 1)):
        if _word(head, place, 4) == _ELF_NOTE:
            file.seek(_word(head, place + 8, 8))
            found += file.read(min(_word(head, place + 32, 8), _HEAD))
    return found


def _word(head: bytes, start: int, size: int) -> int:
    return int.from_bytes(head[start : start + size], "little")
