"""Check a Debian package from outside: its members, its fields, its sums."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from slipway.contents import Contents
from slipway.errors import VerificationError
from slipway.verify.members import FILE, Member, members_of, misplaced

REQUIRED: Final = ("Package", "Version", "Architecture", "Maintainer", "Description", "Installed-Size")
_MAGIC: Final = b"!<arch>\n"
_SCRIPTS: Final = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})


def deb_faults(path: Path, contents: Contents | None) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known."""
    parts = ar_members(path.read_bytes())
    names = list(parts)
    if len(names) != 3 or names[0] != "debian-binary" or not names[1].startswith("control.tar") or "data.tar" not in names[2]:
        raise VerificationError(f"it holds {', '.join(names) or 'nothing'}, not debian-binary, control.tar and data.tar")
    if not parts["debian-binary"].startswith(b"2."):
        yield "its format is not 2.x"
    texts = _texts(parts[names[1]])
    data = list(members_of(path, io.BytesIO(parts[names[2]]), names[2]))
    control = list(members_of(path, io.BytesIO(parts[names[1]]), names[1]))
    yield from (*misplaced(control), *misplaced(data))
    yield from (f"{each.path} cannot be run" for each in control if _plain(each) in _SCRIPTS and not each.mode & 0o111)
    files = {_plain(member): member for member in data if member.type == FILE}
    yield from _field_faults(path.name, fields_of(texts.get("control", "")))
    yield from _sum_faults(texts.get("md5sums", ""), texts.get("conffiles", "").splitlines(), files)
    yield from (f"usr/bin: {name} cannot be run" for name, file in files.items() if _is_dull_program(name, file))
    if contents is not None:
        packed = {member.sha256 for member in files.values()}
        yield from (f"{file.path} of the distribution is not in it" for file in contents.files if file.sha256 not in packed)


def ar_members(data: bytes) -> dict[str, bytes]:
    """Read an ar archive; raises VerificationError when its structure is broken."""
    if not data.startswith(_MAGIC):
        raise VerificationError("it is no ar archive")
    found: dict[str, bytes] = {}
    place = len(_MAGIC)
    while place < len(data):
        header = data[place : place + 60]
        size = header[48:58].decode("ascii", "replace").strip()
        end = place + 60 + int(size) if size.isdecimal() else 0
        if len(header) < 60 or header[58:] != b"`\n" or not place < end <= len(data):
            raise VerificationError(f"its structure is broken at byte {place}")
        found[header[:16].decode("ascii", "replace").rstrip(" /")] = data[place + 60 : end]
        place = end + end % 2
    return found


def fields_of(text: str) -> dict[str, str]:
    """The fields of a control file, without their further lines."""
    return {match[1]: match[2].strip() for match in re.finditer(r"^([A-Za-z][A-Za-z0-9-]*):(.*)$", text, re.MULTILINE)}


def _field_faults(file_name: str, fields: Mapping[str, str]) -> Iterator[str]:
    yield from (f"its control file has no {name}" for name in REQUIRED if not fields.get(name))
    said = f"{fields.get('Package')}_{fields.get('Version')}_{fields.get('Architecture')}.deb"
    if said != file_name:
        yield f"its control file calls it {said}"


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


def _texts(control: bytes) -> dict[str, str]:
    import lzma
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(control)) as archive:
            files = ((each.name.removeprefix("./"), archive.extractfile(each)) for each in archive if each.isreg())
            return {name: file.read().decode("utf-8", "replace") for name, file in files if file is not None}
    except (tarfile.TarError, lzma.LZMAError, EOFError, OSError) as error:
        raise VerificationError(f"its control archive is damaged: {error}") from error
