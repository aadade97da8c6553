"""The copyright file of a Debian package, machine-readable (DEP-5)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from slipway.render import render

# Debian has these texts on every system, so a package refers to them (policy 12.5).
COMMON: Final[Mapping[str, str]] = {
    "Apache-2.0": "Apache-2.0",
    "Artistic-1.0": "Artistic",
    "BSD-3-Clause-UC": "BSD",
    "CC0-1.0": "CC0-1.0",
    "GFDL-1.2": "GFDL-1.2",
    "GFDL-1.3": "GFDL-1.3",
    "GPL-1.0": "GPL-1",
    "GPL-2.0": "GPL-2",
    "GPL-3.0": "GPL-3",
    "LGPL-2.0": "LGPL-2",
    "LGPL-2.1": "LGPL-2.1",
    "LGPL-3.0": "LGPL-3",
    "MPL-1.1": "MPL-1.1",
    "MPL-2.0": "MPL-2.0",
}
# What the licence is called when the project gives it no name.
UNKNOWN: Final = "unnamed"
_FILES: Final = re.compile(r"(LICEN[CS]E|COPYING)([-_.].*)?", re.IGNORECASE)


def copyright_text(facts: Mapping[str, str], documents: Sequence[Path], epoch: int, overrides: Path) -> bytes:
    """Render the copyright file; `facts` are the project's name, maintainer, homepage and license."""
    choices = alternatives(facts["license"])
    names = dict.fromkeys(name for choice in choices for name in choice)
    text = render(
        "templates/deb/copyright.j2",
        overrides=overrides,
        expression=" or ".join(" and ".join(_short(name) for name in choice) for choice in choices),
        licenses=[{"name": _short(name), "lines": _lines(name, documents)} for name in names],
        year=time.gmtime(epoch).tm_year,
        **{key: facts[key] for key in ("name", "maintainer", "homepage")},
    )
    return text.encode()


def alternatives(expression: str) -> tuple[tuple[str, ...], ...]:
    """What an SPDX expression lets one choose from: each a tuple of licences that hold together.

    DEP-5 has no parentheses, and `and` binds more tightly than `or`; every expression can be said that way.
    """
    if not expression.strip():
        return ((UNKNOWN,),)
    tokens = re.findall(r"\(|\)|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression.replace("/", " OR "), re.IGNORECASE)
    return _either(tokens)


def _either(tokens: list[str]) -> tuple[tuple[str, ...], ...]:
    found = _both(tokens)
    while tokens and tokens[0].upper() == "OR":
        tokens.pop(0)
        found += _both(tokens)
    return tuple(dict.fromkeys(found))


def _both(tokens: list[str]) -> tuple[tuple[str, ...], ...]:
    found = _one(tokens)
    while tokens and tokens[0].upper() == "AND":
        tokens.pop(0)
        found = tuple(tuple(dict.fromkeys((*left, *right))) for left, right in product(found, _one(tokens)))
    return found


def _one(tokens: list[str]) -> tuple[tuple[str, ...], ...]:
    first = tokens.pop(0) if tokens else UNKNOWN
    if first != "(":
        return ((first,),)
    found = _either(tokens)
    del tokens[:1]
    return found


def _short(name: str) -> str:
    license_name, _, exception = re.sub(r"\s+WITH\s+", "\0", name, flags=re.IGNORECASE).partition("\0")
    return f"{license_name} with {exception} exception" if exception else license_name


def _lines(name: str, documents: Sequence[Path]) -> list[str]:
    base = name.split(maxsplit=1)[0].removesuffix("-only").removesuffix("-or-later").removesuffix("+")
    if common := COMMON.get(base):
        return ["On Debian systems, the full text of this license is in", f"/usr/share/common-licenses/{common}."]
    texts = [path for path in documents if _FILES.fullmatch(path.name)]
    own = [path for path in texts if base.split("-")[0].lower() in path.name.lower()]
    for path in (*own, *texts):
        return [line.rstrip() for line in path.read_text(encoding="utf-8", errors="replace").strip().splitlines()]
    if base == UNKNOWN:
        return ["The project does not say under which license it is."]
    return [f"The terms of the license are those that SPDX lists as {base}."]
