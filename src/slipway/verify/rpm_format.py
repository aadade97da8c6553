"""Read an RPM's lead and headers (rpm's docs/manual/format_v4.md and format_header.md), trusting nothing that they say."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from slipway.errors import VerificationError

LEAD_SIZE: Final = 96
SIGNATURE, MAIN = 62, 63
_MAGIC: Final = b"\x8e\xad\xe8\x01\0\0\0\0"
_MOST_TAGS, _MOST_DATA = 0xFFFF, 0x0FFFFFFF
_FIXED: Final[Mapping[int, tuple[str, int]]] = {1: ("B", 1), 2: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("Q", 8)}
_STRING, _BIN, _LISTS = 6, 7, (8, 9)
_PROCESSORS: Final[Mapping[str, int]] = {"x86_64": 1, "aarch64": 19}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One header: its tags by number, its bytes, and where its form is not the one that rpm writes."""

    tags: Mapping[int, Any]
    raw: bytes
    oddities: tuple[str, ...]

    def text(self, tag: int) -> str:
        """The string of a tag; empty when there is none."""
        value = self.tags.get(tag, "")
        first = value[0] if isinstance(value, list) and value else value
        return first if isinstance(first, str) else ""

    def number(self, *tags: int) -> int | None:
        """The first number of the first of some tags that is there."""
        found = (self.tags[tag] for tag in tags if tag in self.tags)
        return next((value[0] for value in found if isinstance(value, list) and value and isinstance(value[0], int)), None)

    def list(self, *tags: int) -> tuple[Any, ...]:
        """The values of the first of some tags that is there."""
        return next((tuple(self.tags[tag]) for tag in tags if isinstance(self.tags.get(tag), list)), ())


def read_header(file: IO[bytes], region: int) -> bytes:
    """Read the bytes of the header that begins here; raises VerificationError when none does, or when it is cut off."""
    intro = file.read(16)
    name = "signature header" if region == SIGNATURE else "header"
    if len(intro) < 16 or intro[:8] != _MAGIC:
        raise VerificationError(f"it is damaged: there is no {name} where one must be")
    count, size = struct.unpack(">II", intro[8:])
    if not 0 < count <= _MOST_TAGS or size > _MOST_DATA:
        raise VerificationError(f"it is damaged: its {name} has impossible sizes")
    rest = file.read(count * 16 + size)
    if len(rest) < count * 16 + size:
        raise VerificationError(f"it is damaged: it is cut off in its {name}")
    return intro + rest


def parse_header(raw: bytes, region: int) -> Header:
    """Understand a header; raises VerificationError when its index points outside it."""
    (count,) = struct.unpack_from(">I", raw, 8)
    data, index = raw[16 + count * 16 :], [struct.unpack_from(">IIiI", raw, 16 + number * 16) for number in range(count)]
    try:
        tags = {tag: _value(kind, data, offset, length)[0] for tag, kind, offset, length in index[1:]}
        oddities = tuple(_oddities(index, data, region))
    except (ValueError, struct.error, IndexError, OverflowError) as error:
        raise VerificationError(f"it is damaged: the index of its header points nowhere: {error}") from error
    return Header(tags=tags, raw=raw, oddities=oddities)


def lead_faults(lead: bytes, label: str, architecture: str) -> Iterator[str]:
    """Say where the lead is not the one of a package of this name and processor."""
    if len(lead) < LEAD_SIZE or lead[:4] != b"\xed\xab\xee\xdb":
        raise VerificationError("it is no RPM: it does not begin as one")
    name = label.encode("utf-8", "replace")[:65]
    processor = _PROCESSORS.get(architecture, 0)
    wanted = b"\xed\xab\xee\xdb\x03\0" + struct.pack(">HH66sHH16x", 0, processor, name, 1, 5)
    if lead != wanted:
        yield f"its lead is not that of a binary package {label} for {architecture}"


def _value(kind: int, data: bytes, offset: int, count: int) -> tuple[Any, int]:
    """The value of an entry and where it ends."""
    if not 0 <= offset <= len(data):
        raise ValueError("an offset is outside")
    if kind in _FIXED:
        form, size = _FIXED[kind]
        _require(offset + size * count <= len(data))
        return list(struct.unpack_from(f">{count}{form}", data, offset)), offset + size * count
    if kind == _BIN:
        _require(offset + count <= len(data))
        return data[offset : offset + count], offset + count
    if kind == _STRING:
        _require(count == 1)
    elif kind not in _LISTS:
        raise ValueError(f"there is a type {kind}")
    texts, place = [], offset
    _require(count <= len(data) - offset)
    for _ in range(count):
        end = data.index(b"\0", place)
        texts.append(data[place:end].decode("utf-8", "surrogateescape"))
        place = end + 1
    return (texts[0] if kind == _STRING else texts), place


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("a count is too large")


def _oddities(index: list[tuple[int, int, int, int]], data: bytes, region: int) -> Iterator[str]:
    """Say where a header is not one sorted region without gaps, as whoever writes it anew makes it."""
    tag, kind, offset, count = index[0]
    if (tag, kind, count) != (region, _BIN, 16) or offset != len(data) - 16:
        yield f"its first entry is not the mark of an immutable region {region}"
    elif struct.unpack_from(">IIiI", data, offset) != (region, _BIN, -16 * len(index), 16):
        yield "the trailer of its region is not that of all of its entries"
    tags = [entry[0] for entry in index[1:]]
    if tags != sorted(set(tags)):
        yield "its index is not sorted, or has a tag twice"
    place = 0
    for tag, kind, offset, count in index[1:]:
        align = _FIXED.get(kind, ("", 1))[1]
        start = place + -place % align
        if offset != start or any(data[place:start]):
            yield f"there is a gap before the data of its tag {tag}"
        place = _value(kind, data, offset, count)[1]
    if place != len(data) - 16:
        yield "there is a gap before the trailer of its region"
