"""The manifest of a FreeBSD package, with the keys, the order and the spelling of pkg-create(8)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from slipway.packagers.entries import Entry
from slipway.packagers.freebsd.facts import Facts
from slipway.packagers.freebsd.system import System

PREFIX: Final = "/usr/local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doings:
    """What a package does besides putting files in place.

    `accounts` are the users that it makes, `folders` those that it makes with the user that each belongs to, `scripts` have pkg's
    names, and `message` is what pkg says after the first installation.
    """

    accounts: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    message: str = ""


def manifests(facts: Facts, system: System, entries: Iterable[Entry], doings: Doings, epoch: int) -> tuple[bytes, bytes]:
    """The compact manifest, which is for catalogues, and the whole one, which lists files and holds scripts."""
    every = tuple(entries)
    said = _said(facts, system, sum(entry.size for entry in every), list(doings.accounts))
    inside = {
        "files": {encoded(entry.path): _file(entry, epoch) for entry in every},
        "directories": {encoded(path): _folder(user) for path, user in sorted(doings.folders.items())},
        "scripts": {name: encoded(text.strip()) for name, text in doings.scripts.items()},
    }
    last = {"messages": [{"message": doings.message.strip(), "type": "install"}] if doings.message else []}
    return _compact(said | last), _compact(said | inside | last)


def encoded(text: str) -> str:
    """A text as pkg keeps paths, descriptions and scripts: percent signs and all that is not ASCII as %xx."""
    return "".join(chr(byte) if byte < 0x80 and byte != 0x25 else f"%{byte:02x}" for byte in text.encode())


# No `conflicts`: pkg-add(8) refuses a package that names one which is not there. That the variants of a project have files in
# common, pkg sees by itself.
def _said(facts: Facts, system: System, size: int, users: list[str]) -> dict[str, Any]:
    return {
        "name": facts.package,
        "origin": facts.origin,
        "version": facts.version,
        "comment": facts.summary,
        "maintainer": facts.maintainer,
        "www": facts.homepage,
        "abi": system.abi,
        "arch": system.arch,
        "prefix": PREFIX,
        "flatsize": size,
        "licenselogic": facts.logic,
        "licenses": list(facts.licenses),
        "desc": encoded(facts.description.strip()),
        "deps": {name: {"origin": origin} for name, origin in sorted(facts.depends.items())},
        "categories": sorted(facts.categories),
        "users": users,
        "groups": users,
        "shlibs_required": list(system.libraries),
        "annotations": {"FreeBSD_version": system.oldest} if system.oldest else {},
    }


def _file(entry: Entry, epoch: int) -> dict[str, object]:
    # `1$` says that the digest is SHA-256 in hexadecimal.
    return {"sum": f"1${entry.sha256}", "uname": "root", "gname": "wheel", "perm": f"0{entry.mode:03o}", "mtime": epoch}


def _folder(user: str) -> dict[str, str]:
    return {"uname": user, "gname": "wheel" if user == "root" else user, "perm": "0750"}


def _compact(values: Mapping[str, Any]) -> bytes:
    """JSON without spaces; what is empty is left out, but for texts, which pkg wants to be there."""
    kept = {key: value for key, value in values.items() if value or isinstance(value, str | int)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
