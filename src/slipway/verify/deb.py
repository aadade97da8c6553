"""Check a Debian package from outside: its members, its files, and what it says about them (deb(5))."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.layout import Folders, destination
from slipway.manifest import Manifest
from slipway.platforms import PLATFORMS
from slipway.verify.debian import Texts, fields_of, own_faults, text_faults
from slipway.verify.members import FILE, Member, ill_kept, members_of, misplaced, stray_folders
from slipway.verify.unpacking import Unpacked, gunzipped
from slipway.version import deb_spellings

_MAGIC: Final = b"!<arch>\n"
_HEADER: Final = re.compile(rb"([^ ]{1,16}) *(\d{1,12}) *0 {5}0 {5}100644  (\d{1,10}) *`\n")
_LIMIT: Final = 64 << 20  # no text of a package is larger
# What a package holds beside its distribution; {} is the package.
_MADE: Final = re.compile(r"usr/lib/systemd/system/[^/]+\.(?:service|socket|timer)|usr/lib/(?:sysusers|tmpfiles)\.d/[^/]+\.conf")
_PAPERS: Final = (
    "usr/share/doc/{}/copyright",
    "usr/share/doc/{}/changelog.gz",
    "usr/share/doc/{}/changelog.Debian.gz",
    "usr/share/lintian/overrides/{}",
)
_MANUAL: Final = re.compile(r"usr/share/man/(?:[A-Za-z_.@]+/)?man[1-9][a-z]*/[^/]+\.[1-9][a-z]*")
# Debian's own places of what a distribution has elsewhere.
_MOVED: Final[Mapping[str, str]] = {
    "usr/share/zsh/site-functions/": "usr/share/zsh/vendor-completions/",
    "usr/share/fish/completions/": "usr/share/fish/vendor_completions.d/",
}


def deb_faults(path: Path, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known.

    Without a manifest it is somebody else's package, of which only what holds for every Debian package is checked.
    """
    ours = manifest is not None
    with path.open("rb") as file:
        parts = ar_members(file)
        control_name, data_name = _required(parts)
        form = parts["debian-binary"].read(_LIMIT)
        if not form.startswith(b"2.") or (ours and form != b"2.0\n"):
            yield f"its format is not {'2.0' if ours else '2.x'}"
        yield from _further_faults(parts, (control_name, data_name), ours=ours)
        yield from _header_faults(file, parts) if ours else ()
        control = list(members_of(path, parts[control_name], control_name))
        data = list(members_of(path, parts[data_name], data_name))
        texts = read_files(parts[control_name], control_name, [member.path for member in control])
        yield from _placed(control, data, ours=ours)
        files = {_plain(member): member for member in data if member.type == FILE}
        said = Texts(name=path.name, control=control, texts=texts, files=files)
        yield from text_faults(said, ours=ours)
        if manifest is not None:
            fields = fields_of(said.text("control"))
            package = fields.get("Package", "")
            inside = read_files(parts[data_name], data_name, _to_read(data, package))
            yield from own_faults(said, deb_spellings(manifest.version), inside)
            if contents is not None:
                yield from _architecture_faults(fields.get("Architecture", ""), contents.platform)
                yield from _compared(files, _places(contents, manifest.name, package), package, inside)
                yield from stray_folders(data, files)


def ar_members(file: IO[bytes]) -> dict[str, IO[bytes]]:
    """Find the members of an ar archive in an open file; raises VerificationError when its structure is broken."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise VerificationError("it is no ar archive")
    found: dict[str, IO[bytes]] = {}
    place = len(_MAGIC)
    while place < end:
        name, size = _member(file, place)
        after = place + 60 + size
        if size < 0 or not place < after <= end or name in found:
            raise VerificationError(f"its structure is broken at byte {place}")
        found[name] = io.BufferedReader(_Part(file, place + 60, size))
        place = after + after % 2
        if after % 2 and after < end and _at(file, after, 1) != b"\n":
            raise VerificationError(f"its structure is broken at byte {after}")
    if place > end:
        raise VerificationError("it ends in the middle")
    return found


def read_files(file: IO[bytes], name: str, paths: Collection[str]) -> dict[str, bytes]:
    """Read some files of the tar archive that is a member, by their paths without `./`; raises VerificationError."""
    import tarfile
    from lzma import LZMAError

    file.seek(0)
    wanted = {path.removeprefix("./") for path in paths}
    try:
        with tarfile.open(fileobj=Unpacked(file, Path(name).suffix), mode="r|") as archive:
            read = ((each.name.removeprefix("./"), _read(archive, each)) for each in archive if each.isreg())
            return {path: data for path, data in read if path in wanted}
    except (tarfile.TarError, zlib.error, LZMAError, EOFError, OSError, ValueError) as error:
        raise VerificationError(f"{name} is damaged: {error}") from error


def _read(archive: Any, each: Any) -> bytes:
    if each.size > _LIMIT:
        return b""
    found = archive.extractfile(each)
    data: bytes = found.read() if found else b""
    return data


def _member(file: IO[bytes], place: int) -> tuple[str, int]:
    header = _at(file, place, 60)
    size = header[48:58].decode("ascii", "replace").strip()
    if len(header) < 60 or header[58:] != b"`\n" or not (size.isascii() and size.isdecimal()):
        return "", -1
    return header[:16].decode("ascii", "replace").rstrip(" ").removesuffix("/"), int(size)


def _at(file: IO[bytes], place: int, size: int) -> bytes:
    file.seek(place)
    return file.read(size)


def _required(parts: Mapping[str, IO[bytes]]) -> tuple[str, str]:
    """The names of the control and the data member; others may follow them, and may stand between with an underscore."""
    names = [name for index, name in enumerate(parts) if index == 0 or not name.startswith("_")][:3]
    if len(names) != 3 or names[0] != "debian-binary" or not names[1].startswith("control.tar") or "data.tar" not in names[2]:
        raise VerificationError(f"it holds {', '.join(parts) or 'nothing'}, not debian-binary, control.tar and data.tar")
    return names[1], names[2]


def _further_faults(parts: Mapping[str, IO[bytes]], used: Collection[str], *, ours: bool) -> Iterator[str]:
    """What is wrong with the members behind the required ones."""
    for name in sorted(parts.keys() - {"debian-binary", *used}):
        if name.startswith("_gpg"):
            if fault := _signature_fault(parts[name].read(_LIMIT)):
                yield f"{name} {fault}"
        elif ours:
            yield f"{name} is nothing that slipway puts into a package"


def _header_faults(file: IO[bytes], parts: Mapping[str, IO[bytes]]) -> Iterator[str]:
    """What is wrong with the headers of a package of our own, in which the members belong to root and have one time."""
    place, times = len(_MAGIC), set()
    for name, part in parts.items():
        match = _HEADER.fullmatch(_at(file, place, 60))
        if match is None:
            yield f"the header of {name} is not root's, with the mode 100644"
        times.add(match[2] if match else b"")
        size = part.seek(0, io.SEEK_END)
        part.seek(0)
        place += 60 + size + size % 2
    if len(times) > 1:
        yield "its members have different times"


def _signature_fault(data: bytes) -> str:
    """What shows that a member is not one detached OpenPGP signature over binary data (RFC 4880, sections 4.2 and 5.2)."""
    lengths = {0x88: (1, 2), 0x89: (2, 3), 0x8A: (4, 5)}
    if not data or data[0] not in {*lengths, 0xC2}:
        return "is no OpenPGP signature"
    size, start = _new_length(data) if data[0] == 0xC2 else (0, 0)
    if data[0] in lengths:
        width, start = lengths[data[0]]
        size = int.from_bytes(data[1 : 1 + width], "big")
    body = data[start:]
    if size != len(body) or size < 6:
        return "is not as long as it says"
    return "" if body[0] in {4, 5, 6} and body[1] == 0 else "is no signature of binary data"


def _new_length(data: bytes) -> tuple[int, int]:
    first = data[1] if len(data) > 1 else 0
    if first < 192:
        return first, 2
    if first < 224:
        return ((first - 192) << 8) + int.from_bytes(data[2:3], "big") + 192, 3
    return int.from_bytes(data[2:6], "big"), 6


def _placed(control: list[Member], data: list[Member], *, ours: bool) -> Iterator[str]:
    for members in (control, data):
        if ours:
            yield from (*misplaced(members), *ill_kept(members))
        else:
            # Others pack links and devices, for users and groups of their own.
            kept = (Member(path=each.path, type=FILE, mode=each.mode) for each in members)
            yield from misplaced(kept)


def _to_read(data: Iterable[Member], package: str) -> list[str]:
    papers = {text.format(package) for text in _PAPERS}
    names = (_plain(member) for member in data)
    return [name for name in names if name in papers or _MANUAL.fullmatch(name.removesuffix(".gz"))]


def _architecture_faults(said: str, platform: str) -> Iterator[str]:
    row = PLATFORMS.get(platform)
    if row and said not in {row.deb, "all"}:
        yield f"it is for {said or 'no architecture'}, and its distribution for {row.deb}"


def _places(contents: Contents, name: str, package: str) -> dict[str, File]:
    """Where each file of a distribution is in the package."""
    folders = Folders.packaged(name, package)
    return {home_of(destination(file.path, name, folders).lstrip("/")): file for file in contents.files}


def home_of(path: str) -> str:
    """Where a Debian package has a file that would be at this path below the root elsewhere."""
    moved = next((there + path.removeprefix(here) for here, there in _MOVED.items() if path.startswith(here)), path)
    return f"{moved}.gz" if _MANUAL.fullmatch(moved) else moved


def _compared(
    files: Mapping[str, Member], wanted: Mapping[str, File], package: str, inside: Mapping[str, bytes]
) -> Iterator[str]:
    for name, file in wanted.items():
        if name not in files or _digest(files[name], name, inside) != file.sha256:
            yield f"{file.path} of the distribution is not in it"
        elif files[name].mode != file.mode:
            yield f"{name} has the mode {files[name].mode:04o}, not {file.mode:04o}"
    papers = {text.format(package) for text in _PAPERS}
    for name in sorted(files.keys() - wanted.keys()):
        if not _MADE.fullmatch(name) and name not in papers:
            yield f"{name} is not among the distribution's files"
        elif files[name].mode != 0o644:
            yield f"{name} has the mode {files[name].mode:04o}, not 0644"


def _digest(member: Member, name: str, inside: Mapping[str, bytes]) -> str:
    """The digest of a file, or of the manual page that is packed in it."""
    if not (name.endswith(".gz") and _MANUAL.fullmatch(name.removesuffix(".gz"))):
        return member.sha256
    return hashlib.sha256(gunzipped(inside.get(name, b""))).hexdigest()


def _plain(member: Member) -> str:
    return member.path.removeprefix("./")


class _Part(io.RawIOBase):
    """A stretch of an open file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._place = file, start, size, 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def seekable(self) -> bool:
        """It can be read again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place in the stretch."""
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as the stretch goes."""
        self._file.seek(self._start + self._place)
        data = self._file.read(min(len(buffer), max(self._size - self._place, 0)))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)
