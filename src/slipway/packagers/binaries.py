"""What the script `package-binaries` makes: archives of the bare binaries in `dist/platform/`, or Debian packages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway import process, tools
from slipway.compress import compressing
from slipway.errors import GateError
from slipway.files import HashingWriter, copy_hashed, digest_file, write_atomic
from slipway.model import Release
from slipway.packagers.deb import plan_debs
from slipway.packagers.entries import Entry, with_folders
from slipway.packagers.tar import tar_size, write_tar
from slipway.packagers.zip import write_zip
from slipway.platforms import Platform
from slipway.steps import Step

STAGE: Final = "package-binaries"
Planned = tuple[tuple[Step, ...], tuple[Path, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinariesWish:
    """What `package-binaries` is asked for."""

    source: Path
    output: Path
    compress: bool = True
    strip: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PackBinaries:
    """Pack the binaries of one platform under one folder."""

    folder: Path
    target: Path
    name: str
    wish: BinariesWish
    compression: int
    epoch: int

    def __call__(self) -> None:
        """Pack; raises GateError when nothing has been compiled for the platform."""
        found = sorted(path for path in self.folder.glob("*") if path.is_file())
        if not found:
            raise GateError(f"there are no binaries in {self.folder}", hint="compile them first: doit compile-platform")
        with tempfile.TemporaryDirectory() as scratch, HashingWriter(self.target) as out:
            files = _stripped(found, Path(scratch)) if self.wish.strip else found
            self._write(out, with_folders(_entries(files, self.name)))

    def _write(self, out: HashingWriter, entries: tuple[Entry, ...]) -> None:
        if self.target.suffix == ".zip":
            write_zip(out, entries, epoch=self.epoch, compression=self.compression)
        elif self.wish.compress:
            with compressing("gzip", out, compression=self.compression, size=tar_size(entries)) as packed:
                write_tar(packed, entries, epoch=self.epoch)
        else:
            write_tar(out, entries, epoch=self.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDigests:
    """Write the SHA-256 of some files beside them."""

    files: tuple[Path, ...]
    target: Path

    def __call__(self) -> None:
        """Write `SHA256SUMS`."""
        lines = (f"{digest_file(path)}  {path.name}\n" for path in sorted(self.files))
        write_atomic(self.target, "".join(lines).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPackage:
    """Copy a package to another folder."""

    source: Path
    target: Path

    def __call__(self) -> None:
        """Copy."""
        copy_hashed(self.source, self.target, mode=0o644)


def plan_binaries(release: Release, wish: BinariesWish, kind: str, *, checksum: bool) -> tuple[Step, ...]:
    """Plan the packages of one kind of each platform that was asked for, and the list of their digests."""
    steps, made = _KINDS[kind](release, wish)
    if not checksum:
        return steps
    target = wish.output / "SHA256SUMS"
    listing = ListDigests(files=made, target=target)
    return (*steps, Step(stage=STAGE, key="SHA256SUMS", doc="List the digests", run=listing, inputs=made, outputs=(target,)))


def _archives(release: Release, wish: BinariesWish) -> Planned:
    steps = tuple(_archive_step(release, row, wish) for row in release.platforms)
    return steps, tuple(path for step in steps for path in step.outputs)


def _debs(release: Release, wish: BinariesWish) -> Planned:
    """Debian packages are made where the manifest lists them, and copied from there."""
    packing = plan_debs(release)
    made = tuple(step.outputs[0] for step in packing)
    copies = tuple(_copy_step(path, wish.output / path.name) for path in made if path.parent != wish.output)
    return (*packing, *copies), tuple(wish.output / path.name for path in made)


def _copy_step(source: Path, target: Path) -> Step:
    run = CopyPackage(source=source, target=target)
    return Step(stage=STAGE, key=f"copy.{target.name}", doc=f"Copy {target.name}", run=run, inputs=(source,), outputs=(target,))


def _archive_step(release: Release, platform: Platform, wish: BinariesWish) -> Step:
    name = f"{release.base}-{platform.id}"
    packed = "zip" if platform.archive == "zip" else "tar.gz"
    run = PackBinaries(
        folder=wish.source / platform.id,
        target=wish.output / f"{name}.{packed if wish.compress else 'tar'}",
        name=name,
        wish=wish,
        compression=release.project.compression,
        epoch=release.epoch,
    )
    return Step(stage=STAGE, key=platform.id, doc=f"Pack the binaries of {platform.id}", run=run, outputs=(run.target,))


def _entries(files: list[Path], name: str) -> Iterator[Entry]:
    for path in files:
        yield Entry(path=f"{name}/{path.name}", mode=0o755, size=path.stat().st_size, source=path, sha256=digest_file(path))


def _stripped(files: list[Path], scratch: Path) -> list[Path]:
    strip = tools.require("strip").path
    for path in files:
        shutil.copyfile(path, scratch / path.name)
        process.run([strip, scratch / path.name])
    return sorted(scratch.iterdir())


_KINDS: Final[Mapping[str, Callable[[Release, BinariesWish], Planned]]] = {"archive": _archives, "deb": _debs}
