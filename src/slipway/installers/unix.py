"""install.sh and uninstall.sh, made from the InstallSpecs of the distributions that they can install."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from slipway.binaries import newest, oldest_system
from slipway.contents import Contents, File
from slipway.errors import ConfigError, VerificationError
from slipway.installers import options
from slipway.installers.first_run import first_words
from slipway.installers.origin import Origin, origin_of
from slipway.installers.scripts import Script, asked, script_of, script_step, write_scripts
from slipway.installers.service_texts import FOLDERS, service_texts
from slipway.layout import ROLES, InstallSpec
from slipway.manifest import digest_names, load_built, load_record, record_path
from slipway.model import Cell, PlatformSettings, Release
from slipway.platforms import Platform
from slipway.render import render, sources
from slipway.steps import Step

TEMPLATES: Final = "installers/unix"
# What a minimal system can unpack, the best first.
PREFERRED: Final = ("tar.gz", "tar.xz", "tar.zst")
# What most file systems give to a file at a time.
_BLOCK: Final = 4096
# A completion of zsh that can be announced by its own name.
_COMPLETION: Final = re.compile(r"share/zsh/site-functions/(_[A-Za-z0-9][A-Za-z0-9_.-]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One distribution that install.sh can install, and the files that tell its digests.

    `floor` is what the project promises to run on: a version of glibc or of macOS. `facts` are the records of what its
    programs really are, which count instead as far as they are there; they follow from the bytes that `contents` lists.
    """

    spec: InstallSpec
    folder: str
    floor: str
    facts: tuple[Path, ...]
    contents: Path
    record: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteInstaller:
    """Render install.sh with the digests of the archives, under each of its names."""

    sources: tuple[Source, ...]
    origin: Origin
    overrides: Path
    scripts: tuple[Script, ...]
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render; raises VerificationError when a record or a list of contents cannot be read."""
        text = install_script(self.sources, self.origin, self.overrides)
        write_scripts(text, self.scripts, self.release, self.digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteUninstaller:
    """Render uninstall.sh, which finds a receipt and undoes what it says."""

    name: str
    overrides: Path
    scripts: tuple[Script, ...]
    release: str
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Render it."""
        write_scripts(uninstall_script(self.name, self.overrides), self.scripts, self.release, self.digests)


def plan_unix_installers(
    release: Release, *, cells: tuple[Cell, ...] | None = None, services: bool = True, uninstaller: bool = True
) -> tuple[Step, ...]:
    """Plan install.sh, under both of its names, and the uninstaller, for the Unix distributions that were asked for."""
    chosen = [cell for cell in (release.cells if cells is None else cells) if cell.platform.family != "windows"]
    if not chosen:
        return ()
    found = tuple(source_of(release, cell, services=services) for cell in chosen)
    return (_install_step(release, found), *((_uninstall_step(release),) if uninstaller else ()))


def script_names(release: Release) -> tuple[str, ...]:
    """The file names of all scripts that the project can have."""
    return (*install_names(release), f"uninstall-{release.project.name}.sh")


def install_names(release: Release) -> tuple[str, str]:
    """The two names of the installer: `install.sh` and the one with the version."""
    return ("install.sh", f"install-{release.base}.sh")


def install_script(found: Iterable[Source], origin: Origin, overrides: Path | None) -> str:
    """Return the text of install.sh."""
    rows = tuple(found)
    first = rows[0].spec
    contents = [Contents.load(row.contents) for row in rows]
    services = {service.name: service for row in rows for service in row.spec.services}
    variants = {row.spec.variant: _variant(row.spec) for row in rows}
    platforms = {row.spec.platform for row in rows}
    return render(
        f"{TEMPLATES}/install.sh.j2",
        overrides=overrides,
        name=first.name,
        version=first.version,
        summary=first.summary,
        **asked(
            first.name,
            f"Install {first.name} {first.version}: {first.summary}.",
            options.rows(first.name, ", ".join(variants)),
        ),
        script="install.sh",
        health=first.health,
        configure=first_words(row.spec for row in rows),
        origin=origin.shown(),
        roles=[(pattern.format(name=first.name), role) for pattern, role in ROLES],
        cells=[_cell(number, row, each) for number, (row, each) in enumerate(zip(rows, contents, strict=True))],
        variants=list(variants.values()),
        commands=sorted({name for row in rows for name in row.spec.commands}),
        services=[service_texts(first, service, platforms, overrides) for _, service in sorted(services.items())],
        table=_table(contents),
        completions=_completions(contents),
        uninstaller=uninstall_script(first.name, overrides),
    )


def uninstall_script(name: str, overrides: Path | None) -> str:
    """Return the text of the uninstaller, which depends on the project's name alone."""
    purpose = f"Remove {name}: exactly the files, folders, PATH entries and services that its installer made."
    script = f"uninstall-{name}.sh"
    return render(
        f"{TEMPLATES}/uninstall.sh.j2",
        overrides=overrides,
        name=name,
        script=script,
        **asked(name, purpose, options.rows(name, removing=True)),
    )


def _install_step(release: Release, found: tuple[Source, ...]) -> Step:
    origin = origin_of(release)
    run = WriteInstaller(
        sources=found,
        origin=origin,
        overrides=release.project.root,
        scripts=tuple(script_of(release, name) for name in install_names(release)),
        release=release.base,
        digests=digest_names(release.project),
    )
    inputs = (*(row.contents for row in found), *(row.record for row in found), *origin.inputs, *templates(release))
    return script_step("install.sh", run, run.scripts, inputs)


def _uninstall_step(release: Release) -> Step:
    name = f"uninstall-{release.project.name}.sh"
    run = WriteUninstaller(
        name=release.project.name,
        overrides=release.project.root,
        scripts=(script_of(release, name),),
        release=release.base,
        digests=digest_names(release.project),
    )
    return script_step(name, run, run.scripts, templates(release))


def templates(release: Release) -> tuple[Path, ...]:
    """Every template that decides the scripts' text."""
    return tuple(path for folder in (TEMPLATES, *FOLDERS) for path in sources(folder, overrides=release.project.root))


def source_of(release: Release, cell: Cell, *, services: bool = True) -> Source:
    """What install.sh has to know of a distribution; raises ConfigError when it could unpack none of its archives."""
    said = release.project.on(cell.platform)
    formats = said.archives or (cell.platform.archive,)
    suffix = next((suffix for suffix in PREFERRED if suffix in formats), None)
    if suffix is None:
        raise ConfigError(
            f"install.sh can unpack none of the archives of {cell.platform.id}: {', '.join(formats)}",
            file=release.project.file,
            key=f"platforms.{cell.platform.id}.archives",
            hint=f"add one of {', '.join(PREFERRED)}",
        )
    spec = InstallSpec.of(release, cell)
    return Source(
        spec=spec if services else replace(spec, services=()),
        folder=release.name_of(cell),
        floor=_floor(said, cell.platform),
        facts=release.facts_of(cell),
        contents=release.contents(cell),
        record=record_path(release, f"{release.name_of(cell)}.{suffix}"),
    )


def _floor(said: PlatformSettings, platform: Platform) -> str:
    return {"gnu": said.glibc, "macos": said.macos}.get(platform.libc or platform.family, "")


def _needs(row: Source, contents: Contents) -> str:
    """The oldest glibc or system that runs every program of a distribution, as far as its programs are known."""
    listed = {file.sha256 for file in contents.files}
    records = [load_built(path) for path in row.facts if path.is_file()]
    found = [each.facts for made in records for each in made.binaries if each.sha256 in listed]
    if found and all(each.family == "linux" and not each.interpreter and not each.libraries for each in found):
        return "static"
    # Within one platform all of them have the same family.
    return newest(oldest_system(each) for each in found) if found else row.floor


def _cell(number: int, row: Source, contents: Contents) -> Mapping[str, Any]:
    made = load_record(row.record).artifact
    return {
        "number": number,
        "platform": row.spec.platform,
        "variant": row.spec.variant,
        "needs": _needs(row, contents),
        "sha256": made.digests["sha256"],
        "size": made.size,
        "archive": made.name,
        "folder": row.folder,
        "unpacked": sum(-(-file.size // _BLOCK) for file in contents.files) * _BLOCK // 1024,
    }


def _variant(spec: InstallSpec) -> Mapping[str, Any]:
    return {"name": spec.variant, "services": [service.name for service in spec.services]}


def _table(contents: Iterable[Contents]) -> list[Mapping[str, str]]:
    """Each different file once, with the distributions that have it; programs last, so that they are replaced last."""
    owners: dict[File, list[int]] = {}
    for number, each in enumerate(contents):
        for file in each.files:
            owners.setdefault(file, []).append(number)
    rows = sorted(owners, key=lambda file: (file.path.startswith("bin/"), file.path, owners[file]))
    return [
        {
            "cells": f",{','.join(map(str, owners[file]))},",
            "mode": f"{file.mode:04o}",
            "sha256": file.sha256,
            "path": _speakable(file.path),
        }
        for file in rows
    ]


def _completions(contents: Iterable[Contents]) -> list[str]:
    found = (_COMPLETION.fullmatch(file.path) for each in contents for file in each.files)
    return sorted({match[1] for match in found if match})


def _speakable(path: str) -> str:
    if any(ord(letter) < 32 for letter in path) or path.startswith("/") or ".." in path.split("/") or path != path.strip():
        raise VerificationError(
            f"install.sh cannot install a file with the name {path!r}",
            hint="rename it: no control characters, no spaces at the ends",
        )
    return path
