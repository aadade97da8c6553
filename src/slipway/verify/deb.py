"""Check a Debian package from outside: its members, its fields, its sums."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

from slipway import process
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.layout import Folders, destination
from slipway.manifest import Manifest
from slipway.verify.members import FILE, Member, ill_kept, members_of, misplaced, stray_folders
from slipway.version import Version

REQUIRED: Final = ("Package", "Version", "Architecture", "Maintainer", "Description", "Installed-Size")
_MAGIC: Final = b"!<arch>\n"
_SCRIPTS: Final = frozenset({"postinst", "prerm", "postrm"})
_CONTROL: Final = _SCRIPTS | {"control", "md5sums", "conffiles"}
# What a package holds beside its distribution.
_MADE: Final = re.compile(r"lib/systemd/system/[^/]+\.service")
_PAPERS: Final = ("copyright", "changelog.gz")


def deb_faults(path: Path, contents: Contents | None, manifest: Manifest) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known."""
    with path.open("rb") as file:
        parts = ar_members(file)
        names = list(parts)
        if len(names) != 3 or names[0] != "debian-binary" or not names[1].startswith("control.tar") or "data.tar" not in names[2]:
            raise VerificationError(f"it holds {', '.join(names) or 'nothing'}, not debian-binary, control.tar and data.tar")
        if not parts["debian-binary"].read().startswith(b"2."):
            yield "its format is not 2.x"
        data = list(members_of(path, parts[names[2]], names[2]))
        control = list(members_of(path, parts[names[1]], names[1]))
        texts = _texts(parts[names[1]])
    for members in (control, data):
        yield from (*misplaced(members), *ill_kept(members))
    files = {_plain(member): member for member in data if member.type == FILE}
    fields = fields_of(texts.get("control", ""))
    yield from _field_faults(path.name, fields, Version(manifest.version).deb)
    yield from _script_faults(control, texts)
    yield from _sum_faults(texts.get("md5sums", ""), texts.get("conffiles", "").splitlines(), files)
    yield from (f"usr/bin: {name} cannot be run" for name, file in files.items() if _is_dull_program(name, file))
    if contents is not None:
        yield from _compared(files, _places(contents, manifest.name, fields.get("Package", "")), fields.get("Package", ""))
        yield from stray_folders(data, files)


def _places(contents: Contents, name: str, package: str) -> dict[str, File]:
    """Where each file of a distribution is in the package."""
    folders = Folders.packaged(name, package)
    return {destination(file.path, name, folders).lstrip("/"): file for file in contents.files}


def _compared(files: Mapping[str, Member], wanted: Mapping[str, File], package: str) -> Iterator[str]:
    for name, file in wanted.items():
        if name not in files or files[name].sha256 != file.sha256:
            yield f"{file.path} of the distribution is not in it"
        elif files[name].mode != file.mode:
            yield f"{name} has the mode {files[name].mode:04o}, not {file.mode:04o}"
    for name in sorted(files.keys() - wanted.keys()):
        if not _MADE.fullmatch(name) and name not in {f"usr/share/doc/{package}/{text}" for text in _PAPERS}:
            yield f"{name} is not among the distribution's files"
        elif files[name].mode != 0o644:
            yield f"{name} has the mode {files[name].mode:04o}, not 0644"


def _script_faults(control: Iterable[Member], texts: Mapping[str, str]) -> Iterator[str]:
    for member in control:
        if member.type == FILE and (name := _plain(member)) not in _CONTROL:
            yield f"{name} in its control archive is nothing that slipway makes"
        elif _plain(member) in _SCRIPTS:
            if not member.mode & 0o111:
                yield f"{member.path} cannot be run"
            done = process.run(["sh", "-n"], stdin=texts[_plain(member)], check=False)
            if done.code:
                yield f"a shell cannot read its {_plain(member)}: {done.output.strip()}"


def ar_members(file: IO[bytes]) -> dict[str, IO[bytes]]:
    """Find the members of an ar archive in an open file; raises VerificationError when its structure is broken."""
    end = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise VerificationError("it is no ar archive")
    found: dict[str, IO[bytes]] = {}
    place = len(_MAGIC)
    while place < end:
        file.seek(place)
        header = file.read(60)
        size = header[48:58].decode("ascii", "replace").strip()
        after = place + 60 + int(size) if size.isdecimal() else 0
        if len(header) < 60 or header[58:] != b"`\n" or not place < after <= end:
            raise VerificationError(f"its structure is broken at byte {place}")
        found[header[:16].decode("ascii", "replace").rstrip(" /")] = io.BufferedReader(_Part(file, place + 60, int(size)))
        place = after + after % 2
    return found


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


def fields_of(text: str) -> dict[str, str]:
    """The fields of a control file, without their further lines."""
    return {match[1]: match[2].strip() for match in re.finditer(r"^([A-Za-z][A-Za-z0-9-]*):(.*)$", text, re.MULTILINE)}


def _field_faults(file_name: str, fields: Mapping[str, str], version: str) -> Iterator[str]:
    yield from (f"its control file has no {name}" for name in REQUIRED if not fields.get(name))
    said = f"{fields.get('Package')}_{fields.get('Version')}_{fields.get('Architecture')}.deb"
    if said != file_name:
        yield f"its control file calls it {said}"
    elif fields.get("Version") != version:
        yield f"its version is {fields.get('Version')}, not {version}"


def _sum_faults(md5sums: str, conffiles: Collection[str], files: Mapping[str, Member]) -> Iterator[str]:
    lines = (line.split("  ", 1) for line in md5sums.splitlines())
    sums = {line[1]: line[0] for line in lines if len(line) == 2}
    kept = {name.removeprefix("/") for name in conffiles}
    yield from (f"{name} is in md5sums, but not in the package" for name in sorted(sums.keys() - files.keys()))
    yield from (f"{name} is in conffiles, but not in the package" for name in sorted(kept - files.keys()))
    for name, file in files.items():
        if name.startswith("etc/") and name not in kept:
            yield f"{name} is not in conffiles: an upgrade would overwrite it"
        if name not in sums and name not in kept:
            yield f"{name} is not in md5sums"
        if sums.get(name, file.md5) != file.md5:
            yield f"{name} has another digest than md5sums says"


def _is_dull_program(name: str, file: Member) -> bool:
    return name.startswith("usr/bin/") and not file.mode & 0o111


def _plain(member: Member) -> str:
    return member.path.removeprefix("./")


def _texts(control: IO[bytes]) -> dict[str, str]:
    import tarfile

    control.seek(0)
    with tarfile.open(fileobj=io.BytesIO(control.read())) as archive:
        files = ((each.name.removeprefix("./"), archive.extractfile(each)) for each in archive if each.isreg())
        return {name: file.read().decode("utf-8", "replace") for name, file in files if file is not None}
