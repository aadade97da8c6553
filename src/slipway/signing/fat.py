"""Fat files: programs for several processors of macOS, one behind the other in one file (<mach-o/fat.h>)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from slipway.signing.macho import ARM64, HEADER, X86_64, MachOError, damaged, is_thin, read

MAGIC: Final = b"\xca\xfe\xba\xbe"
MAGIC_64: Final = b"\xca\xfe\xba\xbf"
# The order and the alignment (as a power of two: one page of memory) that lipo gives them.
ALIGNMENTS: Final = {X86_64: 12, ARM64: 14}
NAMES: Final = {X86_64: "amd64", ARM64: "arm64"}
LIMIT: Final = 1 << 32
_ENTRY: Final = 20
# A class file of Java begins with the same four bytes; its next four are a version of at least 45.
_MOST: Final = 44


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The program for one processor: where it is in the file."""

    cpu: int
    offset: int
    size: int


def is_fat(data: bytes) -> bool:
    """Whether these are the first bytes of a fat file."""
    return data[:4] == MAGIC_64 or (data[:4] == MAGIC and 0 < int.from_bytes(data[4:8], "big") <= _MOST)


def slices(data: bytes) -> tuple[Slice, ...]:
    """Read the table of a fat file; raises MachOError when a program lies outside the file, over another one or unaligned."""
    if data[:4] == MAGIC_64:
        raise MachOError("it is a fat file of the 64-bit form", hint="no loader reads that; join programs below 4 GiB")
    count = int.from_bytes(data[4:8], "big")
    if not is_fat(data) or len(data) < 8 + count * _ENTRY:
        raise damaged("its fat header is too short")
    found, end = [], 8 + count * _ENTRY
    for number in range(count):
        cpu, _, offset, size, align = struct.unpack_from(">5I", data, 8 + number * _ENTRY)
        if align > 31 or offset % (1 << align) or offset < end or offset + size > len(data):
            raise damaged(f"its program number {number + 1} is out of place")
        found.append(Slice(cpu=cpu, offset=offset, size=size))
        end = offset + size
    if len({each.cpu for each in found}) != count:
        raise damaged("it has two programs for one processor")
    return tuple(found)


def split(data: bytes) -> tuple[bytes, ...]:
    """The programs of a fat file, or of a thin one."""
    if not is_fat(data):
        return (data,)
    return tuple(data[each.offset : each.offset + each.size] for each in slices(data))


def changed(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A thin or fat file with every program in it changed; the very same bytes when no program did."""
    programs = split(data)
    made = tuple(map(change, programs))
    if made == programs:
        return data
    return join(made) if is_fat(data) else made[0]


def join(programs: Sequence[bytes]) -> bytes:
    """Join thin Mach-O files into one fat file, the same bytes in whatever order they come; raises MachOError."""
    by_cpu = {_cpu(program): program for program in programs}
    if len(by_cpu) != len(programs):
        raise MachOError("two of the programs to join are for one processor", hint="join one for amd64 and one for arm64")
    table, place = [], 8 + _ENTRY * len(by_cpu)
    for cpu in sorted(by_cpu, key=lambda each: list(ALIGNMENTS).index(each)):
        align = ALIGNMENTS[cpu]
        place = -(-place // (1 << align)) << align
        table.append((cpu, align, place))
        place += len(by_cpu[cpu])
    if place >= LIMIT:
        raise MachOError(
            f"the programs to join have {place} bytes, and a fat file holds less than 4 GiB",
            hint="release one file per processor",
        )
    return _written(by_cpu, table, place)


def _written(by_cpu: dict[int, bytes], table: Sequence[tuple[int, int, int]], size: int) -> bytes:
    data = bytearray(size)
    struct.pack_into(">4sI", data, 0, MAGIC, len(table))
    for number, (cpu, align, place) in enumerate(table):
        program = by_cpu[cpu]
        subtype = int.from_bytes(program[8:12], "little")
        struct.pack_into(">5I", data, 8 + number * _ENTRY, cpu, subtype, place, len(program), align)
        data[place : place + len(program)] = program
    return bytes(data)


def _cpu(program: bytes) -> int:
    if not is_thin(program) or len(program) < HEADER:
        raise MachOError(
            "one of the programs to join is not a thin 64-bit Mach-O file", hint="join one for amd64 and one for arm64"
        )
    if (cpu := read(program).cpu) not in ALIGNMENTS:
        raise MachOError(
            f"one of the programs to join is for the processor {cpu:#x}", hint="join one for amd64 and one for arm64"
        )
    return cpu
