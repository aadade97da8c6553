"""Packages for Windows Installer: a description that wixl compiles, made complete and the same at every build."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process, tools
from slipway.contents import Contents
from slipway.errors import ConfigError, GateError, VerificationError
from slipway.files import chunks_of, explained
from slipway.layout import Folders, InstallSpec
from slipway.manifest import Place
from slipway.model import Cell, Release
from slipway.packagers.choice import cells_with
from slipway.packagers.entries import Entry, require_fit
from slipway.packagers.msi.deterministic import NO_CODE, settle
from slipway.packagers.msi.facts import Facts, facts_of, file_name
from slipway.packagers.msi.spelling import DOLLAR, TABLES, has_spelling, restored
from slipway.packagers.msi.tables import CODEPAGE, tables
from slipway.packagers.msi.wxs import ICON, TEMPLATES, Product, product_of, source_of, wxs
from slipway.packagers.payload import installed
from slipway.render import sources
from slipway.signing.authenticode import Authenticode
from slipway.signing.signers import usable, windows_signer
from slipway.steps import Step

KIND: Final = "msi"
MEDIA_TYPE: Final = "application/x-msi"
FOLDER: Final = "binaries"
MADE: Final = "product.msi"
# The Media table numbers files with 15 bits, a cabinet the blocks of 32 KiB of its one folder with 16 (MS-CAB 2.3).
_MOST_FILES: Final = 32767
_MOST_BYTES: Final = 65535 * 32768
# The compilers write the time of each file as the zone has it.
_ZONE: Final = {"TZ": "UTC", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class NeedTool:
    """Refuse a run without a program that makes these packages."""

    name: str

    def __call__(self) -> None:
        """Look for it; raises GateError."""
        try:
            tools.require(self.name)
        except GateError as error:
            leave = "or leave msi out: PACKAGE_FORMATS, and packages in [project]"
            raise GateError(f"{error.message}: no .msi can be made", hint=f"{error.hint}; {leave}") from error


@dataclass(frozen=True, slots=True)
class NeedVersion:
    """Refuse a version that Windows Installer cannot compare, before any work."""

    facts: Facts

    def __call__(self) -> None:
        """Map the version; raises ConfigError."""
        _ = self.facts.product_version


@dataclass(frozen=True, slots=True, kw_only=True)
class PackMsi:
    """Pack a staged distribution for Windows Installer and write the record of it."""

    folder: Path
    contents: Path
    place: Place
    facts: Facts
    spec: InstallSpec
    icon: Path | None
    overrides: Path
    epoch: int
    signer: Authenticode | None = None

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        entries = self._entries(contents)
        product = product_of(self.facts, self.spec, entries, icon=ICON if self.icon else "")
        folder = self.place.target.parent
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with explained(self.place.target), tempfile.TemporaryDirectory(prefix=f".{self.place.name}.", dir=folder) as work:
            made = self._compiled(Path(work), entries, product)
            settle(made, self.epoch, product.code)
            if self.signer is not None:
                self.signer.sign(made)
            with self.place.writer() as out, made.open("rb") as file:
                for chunk in chunks_of(file):
                    out.write(chunk)
        self.place.note(
            out.size,
            out.digests(),
            platform=contents.platform,
            variant=contents.variant,
            tools={name: tools.require(name).version for name in ("wixl", "msitools")},
        )

    def _entries(self, contents: Contents) -> tuple[Entry, ...]:
        require_fit((file.path for file in contents.files), "windows")
        _require_limits(contents)
        places = Folders.under("", self.spec.name, config=f"/etc/{self.spec.name}", state="", logs="", units="")
        found = installed(self.folder, contents, self.spec.name, places, gzip_manuals=False)
        _require_apart(entry.path for entry in found)
        return tuple(sorted(found, key=lambda entry: entry.path))

    def _compiled(self, work: Path, entries: Iterable[Entry], product: Product) -> Path:
        """Let wixl and msibuild work in a folder of their own, so that no path of this machine gets into the package."""
        for number, entry in enumerate(entries):
            self._lay(work / source_of(number), entry)
        if self.icon is not None:
            self._lay(work / ICON, Entry(path=ICON, mode=0o644, data=_icon(self.icon)))
        texts = tables(product)
        for name, data in {"product.wxs": wxs(product, self.overrides).encode(), **texts}.items():
            (work / name).write_bytes(data)
        wixl = str(tools.require("wixl").path)
        process.run([wixl, "-a", self.facts.platform, *DOLLAR, "-o", MADE, "product.wxs"], cwd=work, env=_ZONE)
        self._completed(work, [name for name in texts if name != CODEPAGE])
        return work / MADE

    def _completed(self, work: Path, imports: list[str]) -> None:
        """Put in what wixl cannot, and the texts that it could not have held."""
        msiinfo = tools.require("msitools").path
        msibuild = str(msiinfo.with_name("msibuild"))
        process.run([msibuild, MADE, "-i", CODEPAGE], cwd=work, env=_ZONE)
        for name in TABLES:
            done = process.question([str(msiinfo), "export", MADE, name], cwd=work, env=_ZONE)
            if has_spelling(done.answer):
                (work / f"{name}.idt").write_text(restored(done.answer), encoding="utf-8", newline="")
                imports.append(f"{name}.idt")
        said = (self.facts.title, self.facts.manufacturer, f"{self.facts.platform};1033")
        words = [word for name in imports for word in ("-i", name)]
        process.run([msibuild, MADE, *words, "-s", *said, NO_CODE], cwd=work, env=_ZONE)

    def _lay(self, path: Path, entry: Entry) -> None:
        """Write a file, verified, with the release's time, which goes into the cabinet."""
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as out:
            entry.write_to(out)
        os.utime(path, (self.epoch, self.epoch))


def plan_msis(release: Release) -> tuple[Step, ...]:
    """Plan the packages of every Windows distribution that was asked for: one for each scope."""
    texts = sources(TEMPLATES, overrides=release.project.root)
    return tuple(
        _step(release, cell, scope, texts)
        for cell in cells_with(release, KIND, release.cells)
        for scope in release.project.msi.scopes
    )


def msi_names(release: Release) -> tuple[str, ...]:
    """The file names of all packages for Windows Installer that the project can have."""
    cells = cells_with(release, KIND, release.matrix)
    return tuple(file_name(release, cell, scope) for cell in cells for scope in release.project.msi.scopes)


def _step(release: Release, cell: Cell, scope: str, texts: tuple[Path, ...]) -> Step:
    project = release.project
    name = file_name(release, cell, scope)
    pack = PackMsi(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, name, MEDIA_TYPE, folder=FOLDER),
        facts=facts_of(release, cell, scope),
        spec=InstallSpec.of(release, cell),
        icon=project.root / project.msi.icon if project.msi.icon else None,
        overrides=project.root,
        epoch=release.epoch,
        signer=windows_signer(release),
    )
    return Step(
        stage="package-binaries",
        key=f"{cell.id}.msi{'-user' if scope == 'user' else ''}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(pack.contents, *([pack.icon] if pack.icon else []), *texts),
        outputs=pack.place.outputs,
        needs=(NeedTool("wixl"), NeedTool("msitools"), NeedVersion(pack.facts), *usable(pack.signer)),
    )


def _icon(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", key="msi.icon", hint="name an .ico file") from error


def _require_limits(contents: Contents) -> None:
    """Refuse what a cabinet cannot hold, and a package that would hold nothing."""
    total = sum(file.size for file in contents.files)
    if not contents.files:
        raise VerificationError(f"{contents.name} has no files: Windows Installer has no packages of nothing")
    if len(contents.files) > _MOST_FILES or total > _MOST_BYTES:
        raise VerificationError(
            f"{contents.name} has {len(contents.files)} files of {total} bytes: a .msi holds at most {_MOST_FILES} files "
            f"and {_MOST_BYTES} bytes",
            hint="leave components out of the variant, or leave msi out: PACKAGE_FORMATS, and packages in [project]",
        )


def _require_apart(paths: Iterable[str]) -> None:
    """Refuse names that are one name for Windows."""
    seen: dict[str, str] = {}
    for path in paths:
        if (other := seen.setdefault(path.casefold(), path)) != path:
            raise VerificationError(f"{other} and {path} are one name for Windows", hint="rename one of them")
