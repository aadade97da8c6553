"""Check a FreeBSD package from outside: its members and their order, its two manifests, its sums, its scripts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from slipway import process
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.files import CHUNK
from slipway.layout import Folders, role_of
from slipway.manifest import Manifest
from slipway.services.rcd import CRON
from slipway.verify.unpacking import Unpacked

if TYPE_CHECKING:
    import tarfile

ZSTD: Final = b"\x28\xb5\x2f\xfd"
XZ: Final = b"\xfd7zXZ\0"
REQUIRED: Final = ("name", "origin", "version", "comment", "maintainer", "www", "abi", "arch", "prefix", "flatsize", "desc")
_MANIFESTS: Final = ("+COMPACT_MANIFEST", "+MANIFEST")
_ABI: Final = re.compile(r"FreeBSD:(?:\d+|\*):(?:amd64|aarch64|i386|\*)")
# What only the whole manifest says.
_INSIDE: Final = frozenset({"files", "directories", "config", "scripts", "lua_scripts"})
_FILE, _FOLDER, _LINK, _OTHER = "file", "folder", "link", "device"
# A manifest that lists a million files has some 200 MB.
_LARGEST: Final = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One member of a package; `owner` is `USER:GROUP`, `inside` the digest of what a compressed manual page unpacks to."""

    kind: str
    mode: int
    owner: str
    size: int = 0
    sha256: str = ""
    inside: str = ""
    script: str = ""


@dataclass(slots=True, kw_only=True)
class Package:
    """A package taken apart: its manifests, and its members in their order."""

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, Held] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    @property
    def whole(self) -> dict[str, Any]:
        """What `+MANIFEST` says."""
        return self.manifests["+MANIFEST"]

    def table(self, key: str) -> dict[str, Any]:
        """A table of the whole manifest; its keys are decoded."""
        found = self.whole.get(key, {})
        if not isinstance(found, dict):
            raise VerificationError(f"{key} of its manifest is no table")
        return {unquote(name): value for name, value in found.items()}


def freebsd_faults(path: Path, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known.

    Without a manifest it is somebody else's package, of which only what holds for every FreeBSD package is checked.
    """
    found = _read(path)
    yield from found.faults
    yield from _manifest_faults(found)
    yield from _sum_faults(found)
    yield from _script_faults(found)
    if manifest is not None:
        yield from _own_faults(path.name, found, manifest)
    if contents is not None and manifest is not None:
        yield from _compared(found, contents, manifest.name)


def _read(path: Path) -> Package:
    import tarfile
    import zlib
    from lzma import LZMAError

    try:
        with path.open("rb") as file:
            suffix = ".xz" if file.read(len(XZ)) == XZ else ".zst"
            file.seek(0)
            found = _taken_apart(file, suffix)
    except (tarfile.TarError, zlib.error, LZMAError, EOFError, OSError, ValueError, RecursionError) as error:
        raise VerificationError(f"it is damaged: {error}") from error
    if missing := [name for name in _MANIFESTS if name not in found.manifests]:
        raise VerificationError(f"it has no {' and no '.join(missing)}")
    return found


def _taken_apart(file: IO[bytes], suffix: str) -> Package:
    import tarfile

    found = Package()
    with tarfile.open(fileobj=Unpacked(file, suffix), mode="r|", encoding="utf-8", errors="strict") as archive:
        for index, each in enumerate(archive):
            _take(found, index, archive, each)
        # A reader of tar stops at the end mark; what comes after it is unpacked too, so that checksums are checked.
        assert archive.fileobj is not None
        while rest := archive.fileobj.read(CHUNK):
            if rest.strip(b"\0"):
                raise ValueError("there is something behind the end of the archive")
    return found


def _take(found: Package, index: int, archive: tarfile.TarFile, each: tarfile.TarInfo) -> None:
    if index < len(_MANIFESTS) and each.name != _MANIFESTS[index]:
        found.faults.append(f"member {index + 1} is {each.name}, not {_MANIFESTS[index]}")
    if each.name in _MANIFESTS and each.isreg():
        if each.size > _LARGEST:
            raise ValueError(f"{each.name} says that it has {each.size} bytes")
        found.manifests[each.name] = _object(each.name, _bytes(archive, each))
        return
    name = each.name.rstrip("/")
    if not name.startswith("/") or {"", ".", ".."} & set(name.split("/")[1:]):
        found.faults.append(f"{each.name} is not a plain path from the root")
    if name in found.members:
        found.faults.append(f"{name} is there twice")
    found.members[name] = _held(archive, each)


def _held(archive: tarfile.TarFile, each: tarfile.TarInfo) -> Held:
    owner = f"{each.uname}:{each.gname}"
    if not each.isreg():
        kind = _FOLDER if each.isdir() else _LINK if each.issym() or each.islnk() else _OTHER
        return Held(kind=kind, mode=each.mode, owner=owner)
    file = archive.extractfile(each)
    assert file is not None
    seen, size, first = hashlib.sha256(), 0, b""
    is_manual = "/man/" in each.name and each.name.endswith(".gz")
    while chunk := file.read(CHUNK):
        seen.update(chunk)
        first += chunk if size < CHUNK or is_manual else b""
        size += len(chunk)
    return Held(
        kind=_FILE,
        mode=each.mode,
        owner=owner,
        size=size,
        sha256=seen.hexdigest(),
        inside=_inside(first) if is_manual else "",
        script=first.decode("utf-8", "replace") if "/etc/rc.d/" in each.name else "",
    )


def _inside(data: bytes) -> str:
    import zlib

    try:
        text = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, _LARGEST)
    except zlib.error:
        return ""
    return hashlib.sha256(text).hexdigest()


def _bytes(archive: tarfile.TarFile, each: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(each)
    return b"" if file is None else file.read()


def _object(name: str, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise ValueError(f"its {name} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise VerificationError(f"its {name} is no table")
    return found


def _manifest_faults(found: Package) -> Iterator[str]:
    compact, whole = (found.manifests[name] for name in _MANIFESTS)
    yield from (f"its manifest has no {name}" for name in REQUIRED if whole.get(name) in {None, ""} and name != "www")
    yield from (f"its compact manifest lists {name}" for name in sorted(_INSIDE & compact.keys()))
    for name in sorted((compact.keys() | whole.keys()) - _INSIDE):
        if compact.get(name) != whole.get(name):
            yield f"its manifests differ in {name}"


def _sum_faults(found: Package) -> Iterator[str]:
    listed, folders = found.table("files"), found.table("directories")
    yield from (f"{name} is in the manifest, but not in the package" for name in sorted(listed.keys() - found.members.keys()))
    for name, held in found.members.items():
        if held.kind == _OTHER:
            yield f"{name} is a {_OTHER}"
        elif name not in (folders if held.kind == _FOLDER else listed):
            yield f"{name} is in the package, but not in the manifest"
        else:
            yield from _entry_faults(name, held, (folders if held.kind == _FOLDER else listed)[name])


def _entry_faults(name: str, held: Held, said: object) -> Iterator[str]:
    facts = said if isinstance(said, dict) else {"sum": said}
    digest = str(facts.get("sum", ""))
    kind, _, wanted = digest.rpartition("$")
    # pkg has other digests too; that of a link is of its text.
    if held.kind == _FILE and kind in {"", "1"} and wanted != held.sha256:
        yield f"{name} has another digest than the manifest says"
    if "perm" in facts and str(facts["perm"]) != f"0{held.mode:03o}":
        yield f"{name} has the mode 0{held.mode:03o}, the manifest says {facts['perm']}"
    owner = f"{facts.get('uname')}:{facts.get('gname')}"
    if "uname" in facts and owner != held.owner:
        yield f"{name} belongs to {held.owner}, the manifest says {owner}"


def _script_faults(found: Package) -> Iterator[str]:
    texts = {name: unquote(str(text)) for name, text in found.table("scripts").items()}
    texts |= {name: held.script for name, held in found.members.items() if held.script}
    for name, text in sorted(texts.items()):
        done = process.run(["sh", "-n"], stdin=text, check=False)
        if done.code:
            yield f"a shell cannot read its {name}: {done.output.strip()}"


def _own_faults(file_name: str, found: Package, manifest: Manifest) -> Iterator[str]:
    """What holds for the packages that slipway makes."""
    whole = found.whole
    if not file_name.startswith(f"{manifest.name}-{manifest.version}-"):
        yield f"its name is not one of {manifest.name} {manifest.version}"
    if not _is_spelling(str(whole.get("version")), manifest.version):
        yield f"its version is {whole.get('version')}, not {manifest.version}"
    if not _ABI.fullmatch(str(whole.get("abi"))):
        yield f"it is for {whole.get('abi')}, which is no FreeBSD"
    yield from _order_faults(found)
    for name, held in found.members.items():
        if held.kind == _LINK:
            yield f"{name} is a link: only files and folders are packed"
        elif held.kind == _FILE and held.owner != "root:wheel":
            yield f"{name} belongs to {held.owner}, not to root:wheel"
        elif name.startswith(("/usr/local/bin/", "/usr/local/etc/rc.d/")) and not held.mode & 0o111:
            yield f"{name} cannot be run"


def _order_faults(found: Package) -> Iterator[str]:
    files = {name: held for name, held in found.members.items() if held.kind == _FILE}
    if found.whole.get("flatsize") != (size := sum(held.size for held in files.values())):
        yield f"its files have {size} bytes, the manifest says {found.whole.get('flatsize')}"
    if list(found.members)[: len(files)] != sorted(files):
        yield "its files are not in their order"


def _is_spelling(said: str, version: str) -> bool:
    """Whether pkg's version may stand for a release: a pre-release begins with a letter behind the numbers."""
    core = re.split("[-+]", version)[0]
    rest = said.partition("+")[0].removeprefix(core)
    before = "-" in version.partition("+")[0]
    return said.startswith(core) and (re.fullmatch(r"\.[a-z].*", rest) is not None if before else rest == "")


def _compared(found: Package, contents: Contents, name: str) -> Iterator[str]:
    places = _places(contents, name, str(found.whole.get("name")))
    own = (f"{Folders.freebsd(name, '').units}/", f"{CRON}/")
    used = set()
    for place, file in places.items():
        held = found.members.get(place)
        packed = found.members.get(f"{place}.gz") if held is None else None
        if (held is None or held.sha256 != file.sha256) and (packed is None or packed.inside != file.sha256):
            yield f"{file.path} of the distribution is not in it"
        elif (mode := (held or packed or Held(kind="", mode=0, owner="")).mode) != file.mode:
            yield f"{place} has the mode {mode:04o}, not {file.mode:04o}"
        used.add(place if packed is None else f"{place}.gz")
    for place, held in found.members.items():
        if held.kind == _FILE and place not in used and not place.startswith(own):
            yield f"{place} is not among the distribution's files"


def _places(contents: Contents, name: str, package: str) -> Mapping[str, File]:
    """Where each file of a distribution is in the package; configuration is there as samples."""
    folders, found = Folders.freebsd(name, package), {}
    for file in contents.files:
        role, below = role_of(file.path, name)
        found[f"{folders.of(role)}/{below}{'.sample' if role == 'config' else ''}"] = file
    return found
