"""Which packages a project gets: which formats on which platforms, and what the package of a variant is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.errors import GateError
from slipway.model import Cell, Release, Variant
from slipway.platforms import Platform

_DEFLATED: Final = frozenset({"tar.gz", "zip"})
# The column of the platform table that says whether, and as what, a format knows the platform's processor.
_COLUMNS: Final = ("deb", "rpm", "freebsd", "pkg", "msi")


@dataclass(frozen=True, slots=True)
class Answered:
    """The need of a package for somebody who answers for it; the package managers refuse or blame one without."""

    maintainer: str
    file: Path

    def __call__(self) -> None:
        """Raise GateError unless there is somebody."""
        if not self.maintainer:
            raise GateError(
                f"{self.file}: the packages have to name somebody who answers for them",
                hint='say it in [project]: maintainer = "Name <mail@example.org>"',
            )


def cells_with(release: Release, kind: str, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """Those of some distributions that get a package of a format."""
    return tuple(cell for cell in cells if kind in wanted(release) and _has(release, cell, kind))


def wanted(release: Release) -> tuple[str, ...]:
    """The formats of packages that the project makes, and those that this run was asked for."""
    return tuple(dict.fromkeys((*release.project.packages, *release.formats)))


def package_name(release: Release, variant: Variant, own: str) -> str:
    """The package of a variant: the name that a format's table gives or the project's for the first, with the variant's after it
    for the others.
    """
    project = release.project
    base = own or re.sub(r"[^a-z0-9+.-]+", "-", project.name.lower()).strip("-.")
    return base if variant == project.variants[0] else f"{base}-{variant.name.lower().replace('_', '-')}"


def shelf_of(release: Release, cell: Cell) -> Path | None:
    """Where the deflated files of a distribution are kept for all that is made of it; nowhere when only one thing is."""
    project = release.project
    packed = {"deb": project.deb.compression, "rpm": project.rpm.compression, "pkg": "gzip", "portable": "gzip"}
    # What this run makes besides does not count: the bytes would depend on it.
    packages = [kind for kind, codec in packed.items() if codec.startswith("gzip") and kind in project.packages]
    archives = project.on(cell.platform).archives or (cell.platform.archive,)
    uses = [kind for kind in packages if _has(release, cell, kind)] + [name for name in archives if name in _DEFLATED]
    return release.paths.shelf if len(uses) > 1 else None


def _has(release: Release, cell: Cell, kind: str) -> bool:
    """Whether a format knows the platform; where two platforms have one name in it, glibc's gets the package."""
    name = _known_as(cell.platform, kind)
    rivals = [other.platform for other in release.matrix if _known_as(other.platform, kind) == name]
    return bool(name) and (cell.platform.libc in {"", "gnu"} or all(rival.libc != "gnu" for rival in rivals))


def _known_as(platform: Platform, kind: str) -> str:
    return str(getattr(platform, kind)) if kind in _COLUMNS else platform.id
