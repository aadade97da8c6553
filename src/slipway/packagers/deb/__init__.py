"""Debian packages: one per Linux distribution, written without dpkg."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import IO, Final

from slipway.compress import compressing, find_codec, parse
from slipway.contents import Contents
from slipway.deflated import Shelf
from slipway.files import HashingWriter, chunks_of, spooled
from slipway.layout import Folders, InstallSpec
from slipway.manifest import Place, recorded
from slipway.model import Cell, Release
from slipway.packagers.choice import Answered, cells_with, shelf_of
from slipway.packagers.deb.ar import MAGIC, write_member
from slipway.packagers.deb.control import Facts, control, facts_of
from slipway.packagers.deb.needs import needed_interpreters, needed_packages, read_scripts
from slipway.packagers.deb.overrides import override_file
from slipway.packagers.deb.papers import Papers, papers
from slipway.packagers.deb.places import at_home
from slipway.packagers.deb.scripts import maintainer_scripts, service_needs
from slipway.packagers.deb.triggers import shlibs, triggers
from slipway.packagers.entries import Entry, require_fit, text_entry, with_folders
from slipway.packagers.payload import installed
from slipway.packagers.programs import read_binaries
from slipway.packagers.systemd import service_files
from slipway.packagers.tar import tar_size, write_tar
from slipway.render import sources
from slipway.signing.openpgp import Gpg
from slipway.signing.signers import package_signer, usable
from slipway.steps import Step

KIND: Final = "deb"
MEDIA_TYPE: Final = "application/vnd.debian.binary-package"
FOLDER: Final = "binaries"
SIGNATURE: Final = "_gpgorigin"
_FORMAT: Final = b"2.0\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDeb:
    """Pack a staged distribution as a Debian package and write the record of it.

    With a `signer` the package carries the signature of its origin, over the contents of its members (debsigs).
    """

    folder: Path
    contents: Path
    place: Place
    facts: Facts
    spec: InstallSpec
    papers: Papers
    compression: int
    built: tuple[Path, ...] = ()
    signer: Gpg | None = None
    shelf: Path | None = None

    @property
    def _folders(self) -> Folders:
        return Folders.packaged(self.spec.name, self.facts.package)

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        require_fit((file.path for file in contents.files), "linux")
        files, texts = self._plan(contents)
        entries = with_folders(replace(file, path=f"./{file.path}") for file in files)
        size = tar_size(entries, gnu=True)
        member = self._control_member(texts)
        with spooled(self.place.target.parent) as data:
            with compressing(
                self.facts.codec, data, compression=self.compression, size=size, shelf=Shelf.at(self.shelf)
            ) as packed:
                write_tar(packed, entries, epoch=self.papers.epoch, gnu=True)
            out = self._write(member, data)
        self.place.note(
            out.size,
            out.digests(),
            platform=contents.platform,
            variant=contents.variant,
            tools=find_codec(self.facts.codec).tools(self.compression),
        )

    def _plan(self, contents: Contents) -> tuple[tuple[Entry, ...], dict[str, str]]:
        """The files of the package, and the texts of the control archive that follow from what they are."""
        made = (*service_files(self.spec, self._folders, self.papers.overrides), *papers(self.facts, self.papers))
        files = tuple(at_home(installed(self.folder, contents, self.spec.name, self._folders, made)))
        paths = tuple(file.path for file in files)
        # A program that unpacks libraries when it starts does not show what they need.
        binaries, scripts = read_binaries(files, recorded(self.built)), read_scripts(files)
        needs = (
            *needed_packages(binaries, paths, self.facts.architecture, told=bool(self.facts.depends)),
            *needed_interpreters(files, scripts),
            *service_needs(self.spec, self._folders),
        )
        whole = (*files, *override_file(self.facts, paths, binaries, scripts, signed=self.signer is not None))
        texts = {
            "control": control(self.facts, size=_installed_size(whole), needs=needs),
            "md5sums": "".join(f"{file.md5}  {file.path}\n" for file in _by_path(whole) if not _is_kept(file)),
            "conffiles": "".join(f"/{file.path}\n" for file in _by_path(whole) if _is_kept(file)),
            "triggers": triggers(self.facts, binaries),
            "shlibs": shlibs(self.facts, binaries),
        }
        return whole, texts

    def _control_member(self, texts: Mapping[str, str]) -> bytes:
        """The control member: an archive of its own, which every dpkg can read."""
        scripts = maintainer_scripts(self.spec, self._folders, self.papers.overrides)
        files = [text_entry(f"./{name}", text.encode()) for name, text in texts.items() if text]
        files += [text_entry(f"./{name}", data, 0o755) for name, data in scripts.items()]
        entries, out = with_folders(files), io.BytesIO()
        with compressing("gzip", out, compression=self.compression, size=tar_size(entries, gnu=True)) as packed:
            write_tar(packed, entries, epoch=self.papers.epoch, gnu=True)
        return out.getvalue()

    def _write(self, control_member: bytes, data: IO[bytes]) -> HashingWriter:
        size, epoch = data.tell(), self.papers.epoch
        with self.place.writer() as out:
            out.write(MAGIC)
            write_member(out, "debian-binary", len(_FORMAT), (_FORMAT,), epoch)
            write_member(out, "control.tar.gz", len(control_member), (control_member,), epoch)
            write_member(out, f"data.tar{find_codec(self.facts.codec).suffix}", size, chunks_of(data), epoch)
            if self.signer:
                signature = self.signer.sign(chain((_FORMAT, control_member), chunks_of(data)))
                write_member(out, SIGNATURE, len(signature), (signature,), epoch)
        return out


def plan_debs(release: Release) -> tuple[Step, ...]:
    """Plan a package of every Linux distribution that was asked for and gets one, for every suite."""
    own = release.project.root
    texts = tuple(text for folder in ("templates/deb", "installers/systemd") for text in sources(folder, overrides=own))
    return tuple(_step(release, cell, suite, texts) for cell, suite in _editions(release, release.cells))


def deb_names(release: Release) -> tuple[str, ...]:
    """The file names of all Debian packages that the project can have."""
    return tuple(_facts(release, cell, suite).file_name for cell, suite in _editions(release, release.matrix))


def _editions(release: Release, cells: tuple[Cell, ...]) -> Iterator[tuple[Cell, str]]:
    """Each distribution that gets a package, once for every suite."""
    rules, found = release.project.deb, cells_with(release, KIND, cells)
    if rules.architecture_all:
        found = tuple({cell.variant.name: cell for cell in reversed(found)}.values())[::-1]
    return ((cell, suite) for cell in found for suite in rules.suites or ("",))


def _facts(release: Release, cell: Cell, suite: str) -> Facts:
    architecture = "all" if release.project.deb.architecture_all else cell.platform.deb
    return facts_of(release, cell.variant, architecture, suite)


def _step(release: Release, cell: Cell, suite: str, texts: tuple[Path, ...]) -> Step:
    project, facts = release.project, _facts(release, cell, suite)
    said = Papers(
        name=project.name,
        release=str(release.version),
        license=project.license,
        documents=project.documents,
        overrides=project.root,
        epoch=release.epoch,
    )
    pack = PackDeb(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, facts.file_name, MEDIA_TYPE, folder=FOLDER),
        facts=facts,
        spec=InstallSpec.of(release, cell),
        papers=said,
        compression=parse(project.deb.compression)[1] or project.compression,
        built=release.facts_of(cell),
        signer=package_signer(release),
        shelf=shelf_of(release, cell),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.deb{suite and f'.{suite}'}",
        doc=f"Pack {facts.file_name}",
        run=pack,
        inputs=(pack.contents, *project.documents, *texts),
        outputs=pack.place.outputs,
        needs=(Answered(project.maintainer, project.file), *usable(pack.signer)),
    )


def _by_path(files: Iterable[Entry]) -> list[Entry]:
    return sorted(files, key=lambda file: file.path)


def _is_kept(file: Entry) -> bool:
    return file.path.startswith("etc/")


def _installed_size(files: Iterable[Entry]) -> int:
    """KiB as dpkg-gencontrol counts them: each file rounded up, and one for each folder, with the one at the top."""
    entries = with_folders(replace(file, path=f"./{file.path}") for file in files)
    return sum(1 if entry.is_folder else -(-entry.size // 1024) for entry in entries)
