"""The triggers of a Debian package (deb-triggers(5)), and the libraries that others may link with (deb-shlibs(5))."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from slipway.binaries import Binary
from slipway.packagers.deb.control import Facts

_PUBLIC: Final = re.compile(r"(?:usr/)?lib/(?:[a-z0-9_]+-linux-gnu[a-z0-9]*/)?[^/]+\.so(?:\.[0-9.]+)?")
_SONAME: Final = re.compile(r"(?P<name>.+)\.so\.(?P<version>.+)|(?P<other>.+)-(?P<number>\d[^-]*)\.so")


def triggers(facts: Facts, binaries: Mapping[str, Binary]) -> str:
    """The triggers file: what the project says, and the loader's cache when there is a library for all; perhaps empty."""
    lines = dict.fromkeys((*facts.triggers, *(("activate-noawait ldconfig",) if sonames(binaries) else ())))
    return "".join(f"{line}\n" for line in lines)


def shlibs(facts: Facts, binaries: Mapping[str, Binary]) -> str:
    """The shlibs file: which package a program needs that was linked with one of these libraries; perhaps empty."""
    found = (_SONAME.fullmatch(soname) for soname in sonames(binaries))
    names = {(match["name"] or match["other"], match["version"] or match["number"]) for match in found if match}
    return "".join(f"{name} {version} {facts.package} (>= {facts.upstream})\n" for name, version in sorted(names))


def sonames(binaries: Mapping[str, Binary]) -> tuple[str, ...]:
    """The names under which the loader finds the libraries in its own folders."""
    return tuple(sorted({each.soname for path, each in binaries.items() if each.soname and _PUBLIC.fullmatch(path)}))
