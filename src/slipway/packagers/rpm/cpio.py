"""The payload of an RPM: a cpio archive in the form that is called newc (cpio(5)), or without names for big files."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from slipway.deflated import Gzip
from slipway.files import Sink
from slipway.packagers.entries import Entry
from slipway.packagers.rpm.header import LIMIT32

_HEADER, _STRIPPED = 110, 16
_TRAILER: Final = "TRAILER!!!"


class Summed:
    """A sink before another that takes the SHA-256 of what goes through."""

    def __init__(self, out: Sink) -> None:
        self._out, self._sum = out, hashlib.sha256()

    def write(self, data: bytes | memoryview, /) -> object:
        """Pass some bytes on."""
        self._sum.update(data)
        return self._out.write(data)

    def file(self, entry: Entry) -> None:
        """Pass a whole file on, as one where the next sink shares what is compressed once."""
        if not isinstance(self._out, Gzip) or entry.source is None:
            entry.write_to(self)
            return
        tapped: list[bool] = []

        def chunks() -> Iterator[bytes]:
            tapped.append(True)
            yield from self._tapped(entry)

        self._out.file(entry.sha256, entry.size, chunks)
        if not tapped:
            for _ in self._tapped(entry):
                pass

    def digest(self) -> str:
        """The SHA-256 so far."""
        return self._sum.hexdigest()

    def _tapped(self, entry: Entry) -> Iterator[bytes]:
        for chunk in entry.chunks():
            self._sum.update(chunk)
            yield chunk


def mode_of(entry: Entry) -> int:
    """The mode of a file or folder with its type."""
    return (stat.S_IFDIR if entry.is_folder else stat.S_IFREG) | entry.mode


def is_big(entries: Iterable[Entry]) -> bool:
    """Whether a file is too big for cpio's own header: rpm then finds all files by their number in its header."""
    return any(entry.size >= LIMIT32 for entry in entries)


def cpio_size(entries: Sequence[tuple[int, Entry]]) -> int:
    """The exact size of the archive; each entry comes with its number in the RPM's header."""
    big = is_big(entry for _, entry in entries)
    heads = (_STRIPPED if big else _padded(_HEADER + _name_size(entry.path)) for _, entry in entries)
    return sum(heads) + sum(_padded(entry.size) for _, entry in entries) + _padded(_HEADER + len(_TRAILER) + 1)


def write_cpio(out: Summed, entries: Sequence[tuple[int, Entry]], *, epoch: int) -> None:
    """Write the archive; the paths get a dot before the slash."""
    big = is_big(entry for _, entry in entries)
    for number, entry in entries:
        out.write(_stripped(number) if big else _head(entry, number, epoch))
        if not entry.is_folder:
            out.file(entry)
            out.write(bytes(-entry.size % 4))
    out.write(_newc(_TRAILER.encode(), (0, 0, 0, 0, 1, 0, 0)))


def _head(entry: Entry, number: int, epoch: int) -> bytes:
    return _newc(_name(entry.path), (number + 1, mode_of(entry), 0, 0, 1, epoch, entry.size))


def _newc(name: bytes, fields: tuple[int, ...]) -> bytes:
    """A header: inode, mode, user, group, links, time and size; then four numbers of devices, the name's size, a sum."""
    words = (*fields, 0, 0, 0, 0, len(name) + 1, 0)
    text = b"070701" + b"".join(b"%08x" % word for word in words) + name + b"\0"
    return text + bytes(-len(text) % 4)


def _stripped(number: int) -> bytes:
    """A header that names a file by its number alone (rpm's lib/cpio.c), as rpm 4.12 and later read it."""
    return b"07070X%08x\0\0" % number


def _name(path: str) -> bytes:
    return f"./{path}".encode("utf-8", "surrogateescape")


def _name_size(path: str) -> int:
    return len(_name(path)) + 1


def _padded(size: int) -> int:
    return size + -size % 4
