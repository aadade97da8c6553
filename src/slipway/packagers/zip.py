"""A zip writer: deflated by libdeflate, Unix modes, UTF-8 names, zip64 where the sizes need it (APPNOTE.TXT 6.3.10)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from struct import pack
from typing import Final

from slipway import compress
from slipway.compress import deflating
from slipway.deflated import Shelf
from slipway.files import Sink
from slipway.packagers.entries import Entry

_UTF8: Final = 0x800
_UNIX: Final = 3 << 8
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
ZIP64_FROM = _MAX32  # sizes and offsets from here on are written in 64 bits


def write_zip(out: Sink, entries: Iterable[Entry], *, epoch: int, compression: int, shelf: Shelf | None = None) -> None:
    """Write a whole zip archive of sorted entries, all of one time."""
    when, offset, members = dos_time(epoch), 0, []
    for entry in entries:
        with deflating(entry.chunks, entry.size, compression, sha256=entry.sha256, shelf=shelf) as deflated:
            member = _member(entry, deflated, offset, when)
            out.write(local := member.local())
            for part in deflated.packed:
                out.write(part)
        offset += len(local) + member.packed_size
        members.append(member)
    central = b"".join(member.central() for member in members)
    out.write(central + _end(len(members), len(central), offset))


def dos_time(epoch: int) -> tuple[int, int]:
    """The time and the date in DOS form, in UTC; they begin in 1980 and go by two seconds."""
    moment = time.gmtime(min(max(epoch, 315_532_800), 4_354_819_198))
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2, date


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """What the headers of one file say."""

    name: bytes
    mode: int
    is_folder: bool
    method: int
    crc: int
    size: int
    packed_size: int
    offset: int
    when: tuple[int, int]

    @property
    def big(self) -> bool:
        """Whether the sizes need zip64."""
        return max(self.size, self.packed_size) >= ZIP64_FROM

    def local(self) -> bytes:
        """The header before the file's bytes."""
        extra = pack("<HHQQ", 1, 16, self.size, self.packed_size) if self.big else b""
        return b"PK\x03\x04" + self._facts(45 if self.big else 20) + pack("<HH", len(self.name), len(extra)) + self.name + extra

    def central(self) -> bytes:
        """The entry of the list at the end."""
        far = self.offset >= ZIP64_FROM
        sizes = (self.size, self.packed_size) if self.big else ()
        values = (*sizes, *((self.offset,) if far else ()))
        extra = pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values) if values else b""
        version = 45 if values else 20
        kind = 0o040000 if self.is_folder else 0o100000
        attributes = (kind | self.mode) << 16 | (0x10 if self.is_folder else 0)
        place = pack("<HHHHHII", len(self.name), len(extra), 0, 0, 0, attributes, _MAX32 if far else self.offset)
        return b"PK\x01\x02" + pack("<H", _UNIX | version) + self._facts(version) + place + self.name + extra

    def _facts(self, version: int) -> bytes:
        sizes = (_MAX32, _MAX32) if self.big else (self.packed_size, self.size)
        return pack("<HHHHHIII", version, _UTF8, self.method, *self.when, self.crc, *sizes)


def _member(entry: Entry, deflated: compress.Packed, offset: int, when: tuple[int, int]) -> Member:
    return Member(
        name=(entry.path + "/" if entry.is_folder else entry.path).encode(),
        mode=entry.mode,
        is_folder=entry.is_folder,
        method=deflated.method,
        crc=deflated.crc,
        size=deflated.size,
        packed_size=deflated.packed_size,
        offset=offset,
        when=when,
    )


def _end(count: int, size: int, offset: int) -> bytes:
    big = b""
    if count >= _MAX16 or size >= ZIP64_FROM or offset >= ZIP64_FROM:
        big = b"PK\x06\x06" + pack("<QHHIIQQQQ", 44, _UNIX | 45, 45, 0, 0, count, count, size, offset)
        big += b"PK\x06\x07" + pack("<IQI", 0, offset + size, 1)
    short = (min(count, _MAX16), min(count, _MAX16), min(size, _MAX32), min(offset, _MAX32))
    return big + b"PK\x05\x06" + pack("<HHHHIIH", 0, 0, *short, 0)
