"""Packages of symbols: what was taken out of a platform's programs, for debuggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from slipway.components import TreeComponent
from slipway.compress import compressing, find_codec
from slipway.contents import Contents
from slipway.manifest import Place
from slipway.model import Cell, Release
from slipway.packagers.entries import Entry, require_fit, with_folders
from slipway.packagers.tar import tar_size, write_tar
from slipway.platforms import Platform
from slipway.steps import Step
from slipway.symbols import can_split

KIND: Final = "symbols"
SUFFIX: Final = ".tar.xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSymbols:
    """Pack the symbols of one platform's programs below one folder; `lists` say what each component's are."""

    lists: tuple[Path, ...]
    place: Place
    platform: str
    compression: int
    epoch: int

    def __call__(self) -> None:
        """Pack; raises VerificationError when a file is not what was kept."""
        top = self.place.name.removesuffix(SUFFIX)
        entries = with_folders(self._entries(top)) or (Entry(path=top, mode=0o755, is_folder=True),)
        require_fit((entry.path for entry in entries), "")
        size = tar_size(entries)
        with (
            self.place.writer() as out,
            compressing("xz", out, compression=self.compression, size=size) as packed,
        ):
            write_tar(packed, entries, epoch=self.epoch)
        self.place.note(out.size, out.digests(), platform=self.platform, tools=find_codec("xz").tools(self.compression))

    def _entries(self, top: str) -> Iterator[Entry]:
        # Two programs may be one file under two names: their symbols are the same.
        seen: set[str] = set()
        for listed in self.lists:
            for file in Contents.load(listed).files:
                if file.path not in seen:
                    seen.add(file.path)
                    source = listed.with_suffix("") / file.path
                    yield Entry(path=f"{top}/{file.path}", mode=file.mode, size=file.size, source=source, sha256=file.sha256)


def plan_symbols(release: Release) -> tuple[Step, ...]:
    """Plan a package of symbols for each platform whose programs are parted from them."""
    return tuple(_step(release, platform) for platform in _platforms(release, release.platforms))


def symbol_names(release: Release) -> tuple[str, ...]:
    """The file names of all packages of symbols that the project can have."""
    rows = {cell.platform.id: cell.platform for cell in release.matrix}
    return tuple(_name(release, platform) for platform in _platforms(release, tuple(rows.values())))


def _platforms(release: Release, rows: tuple[Platform, ...]) -> tuple[Platform, ...]:
    if release.project.symbols != "separate":
        return ()
    return tuple(row for row in rows if can_split(row))


def _name(release: Release, platform: Platform) -> str:
    return f"{release.base}-{platform.id}-symbols{SUFFIX}"


def _step(release: Release, platform: Platform) -> Step:
    name = _name(release, platform)
    parts = [part for part in release.project.components if not isinstance(part, TreeComponent) and part.programs]
    pack = PackSymbols(
        lists=tuple(release.symbols(platform, part.name) for part in parts),
        place=Place.of(release, KIND, name, find_codec("xz").media_type),
        platform=platform.id,
        compression=release.project.compression,
        epoch=release.epoch,
    )
    return Step(
        stage="package-binaries",
        # Symbols belong to all variants: they are made with the first.
        key=f"{Cell(platform=platform, variant=release.project.variants[0]).id}.{KIND}",
        doc=f"Pack {name}",
        run=pack,
        inputs=pack.lists,
        outputs=pack.place.outputs,
    )
