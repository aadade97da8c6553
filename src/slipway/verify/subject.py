"""What a test of one distribution needs to know, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway.layout import InstallSpec
from slipway.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The project's commands of one level; `supported` says whether the variant is made for them."""

    name: str
    commands: tuple[str, ...]
    supported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One distribution under test: its files, and what to try with it.

    `earlier` are the installer and the archive of the version before, where they lie beside this one's.
    """

    name: str
    spec: InstallSpec
    platform: Platform
    contents: Path
    root: Path
    packages: tuple[Path, ...]
    installers: Path
    records: Path
    arguments: tuple[str, ...]
    image: str
    bootstrap: str
    files: Path | None
    levels: tuple[Level, ...]
    earlier: tuple[Path, ...] = ()

    @property
    def scripts(self) -> tuple[Path, ...]:
        """The shell installers that belong to the release."""
        names = ("install.sh", f"install-{self.spec.name}-{self.spec.version}.sh", f"uninstall-{self.spec.name}.sh")
        return tuple(path for name in names if (path := self.installers / name).is_file())
