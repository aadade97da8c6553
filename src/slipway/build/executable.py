"""What system and processor a program is for, read from its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from slipway.errors import SlipwayError
from slipway.platforms import Platform

# ELF: System V ABI, chapter 4; Mach-O: <mach-o/loader.h>; PE: Microsoft's PE format.
_ELF_MACHINES: Final = {3: "386", 40: "arm", 62: "amd64", 183: "arm64", 243: "riscv64"}
_MACHO_MACHINES: Final = {0x01000007: "amd64", 0x0100000C: "arm64"}
_PE_MACHINES: Final = {0x14C: "386", 0x8664: "amd64", 0xAA64: "arm64"}
_ELF_FREEBSD: Final = 9
_HEAD: Final = 4096


def identify(path: Path) -> tuple[str, str] | None:
    """Return the family and processor of a program; None for anything that is not machine code."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"\x7fELF") and len(head) >= 20:
        family = "freebsd" if head[7] == _ELF_FREEBSD else "linux"
        order = "little" if head[5] == 1 else "big"
        return family, _ELF_MACHINES.get(int.from_bytes(head[18:20], order), "unknown")  # type: ignore[arg-type]
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


def _word(head: bytes, start: int, size: int) -> int:
    return int.from_bytes(head[start : start + size], "little")
