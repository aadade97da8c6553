"""What the script `package-binaries` makes: archives of the bare programs of each platform, and copies of the packages."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.compress import compressing
from slipway.errors import GateError, UsageError
from slipway.files import HashingWriter, copy_hashed, digest_file, write_atomic
from slipway.model import Release
from slipway.packagers import FORMATS
from slipway.packagers.entries import Entry, with_folders
from slipway.packagers.tar import tar_size, write_tar
from slipway.packagers.zip import write_zip
from slipway.platforms import PLATFORMS, Platform
from slipway.rules import PACKAGES
from slipway.steps import Step
from slipway.symbols import is_strippable, strip

STAGE: Final = "package-binaries"
ARCHIVE: Final = "archive"
ALL: Final = "all"
LIST: Final = "SHA256SUMS"
# What is packed for no platform needs no programs.
_ANYWHERE: Final = ("source",)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinariesWish:
    """What `package-binaries` is asked for; packages stay where the manifest lists them when there is no `output`."""

    kind: str
    source: Path
    output: Path | None = None
    compress: bool = True
    strip: bool = False
    checksum: bool = False

    @property
    def packages(self) -> tuple[str, ...]:
        """The formats of packages that are wanted."""
        return PACKAGES if self.kind == ALL else () if self.kind == ARCHIVE else (self.kind,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackBinaries:
    """Pack the programs of one platform under one folder."""

    folder: Path
    target: Path
    name: str
    platform: str
    compress: bool
    strip: bool
    compression: int
    epoch: int

    def __call__(self) -> None:
        """Pack; raises GateError when there is nothing for the platform."""
        found = _programs(self.folder)
        with tempfile.TemporaryDirectory() as scratch, HashingWriter(self.target) as out:
            files = _stripped(found, Path(scratch), PLATFORMS[self.platform]) if self.strip else found
            self._write(out, with_folders(_entries(files, self.name)))

    def _write(self, out: HashingWriter, entries: tuple[Entry, ...]) -> None:
        if self.target.suffix == ".zip":
            write_zip(out, entries, epoch=self.epoch, compression=self.compression)
        elif self.compress:
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


def require_wish(release: Release, wish: BinariesWish) -> None:
    """Raise UsageError for a wish that makes no sense, GateError when programs are missing that it needs."""
    if wish.packages and not wish.compress:
        raise UsageError(
            "--no-compress is for archives: packages are compressed as their managers want it",
            hint="leave it out, or say the compression in slipway.toml, such as compression in [deb]",
        )
    if wish.packages and not packages_of(release, wish):
        names = ", ".join(row.id for row in release.platforms)
        raise UsageError(f"there are no packages of the format {wish.kind} for {names}", hint="name others with --platforms")
    if wish.kind not in _ANYWHERE:
        for platform in release.platforms:
            _programs(wish.source / platform.id)


def packages_of(release: Release, wish: BinariesWish) -> tuple[Path, ...]:
    """The packages that are wanted, where they are made."""
    wanted = (each for each in FORMATS if each.kind in wish.packages)
    return tuple(step.outputs[0] for each in wanted for step in each.plan(release))


def plan_binaries(release: Release, wish: BinariesWish) -> tuple[Step, ...]:
    """Plan the archives of bare programs, copies of the packages where another folder is asked for, and the list of both."""
    usual = release.paths.packages / "binaries"
    steps = [*_archives(release, wish, wish.output or usual), *_copies(packages_of(release, wish), wish.output)]
    made = [step.outputs[0] for step in steps]
    if wish.output is None:
        # Those for no platform lie in packages/, whose own list has them.
        made += [path for path in packages_of(release, wish) if path.parent == usual]
    if wish.checksum and made:
        listing = ListDigests(files=tuple(made), target=(wish.output or usual) / LIST)
        steps.append(
            Step(stage=STAGE, key=LIST, doc="List the digests", run=listing, inputs=tuple(made), outputs=(listing.target,))
        )
    return tuple(steps)


def _archives(release: Release, wish: BinariesWish, output: Path) -> Iterator[Step]:
    for platform in release.platforms if wish.kind in {ARCHIVE, ALL} else ():
        yield _archive_step(release, platform, wish, output)


def _copies(made: Iterable[Path], output: Path | None) -> Iterator[Step]:
    for source in made if output else ():
        target = Path(output or "") / source.name
        if target != source:
            run = CopyPackage(source=source, target=target)
            yield Step(
                stage=STAGE, key=f"copy.{target.name}", doc=f"Copy {target.name}", run=run, inputs=(source,), outputs=(target,)
            )


def _archive_step(release: Release, platform: Platform, wish: BinariesWish, output: Path) -> Step:
    name = f"{release.base}-{platform.id}"
    packed = "zip" if platform.archive == "zip" else "tar.gz"
    run = PackBinaries(
        folder=wish.source / platform.id,
        target=output / f"{name}.{packed if wish.compress else 'tar'}",
        name=name,
        platform=platform.id,
        compress=wish.compress,
        strip=wish.strip,
        compression=release.project.compression,
        epoch=release.epoch,
    )
    return Step(stage=STAGE, key=platform.id, doc=f"Pack the binaries of {platform.id}", run=run, outputs=(run.target,))


def _programs(folder: Path) -> list[Path]:
    if not (found := sorted(path for path in folder.glob("*") if path.is_file())):
        raise GateError(f"there are no binaries in {folder}", hint="compile them first: doit compile-platform")
    return found


def _entries(files: Iterable[Path], name: str) -> Iterator[Entry]:
    for path in files:
        yield Entry(path=f"{name}/{path.name}", mode=0o755, size=path.stat().st_size, source=path, sha256=digest_file(path))


def _stripped(files: Iterable[Path], scratch: Path, platform: Platform) -> list[Path]:
    for path in files:
        copy = Path(shutil.copyfile(path, scratch / path.name))
        if is_strippable(copy):
            strip(copy, platform)
    return sorted(scratch.iterdir())
