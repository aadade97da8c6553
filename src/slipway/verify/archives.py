"""What the bytes of a file say about it: for which machine it is, how its lines end."""

from __future__ import annotations

from typing import Final

from slipway.signing.fat import is_fat

# e_machine of the ELF specification, cputype of Mach-O, Machine of PE.
_ELF: Final = {62: "x86-64", 183: "arm64"}
_MACHO: Final = {0x01000007: "x86-64", 0x0100000C: "arm64"}
_PE: Final = {0x8664: "x86-64", 0xAA64: "arm64"}
_ELF_FREEBSD: Final = 9
EXPECTED: Final = {
    ("linux", "amd64"): "Linux ELF x86-64",
    ("linux", "arm64"): "Linux ELF arm64",
    ("freebsd", "amd64"): "FreeBSD ELF x86-64",
    ("macos", "amd64"): "Mach-O x86-64",
    ("macos", "arm64"): "Mach-O arm64",
    ("macos", "universal"): "Mach-O x86-64 and arm64",
    ("windows", "amd64"): "PE x86-64",
}


def kind_of(head: bytes) -> str:
    """Say what a file's first bytes promise."""
    if head[:4] == b"\x7fELF":
        system = "FreeBSD" if _number(head, 7, 1) == _ELF_FREEBSD else "Linux"
        return f"{system} ELF {_ELF.get(_number(head, 18, 2), 'of another processor')}"
    if head[:4] == b"\xcf\xfa\xed\xfe":
        return f"Mach-O {_MACHO.get(_number(head, 4, 4), 'of another processor')}"
    if is_fat(head):
        return f"Mach-O {' and '.join(_fat_processors(head))}"
    if head[:2] == b"MZ":
        start = _number(head, 0x3C, 4)
        return f"PE {_PE.get(_number(head, start + 4, 2), 'of another processor')}"
    return "script" if head[:2] == b"#!" else "data"


def _fat_processors(head: bytes) -> list[str]:
    # What <mach-o/fat.h> describes is big-endian: the number of entries, and in each first the processor.
    places = range(8, 8 + 20 * int.from_bytes(head[4:8], "big"), 20)
    return [_MACHO.get(int.from_bytes(head[at : at + 4], "big"), "another processor") for at in places]


def newline_of(data: bytes) -> str:
    """Say how the lines of a text end; `none` for what is no text."""
    if b"\0" in data or b"\n" not in data:
        return "none"
    crlf = data.count(b"\r\n")
    return "lf" if crlf == 0 else "crlf" if crlf == data.count(b"\n") else "mixed"


def _number(data: bytes, start: int, length: int) -> int:
    return int.from_bytes(data[start : start + length], "little")
