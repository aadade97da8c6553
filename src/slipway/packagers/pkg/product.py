"""What a project says about its macOS packages, and what the packages of one product have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.binaries import newest, version_key
from slipway.errors import VerificationError
from slipway.layout import Folders, InstallSpec
from slipway.manifest import recorded
from slipway.model import Cell, Release
from slipway.packagers.choice import package_name, shelf_of
from slipway.packagers.entries import require_fit
from slipway.services import launchd

ARCHITECTURES: Final = ("arm64", "x86_64", "universal")
_FIRST_ARM: Final = (11, 0)
_LICENSE: Final = re.compile(r"(LICEN[CS]E|COPYING)([-_.].*)?", re.IGNORECASE)
_LONGEST_NAME, _LONGEST_PATH = 255, 1023  # bytes; NAME_MAX and PATH_MAX of macOS' sys/syslimits.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What all packages of one product archive share."""

    identifier: str
    name: str
    version: str
    documents: tuple[Path, ...]
    overrides: Path
    epoch: int

    @property
    def receipts(self) -> tuple[str, ...]:
        """The names of the receipts that any of the project's packages leaves behind."""
        return tuple(f"{self.identifier}.{each}" for each in ARCHITECTURES)

    @property
    def folders(self) -> Folders:
        """The folders of an installation."""
        return Folders.macos(self.name)

    @property
    def kept(self) -> str:
        """Where an installation remembers the configuration that it was last given."""
        return f"{self.folders.share}/{self.name}/.default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A distribution that becomes one component package; `minimum` is the oldest macOS that the project promises."""

    folder: Path
    contents: Path
    spec: InstallSpec
    package: str
    processors: str
    minimum: str = ""
    built: tuple[Path, ...] = ()
    shelf: Path | None = None

    @property
    def architecture(self) -> str:
        """Its processor, or `universal`."""
        return "universal" if "," in self.processors else self.processors

    @property
    def component(self) -> str:
        """Its folder in the product archive."""
        return f"{self.package}-{self.architecture}.pkg"

    def oldest_system(self) -> str:
        """The oldest macOS that runs it, from its programs where they were read; empty when any will do."""
        oldest = newest(each.minimum for each in recorded(self.built).values()) or self.minimum
        is_any = self.processors == "arm64" and oldest and version_key(oldest) <= _FIRST_ARM
        return "" if is_any else oldest


def product_of(release: Release) -> Product:
    """Gather what a project says."""
    project = release.project
    return Product(
        identifier=identifier_of(release),
        name=project.name,
        version=str(release.version),
        documents=tuple(path for path in project.documents if _LICENSE.fullmatch(path.name)),
        overrides=project.root,
        epoch=release.epoch,
    )


def part_of(release: Release, cell: Cell) -> Part:
    """The component package of a distribution."""
    return Part(
        folder=release.staged(cell),
        contents=release.contents(cell),
        spec=InstallSpec.of(release, cell),
        package=package_name(release, cell.variant, ""),
        processors=cell.platform.pkg,
        minimum=release.project.on(cell.platform).macos,
        built=release.facts_of(cell),
        shelf=shelf_of(release, cell),
    )


def identifier_of(release: Release) -> str:
    """By which macOS knows the project: what slipway.toml says, or the homepage's host turned round and the name."""
    project = release.project
    return project.pkg.identifier or launchd.identifier_of(project.name, project.homepage)


def require_short(paths: Iterable[str]) -> None:
    """Raise VerificationError for names that macOS cannot hold."""
    found = tuple(paths)
    require_fit(found, "macos")
    for path in found:
        longest = max(len(part.encode()) for part in path.split("/"))
        if longest > _LONGEST_NAME or len(path.encode()) > _LONGEST_PATH:
            raise VerificationError(
                f"a name is too long for macOS: {path!r}",
                hint=f"a file's name may have {_LONGEST_NAME} bytes, its whole path {_LONGEST_PATH}",
            )
