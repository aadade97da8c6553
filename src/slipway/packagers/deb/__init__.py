"""Debian packages: one per Linux distribution, written without dpkg."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

from slipway.binaries import Binary
from slipway.compress import compressing, find_codec
from slipway.contents import Contents
from slipway.files import CHUNK, HashingWriter
from slipway.layout import Folders, InstallSpec
from slipway.manifest import Artifact, digest_names, load_built, record, record_path
from slipway.model import Cell, Release
from slipway.packagers.choice import cells_with
from slipway.packagers.deb.ar import MAGIC, write_member
from slipway.packagers.deb.control import Facts, control, facts_of
from slipway.packagers.deb.needs import needed_packages
from slipway.packagers.deb.scripts import Papers, maintainer_scripts, papers, service_users, units
from slipway.packagers.entries import Entry, require_fit, text_entry, with_folders
from slipway.packagers.payload import installed
from slipway.packagers.tar import tar_size, write_tar
from slipway.render import sources
from slipway.steps import Step

KIND: Final = "deb"
MEDIA_TYPE: Final = "application/vnd.debian.binary-package"
FOLDER: Final = "binaries"
_IN_MEMORY: Final = 1 << 28


@dataclass(frozen=True, slots=True, kw_only=True)
class PackDeb:
    """Pack a staged distribution as a Debian package and write the record of it."""

    folder: Path
    contents: Path
    target: Path
    record: Path
    release: str
    facts: Facts
    spec: InstallSpec
    papers: Papers
    codec: str
    compression: int
    digests: tuple[str, ...]
    built: tuple[Path, ...] = ()

    @property
    def _folders(self) -> Folders:
        return Folders.packaged(self.spec.name, self.facts.package)

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        require_fit((file.path for file in contents.files), "linux")
        made = (*units(self.spec, self._folders), *papers(self.facts, self.spec, self.papers))
        files = installed(self.folder, contents, self.spec.name, self._folders, made)
        entries = with_folders(replace(file, path=f"./{file.path}") for file in files)
        size = tar_size(entries, gnu=True)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(self.target.parent)) as data:
            with compressing(self.codec, data, compression=self.compression, size=size) as packed:
                write_tar(packed, entries, epoch=self.papers.epoch, gnu=True)
            out = self._write(self._control(entries), data)
        artifact = Artifact(
            kind=KIND,
            name=self.target.name,
            path=f"{FOLDER}/{self.target.name}",
            size=out.size,
            digests=out.digests(),
            media_type=MEDIA_TYPE,
            platform=contents.platform,
            variant=contents.variant,
            tools=find_codec(self.codec).tools(self.compression, size),
        )
        record(self.record, self.release, artifact)

    def _control(self, entries: tuple[Entry, ...]) -> bytes:
        """The control member: an archive of its own."""
        size = sum(1 if entry.is_folder else -(-entry.size // 1024) for entry in entries)
        binaries = {entry.path.removeprefix("./"): entry.source for entry in entries if entry.source is not None}
        needs = needed_packages(binaries, self.facts.architecture, told=bool(self.facts.depends), known=self._known(entries))
        users = ("adduser",) if service_users(self.spec) else ()
        kept = [entry.path for entry in entries if entry.path.startswith("./etc/") and not entry.is_folder]
        sums = {entry.path: entry.md5 for entry in entries if not entry.is_folder}
        summed = "".join(f"{sums[path]}  {path[2:]}\n" for path in sorted(sums) if path not in kept)
        texts = {"control": control(self.facts, size=size, needs=(*needs, *users)), "md5sums": summed.encode()}
        if kept:
            texts["conffiles"] = "".join(f"{path[1:]}\n" for path in kept).encode()
        scripts = maintainer_scripts(self.spec, self._folders, self.papers.overrides)
        files = [text_entry(f"./{name}", data) for name, data in texts.items()]
        files += [text_entry(f"./{name}", data, 0o755) for name, data in scripts.items()]
        return self._control_member(with_folders(files))

    def _known(self, entries: tuple[Entry, ...]) -> dict[Path, Binary]:
        # A program that unpacks libraries when it starts does not show what they need.
        found = {each.sha256: each.facts for path in self.built if path.is_file() for each in load_built(path).binaries}
        return {entry.source: found[entry.sha256] for entry in entries if entry.source and entry.sha256 in found}

    def _control_member(self, entries: tuple[Entry, ...]) -> bytes:
        out = io.BytesIO()
        with compressing("gzip", out, compression=self.compression, size=tar_size(entries, gnu=True)) as packed:
            write_tar(packed, entries, epoch=self.papers.epoch, gnu=True)
        return out.getvalue()

    def _write(self, control_member: bytes, data: Any) -> HashingWriter:
        size, epoch = data.tell(), self.papers.epoch
        data.seek(0)
        with HashingWriter(self.target, *self.digests) as out:
            out.write(MAGIC)
            write_member(out, "debian-binary", 4, (b"2.0\n",), epoch)
            write_member(out, "control.tar.gz", len(control_member), (control_member,), epoch)
            write_member(out, f"data.tar{find_codec(self.codec).suffix}", size, _chunks(data), epoch)
        return out


def plan_debs(release: Release) -> tuple[Step, ...]:
    """Plan a package of every Linux distribution that was asked for and gets one."""
    own = release.project.root
    texts = tuple(text for folder in ("templates/deb", "installers/systemd") for text in sources(folder, overrides=own))
    return tuple(_step(release, cell, texts) for cell in cells_with(release, KIND, release.cells))


def deb_names(release: Release) -> tuple[str, ...]:
    """The file names of all Debian packages that the project can have."""
    cells = cells_with(release, KIND, release.matrix)
    return tuple(facts_of(release, cell.variant, cell.platform.deb).file_name for cell in cells)


def _step(release: Release, cell: Cell, texts: tuple[Path, ...]) -> Step:
    project = release.project
    facts = facts_of(release, cell.variant, cell.platform.deb)
    pack = PackDeb(
        folder=release.staged(cell),
        contents=release.contents(cell),
        target=release.paths.packages / FOLDER / facts.file_name,
        record=record_path(release, facts.file_name),
        release=release.base,
        facts=facts,
        spec=InstallSpec.of(release, cell),
        papers=Papers(license=project.license, documents=project.documents, overrides=project.root, epoch=release.epoch),
        codec=project.deb.compression,
        compression=project.compression,
        digests=digest_names(project),
        built=release.facts_of(cell),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.deb",
        doc=f"Pack {facts.file_name}",
        run=pack,
        inputs=(pack.contents, *project.documents, *texts),
        outputs=(pack.target, pack.record),
    )


def _chunks(file: IO[bytes]) -> Any:
    return iter(lambda: file.read(CHUNK), b"")
