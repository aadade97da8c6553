"""Check an RPM from outside: its form, every digest that it holds, its files, its scriptlets."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from slipway import process
from slipway.contents import Contents, File
from slipway.errors import VerificationError
from slipway.layout import Folders, destination
from slipway.manifest import Manifest
from slipway.verify.rpm_format import LEAD_SIZE, MAIN, SIGNATURE, Header, lead_faults, parse_header, read_header
from slipway.verify.rpm_payload import CONFIG, DOC, GHOST, LICENSE, Listed, Packed, Payload, listed
from slipway.version import rpm_spellings

_SCRIPTS: Final[Mapping[int, str]] = {1023: "%pre", 1024: "%post", 1025: "%preun", 1026: "%postun"}
_REQUIRED: Final[Mapping[int, str]] = {
    1000: "name",
    1001: "version",
    1002: "release",
    1004: "summary",
    1014: "license",
    1021: "system",
    1022: "architecture",
    1124: "payload format",
}
_SIZES: Final = frozenset({270, 271, 1000, 1007})
_SIGNED: Final = frozenset({267, 268})
_NEEDED: Final[Mapping[str, str]] = {"xz": "rpmlib(PayloadIsXz)", "zstd": "rpmlib(PayloadIsZstd)"}
_ALWAYS: Final = ("rpmlib(CompressedFileNames)", "rpmlib(FileDigests)", "rpmlib(PayloadFilesHavePrefix)")
# What a package holds beside its distribution.
_MADE: Final = re.compile(r"/usr/lib/(?:systemd/system/[^/]+\.(?:service|socket|timer)|(?:sysusers|tmpfiles)\.d/[^/]+\.conf)")
_LICENSES: Final = re.compile(r"(?:LICEN[CS]E|COPYING|UNLICENSE|NOTICE)(?:[-_.].*)?", re.IGNORECASE)
_EVERYBODY_S: Final = (
    "/",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib/systemd/system",
    "/usr/share",
    "/usr/share/doc",
    "/etc",
    "/var",
)
_MD5_SIZE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """An RPM whose headers could be read; the file stands where the payload begins."""

    lead: bytes
    signature: Header
    main: Header
    padding: bytes


def rpm_faults(path: Path, contents: Contents | None, manifest: Manifest | None) -> Iterator[str]:
    """Say what is wrong with a package; `contents` lists the files of its distribution where they are known.

    Without a manifest it is somebody else's package, of which only what holds for every RPM is checked. Signatures are
    not judged here: that takes the key.
    """
    with path.open("rb") as file:
        parts = _read(file)
        yield from _header_faults(parts, path.stat().st_size)
        items = listed(parts.main)
        md5 = hashlib.md5(parts.main.raw, usedforsecurity=False)
        payload = Payload(file, parts.main, md5)
        packed = tuple(payload.files(items))
    yield from _payload_faults(parts, payload, md5.digest())
    yield from _said_faults(parts.main)
    yield from _listed_faults(items)
    yield from _file_faults(items, packed)
    yield from _script_faults(parts.main)
    if manifest is not None:
        yield from _own_faults(path.name, parts, items, manifest)
        yield from _order_faults(items, packed)
        if contents is not None:
            yield from _compared(items, packed, contents, manifest.name, parts.main.text(1000))


def _read(file: IO[bytes]) -> _Parts:
    lead = file.read(LEAD_SIZE)
    if lead[:4] != b"\xed\xab\xee\xdb":
        raise VerificationError("it is no RPM: it does not begin as one")
    raw = read_header(file, SIGNATURE)
    signature = parse_header(raw, SIGNATURE)
    padding = file.read(-len(raw) % 8)
    main = read_header(file, MAIN)
    for tag, algorithm in ((273, "sha256"), (269, "sha1")):
        said = signature.text(tag)
        if said and hashlib.new(algorithm, main, usedforsecurity=False).hexdigest() != said:
            raise VerificationError(f"its header has another {algorithm} digest than its signature header says")
    return _Parts(lead=lead, signature=signature, main=parse_header(main, MAIN), padding=padding)


def _header_faults(parts: _Parts, size: int) -> Iterator[str]:
    start = LEAD_SIZE + len(parts.signature.raw) + len(parts.padding)
    if (said := parts.signature.number(270, 1000)) is not None and said != size - start:
        yield f"its header and payload have {size - start} bytes, its signature header says {said}"
    if any(parts.padding):
        yield "the padding behind its signature header is not empty"


def _payload_faults(parts: _Parts, payload: Payload, md5: bytes) -> Iterator[str]:
    main, signature = parts.main, parts.signature
    # Algorithm 8 is SHA-256; rpm knows others, but writes this one.
    if main.number(5093) == 8:
        if (said := main.text(5092)) != payload.stored:
            yield f"its payload has the sha256 digest {payload.stored}, its header says {said}"
        if (said := main.text(5097)) and said != payload.unpacked:
            yield f"its unpacked payload has the sha256 digest {payload.unpacked}, its header says {said}"
    if 1004 in signature.tags and signature.tags[1004] != md5:
        yield "its header and payload have another md5 digest than its signature header says"
    if (size := signature.number(271, 1007)) is not None and size != payload.size:
        yield f"its unpacked payload has {payload.size} bytes, its signature header says {size}"


def _said_faults(main: Header) -> Iterator[str]:
    yield from (f"its header tells no {name}" for tag, name in _REQUIRED.items() if not main.text(tag))
    for names, versions, flags in ((1047, 1113, 1112), (1049, 1050, 1048), (1054, 1055, 1053), (1090, 1115, 1114)):
        if len({len(main.list(tag)) for tag in (names, versions, flags)}) > 1:
            yield "its lists of what it needs and provides do not have one length"


def _listed_faults(items: Iterable[Listed]) -> Iterator[str]:
    paths = [item.path for item in items]
    yield from (f"{path} is there twice" for path in sorted({path for path, count in Counter(paths).items() if count > 1}))
    yield from (f"{path} points out of its folder" for path in paths if ".." in path.split("/"))


def _file_faults(items: Iterable[Listed], packed: Iterable[Packed]) -> Iterator[str]:
    wanted, found = {item.path: item for item in items}, {each.path: each for each in packed}
    yield from (f"{path} is in the payload, but not in the header" for path in sorted(found.keys() - wanted.keys()))
    for path, item in wanted.items():
        if path in found:
            yield from _differences(item, found[path])
        elif not item.flags & GHOST:
            yield f"{path} is in the header, but not in the payload"


def _differences(item: Listed, each: Packed) -> Iterator[str]:
    if each.mode != item.mode:
        yield f"{item.path} has the mode {each.mode:o} in the payload, {item.mode:o} in the header"
    # All but the last of the names of one file come without its bytes.
    if item.is_file and not (each.links > 1 and each.size == 0):
        if each.size != item.size:
            yield f"{item.path} has {each.size} bytes, the header says {item.size}"
        elif each.digest != item.digest:
            yield f"{item.path} has another digest than the header says"
    if item.link and each.text != item.link.encode("utf-8", "surrogateescape"):
        yield f"{item.path} points elsewhere than the header says"


def _script_faults(main: Header) -> Iterator[str]:
    for tag, name in _SCRIPTS.items():
        text, program = main.text(tag), main.text(tag + 62)
        if text and program == "/bin/sh":
            done = process.run(["sh", "-n"], stdin=text, check=False)
            if done.code:
                yield f"a shell cannot read its {name}: {done.output.strip()}"


def _own_faults(file_name: str, parts: _Parts, items: Iterable[Listed], manifest: Manifest) -> Iterator[str]:
    """What slipway promises of its own packages."""
    main = parts.main
    label = "-".join(main.text(tag) for tag in (1000, 1001, 1002))
    yield from lead_faults(parts.lead, label, main.text(1022))
    yield from (*parts.signature.oddities, *main.oddities)
    if (said := f"{label}.{main.text(1022)}.rpm") != file_name:
        yield f"its header calls it {said}"
    if main.text(1001) not in (wanted := rpm_spellings(manifest.version)):
        yield f"its version is {main.text(1001)}, not {wanted[0]}"
    if {main.number(1006), *(item.time for item in items)} != {manifest.epoch}:
        yield "the times in it are not the release's"
    if not main.text(1044).endswith(".src.rpm"):
        yield "it does not say from which source package it is, so rpm takes it for one"
    raw = [item.path.encode("utf-8", "surrogateescape") for item in items]
    if raw != sorted(raw):
        yield "its list of files is not sorted"
    yield from (*_digest_gaps(parts), *_need_faults(main))
    yield from (fault for item in items for fault in _item_faults(item))


def _digest_gaps(parts: _Parts) -> Iterator[str]:
    signature = parts.signature
    digests = {273: "header", 269: "header", 1004: "payload"}
    yield from (f"it has no digest {tag} of its {what}" for tag, what in digests.items() if not signature.tags.get(tag))
    if signature.number(270, 1000) is None or signature.number(271, 1007) is None:
        yield "its signature header does not tell the sizes of its payload"
    strange = signature.tags.keys() - digests.keys() - _SIZES - _SIGNED
    yield from (f"there is something strange in its signature header: {tag}" for tag in sorted(strange))
    if parts.main.number(5093) != 8 or not parts.main.text(5092) or not parts.main.text(5097):
        yield "it has no digests of its payload"


def _item_faults(item: Listed) -> Iterator[str]:
    if not item.path.startswith("/") or "//" in item.path:
        yield f"{item.path} is no absolute path"
    if item.owner != "root:root":
        yield f"{item.path} belongs to {item.owner}, not to root"
    if item.path.startswith("/usr/bin/") and not item.mode & 0o111:
        yield f"{item.path} cannot be run"
    if item.path in _EVERYBODY_S:
        yield f"{item.path} belongs to the system, not to a package"


def _need_faults(main: Header) -> Iterator[str]:
    wanted = {*_ALWAYS, *((_NEEDED[codec],) if (codec := main.text(1125)) in _NEEDED else ())}
    yield from (f"it does not say that it needs {name}" for name in sorted(wanted - set(main.list(1049))))
    name, version, release = (main.text(tag) for tag in (1000, 1001, 1002))
    epoch = main.number(1003)
    evr = f"{epoch}:" * (epoch is not None) + f"{version}-{release}"
    if (name, evr) not in zip(main.list(1047), main.list(1113), strict=False):
        yield f"it does not provide {name} = {evr}"


def _order_faults(items: Iterable[Listed], packed: Iterable[Packed]) -> Iterator[str]:
    wanted = [(item.path, item.time) for item in items if not item.flags & GHOST]
    if wanted != [(each.path, each.time) for each in packed]:
        yield "its payload has not the order and the times of its header"


def _compared(items: Iterable[Listed], packed: Iterable[Packed], contents: Contents, name: str, package: str) -> Iterator[str]:
    found, flags = {each.path: each for each in packed}, {item.path: item.flags for item in items}
    wanted = {_place(file, name, package, found): file for file in contents.files}
    for path, file in wanted.items():
        if path not in found or file.sha256 not in {found[path].sha256, found[path].plain}:
            yield f"{file.path} of the distribution is not in it"
        elif found[path].mode & 0o7777 != file.mode:
            yield f"{path} has the mode {found[path].mode & 0o7777:04o}, not {file.mode:04o}"
        elif (mark := _mark(path)) and not flags[path] & mark:
            yield f"{path} is not marked as what it is: configuration, a license or documentation"
    folders = {str(above) for path in found if found[path].sha256 for above in PurePosixPath(path).parents}
    for item in items:
        if not item.is_file and item.path not in folders:
            yield f"{item.path} is a folder of no file of the distribution"
        elif item.is_file and item.path not in wanted and not item.flags & GHOST:
            yield from _made_faults(item)


def _made_faults(item: Listed) -> Iterator[str]:
    if not _MADE.fullmatch(item.path):
        yield f"{item.path} is not among the distribution's files"
    elif item.mode & 0o7777 != 0o644:
        yield f"{item.path} has the mode {item.mode & 0o7777:04o}, not 0644"


def _place(file: File, name: str, package: str, found: Mapping[str, Packed]) -> str:
    """Where a file of a distribution is in the package."""
    if "/" not in file.path and _LICENSES.fullmatch(file.path):
        return f"/usr/share/licenses/{package}/{file.path}"
    path = destination(file.path, name, Folders.packaged(name, package))
    return path if path in found else f"{path}.gz" if f"{path}.gz" in found else path


def _mark(path: str) -> int:
    rows = {"/etc/": CONFIG, "/usr/share/licenses/": LICENSE, "/usr/share/doc/": DOC, "/usr/share/man/": DOC}
    return next((mark for prefix, mark in rows.items() if path.startswith(prefix)), 0)
