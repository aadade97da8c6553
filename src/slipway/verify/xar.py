"""Read xar archives, as far as macOS packages need it: the table of contents and its digests."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import error, unpack
from typing import IO, TYPE_CHECKING, Any, Final

from slipway.errors import VerificationError
from slipway.files import CHUNK

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_HEADER: Final = 28
# The numbers of the header: SHA-256 is what Apple's xar calls 3.
_DIGESTS: Final = {1: "sha1", 3: "sha256"}
_LIMIT: Final = 1 << 26
_STYLES: Final = {"application/octet-stream": "stored", "application/x-gzip": "zlib"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A file of an archive; `start` is its place in the archive, `kept` the bytes that it takes there."""

    path: str
    start: int
    kept: int
    size: int
    style: str
    digests: tuple[tuple[str, str], tuple[str, str]]
    owner: str


def members_of(path: Path) -> dict[str, Member]:
    """Read the table of an archive; raises VerificationError when it or its digest is broken."""
    with path.open("rb") as file:
        table, heap, end = _table(file)
        found: dict[str, Member] = {}
        try:
            for member in _members(_parsed(table), heap, ""):
                if found.setdefault(member.path, member) is not member:
                    raise VerificationError(f"{member.path} is there twice")
        except (ValueError, TypeError, AttributeError, RecursionError) as fault:
            raise VerificationError(f"its table of contents is damaged: {fault}") from fault
        for member in found.values():
            if not heap <= member.start <= member.start + member.kept <= end:
                raise VerificationError(f"{member.path} lies outside of the archive")
    return found


def digest_faults(path: Path, member: Member) -> Iterator[str]:
    """Say whether a member's bytes have the digests that the table says, as they are kept and as they are unpacked."""
    for (name, said), packed in zip(member.digests, (True, False), strict=True):
        digest, size = hashlib.new(name, usedforsecurity=False), 0
        for chunk in _chunks(path, member, packed=packed):
            digest.update(chunk)
            size += len(chunk)
        if digest.hexdigest() != said:
            yield f"{member.path} has another {name} digest than the table of contents says"
        elif not packed and size != member.size:
            yield f"{member.path} has {size} bytes, not {member.size}"


def data_of(path: Path, member: Member) -> bytes:
    """The bytes of a small member; raises VerificationError when it is damaged or not small."""
    data = b"".join(_chunks(path, member, packed=False))
    if len(data) != member.size:
        raise VerificationError(f"{member.path} has {len(data)} bytes, not {member.size}")
    return data


def uncovered(path: Path, members: dict[str, Member]) -> Iterator[str]:
    """Say which bytes behind the table belong to no member, or to more than one."""
    with path.open("rb") as file:
        _, heap, end = _table(file)
        file.seek(26)
        place = heap + (20 if unpack(">H", file.read(2))[0] == 1 else 32)
    for member in sorted(members.values(), key=lambda each: each.start):
        if member.start != place:
            yield f"{member.path} begins at byte {member.start}, not at {place}"
        place = member.start + member.kept
    if place != end:
        yield f"it has {end} bytes, and its table accounts for {place}"


class Stretch(io.RawIOBase):
    """The bytes of a member that is kept as it is."""

    def __init__(self, file: IO[bytes], member: Member) -> None:
        self._file, self._left = file, member.kept
        file.seek(member.start)

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the member goes."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)


def _table(file: IO[bytes]) -> tuple[bytes, int, int]:
    """The table of contents, where the heap begins, and where the file ends."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    try:
        magic, header, version, packed_size, size, algorithm = unpack(">4sHHQQI", file.read(_HEADER))
    except error as fault:
        raise VerificationError("it ends in its header") from fault
    if magic != b"xar!" or header != _HEADER or version != 1 or algorithm not in _DIGESTS:
        raise VerificationError("its header is not that of a macOS package")
    packed = file.read(min(packed_size, end))
    digest = hashlib.new(_DIGESTS[algorithm], packed, usedforsecurity=False).digest()
    if len(packed) != packed_size or file.read(len(digest)) != digest:
        raise VerificationError("its table of contents has another digest than the archive says")
    unpacker = zlib.decompressobj()
    try:
        table = unpacker.decompress(packed, min(size, _LIMIT) + 1)
    except zlib.error as fault:
        raise VerificationError(f"its table of contents is damaged: {fault}") from fault
    if len(table) != size or not unpacker.eof or unpacker.unused_data:
        raise VerificationError("its table of contents has not the size that the header says")
    return table, _HEADER + packed_size, end


def parsed(data: bytes, what: str) -> Element:
    """Parse XML that nobody vouches for; raises VerificationError when it is none, or brings definitions along."""
    from xml.etree.ElementTree import ParseError, XMLParser, fromstring

    if re.search(rb"<!(?:DOCTYPE|ENTITY)", data):
        raise VerificationError(f"{what} defines a type of its own")
    try:
        return fromstring(data, XMLParser(encoding="utf-8"))  # noqa: S314 - it cannot define entities
    except (ParseError, ValueError, LookupError) as fault:
        raise VerificationError(f"{what} is no XML: {fault}") from fault


def _parsed(table: bytes) -> Element:
    toc = parsed(table, "its table of contents").find("toc")
    if toc is None or toc.findtext("checksum/offset") != "0":
        raise VerificationError("its table of contents does not say where its digest is")
    return toc


def _members(above: Element, heap: int, folder: str) -> Iterator[Member]:
    for element in above.findall("file"):
        name = element.findtext("name") or ""
        if not name or "/" in name or name in {".", ".."}:
            raise VerificationError(f"{folder}{name!r} is no name of a file")
        if element.findtext("type") == "directory":
            yield from _members(element, heap, f"{folder}{name}/")
        elif element.findtext("type") == "file":
            # An empty file may have no data at all.
            yield from (_member(element, data, heap, folder + name) for data in element.findall("data"))
        else:
            raise VerificationError(f"{folder}{name} is neither a file nor a folder")


def _member(element: Element, data: Element, heap: int, path: str) -> Member:
    encoding = data.find("encoding")
    style = _STYLES.get("" if encoding is None else encoding.get("style", ""), "")
    if not style:
        raise ValueError(f"{path} is packed in a way that is not known")
    return Member(
        path=path,
        start=heap + _number(data, "offset"),
        kept=_number(data, "length"),
        size=_number(data, "size"),
        style=style,
        digests=(_digest(data, "archived-checksum", path), _digest(data, "extracted-checksum", path)),
        owner=f"{element.findtext('uid')}:{element.findtext('gid')}",
    )


def _number(data: Element, name: str) -> int:
    text = data.findtext(name) or ""
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError(f"{name} is {text!r}, no number")
    return int(text)


def _digest(data: Element, name: str, path: str) -> tuple[str, str]:
    element = data.find(name)
    style = "" if element is None else element.get("style", "").lower()
    if element is None or style not in _DIGESTS.values():
        raise ValueError(f"{path} has no {name} that can be checked")
    return style, element.text or ""


def _chunks(path: Path, member: Member, *, packed: bool) -> Iterator[bytes]:
    with path.open("rb") as file:
        stretch = Stretch(file, member)
        if packed or member.style == "stored":
            yield from iter(lambda: stretch.read(CHUNK) or b"", b"")
            return
        unpacker, left = zlib.decompressobj(), _LIMIT
        try:
            while piece := stretch.read(CHUNK):
                data = unpacker.decompress(piece, left + 1)
                left -= len(data)
                if left < 0 or unpacker.unused_data:
                    raise VerificationError(f"{member.path} is too large, or something is behind its end")
                yield data
        except zlib.error as fault:
            raise VerificationError(f"{member.path} is damaged: {fault}") from fault
        if not unpacker.eof:
            raise VerificationError(f"{member.path} ends in the middle")
