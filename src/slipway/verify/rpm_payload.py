"""Read the files of an RPM: what its header lists, and the cpio archive that holds them."""

from __future__ import annotations

import hashlib
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final, cast

from slipway.errors import GateError, VerificationError
from slipway.files import CHUNK
from slipway.verify.rpm_format import Header
from slipway.verify.unpacking import Unpacked

GHOST, CONFIG, LICENSE, DOC = 64, 1, 128, 2
_SUFFIXES: Final[Mapping[str, str]] = {"gzip": ".gz", "xz": ".xz", "zstd": ".zst"}
_UNREAD: Final = ("bzip2", "lzma")
_ALGORITHMS: Final[Mapping[int | None, str]] = {None: "md5", 1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512"}
# Owner and group; then mode, size, digest, flags, time and link.
_COLUMNS: Final = ((1039,), (1040,), (1030,), (5008, 1028), (1035,), (1037,), (1034,), (1036,))
_FIELDS: Final = ("mode", "size", "digest", "flags", "time", "link")
_NEWC, _STRIPPED = b"070701", b"07070X"
_TRAILER: Final = "TRAILER!!!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file as the header lists it."""

    path: str
    mode: int
    size: int
    digest: str
    flags: int
    time: int
    owner: str
    link: str

    @property
    def is_file(self) -> bool:
        """Whether it is a plain file."""
        return stat.S_ISREG(self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A file as the payload holds it; the number is its place in the header, where the payload tells no name.

    `plain` is the SHA-256 of what a compressed file holds.
    """

    path: str = ""
    number: int = -1
    mode: int = 0
    time: int = 0
    links: int = 1
    size: int = 0
    digest: str = ""
    sha256: str = ""
    plain: str = ""
    text: bytes = b""


def listed(header: Header) -> tuple[Listed, ...]:
    """The files that a header lists; raises VerificationError when its lists are not of one length."""
    names, folders, places = header.list(1117), header.list(1118), header.list(1116)
    columns = [places, *(header.list(*tags) for tags in _COLUMNS)]
    if any(len(column) != len(names) for column in columns) or any(place >= len(folders) for place in places):
        raise VerificationError("it is damaged: the lists of files in its header do not have one length")
    return tuple(
        Listed(path=f"{folders[place]}{name}", owner=f"{user}:{group}", **dict(zip(_FIELDS, rest, strict=True)))
        for name, place, user, group, *rest in zip(names, *columns, strict=True)
    )


class Payload:
    """The payload of an open RPM, from the place where it begins to the end; read it once, then ask for the digests."""

    def __init__(self, file: IO[bytes], header: Header, *others: Any) -> None:
        self._header = header
        self._stored = _Hashed(file, "sha256", *others)
        codec = header.text(1125) or "gzip"
        if codec in _UNREAD:
            raise GateError(f"its payload is compressed by {codec}, which slipway does not read", hint="check it with rpm -Kv")
        if codec not in _SUFFIXES:
            raise VerificationError(f"its payload is compressed by {codec!r}, which nobody knows")
        self._stream = _Hashed(Unpacked(cast(IO[bytes], self._stored), _SUFFIXES[codec]), "sha256")

    @property
    def stored(self) -> str:
        """The SHA-256 of what is stored."""
        return self._stored.digest()

    @property
    def unpacked(self) -> str:
        """The SHA-256 of what was compressed."""
        return self._stream.digest()

    @property
    def size(self) -> int:
        """The number of bytes that were compressed."""
        return self._stream.size

    def files(self, found: tuple[Listed, ...]) -> Iterator[Packed]:
        """Read the files one by one; raises VerificationError when the archive is damaged."""
        from lzma import LZMAError

        algorithm = _ALGORITHMS.get(self._header.number(5011), "sha256")
        try:
            while (head := self._head(found)) is not None:
                yield self._body(head, algorithm)
            while rest := self._stream.read(CHUNK):
                if rest.strip(b"\0"):
                    raise VerificationError("there is something behind the end of its payload")
        except (ValueError, EOFError, OSError, LZMAError, zlib.error) as error:
            raise VerificationError(f"its payload is damaged: {error}") from error

    def _head(self, found: tuple[Listed, ...]) -> Packed | None:
        magic = self._exactly(6)
        if magic == _STRIPPED:
            number = int(self._exactly(8), 16)
            self._skip()
            if number >= len(found):
                raise ValueError("it holds a file that its header does not know")
            same = found[number]
            return Packed(number=number, path=same.path, mode=same.mode, size=same.size, time=same.time)
        if magic != _NEWC:
            raise ValueError("it is no cpio archive")
        words = self._exactly(104)
        mode, _, _, links, time, size, *_, length, _ = (int(words[8 * place : 8 * place + 8], 16) for place in range(1, 13))
        name = self._exactly(length).rstrip(b"\0").decode("utf-8", "surrogateescape")
        self._skip()
        if name == _TRAILER:
            return None
        path = name.removeprefix(".") if name.startswith("./") else f"/{name.lstrip('/')}"
        return Packed(path=path, mode=mode, links=links, time=time, size=size)

    def _body(self, head: Packed, algorithm: str) -> Packed:
        own, sha256 = hashlib.new(algorithm, usedforsecurity=False), hashlib.sha256()
        plain = _Gunzipped() if head.path.startswith("/usr/share/man/") and head.path.endswith(".gz") else None
        left, first, has_body = head.size, b"", not stat.S_ISDIR(head.mode)
        while has_body and left:
            chunk = self._exactly(min(left, CHUNK))
            own.update(chunk)
            sha256.update(chunk)
            first = first or chunk[:4096]
            left -= len(chunk)
            if plain is not None:
                plain.update(chunk)
        self._skip()
        return Packed(
            path=head.path,
            number=head.number,
            mode=head.mode,
            time=head.time,
            links=head.links,
            size=head.size,
            digest=own.hexdigest() if stat.S_ISREG(head.mode) else "",
            sha256=sha256.hexdigest() if has_body else "",
            plain=plain.hexdigest() if plain is not None else "",
            text=first,
        )

    def _exactly(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if len(data) != size:
            raise ValueError("it is cut off")
        return data

    def _skip(self) -> None:
        if any(self._exactly(-self._stream.size % 4)):
            raise ValueError("the padding between its files is not empty")


class _Hashed:
    """A file to read from that takes digests of what goes through."""

    def __init__(self, file: Any, *algorithms: Any) -> None:
        self._file, self.size = file, 0
        self._sums = [hashlib.new(each) if isinstance(each, str) else each for each in algorithms]

    def read(self, size: int = -1) -> bytes:
        data = b""
        while size < 0 or len(data) < size:
            piece: bytes = self._file.read(size - len(data) if size >= 0 else CHUNK)
            if not piece:
                break
            data += piece
        for each in self._sums:
            each.update(data)
        self.size += len(data)
        return data

    def digest(self) -> str:
        return str(self._sums[0].hexdigest())


_PIECE: Final = 1 << 14


class _Gunzipped:
    """The SHA-256 of what a gzip file holds; empty when it is none."""

    def __init__(self) -> None:
        self._unpacker, self._sum, self._whole = zlib.decompressobj(16 + zlib.MAX_WBITS), hashlib.sha256(), True

    def update(self, data: bytes) -> None:
        try:
            # In pieces, because a few bytes may unpack to very many.
            for start in range(0, len(data), _PIECE):
                self._sum.update(self._unpacker.decompress(data[start : start + _PIECE]))
        except zlib.error:
            self._whole = False

    def hexdigest(self) -> str:
        return self._sum.hexdigest() if self._whole and self._unpacker.eof else ""
