"""The main header of an RPM, put together from what the project says and what the package holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from slipway.packagers.rpm.cpio import is_big, mode_of
from slipway.packagers.rpm.facts import Facts, Relation
from slipway.packagers.rpm.header import LIMIT32, Value, Values, header
from slipway.packagers.rpm.items import Item
from slipway.packagers.rpm.tags import IMMUTABLE

_SHA256: Final = 8
_ALL: Final = 0xFFFFFFFF
Tags = dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """The compressed payload: how it was made, and the SHA-256 of what is stored and of what was compressed."""

    codec: str
    level: int
    sha256: str
    unpacked_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that the main header tells of a package, but for the payload."""

    facts: Facts
    items: tuple[Item, ...]
    requires: tuple[Relation, ...]
    provides: tuple[Relation, ...]
    scripts: Mapping[str, str]
    epoch: int


def main_header(plan: Plan, payload: Payload) -> bytes:
    """The main header, in one immutable region."""
    facts = plan.facts
    values: Values = {
        **_said(facts, plan.epoch),
        **_files(plan.items, plan.epoch),
        **_related("REQUIRE", (*plan.requires, *facts.requires)),
        **_related("PROVIDE", (*plan.provides, *facts.provides)),
        **_related("CONFLICT", facts.conflicts),
        **_related("OBSOLETE", facts.obsoletes),
        **_related("RECOMMEND", facts.recommends),
        **_related("SUGGEST", facts.suggests),
        **_scripts(plan.scripts),
        "PAYLOADFORMAT": "cpio",
        "PAYLOADCOMPRESSOR": payload.codec,
        "PAYLOADFLAGS": str(payload.level),
        "PAYLOADDIGEST": (payload.sha256,),
        "PAYLOADDIGESTALGO": _SHA256,
        "PAYLOADDIGESTALT": (payload.unpacked_sha256,),
    }
    return header(values, IMMUTABLE)


def _said(facts: Facts, epoch: int) -> Tags:
    tags: Tags = {
        "HEADERI18NTABLE": ("C",),
        "NAME": facts.package,
        "VERSION": facts.version,
        "RELEASE": facts.release,
        "SUMMARY": facts.summary,
        "DESCRIPTION": facts.description,
        "BUILDTIME": epoch,
        # The word by which rpm's world says that the machine does not matter.
        "BUILDHOST": "reproducible",
        "LICENSE": facts.license,
        "GROUP": facts.group,
        "OS": "linux",
        "ARCH": facts.architecture,
        "PLATFORM": f"{facts.architecture}-linux",
        "SOURCERPM": f"{facts.source}-{facts.version}-{facts.release}.src.rpm",
        # rpm takes a package without it for one of the nineties.
        "RPMVERSION": "slipway",
        "ENCODING": "utf-8",
        "CHANGELOGTIME": [epoch],
        "CHANGELOGNAME": (f"{facts.packager or facts.package} - {facts.evr}",),
        "CHANGELOGTEXT": (f"- Release {facts.version}.",),
    }
    tags |= {name: text for name, text in _optional(facts).items() if text}
    return tags | ({"EPOCH": facts.epoch} if facts.epoch else {})


def _optional(facts: Facts) -> Mapping[str, str]:
    return {"VENDOR": facts.vendor, "PACKAGER": facts.packager, "URL": facts.url}


def _files(items: Sequence[Item], epoch: int) -> Tags:
    if not items:
        return {"SIZE": 0}
    sizes = [item.entry.size for item in items]
    total, big = sum(sizes), is_big(item.entry for item in items)
    capabilities = [item.capabilities for item in items]
    return {
        "LONGSIZE" if total >= LIMIT32 else "SIZE": total,
        "LONGFILESIZES" if big else "FILESIZES": sizes,
        "FILEMODES": [mode_of(item.entry) for item in items],
        "FILEMTIMES": [epoch] * len(items),
        "FILEDIGESTS": [item.entry.sha256 for item in items],
        "FILEDIGESTALGO": _SHA256,
        "FILEFLAGS": [item.flags for item in items],
        "FILECAPS": capabilities if any(capabilities) else [],
        **_places(items),
        **_alike(len(items)),
    }


def _alike(count: int) -> Tags:
    """What is the same for every file: they are root's, no links, nothing is special about them."""
    return {
        "FILEUSERNAME": ["root"] * count,
        "FILEGROUPNAME": ["root"] * count,
        "FILELINKTOS": [""] * count,
        "FILELANGS": [""] * count,
        "FILERDEVS": [0] * count,
        "FILEDEVICES": [1] * count,
        "FILEINODES": range(1, count + 1),
        "FILEVERIFYFLAGS": [_ALL] * count,
    }


def _places(items: Iterable[Item]) -> Tags:
    parts = [item.path.rpartition("/") for item in items]
    folders = {folder: None for folder, _, _ in parts}
    numbers = {folder: number for number, folder in enumerate(folders)}
    return {
        "BASENAMES": [name for _, _, name in parts],
        "DIRNAMES": [f"{folder}/" for folder in folders],
        "DIRINDEXES": [numbers[folder] for folder, _, _ in parts],
    }


def _related(kind: str, relations: Iterable[Relation]) -> Tags:
    found = sorted(set(relations))
    return {
        f"{kind}NAME": [each.name for each in found],
        f"{kind}VERSION": [each.version for each in found],
        f"{kind}FLAGS": [each.flags for each in found],
    }


def _scripts(scripts: Mapping[str, str]) -> Tags:
    return {**scripts, **{f"{name}PROG": "/bin/sh" for name in scripts}}
