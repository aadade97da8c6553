"""Read the tables of a Windows Installer database from the streams of its compound file."""

from __future__ import annotations

import string
import struct
from collections.abc import Iterator, Mapping
from typing import Final

from slipway.errors import VerificationError
from slipway.verify.compound import Stream

Row = Mapping[str, str | int | None]
Database = Mapping[str, tuple[Row, ...]]
SUMMARY: Final = "\x05SummaryInformation"
_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase + "._"
_TABLE: Final = 0x4840
# Bits of a column's type.
_STRING, _NULLABLE, _WIDTH = 0x800, 0x1000, 0xFF


def plain_names(streams: Mapping[str, Stream]) -> Mapping[str, Stream]:
    """The streams by their names in plain letters; those of tables begin with `!`."""
    return {"".join(_plain(name)): stream for name, stream in streams.items()}


def database(streams: Mapping[str, Stream]) -> Database:
    """All tables with their rows; raises VerificationError when they are broken."""
    texts, wide = _strings(streams)
    columns = {"_Columns": [("Table", _STRING), ("Number", 2), ("Name", _STRING), ("Type", 2)]}
    listed = _rows(streams, "_Columns", columns["_Columns"], texts, wide)
    for row in sorted(listed, key=lambda row: (str(row["Table"]), _number(row["Number"]))):
        columns.setdefault(str(row["Table"]), []).append((str(row["Name"]), _number(row["Type"])))
    names = [str(row["Name"]) for row in _rows(streams, "_Tables", [("Name", _STRING)], texts, wide)]
    if missing := sorted(set(names) - columns.keys()):
        raise VerificationError(f"its table {missing[0]} has no columns")
    return {name: _rows(streams, name, columns[name], texts, wide) for name in names}


def codepage(streams: Mapping[str, Stream]) -> int:
    """In which code page the strings are."""
    (found,) = struct.unpack("<H", _stream(streams, "_StringPool").read(0, 2))
    return int(found)


def summary(stream: Stream) -> Mapping[int, str | int]:
    """The properties of the summary by their numbers (MS-OLEPS 2.21)."""
    data = stream.read()
    (start,) = struct.unpack_from("<I", data, 44)
    _, count = struct.unpack_from("<II", data, start)
    found: dict[int, str | int] = {}
    for index in range(count):
        number, offset = struct.unpack_from("<II", data, start + 8 + 8 * index)
        found[number] = _property(data, start + offset)
    return found


def _property(data: bytes, place: int) -> str | int:
    (kind,) = struct.unpack_from("<I", data, place)
    if kind == 30:
        (size,) = struct.unpack_from("<I", data, place + 4)
        text = data[place + 8 : place + 8 + size]
        if len(text) != size:
            raise VerificationError("a text of its summary is cut off")
        return text.rstrip(b"\0").decode("utf-8", "replace")
    form = {2: "<h", 3: "<i", 64: "<Q"}.get(kind)
    if form is None:
        raise VerificationError("its summary has a property of a kind that none can have")
    (number,) = struct.unpack_from(form, data, place + 4)
    return int(number)


def _strings(streams: Mapping[str, Stream]) -> tuple[list[str | None], int]:
    """The texts by number, of which the first is none, and how wide such a number is."""
    pool, data = _stream(streams, "_StringPool").read(), _stream(streams, "_StringData").read()
    pairs = list(struct.iter_unpack("<HH", pool[: len(pool) // 4 * 4]))
    found: list[str | None] = [None]
    place, index = 0, 1
    while index < len(pairs):
        size, used = pairs[index]
        if size == 0 and used:
            # A long text: its length is in the next pair.
            index += 1
            size = struct.unpack_from("<I", pool, 4 * index)[0]
        found.append(data[place : place + size].decode("utf-8", "replace"))
        place, index = place + size, index + 1
    if place != len(data) or len(pool) % 4:
        raise VerificationError(f"its strings have {len(data)} bytes, and their list says {place}")
    return found, 3 if pairs and pairs[0][1] & 0x8000 else 2


def _rows(
    streams: Mapping[str, Stream], name: str, columns: list[tuple[str, int]], texts: list[str | None], wide: int
) -> tuple[Row, ...]:
    """Tables lie column by column; one without rows may have no stream."""
    if f"!{name}" not in streams:
        return ()
    data = streams[f"!{name}"].read()
    widths = [_width(kind, wide) for _, kind in columns]
    count, rest = divmod(len(data), sum(widths))
    if rest:
        raise VerificationError(f"its table {name} ends within a row")
    values, place = [], 0
    for (_, kind), width in zip(columns, widths, strict=True):
        cells = (data[at : at + width] for at in range(place, place + count * width, width))
        values.append([_value(cell, kind, texts, name) for cell in cells])
        place += count * width
    return tuple(dict(zip((column for column, _ in columns), cells, strict=True)) for cells in zip(*values, strict=True))


def _width(kind: int, wide: int) -> int:
    if kind & _STRING and kind & _WIDTH == 0 and kind & ~_NULLABLE & 0xF00 == 0x900:
        return 2
    return wide if kind & _STRING else 4 if kind & _WIDTH == 4 else 2


def _value(cell: bytes, kind: int, texts: list[str | None], table: str) -> str | int | None:
    number = int.from_bytes(cell, "little")
    if not kind & _STRING:
        return number - (1 << (8 * len(cell) - 1)) if number else None
    if number >= len(texts):
        raise VerificationError(f"its table {table} has a text that is not there")
    return texts[number]


def _number(value: str | int | None) -> int:
    return value if isinstance(value, int) else 0


def _stream(streams: Mapping[str, Stream], name: str) -> Stream:
    if (found := streams.get(f"!{name}")) is None:
        raise VerificationError(f"it has no {name}: it is no package of Windows Installer")
    return found


def _plain(name: str) -> Iterator[str]:
    """Two letters in one, above 0x3800; one letter alone, above 0x4800."""
    for sign in name:
        code = ord(sign)
        if code == _TABLE:
            yield "!"
        elif 0x4800 <= code < _TABLE:
            yield _LETTERS[code - 0x4800]
        elif 0x3800 <= code < 0x4800:
            yield _LETTERS[code - 0x3800 & 0x3F] + _LETTERS[code - 0x3800 >> 6]
        else:
            yield sign
