"""A tar writer: ustar, extended only for the names and sizes that ustar cannot hold.

The extension is pax for archives; Debian's own unpacker knows GNU long names instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slipway.files import Sink
from slipway.packagers.entries import Entry

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
_OCTAL_LIMIT: Final = 8**11


def write_tar(out: Sink, entries: Iterable[Entry], *, epoch: int, gnu: bool = False) -> None:
    """Write a whole tar archive of sorted entries, all owned by root, all of one time."""
    for entry in entries:
        out.write(header(entry, epoch, gnu=gnu))
        entry.write_to(out)
        out.write(bytes(-entry.size % BLOCK))
    out.write(END)


def tar_size(entries: Iterable[Entry], *, gnu: bool = False) -> int:
    """The number of bytes that `write_tar` will write."""
    return sum(len(header(entry, 0, gnu=gnu)) + entry.size + -entry.size % BLOCK for entry in entries) + len(END)


def header(entry: Entry, epoch: int, *, gnu: bool = False) -> bytes:
    """The blocks that come before an entry's bytes."""
    name = (entry.path + "/" if entry.is_folder else entry.path).encode()
    extension = _gnu(name, entry.link.encode()) if gnu else _pax(name, entry, epoch)
    size = entry.size if gnu or entry.size < _OCTAL_LIMIT else 0
    kind = _kind(entry) + entry.link.encode()[:100]
    return extension + _block(_split(name) or (b"", name[:100]), entry.mode, size, epoch, kind)


def _kind(entry: Entry) -> bytes:
    return b"5" if entry.is_folder else b"2" if entry.link else b"0"


def _gnu(name: bytes, link: bytes) -> bytes:
    long_link = _extra(b"././@LongLink", b"K", link + b"\0", 0) if len(link) > 100 else b""
    return long_link + (b"" if _split(name) else _extra(b"././@LongLink", b"L", name + b"\0", 0))


def _pax(name: bytes, entry: Entry, epoch: int) -> bytes:
    needed, link = b"", entry.link.encode()
    if _split(name) is None or not name.isascii():
        needed += _pax_line(b"path", name)
    if len(link) > 100 or not link.isascii():
        needed += _pax_line(b"linkpath", link)
    if entry.size >= _OCTAL_LIMIT:
        needed += _pax_line(b"size", b"%d" % entry.size)
    return _extra(b"././@PaxHeader", b"x", needed, epoch) if needed else b""


def _pax_line(key: bytes, value: bytes) -> bytes:
    """`LENGTH KEY=VALUE`, where the length counts its own digits."""
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest)
    while len(b"%d" % length) + len(rest) != length:
        length = len(b"%d" % length) + len(rest)
    return b"%d" % length + rest


def _extra(name: bytes, kind: bytes, data: bytes, epoch: int) -> bytes:
    return _block((b"", name), 0o644, len(data), epoch, kind) + data + bytes(-len(data) % BLOCK)


def _split(name: bytes) -> tuple[bytes, bytes] | None:
    """Divide a name at a slash into the prefix (155 bytes) and the name (100) that ustar has room for."""
    if len(name) <= 100:
        return b"", name
    cut = name.find(b"/", len(name) - 101, min(156, len(name) - 1))
    return (name[:cut], name[cut + 1 :]) if cut > 0 else None


def _block(place: tuple[bytes, bytes], mode: int, size: int, epoch: int, kind: bytes) -> bytes:
    prefix, name = place
    fields = (
        name.ljust(100, b"\0"),
        b"%07o\0%07o\0%07o\0%b%011o\0" % (mode, 0, 0, _number(size), epoch),
        b" " * 8,
        kind.ljust(101, b"\0") + b"ustar\x0000",
        b"root".ljust(32, b"\0") * 2,
        b"%07o\0%07o\0" % (0, 0),
        prefix.ljust(155, b"\0"),
        bytes(12),
    )
    block = b"".join(fields)
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _number(size: int) -> bytes:
    """Octal digits, or GNU's form of what is too big for them."""
    return b"%011o\0" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
