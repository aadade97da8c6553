"""An ar writer and reader, as far as Debian packages need it (deb(5))."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from slipway.errors import SlipwayError
from slipway.files import Sink

MAGIC: Final = b"!<arch>\n"
_LIMIT: Final = 10**10


def ar_header(name: str, size: int, epoch: int) -> bytes:
    """The header of a member that belongs to root."""
    if size >= _LIMIT:
        raise SlipwayError(
            f"{name} has {size} bytes, too many for a Debian package", hint="divide the variant, or compress it with xz"
        )
    return b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name.encode(), epoch, 0, 0, b"100644", size)


def write_member(out: Sink, name: str, size: int, chunks: Iterable[bytes], epoch: int) -> None:
    """Write one member; members begin at even places."""
    out.write(ar_header(name, size, epoch))
    for chunk in chunks:
        out.write(chunk)
    out.write(b"\n" * (size % 2))
