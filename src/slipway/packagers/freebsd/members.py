"""The members of a FreeBSD package: a tar file in which each has its owner by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slipway.errors import VerificationError
from slipway.files import Sink
from slipway.packagers.entries import Entry
from slipway.packagers.tar import BLOCK, END, header

_LARGEST: Final = 8**11 - 1
_LONGEST: Final = 1023  # PATH_MAX of sys/syslimits.h counts the end, too


def write_member(out: Sink, entry: Entry, epoch: int, owner: str = "root") -> None:
    """Write one member that belongs to a user and the user's group."""
    blocks = member_header(entry, epoch)
    out.write(blocks[:-BLOCK] + _owned(blocks[-BLOCK:], owner))
    entry.write_to(out)
    out.write(bytes(-entry.size % BLOCK))


def members_size(entries: Iterable[Entry]) -> int:
    """The number of bytes of a tar file of these members, with its end."""
    return sum(len(member_header(entry, 0)) + entry.size + -entry.size % BLOCK for entry in entries) + len(END)


def member_header(entry: Entry, epoch: int) -> bytes:
    """The blocks before a member's bytes; raises VerificationError for a path that is too long, or a file too big for its name.

    pkg works in the locale C, in which libarchive has no use for names that pax says are UTF-8. Without pax they are bytes.
    """
    if len(entry.path.encode()) > _LONGEST:
        raise VerificationError(
            f"{entry.path} has {len(entry.path.encode())} bytes; a path of FreeBSD has up to {_LONGEST}",
            hint="rename the file or its folders, or exclude it from its component in slipway.toml",
        )
    if entry.path.isascii():
        return header(entry, epoch)
    if entry.size > _LARGEST:
        raise VerificationError(
            f"{entry.path} has {entry.size} bytes, too many for a name with letters that are not ASCII",
            hint=f"give it a name in ASCII, or keep it below {_LARGEST + 1} bytes",
        )
    return header(entry, epoch, gnu=True)


def _owned(block: bytes, owner: str) -> bytes:
    """Name the owners in a header (POSIX ustar: uname at 265, gname at 297, the sum of all bytes at 148)."""
    group = "wheel" if owner == "root" else owner
    named = block[:265] + owner.encode().ljust(32, b"\0") + group.encode().ljust(32, b"\0") + block[329:]
    return named[:148] + b"%06o\0 " % (sum(named[:148]) + 8 * 0x20 + sum(named[156:])) + named[156:]
