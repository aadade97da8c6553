"""What an RPM needs and provides, read from its programs, libraries and scripts, in the spelling of rpm's own generators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from slipway.binaries import Binary
from slipway.packagers.entries import Entry
from slipway.packagers.programs import is_of_glibc, read_binaries
from slipway.packagers.rpm.cpio import is_big
from slipway.packagers.rpm.facts import EQUAL, LESS, Facts, Relation
from slipway.packagers.rpm.items import Item

# include/rpm/rpmds.h, rpmsenseFlags.
_INTERP, _PRE, _POST, _PREUN, _POSTUN = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12
_FOUND, _OFFERED, _RPMLIB, _CONFIG = 1 << 14, 1 << 15, 1 << 24, 1 << 28
_PHASES: Final[Mapping[str, int]] = {"PREIN": _PRE, "POSTIN": _POST, "PREUN": _PREUN, "POSTUN": _POSTUN}
_ISA: Final[Mapping[str, str]] = {"x86_64": "x86-64", "aarch64": "aarch-64"}
_64BIT: Final = frozenset({"amd64", "arm64", "riscv64"})
_SEARCHED: Final = re.compile(r"usr/lib(?:64)?/[^/]+")
_SHEBANG: Final = re.compile(rb"#![ \t]*(/[^\s\x00]+)")
_COMPRESSED: Final[Mapping[str, dict[str, str]]] = {
    "xz": {"PayloadIsXz": "5.2-1"},
    "zstd": {"PayloadIsZstd": "5.4.18-1"},
}


def binaries_of(files: Iterable[Entry], known: Mapping[str, Binary]) -> Mapping[str, Binary]:
    """The programs and libraries among files, by path; `known` is what was recorded when they were built, by digest."""
    # What lies elsewhere and is not to be run is data, whatever it begins with.
    return read_binaries((each for each in files if each.role in {"bin", "lib"} or each.mode & 0o111), known)


def found_needs(files: Iterable[Entry], binaries: Mapping[str, Binary], architecture: str) -> Iterator[Relation]:
    """What programs and scripts need that the package itself does not have."""
    packed = {each.path: each for each in files}
    # What is for other machines or systems is data here.
    mine = {path: each for path, each in binaries.items() if (each.family, each.arch) == ("linux", architecture)}
    own = {path.rpartition("/")[2] for path in packed} | {each.soname for each in mine.values()}
    for binary in mine.values():
        outside = [library for library in binary.libraries if library not in own]
        yield from (Relation(name, flags=_FOUND) for library in outside for name in _spelled(library, binary))
        if any(map(is_of_glibc, outside)):
            yield Relation("rtld(GNU_HASH)", flags=_FOUND)
    scripts = (each for path, each in packed.items() if each.mode & 0o111 and path not in binaries)
    interpreters = {name for each in scripts if (name := _interpreter(each)) and name.lstrip("/") not in packed}
    yield from (Relation(name, flags=_FOUND) for name in interpreters)


def offered(binaries: Mapping[str, Binary], facts: Facts, architecture: str, *, configured: bool) -> Iterator[Relation]:
    """What every package of the name provides, and the libraries that are where the system's loader looks."""
    yield Relation(facts.package, facts.evr, EQUAL)
    if isa := _ISA.get(facts.architecture):
        yield Relation(f"{facts.package}({isa})", facts.evr, EQUAL)
    if configured:
        yield Relation(f"config({facts.package})", facts.evr, EQUAL | _CONFIG)
    for path, each in binaries.items():
        if each.soname and _SEARCHED.fullmatch(path) and (each.family, each.arch) == ("linux", architecture):
            yield Relation(f"{each.soname}(){_mark(each)}", flags=_OFFERED)


def scripted(scripts: Mapping[str, str], *, services: bool) -> Iterator[Relation]:
    """What has to be there before a package's scriptlets run: a shell, and systemd where they are about services."""
    phases = sum(_PHASES[name] for name in scripts)
    if phases:
        yield Relation("/bin/sh", flags=_INTERP | phases)
        if services:
            yield Relation("systemd", flags=phases)


def abilities(facts: Facts, items: Iterable[Item], codec: str) -> Iterator[Relation]:
    """What rpm itself has to be able to do, with the versions in which it learnt that (lib/rpmds.c)."""
    packed = tuple(items)
    wanted = {"CompressedFileNames": "3.0.4-1", "FileDigests": "4.6.0-1", "PayloadFilesHavePrefix": "4.0-1"}
    wanted |= _COMPRESSED.get(codec, {})
    if is_big(item.entry for item in packed):
        wanted["LargeFiles"] = "4.12.0-1"
    if any(item.capabilities for item in packed):
        wanted["FileCaps"] = "4.6.1-1"
    related = (*facts.requires, *facts.provides, *facts.conflicts)
    if "~" in facts.evr or any("~" in each.version for each in related):
        wanted["TildeInVersions"] = "4.10.0-1"
    if "^" in facts.evr or any("^" in each.version for each in related):
        wanted["CaretInVersions"] = "4.15.0-1"
    yield from (Relation(f"rpmlib({name})", version, _RPMLIB | LESS | EQUAL) for name, version in wanted.items())


def configured_need(facts: Facts) -> Relation:
    """The need for one's own configuration, which rpm adds where there is some."""
    return Relation(f"config({facts.package})", facts.evr, EQUAL | _CONFIG)


def _spelled(library: str, binary: Binary) -> Iterator[str]:
    yield f"{library}(){_mark(binary)}" if _mark(binary) else library
    yield from (f"{library}({version}){_mark(binary)}" for version in binary.versions.get(library, ()))


def _mark(binary: Binary) -> str:
    return "(64bit)" if binary.arch in _64BIT else ""


def _interpreter(entry: Entry) -> str:
    head = entry.data[:256]
    if entry.source is not None:
        with Path(entry.source).open("rb") as file:
            head = file.read(256)
    match = _SHEBANG.match(head)
    return match[1].decode("utf-8", "replace") if match else ""
