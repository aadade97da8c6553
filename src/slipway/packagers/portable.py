"""Portable packages: one folder that runs from anywhere, such as a USB stick, without being installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.contents import Contents
from slipway.deflated import Shelf
from slipway.errors import ConfigError
from slipway.layout import Folders, InstallSpec, expand
from slipway.manifest import Place
from slipway.model import Cell, Release, Service
from slipway.packagers.archive import ARCHIVES, Packing, archive_entries
from slipway.packagers.choice import cells_with, shelf_of
from slipway.packagers.entries import Entry, require_fit, text_entry, with_folders
from slipway.platforms import PLATFORMS
from slipway.render import render, sh, sources
from slipway.steps import Step

KIND: Final = "portable"
FOLDER: Final = "binaries"
TEMPLATES: Final = "templates/portable"
STATE: Final = "state"
_HOME: Final = "\x1f"
_CASELESS: Final = ("windows", "macos")


@dataclass(frozen=True, slots=True)
class Shell:
    """How the launchers of one kind of system are written; `literal` quotes what is no folder, `home` stands for the folder."""

    suffix: str
    newline: str
    separator: str
    home: str
    quote: str
    literal: Callable[[str], str]
    refused: str

    def text(self, text: str) -> str:
        """A text for the inside of double quotes or, where the shell has others, as pieces beside each other."""
        first, *others = text.split(_HOME)
        return self.literal(first) + "".join(self._below(part) for part in others)

    def _below(self, part: str) -> str:
        folder, rest = (found[0], part[found.end() :]) if (found := re.match(r"/[\w.+/-]*", part)) else ("", part)
        return f"{self.home}{folder.replace('/', self.separator)}{self.literal(rest)}"


def _sh_literal(text: str) -> str:
    return sh(text) if text else ""


def _cmd_literal(text: str) -> str:
    return text.replace("%", "%%")


_SH: Final = Shell("", "\n", "/", '"$home"', "", _sh_literal, "\n\r\0")
_CMD: Final = Shell(".cmd", "\r\n", "\\", "%home%", '"', _cmd_literal, '\n\r\0"')


@dataclass(frozen=True, slots=True, kw_only=True)
class PackPortable:
    """Pack a staged distribution with its launchers, and write the record of the package."""

    folder: Path
    contents: Path
    place: Place
    spec: InstallSpec
    format: str
    compression: int
    epoch: int
    overrides: Path
    shelf: Path | None = None

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged, ConfigError when a launcher cannot be made."""
        contents = Contents.load(self.contents)
        family = PLATFORMS[self.spec.platform].family
        made = tuple(launchers(self.spec, family, self.overrides))
        _refuse_clashes(made, contents, family)
        require_fit((*(file.path for file in contents.files), *(entry.path for entry in made)), family)
        stem = self.place.name.removesuffix(f".{self.format}")
        staged = archive_entries(self.folder, replace(contents, name=stem))
        files = (*(entry for entry in staged if not entry.is_folder), *_below(stem, made))
        kind = ARCHIVES[self.format]
        with self.place.writer() as out:
            tools = kind.write(out, with_folders(files), Packing(self.epoch, self.compression, Shelf.at(self.shelf)))
        self.place.note(out.size, out.digests(), platform=contents.platform, variant=contents.variant, tools=tools)


def plan_portables(release: Release) -> tuple[Step, ...]:
    """Plan a portable package of every distribution that was asked for and gets one."""
    texts = sources(TEMPLATES, overrides=release.project.root)
    return tuple(_step(release, cell, texts) for cell in cells_with(release, KIND, release.cells))


def portable_names(release: Release) -> tuple[str, ...]:
    """The file names of all portable packages that the project can have."""
    return tuple(_name(release, cell) for cell in cells_with(release, KIND, release.matrix))


def launchers(spec: InstallSpec, family: str, overrides: Path) -> Iterator[Entry]:
    """The scripts at the top of the folder: one per program, and `start-…` for each service with its own arguments."""
    shell = _CMD if family == "windows" else _SH
    for command in spec.commands:
        name = command.removesuffix(".exe") if family == "windows" else command
        yield _launcher(spec, shell, name, Service(name=name, binary=command, summary=spec.summary, state=False), overrides)
    for service in spec.services:
        binary = next(each for each in spec.commands if each in {service.binary, f"{service.binary}.exe"})
        yield _launcher(spec, shell, f"start-{service.name}", replace(service, binary=binary), overrides)


def _launcher(spec: InstallSpec, shell: Shell, name: str, service: Service, overrides: Path) -> Entry:
    state = f"{_HOME}/{STATE}"
    folders = Folders.under(_HOME, spec.name, config=f"{_HOME}/etc/{spec.name}", state=state, logs=f"{state}/log", units="")
    texts = (*service.arguments, *service.environment.values())
    if any(mark in text for text in texts for mark in shell.refused):
        raise ConfigError(
            "a launcher of a portable package cannot say this: line breaks, or double quotes on Windows",
            key=f"service.{service.name}",
            hint="write the value without them, or in a configuration file",
        )
    words = (f"{_HOME}/bin/{service.binary}", *(expand(text, folders) for text in service.arguments))
    text = render(
        f"{TEMPLATES}/launcher{shell.suffix or '.sh'}.j2",
        overrides=overrides,
        summary=service.summary,
        prefix=re.sub(r"\W", "_", spec.name.upper(), flags=re.ASCII),
        config=shell.text(folders.config).replace('"', ""),
        environment=[(key, shell.text(expand(value, folders))) for key, value in sorted(service.environment.items())],
        made=[folder for folder, used in ((STATE, service.state), (f"{STATE}/log", service.logs)) if used],
        command=" ".join(f"{shell.quote}{shell.text(word)}{shell.quote}" or "''" for word in words),
    )
    return text_entry(f"{name}{shell.suffix}", text.replace("\n", shell.newline).encode(), 0o755)


def _refuse_clashes(made: tuple[Entry, ...], contents: Contents, family: str) -> None:
    fold: Callable[[str], str] = str.casefold if family in _CASELESS else str
    taken = {fold(file.path.split("/")[0]) for file in contents.files} | {fold(STATE)}
    for entry in made:
        if fold(entry.path) in taken:
            raise ConfigError(
                f"the launcher of a portable package would be called {entry.path}, as something else at the top is",
                hint="give the program, the service or the file another name, or leave portable out of packages",
            )
        taken.add(fold(entry.path))


def _below(stem: str, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(replace(entry, path=f"{stem}/{entry.path}") for entry in entries)


def _format(cell: Cell) -> str:
    return "zip" if cell.platform.family == "windows" else "tar.gz"


def _name(release: Release, cell: Cell) -> str:
    return f"{release.name_of(cell)}-portable.{_format(cell)}"


def _step(release: Release, cell: Cell, texts: tuple[Path, ...]) -> Step:
    name = _name(release, cell)
    pack = PackPortable(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, name, ARCHIVES[_format(cell)].media_type, folder=FOLDER),
        spec=InstallSpec.of(release, cell),
        format=_format(cell),
        compression=release.project.compression,
        epoch=release.epoch,
        overrides=release.project.root,
        shelf=shelf_of(release, cell),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.{KIND}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(pack.contents, *texts),
        outputs=pack.place.outputs,
    )
