"""RPM packages: one per Linux distribution, in the format of rpm 4, written without rpm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from slipway.compress import compressing, find_codec, parse
from slipway.contents import Contents
from slipway.deflated import Shelf
from slipway.files import HashingWriter, chunks_of, spooled
from slipway.layout import Folders, InstallSpec, destination
from slipway.manifest import Place, recorded
from slipway.model import Cell, Release
from slipway.packagers.choice import cells_with, shelf_of
from slipway.packagers.entries import require_fit
from slipway.packagers.payload import installed
from slipway.packagers.programs import refuse_foreign
from slipway.packagers.rpm import needs
from slipway.packagers.rpm.assembly import Payload, Plan, main_header
from slipway.packagers.rpm.cpio import Summed, cpio_size, write_cpio
from slipway.packagers.rpm.facts import Facts, facts_of
from slipway.packagers.rpm.header import lead, signature_header
from slipway.packagers.rpm.items import CONFIG, listed, relocated, require_known
from slipway.packagers.rpm.scriptlets import scriptlets
from slipway.packagers.systemd import service_files
from slipway.render import sources
from slipway.signing.openpgp import Gpg
from slipway.signing.signers import package_signer, usable
from slipway.steps import Step

KIND: Final = "rpm"
MEDIA_TYPE: Final = "application/x-rpm"
FOLDER: Final = "binaries"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackRpm:
    """Pack a staged distribution as an RPM and write the record of it; `arch` is the processor's own name."""

    folder: Path
    contents: Path
    place: Place
    facts: Facts
    spec: InstallSpec
    overrides: Path
    epoch: int
    arch: str
    codec: str
    compression: int
    capabilities: Mapping[str, str] = field(default_factory=dict)
    built: tuple[Path, ...] = ()
    signer: Gpg | None = None
    shelf: Path | None = None

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        require_fit((file.path for file in contents.files), "linux")
        plan = self._plan(contents)
        packed = [(number, item.entry) for number, item in enumerate(plan.items) if item.is_packed]
        size = cpio_size(packed)
        with spooled(self.place.target.parent) as spool:
            stored = Summed(spool)
            with compressing(self.codec, stored, compression=self.compression, size=size, shelf=Shelf.at(self.shelf)) as packer:
                loose = Summed(packer)
                write_cpio(loose, packed, epoch=self.epoch)
            level = min(find_codec(self.codec).level(self.compression), 9 if self.codec == "gzip" else 22)
            payload = Payload(codec=self.codec, level=level, sha256=stored.digest(), unpacked_sha256=loose.digest())
            out = self._write(main_header(plan, payload), spool, size)
        self.place.note(
            out.size,
            out.digests(),
            platform=contents.platform,
            variant=contents.variant,
            tools=find_codec(self.codec).tools(self.compression),
        )

    def _plan(self, contents: Contents) -> Plan:
        folders = Folders.packaged(self.spec.name, self.facts.package)
        made = service_files(self.spec, folders, self.overrides)
        files = relocated(installed(self.folder, contents, self.spec.name, folders, made), self.facts)
        asked = {destination(path, self.spec.name, folders).lstrip("/"): text for path, text in self.capabilities.items()}
        require_known(asked, files)
        items = listed(files, capabilities=asked)
        scripts = scriptlets(self.spec, folders, self.overrides)
        # A program that unpacks libraries when it starts does not show what they need.
        binaries = needs.binaries_of(files, recorded(self.built))
        refuse_foreign(binaries, "usr/bin/", "linux", self.arch)
        configured = any(item.flags & CONFIG for item in items)
        requires = (
            *needs.found_needs(files, binaries, self.arch),
            *needs.scripted(scripts, services=bool(self.spec.services)),
            *needs.abilities(self.facts, items, self.codec),
            *((needs.configured_need(self.facts),) if configured else ()),
        )
        provides = tuple(needs.offered(binaries, self.facts, self.arch, configured=configured))
        return Plan(facts=self.facts, items=items, requires=requires, provides=provides, scripts=scripts, epoch=self.epoch)

    def _write(self, main: bytes, spool: IO[bytes], unpacked: int) -> HashingWriter:
        size = spool.tell()
        signature = self.signer.sign(iter((main,))) if self.signer is not None else b""
        with self.place.writer() as out:
            out.write(lead(self.facts.label, self.facts.architecture))
            out.write(signature_header(main, chunks_of(spool), size=size, unpacked=unpacked, signature=signature))
            out.write(main)
            for chunk in chunks_of(spool):
                out.write(chunk)
        return out


def plan_rpms(release: Release) -> tuple[Step, ...]:
    """Plan a package of every Linux distribution that was asked for and gets one."""
    own = release.project.root
    texts = tuple(text for folder in ("templates/rpm", "installers/systemd") for text in sources(folder, overrides=own))
    return tuple(_step(release, cell, texts) for cell in cells_with(release, KIND, release.cells))


def rpm_names(release: Release) -> tuple[str, ...]:
    """The file names of all RPM packages that the project can have."""
    cells = cells_with(release, KIND, release.matrix)
    return tuple(facts_of(release, cell.variant, cell.platform.rpm).file_name for cell in cells)


def _step(release: Release, cell: Cell, texts: tuple[Path, ...]) -> Step:
    project = release.project
    facts = facts_of(release, cell.variant, cell.platform.rpm)
    codec, level = parse(project.rpm.compression)
    pack = PackRpm(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, facts.file_name, MEDIA_TYPE, folder=FOLDER),
        facts=facts,
        spec=InstallSpec.of(release, cell),
        overrides=project.root,
        epoch=release.epoch,
        arch=cell.platform.arch,
        codec=codec,
        compression=level or project.compression,
        capabilities=project.rpm.capabilities,
        built=release.facts_of(cell),
        signer=package_signer(release),
        shelf=shelf_of(release, cell),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.rpm",
        doc=f"Pack {facts.file_name}",
        run=pack,
        inputs=(pack.contents, *texts),
        outputs=pack.place.outputs,
        needs=usable(pack.signer),
    )
