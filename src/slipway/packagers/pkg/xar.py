"""A xar writer, as far as macOS packages need it: header, compressed table of contents, heap.

All digests are SHA-1, as in what Apple's pkgbuild writes: every installer knows them, while the number of SHA-256 in the header
means something else to the other family of xar. They find damage; what guards against an attacker is the
signature of a package, and the SHA-256 of the whole file in the manifest.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from struct import pack
from typing import IO, Final

from slipway.files import Sink, chunks_of
from slipway.render import xml

MAGIC: Final = b"xar!"
_HEADER: Final = 28
_VERSION, _SHA1 = 1, 1
_SHA1_SIZE: Final = 20
_STORED: Final = "application/octet-stream"
_ZLIB: Final = "application/x-gzip"  # so it is called, and it has the frame of zlib


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of an archive; `size` is that of the file, `kept` what it takes in the heap."""

    path: str
    size: int
    kept: int
    style: str
    digest: str
    kept_digest: str
    chunks: Callable[[], Iterable[bytes]]


def packed(path: str, data: bytes, level: int) -> Member:
    """A member that is compressed in the archive, at a level of libdeflate."""
    import deflate

    small = bytes(deflate.zlib_compress(data, level))
    return Member(
        path=path,
        size=len(data),
        kept=len(small),
        style=_ZLIB,
        digest=_sha1((data,)),
        kept_digest=_sha1((small,)),
        chunks=lambda: (small,),
    )


def stored(path: str, file: IO[bytes]) -> Member:
    """A member that is an open file, as it is."""

    def chunks() -> Iterator[bytes]:
        return chunks_of(file)

    digest = _sha1(chunks())
    size = file.tell()
    return Member(path=path, size=size, kept=size, style=_STORED, digest=digest, kept_digest=digest, chunks=chunks)


def write_xar(out: Sink, members: Iterable[Member], *, epoch: int) -> None:
    """Write a whole archive of files, which may be in folders; all are owned by root and the group wheel, all of one time."""
    import deflate

    kept = tuple(members)
    table = _table(kept, epoch).encode()
    small = bytes(deflate.zlib_compress(table, 9))
    out.write(pack(">4sHHQQI", MAGIC, _HEADER, _VERSION, len(small), len(table), _SHA1))
    out.write(small)
    # The heap begins with the digest of the table as it stands before it.
    out.write(hashlib.sha1(small, usedforsecurity=False).digest())
    for member in kept:
        for chunk in member.chunks():
            out.write(chunk)


def _sha1(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _table(members: tuple[Member, ...], epoch: int) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch))
    kept = f'  <checksum style="sha1">\n   <size>{_SHA1_SIZE}</size>\n   <offset>0</offset>\n  </checksum>\n'
    files = "\n".join(_files(members, moment))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<xar>\n <toc>\n'
        f"{kept}  <creation-time>{moment}</creation-time>\n{files}\n </toc>\n</xar>\n"
    )


def _files(members: tuple[Member, ...], moment: str) -> Iterator[str]:
    """The elements of the members, in order; a folder's element holds those of its files."""
    offset, number, open_folder = _SHA1_SIZE, 0, ""
    for member in members:
        folder, _, name = member.path.rpartition("/")
        if folder != open_folder:
            if open_folder:
                yield "</file>"
            if folder:
                number += 1
                yield f'<file id="{number}">\n{_about(folder, "directory", 0o755, moment)}'
            open_folder = folder
        number += 1
        yield f'<file id="{number}">\n{_about(name, "file", 0o644, moment)}\n{_data(member, offset)}\n</file>'
        offset += member.kept
    if open_folder:
        yield "</file>"


def _about(name: str, kind: str, mode: int, moment: str) -> str:
    times = "".join(f"<{each}>{moment}Z</{each}>" for each in ("ctime", "mtime", "atime"))
    owner = "<uid>0</uid><user>root</user><gid>0</gid><group>wheel</group>"
    return f"<name>{xml(name)}</name><type>{kind}</type><mode>{mode:04o}</mode>{owner}{times}"


def _data(member: Member, offset: int) -> str:
    return (
        f"<data><length>{member.kept}</length><offset>{offset}</offset><size>{member.size}</size>"
        f'<encoding style="{member.style}"/>'
        f'<archived-checksum style="sha1">{member.kept_digest}</archived-checksum>'
        f'<extracted-checksum style="sha1">{member.digest}</extracted-checksum></data>'
    )
