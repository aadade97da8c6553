"""Archives: one tar or zip per distribution, with one folder at the top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.compress import Sink, compressing, find_codec
from slipway.contents import Contents
from slipway.errors import ConfigError
from slipway.files import HashingWriter
from slipway.manifest import Artifact, digest_names, record, record_path
from slipway.model import Cell, Release
from slipway.packagers.entries import Entry, require_fit, with_folders
from slipway.packagers.tar import tar_size, write_tar
from slipway.packagers.zip import write_zip
from slipway.platforms import PLATFORMS
from slipway.steps import Step

KIND: Final = "archive"


@dataclass(frozen=True, slots=True)
class ArchiveFormat:
    """How the archives of one suffix are made."""

    codec: str
    media_type: str
    write: Callable[[Sink, tuple[Entry, ...], int, int], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackArchive:
    """Pack a staged distribution and write the record of the archive."""

    folder: Path
    contents: Path
    target: Path
    record: Path
    release: str
    format: str
    compression: int
    epoch: int
    digests: tuple[str, ...]

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was staged."""
        contents = Contents.load(self.contents)
        platform = PLATFORMS.get(contents.platform)
        require_fit((file.path for file in contents.files), platform.family if platform else "")
        entries = archive_entries(self.folder, contents)
        kind = ARCHIVES[self.format]
        with HashingWriter(self.target, *self.digests) as out:
            tools = kind.write(out, entries, self.epoch, self.compression)
        made = Artifact(
            kind=KIND,
            name=self.target.name,
            path=self.target.name,
            size=out.size,
            digests=out.digests(),
            media_type=kind.media_type,
            platform=contents.platform,
            variant=contents.variant,
            tools=tools,
        )
        record(self.record, self.release, made)


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
        target=release.paths.packages / name,
        record=record_path(release, name),
        release=release.base,
        format=suffix,
        compression=release.project.compression,
        epoch=release.epoch,
        digests=digest_names(release.project),
    )
    return Step(
        stage="create-archives",
        key=f"{cell.id}.{suffix}",
        doc=f"Pack {name}",
        run=pack,
        inputs=(pack.contents,),
        outputs=(pack.target, pack.record),
    )


def _tar(codec: str, media_type: str) -> ArchiveFormat:
    def write(out: Sink, entries: tuple[Entry, ...], epoch: int, compression: int) -> dict[str, str]:
        size = tar_size(entries)
        with compressing(codec, out, compression=compression, size=size) as packed:
            write_tar(packed, entries, epoch=epoch)
        return find_codec(codec).tools(compression, size)

    return ArchiveFormat(codec, media_type, write)


def _zip(out: Sink, entries: tuple[Entry, ...], epoch: int, compression: int) -> dict[str, str]:
    write_zip(out, entries, epoch=epoch, compression=compression)
    return find_codec("gzip").tools(compression, max((entry.size for entry in entries), default=0))


ARCHIVES: Final[Mapping[str, ArchiveFormat]] = {
    "tar.gz": _tar("gzip", "application/gzip"),
    "tar.xz": _tar("xz", "application/x-xz"),
    "tar.zst": _tar("zstd", "application/zstd"),
    "zip": ArchiveFormat("gzip", "application/zip", _zip),
}
