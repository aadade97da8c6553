"""What a project says about one of its FreeBSD packages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from slipway.errors import UsageError
from slipway.model import Cell, Release
from slipway.packagers.choice import package_name
from slipway.packagers.freebsd.version import freebsd_version
from slipway.version import Version

# The names of the ports tree's Mk/bsd.licenses.db.mk for SPDX's identifiers; what is not here keeps SPDX's name.
_LICENSES: Final[Mapping[str, str]] = {
    "0BSD": "0BSD",
    "AGPL-3.0-only": "AGPLv3",
    "AGPL-3.0-or-later": "AGPLv3+",
    "Apache-2.0": "APACHE20",
    "Artistic-2.0": "ART20",
    "BSD-2-Clause": "BSD2CLAUSE",
    "BSD-3-Clause": "BSD3CLAUSE",
    "BSL-1.0": "BSL",
    "CC0-1.0": "CC0-1.0",
    "CDDL-1.0": "CDDL",
    "EPL-1.0": "EPL",
    "GPL-2.0-only": "GPLv2",
    "GPL-2.0-or-later": "GPLv2+",
    "GPL-3.0-only": "GPLv3",
    "GPL-3.0-or-later": "GPLv3+",
    "ISC": "ISCL",
    "LGPL-2.1-only": "LGPL21",
    "LGPL-2.1-or-later": "LGPL21+",
    "LGPL-3.0-only": "LGPL3",
    "LGPL-3.0-or-later": "LGPL3+",
    "MIT": "MIT",
    "MPL-2.0": "MPL20",
    "Unlicense": "UNLICENSE",
    "Zlib": "ZLIB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a project says about one of its FreeBSD packages; `architecture` is FreeBSD's name for the processor."""

    package: str
    version: str
    origin: str
    summary: str
    description: str
    maintainer: str
    homepage: str
    logic: str
    licenses: tuple[str, ...]
    categories: tuple[str, ...]
    depends: Mapping[str, str]
    architecture: str
    major: str


def facts_of(release: Release, cell: Cell) -> Facts:
    """Gather the facts; the version is empty when pkg cannot count it, which `Counted` says before any work."""
    project, rules = release.project, release.project.freebsd
    package = package_name(release, cell.variant, rules.package)
    origin = rules.origin or f"misc/{package_name(release, project.variants[0], rules.package)}"
    logic, licenses = _licenses(project.license)
    return Facts(
        package=package,
        version=_counted(release.version),
        origin=origin,
        summary=" ".join(project.summary.split()),
        description="\n\n".join(text for text in (project.description.strip(), cell.variant.summary) if text) or project.summary,
        maintainer=project.maintainer,
        homepage=project.homepage,
        logic=logic,
        licenses=licenses,
        categories=rules.categories or (origin.split("/")[0],),
        depends=rules.depends,
        architecture=cell.platform.freebsd,
        major=rules.major,
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """The need of a FreeBSD package for a version that pkg can count."""

    version: Version

    def __call__(self) -> None:
        """Raise UsageError unless it is one."""
        freebsd_version(self.version)


def _counted(version: Version) -> str:
    try:
        return freebsd_version(version)
    except UsageError:
        return ""


def _licenses(expression: str) -> tuple[str, tuple[str, ...]]:
    """The logic and the names that pkg has for an SPDX expression; what mixes OR with AND is one name of its own."""
    operators = set(re.findall(r"\s(OR|AND)\s", expression))
    if "WITH" in expression.split() or len(operators) > 1:
        return "single", (expression,)
    names = sorted({_LICENSES.get(name, name) for name in re.split(r"\s+(?:OR|AND)\s+|[()\s]+", expression) if name})
    if len(names) < 2:
        return "single", tuple(names)
    return ("or" if operators == {"OR"} else "and"), tuple(names)
