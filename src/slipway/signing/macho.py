"""The few load commands of a 64-bit Mach-O file that a code signature is about.

Formats: <mach-o/loader.h>, <mach-o/fat.h>. Every size and offset is checked before it is used, since files come from anywhere.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from slipway.errors import SlipwayError

MAGIC: Final = b"\xcf\xfa\xed\xfe"
HEADER: Final = 32
EXECUTE: Final = 2
# MH_EXECUTE, MH_DYLIB, MH_BUNDLE: what the system loads and therefore wants signed.
LOADED: Final = (EXECUTE, 6, 8)
X86_64: Final = 0x01000007
ARM64: Final = 0x0100000C
SEGMENT: Final = 0x19
CODE_SIGNATURE: Final = 0x1D
SIGNATURE_COMMAND: Final = 16
_SEGMENT_SIZE: Final = 72
_SECTION_SIZE: Final = 80
_COMMAND_ALIGNMENT: Final = 8


class MachOError(SlipwayError):
    """A Mach-O file that is damaged, or made in a way that cannot be signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment; `command` is where its load command begins, `first` where the first bytes of its sections are."""

    command: int
    name: str
    offset: int
    size: int
    first: int | None

    @property
    def end(self) -> int:
        """Where it ends in the file."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """An LC_CODE_SIGNATURE; `command` is where the load command begins."""

    command: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a signer has to know of a thin Mach-O file."""

    cpu: int
    filetype: int
    count: int
    commands_end: int
    segments: tuple[Segment, ...]
    signature: Signature | None
    size: int

    def segment(self, name: str) -> Segment:
        """The segment of a name; raises MachOError when there is none."""
        for segment in self.segments:
            if segment.name == name:
                return segment
        raise MachOError(f"it has no segment {name}", hint="link it with a linker for macOS")

    @property
    def room(self) -> int:
        """How many bytes are free behind the load commands."""
        starts = [segment.first for segment in self.segments if segment.first is not None]
        starts += [segment.offset for segment in self.segments if segment.size and segment.offset]
        return min(starts, default=self.size) - self.commands_end


def is_thin(data: bytes) -> bool:
    """Whether these are the first bytes of a 64-bit little-endian Mach-O file."""
    return data[:4] == MAGIC


def read(data: bytes) -> Program:
    """Read a thin Mach-O file; raises MachOError."""
    if not is_thin(data) or len(data) < HEADER:
        raise damaged("its header is not one of a 64-bit Mach-O file")
    _, cpu, _, filetype, count, length = struct.unpack_from("<6I", data)
    if HEADER + length > len(data):
        raise damaged("it ends inside its load commands")
    segments, signatures = [], []
    for kind, at, size in _commands(data, count, HEADER + length):
        if kind == SEGMENT:
            segments.append(_segment(data, at, size))
        elif kind == CODE_SIGNATURE:
            signatures.append(_signature(data, at, size))
    if len(signatures) > 1:
        raise damaged("it has more than one code signature")
    return Program(
        cpu=cpu,
        filetype=filetype,
        count=count,
        commands_end=HEADER + length,
        segments=tuple(segments),
        signature=signatures[0] if signatures else None,
        size=len(data),
    )


def damaged(what: str) -> MachOError:
    """The error for a file that cannot have come like this from a linker."""
    return MachOError(f"it is damaged: {what}", hint="build it again, or fetch it again")


def _commands(data: bytes, count: int, end: int) -> Iterator[tuple[int, int, int]]:
    at = HEADER
    for _ in range(count):
        kind, size = struct.unpack_from("<2I", data, at) if at + 8 <= end else (0, 0)
        if size < 8 or size % _COMMAND_ALIGNMENT or at + size > end:
            raise damaged(f"the load command at {at} has the size {size}")
        yield kind, at, size
        at += size
    if at != end:
        raise damaged("its load commands are shorter than its header says")


def _segment(data: bytes, at: int, size: int) -> Segment:
    if size < _SEGMENT_SIZE:
        raise damaged(f"the segment command at {at} has the size {size}")
    name, _, _, offset, length, _, _, sections, _ = struct.unpack_from("<16s4Q4I", data, at + 8)
    if size != _SEGMENT_SIZE + sections * _SECTION_SIZE:
        raise damaged(f"the segment command at {at} has no room for {sections} sections")
    if offset + length > len(data):
        raise damaged(f"it ends inside its segment {_text(name)}")
    firsts = [found for number in range(sections) if (found := _first(data, at + _SEGMENT_SIZE + number * _SECTION_SIZE))]
    return Segment(command=at, name=_text(name), offset=offset, size=length, first=min(firsts, default=None))


def _first(data: bytes, at: int) -> int:
    # A section of zeros (S_ZEROFILL and its like) has no bytes in the file, and says so by the offset 0.
    size, offset = struct.unpack_from("<QI", data, at + 40)
    return int(offset) if size else 0


def _signature(data: bytes, at: int, size: int) -> Signature:
    if size != SIGNATURE_COMMAND:
        raise damaged(f"the command of its code signature has the size {size}")
    offset, length = struct.unpack_from("<2I", data, at + 8)
    if offset + length > len(data):
        raise damaged("it ends inside its code signature")
    return Signature(command=at, offset=offset, size=length)


def _text(name: bytes) -> str:
    return name.rstrip(b"\0").decode("ascii", "replace")
