"""A cpio writer of the portable format, whose numbers are octal (POSIX 1003.1-1988, `cpio -H odc`)."""

from __future__ import annotations

from collections.abc import Iterable
from stat import S_IFDIR, S_IFREG
from typing import Final

from slipway.errors import SlipwayError
from slipway.files import Sink
from slipway.packagers.entries import Entry

BLOCK: Final = 512
LIMIT: Final = 8**11
_END: Final = b"TRAILER!!!"
_INODES: Final = 8**6


def write_cpio(out: Sink, entries: Iterable[Entry], *, epoch: int) -> None:
    """Write a whole archive of sorted entries, all owned by root and the group wheel, all of one time."""
    done = 0
    for number, entry in enumerate(entries, 1):
        head = header(entry, epoch, number)
        out.write(head)
        entry.write_to(out)
        done += len(head) + entry.size
    end = _header(_END, 0, 0, 0, 0)
    out.write(end + bytes(-(done + len(end)) % BLOCK))


def cpio_size(entries: Iterable[Entry]) -> int:
    """The number of bytes that `write_cpio` will write."""
    size = sum(len(header(entry, 0, 0)) + entry.size for entry in entries) + len(_header(_END, 0, 0, 0, 0))
    return size + -size % BLOCK


def header(entry: Entry, epoch: int, number: int) -> bytes:
    """What comes before an entry's bytes; raises SlipwayError for a file of 8 GiB or more."""
    if entry.size >= LIMIT:
        raise SlipwayError(
            f"{entry.path} has {entry.size} bytes, and a file of a macOS package has to be smaller than 8 GiB",
            hint="divide the file, or leave it out of the variants that are packed as pkg",
        )
    mode = (S_IFDIR if entry.is_folder else S_IFREG) | entry.mode
    # Nothing is linked, so that numbers which come again after the 262143rd mean nothing.
    return _header(entry.path.encode(), mode, entry.size, epoch, number % _INODES)


def _header(name: bytes, mode: int, size: int, epoch: int, inode: int) -> bytes:
    fields = (0, inode, mode, 0, 0, 1, 0)
    numbers = b"".join(b"%06o" % field for field in fields)
    return b"070707%s%011o%06o%011o%s\0" % (numbers, epoch, len(name) + 1, size, name)
