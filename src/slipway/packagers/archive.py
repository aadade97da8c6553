"""Archives: one tar, zip or 7z per distribution, with one folder at the top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.compress import compressing, find_codec
from slipway.contents import Contents
from slipway.deflated import Shelf
from slipway.errors import ConfigError
from slipway.files import Sink
from slipway.manifest import Place
from slipway.model import Cell, Release
from slipway.packagers.choice import shelf_of
from slipway.packagers.entries import Entry, require_fit, with_folders
from slipway.packagers.sevenzip import write_7z
from slipway.packagers.tar import tar_size, write_tar
from slipway.packagers.zip import write_zip
from slipway.platforms import PLATFORMS
from slipway.steps import Step

KIND: Final = "archive"


@dataclass(frozen=True, slots=True)
class ArchiveFormat:
    """How the archives of one suffix are made."""

    media_type: str
    write: Callable[[Sink, tuple[Entry, ...], Packing], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Packing:
    """What decides the bytes of an archive beside its entries, and the shelf of what is deflated already."""

    epoch: int
    compression: int
    shelf: Shelf | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PackArchive:
    """Pack a staged distribution and write the record of the archive."""

    folder: Path
    contents: Path
    place: Place
    format: str
    compression: int
    epoch: int
    shelf: Path | None = None

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        platform = PLATFORMS.get(contents.platform)
        require_fit((file.path for file in contents.files), platform.family if platform else "")
        entries = archive_entries(self.folder, contents)
        kind = ARCHIVES[self.format]
        with self.place.writer() as out:
            tools = kind.write(out, entries, Packing(self.epoch, self.compression, Shelf.at(self.shelf)))
        self.place.note(out.size, out.digests(), platform=contents.platform, variant=contents.variant, tools=tools)


def plan_archives(release: Release) -> tuple[Step, ...]:
    """Plan an archive of every distribution that was asked for, in each format that its platform wants."""
    return tuple(_step(release, cell, suffix) for cell in release.cells for suffix in formats_of(release, cell))


def archive_names(release: Release) -> tuple[str, ...]:
    """The file names of all archives that the project can have."""
    return tuple(f"{release.name_of(cell)}.{suffix}" for cell in release.matrix for suffix in formats_of(release, cell))


def formats_of(release: Release, cell: Cell) -> tuple[str, ...]:
    """The archive formats of a distribution; raises ConfigError for one that is not known."""
    formats = release.project.on(cell.platform).archives or (cell.platform.archive,)
    for suffix in formats:
        if suffix not in ARCHIVES:
            raise ConfigError(
                f"unknown archive format {suffix!r}",
                file=release.project.file,
                key=f"platforms.{cell.platform.id}.archives",
                hint=f"valid are {', '.join(ARCHIVES)}",
            )
    return tuple(dict.fromkeys(formats))


def archive_entries(folder: Path, contents: Contents) -> tuple[Entry, ...]:
    """The files of a staged distribution under one folder of its name."""
    files = (
        Entry(
            path=f"{contents.name}/{file.path}",
            mode=file.mode,
            size=file.size,
            source=folder / file.path,
            sha256=file.sha256,
        )
        for file in contents.files
    )
    return with_folders(files)


def _step(release: Release, cell: Cell, suffix: str) -> Step:
    name = f"{release.name_of(cell)}.{suffix}"
    pack = PackArchive(
        folder=release.staged(cell),
        contents=release.contents(cell),
        place=Place.of(release, KIND, name, ARCHIVES[suffix].media_type),
        format=suffix,
        compression=release.project.on(cell.platform).levels.get(suffix, release.project.compression),
        epoch=release.epoch,
        shelf=shelf_of(release, cell),
    )
    return Step(
        stage="create-archives",
        key=f"{cell.id}.{suffix}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(pack.contents,),
        outputs=pack.place.outputs,
    )


def _tar(codec: str, media_type: str) -> ArchiveFormat:
    def write(out: Sink, entries: tuple[Entry, ...], how: Packing) -> dict[str, str]:
        with compressing(codec, out, compression=how.compression, size=tar_size(entries), shelf=how.shelf) as packed:
            write_tar(packed, entries, epoch=how.epoch)
        return find_codec(codec).tools(how.compression)

    return ArchiveFormat(media_type, write)


def _plain(out: Sink, entries: tuple[Entry, ...], how: Packing) -> dict[str, str]:
    write_tar(out, entries, epoch=how.epoch)
    return {}


def _zip(out: Sink, entries: tuple[Entry, ...], how: Packing) -> dict[str, str]:
    write_zip(out, entries, epoch=how.epoch, compression=how.compression, shelf=how.shelf)
    return find_codec("gzip").tools(how.compression)


def _7z(out: Sink, entries: tuple[Entry, ...], how: Packing) -> dict[str, str]:
    return write_7z(out, entries, epoch=how.epoch, compression=how.compression)


ARCHIVES: Final[Mapping[str, ArchiveFormat]] = {
    "tar.gz": _tar("gzip", "application/gzip"),
    "tar.xz": _tar("xz", "application/x-xz"),
    "tar.zst": _tar("zstd", "application/zstd"),
    "tar.br": _tar("brotli", "application/x-brotli"),
    "tar": ArchiveFormat("application/x-tar", _plain),
    "7z": ArchiveFormat("application/x-7z-compressed", _7z),
    "zip": ArchiveFormat("application/zip", _zip),
}
