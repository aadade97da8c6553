"""The names that Windows Installer knows parts of a package by: identifiers, GUIDs and short file names, always the same."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

# One for all projects: what is derived from it must not change between releases of slipway.
_NAMESPACE: Final = uuid.UUID("6f1c4b0e-5a53-5d0c-9a1e-3f0d6f2f7c51")
_LONGEST: Final = 72
_SHORT: Final = re.compile(r"[A-Za-z0-9_-]{1,8}(?:\.[A-Za-z0-9_-]{1,3})?")


def upgrade_code(name: str, platform: str, scope: str, said: str = "") -> str:
    """The code that all releases of a project have in common on a platform, for machines or for users.

    A code that the project `said` itself is that of the packages for machines; the other is derived from it.
    """
    if said and scope == "machine":
        return _spelled(uuid.UUID(said))
    base = uuid.UUID(said) if said else _NAMESPACE
    return _spelled(uuid.uuid5(base, f"upgrade:{name}:{platform}:{scope}"))


def derived(code: str, kind: str, *what: str) -> str:
    """A GUID that stays the same as long as the upgrade code and what it stands for do."""
    return _spelled(uuid.uuid5(uuid.UUID(code), ":".join((kind, *what))))


def identifier(kind: str, path: str) -> str:
    """An identifier for a path: readable, unique, of at most 72 characters (Windows Installer, data type Identifier)."""
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    room = _LONGEST - len(kind) - len(digest) - 2
    return f"{kind}.{re.sub(r'[^A-Za-z0-9_.]', '_', path)[-room:]}.{digest}"


def file_names(names: Iterable[str]) -> Mapping[str, str]:
    """The names of one folder as the tables spell them: `SHORT|long` for a name that is not in the 8.3 form."""
    found = sorted(names)
    taken = {name.upper() for name in found if _SHORT.fullmatch(name)}
    last: dict[tuple[str, str], int] = {}
    return {name: name if _SHORT.fullmatch(name) else f"{_shortened(name, taken, last)}|{name}" for name in found}


def _shortened(name: str, taken: set[str], last: dict[tuple[str, str], int]) -> str:
    stem, dot, suffix = name.rpartition(".")
    base = _plain(stem if dot and stem else name)[:6] or "FILE"
    ending = f".{_plain(suffix)[:3]}" if dot and stem and _plain(suffix) else ""
    number = last.get((base, ending), 0)
    while True:
        number += 1
        short = f"{base[: 7 - len(str(number))]}~{number}{ending}"
        if short not in taken:
            taken.add(short)
            last[base, ending] = number
            return short


def _plain(text: str) -> str:
    return re.sub(r"[^A-Z0-9_-]", "", text.upper())


def _spelled(code: uuid.UUID) -> str:
    return f"{{{str(code).upper()}}}"
