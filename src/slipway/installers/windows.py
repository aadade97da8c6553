"""install.ps1 and its uninstaller, made from the InstallSpecs of the Windows distributions that they can install."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.errors import ConfigError
from slipway.installers.origin import Origin, origin_of
from slipway.installers.scripts import POWERSHELL, Script, script_of, script_step, write_scripts
from slipway.installers.windows_texts import TEMPLATES, WindowsSource, windows_install_script, windows_uninstall_script
from slipway.layout import InstallSpec
from slipway.manifest import digest_names, record_path
from slipway.model import Cell, Release
from slipway.render import sources
from slipway.steps import Step

# What Windows PowerShell 5.1 can unpack by itself.
ARCHIVE: Final = "zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteWindowsInstaller:
    """Render install.ps1 with the digests of the archives, under each of its names."""

    sources: tuple[WindowsSource, ...]
    origin: Origin
    overrides: Path
    scripts: tuple[Script, ...]
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render; raises VerificationError when a record or a list of contents cannot be read."""
        text = windows_install_script(self.sources, self.origin, self.overrides)
        write_scripts(text, self.scripts, self.release, self.digests, POWERSHELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteWindowsUninstaller:
    """Render the uninstaller, which finds a receipt and undoes what it says."""

    name: str
    overrides: Path
    scripts: tuple[Script, ...]
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render it."""
        text = windows_uninstall_script(self.name, self.overrides)
        write_scripts(text, self.scripts, self.release, self.digests, POWERSHELL)


def plan_windows_installers(
    release: Release, cells: tuple[Cell, ...] | None = None, *, services: bool = True, uninstaller: bool = True
) -> tuple[Step, ...]:
    """Plan install.ps1, under both of its names, and the uninstaller, for the Windows distributions that were asked for."""
    chosen = [cell for cell in (release.cells if cells is None else cells) if cell.platform.family == "windows"]
    if not chosen:
        return ()
    found = tuple(windows_source_of(release, cell, services=services) for cell in chosen)
    return (_install_step(release, found), *((_uninstall_step(release),) if uninstaller else ()))


def windows_script_names(release: Release) -> tuple[str, ...]:
    """The file names of all scripts for Windows that the project can have."""
    return (*_install_names(release), f"uninstall-{release.project.name}.ps1")


def windows_source_of(release: Release, cell: Cell, *, services: bool = True) -> WindowsSource:
    """What install.ps1 has to know of a distribution; raises ConfigError when it could not unpack its archives."""
    formats = release.project.on(cell.platform).archives or (cell.platform.archive,)
    if ARCHIVE not in formats:
        raise ConfigError(
            f"install.ps1 can unpack none of the archives of {cell.platform.id}: {', '.join(formats)}",
            file=release.project.file,
            key=f"platforms.{cell.platform.id}.archives",
            hint=f"add {ARCHIVE}",
        )
    spec = InstallSpec.of(release, cell)
    rules = release.project.msi
    return WindowsSource(
        spec=spec if services else replace(spec, services=()),
        folder=release.name_of(cell),
        contents=release.contents(cell),
        record=record_path(release, f"{release.name_of(cell)}.{ARCHIVE}"),
        staged=release.staged(cell),
        services=rules.services,
        account=rules.service_account,
        publisher=rules.manufacturer or re.sub(r"\s*<[^>]*>", "", release.project.maintainer).strip() or release.project.name,
        authenticode=bool(release.project.sign.authenticode),
    )


def _install_names(release: Release) -> tuple[str, str]:
    return ("install.ps1", f"install-{release.base}.ps1")


def _install_step(release: Release, found: tuple[WindowsSource, ...]) -> Step:
    origin = origin_of(release)
    run = WriteWindowsInstaller(
        sources=found,
        origin=origin,
        overrides=release.project.root,
        scripts=tuple(script_of(release, name) for name in _install_names(release)),
        release=release.base,
        digests=digest_names(release.project),
    )
    known = (*(row.contents for row in found), *(row.record for row in found), *origin.inputs)
    inputs = (*known, *sources(TEMPLATES, overrides=run.overrides))
    return script_step("install.ps1", run, run.scripts, inputs)


def _uninstall_step(release: Release) -> Step:
    name = f"uninstall-{release.project.name}.ps1"
    run = WriteWindowsUninstaller(
        name=release.project.name,
        overrides=release.project.root,
        scripts=(script_of(release, name),),
        release=release.base,
        digests=digest_names(release.project),
    )
    return script_step(name, run, run.scripts, sources(TEMPLATES, overrides=run.overrides))
