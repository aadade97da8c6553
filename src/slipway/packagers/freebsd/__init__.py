"""FreeBSD packages: one per FreeBSD distribution, written without pkg."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from slipway.compress import compressing, find_codec, parse
from slipway.contents import Contents
from slipway.errors import ConfigError
from slipway.files import Sink
from slipway.layout import Folders, InstallSpec, destination, role_of
from slipway.manifest import Place, recorded
from slipway.model import Cell, Release
from slipway.packagers.choice import Answered, cells_with
from slipway.packagers.entries import Entry, require_fit, text_entry
from slipway.packagers.freebsd.facts import Counted, Facts, facts_of
from slipway.packagers.freebsd.manifest import manifests
from slipway.packagers.freebsd.members import members_size, write_member
from slipway.packagers.freebsd.scripts import SAMPLE, doings_of, owned_folders, service_files
from slipway.packagers.freebsd.system import System, system_of
from slipway.packagers.payload import installed
from slipway.packagers.programs import read_binaries
from slipway.packagers.tar import END
from slipway.render import sources
from slipway.steps import Step

KIND: Final = "freebsd"
# pkg itself registers none.
MEDIA_TYPE: Final = "application/x-freebsd-package"
FOLDER: Final = "binaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFreebsd:
    """Pack a staged distribution as a FreeBSD package and write the record of it."""

    folder: Path
    contents: Path
    place: Place
    facts: Facts
    spec: InstallSpec
    overrides: Path
    epoch: int
    codec: str
    compression: int
    built: tuple[Path, ...] = ()

    @property
    def _folders(self) -> Folders:
        return Folders.freebsd(self.spec.name, self.facts.package)

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        require_fit((file.path for file in contents.files), "freebsd")
        entries = self._entries(contents)
        compact, whole = self._manifests(entries)
        first = (text_entry("+COMPACT_MANIFEST", compact), text_entry("+MANIFEST", whole))
        size = members_size((*first, *entries, *self._made_folders()))
        with (
            self.place.writer() as out,
            compressing(self.codec, out, compression=self.compression, size=size) as packed,
        ):
            self._write(packed, first, entries)
        self.place.note(
            out.size,
            out.digests(),
            platform=contents.platform,
            variant=contents.variant,
            tools=find_codec(self.codec).tools(self.compression),
        )

    def _entries(self, contents: Contents) -> tuple[Entry, ...]:
        """The files, sorted; those of the configuration are samples, of which an installation makes its own."""
        name, folders = self.spec.name, self._folders
        config = [destination(each.path, name, folders) for each in contents.files if role_of(each.path, name)[0] == "config"]
        files = installed(self.folder, contents, name, folders, service_files(self.spec, folders, config))
        if twice := [path for path in config if path + SAMPLE in config]:
            raise ConfigError(
                f"{twice[0]}{SAMPLE} is what the sample of {twice[0]} is called in a FreeBSD package",
                hint=f"the package makes samples of all configuration: leave out those that end in {SAMPLE}",
            )
        named = (replace(file, path=f"/{file.path}{SAMPLE if file.role == 'config' else ''}") for file in files)
        return tuple(sorted(named, key=lambda entry: entry.path))

    def _manifests(self, entries: tuple[Entry, ...]) -> tuple[bytes, bytes]:
        samples = [entry.path for entry in entries if entry.role == "config"]
        doings = doings_of(self.spec, self._folders, samples, self.overrides)
        return manifests(self.facts, self._system(entries), entries, doings, self.epoch)

    def _system(self, entries: tuple[Entry, ...]) -> System:
        facts, binaries = self.facts, read_binaries(entries, recorded(self.built))
        paths = tuple(entry.path for entry in entries)
        return system_of(binaries, paths, facts.architecture, facts.major, told=bool(facts.depends))

    def _made_folders(self) -> tuple[Entry, ...]:
        return tuple(Entry(path=path, mode=0o750, is_folder=True) for path in sorted(owned_folders(self.spec, self._folders)))

    def _write(self, out: Sink, first: Iterable[Entry], entries: Iterable[Entry]) -> None:
        # pkg reads the manifests as a stream, and gives the members the owners that they name themselves.
        owners = owned_folders(self.spec, self._folders)
        for entry in first:
            write_member(out, entry, 0)
        for entry in (*entries, *self._made_folders()):
            write_member(out, entry, self.epoch, owners.get(entry.path, "root"))
        out.write(END)


def plan_freebsd(release: Release) -> tuple[Step, ...]:
    """Plan a package of every FreeBSD distribution that was asked for and gets one."""
    own = release.project.root
    texts = tuple(text for folder in ("templates/freebsd", "installers/rc.d") for text in sources(folder, overrides=own))
    return tuple(_step(release, cell, texts) for cell in cells_with(release, KIND, release.cells))


def freebsd_names(release: Release) -> tuple[str, ...]:
    """The file names of all FreeBSD packages that the project can have."""
    return tuple(_file_name(release, cell) for cell in cells_with(release, KIND, release.matrix))


def _file_name(release: Release, cell: Cell) -> str:
    # pkg goes by the manifest, not by the name of the file; macOS has packages of this suffix too.
    return f"{release.name_of(cell)}.pkg"


def _step(release: Release, cell: Cell, texts: tuple[Path, ...]) -> Step:
    project, name = release.project, _file_name(release, cell)
    codec, level = parse(project.freebsd.compression)
    pack = PackFreebsd(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, name, MEDIA_TYPE, folder=FOLDER),
        facts=facts_of(release, cell),
        spec=InstallSpec.of(release, cell),
        overrides=project.root,
        epoch=release.epoch,
        codec=codec,
        compression=level or project.compression,
        built=release.facts_of(cell),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.{KIND}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(pack.contents, *texts),
        outputs=pack.place.outputs,
        needs=(Answered(project.maintainer, project.file), Counted(release.version)),
    )
